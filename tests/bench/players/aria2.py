"""Debian's aria2: a downloader that can put a film's head first. It has neither stream nor seek."""

import asyncio
import base64
import os
import socket
from typing import Any, Final, override

import aiohttp

from tests.bench.arena import Arena
from tests.rig.process import start

from .base import Player
from .install import debian, output

# How often it is asked which pieces it has verified; s
POLL: Final = 0.005


class Head:
    """The film's first piece: verified or not."""

    def __init__(self, player: Aria2) -> None:
        self._player = player

    async def read(self) -> int:
        """Wait until the first piece is verified."""
        while not await self._player.has_first_piece():  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(POLL)
        return 1

    async def close(self) -> None:
        """Nothing was opened."""


class Aria2(Player):
    """aria2 with its JSON-RPC interface, told to download the head first."""

    name = "aria2"
    can_seek = False

    def __init__(self, arena: Arena) -> None:
        super().__init__(arena)
        self._client: aiohttp.ClientSession | None = None
        self._download = ""

    @classmethod
    @override
    async def install(cls) -> str:
        return (await output(await debian("aria2c", "aria2"), "--version")).splitlines()[0].split()[-1]

    @override
    async def launch(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}/jsonrpc"
        self.process = await start(
            *("aria2c", "--quiet", "--no-conf", "--enable-rpc", f"--rpc-listen-port={port}", f"--dir={self.folder}"),
            *("--enable-dht=false", "--enable-dht6=false", "--bt-prioritize-piece=head=1M", "--file-allocation=none"),
            env={**os.environ, "HOME": str(self.folder)},
        )
        self._client = aiohttp.ClientSession()
        while True:
            try:
                await self._call("getVersion")
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(POLL)
            else:
                return

    @override
    async def give(self) -> None:
        metainfo = await asyncio.to_thread(self.arena.torrent.read_bytes)
        self._download = await self._call("addTorrent", base64.b64encode(metainfo).decode())

    @override
    def stream(self, position: int) -> Head:
        assert position == 0
        return Head(self)

    async def has_first_piece(self) -> bool:
        """Tell whether its first piece is verified."""
        status = await self._call("tellStatus", self._download, ["bitfield"])
        return int(status.get("bitfield", "0")[0], 16) >= 8

    @override
    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
        await super().close()

    async def _call(self, method: str, *params: object) -> Any:  # noqa: ANN401  # JSON
        assert self._client is not None
        body = {"jsonrpc": "2.0", "id": "", "method": f"aria2.{method}", "params": params}
        async with self._client.post(self._url, json=body) as response:
            return (await response.json())["result"]
