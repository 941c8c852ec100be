"""A seed of another make: Debian's transmission-daemon, on loopback."""

import asyncio
import base64
import json
import os
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from tests.rig.ports import free_port
from tests.rig.process import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.rig.torrents import Torrent

# A loaded machine may take a second to start a process and to hash a small film; longer means it does neither. s
STARTING: Final = 20.0
RETRY: Final = 0.02  # s between two looks: transmission tells nobody
SEEDING: Final = 6  # its RPC's status of a torrent that is complete and verified
# Its RPC wants every request to prove that it is no web page's (CSRF).
SESSION_ID: Final = "X-Transmission-Session-Id"
# Anything that would call on others than who asks.
QUIET: Final = ("--no-dht", "--no-lpd", "--no-portmap", "--no-utp", "--no-auth", "--no-watch-dir")


class TransmissionError(Exception):
    """transmission did not start, or does not seed; carries its own words."""


@asynccontextmanager
async def transmission(torrent: Torrent, folder: Path, address: str = "127.0.0.1") -> AsyncIterator[str]:
    """Seed `torrent`, whose content is in `folder`, with transmission; yield its address:port."""
    rpc, peer = free_port(address), free_port(address)
    with tempfile.TemporaryDirectory(prefix="torrent-cast-transmission-") as home, tempfile.TemporaryFile() as log:
        command = (
            *("transmission-daemon", "--foreground", "--log-info", *QUIET, "--config-dir", home),
            *("--rpc-bind-address", address, "--port", str(rpc), "--bind-address-ipv4", address),
            *("--peerport", str(peer), "--download-dir", str(folder)),
        )
        environment = {**os.environ, "HOME": home}
        async with (
            running(*command, stdout=log, stderr=log, env=environment) as process,
            aiohttp.ClientSession() as web,
        ):
            try:
                async with asyncio.timeout(STARTING):
                    await _seed(_Rpc(web, f"http://{address}:{rpc}/transmission/rpc"), torrent, process)
            except (TimeoutError, TransmissionError) as err:
                log.seek(0)
                message = f"transmission does not seed: {err}\n{log.read().decode(errors='replace')}"
                raise TransmissionError(message) from err
            yield f"{address}:{peer}"


class _Rpc:
    """What transmission understands, over HTTP."""

    def __init__(self, web: aiohttp.ClientSession, url: str) -> None:
        self._web = web
        self._url = url
        self._session_id = ""

    async def call(self, method: str, **arguments: object) -> dict[str, Any]:
        """Return the answer's arguments. Raises aiohttp.ClientError while it starts, TransmissionError."""
        body = json.dumps({"method": method, "arguments": arguments})
        async with self._web.post(self._url, data=body, headers={SESSION_ID: self._session_id}) as response:
            if response.status == 409:  # that is how it hands out its session id
                self._session_id = response.headers[SESSION_ID]
                return await self.call(method, **arguments)
            answer = json.loads(await response.read())
        if answer["result"] != "success":
            raise TransmissionError(answer["result"])
        found: dict[str, Any] = answer["arguments"]
        return found


async def _seed(rpc: _Rpc, torrent: Torrent, process: asyncio.subprocess.Process) -> None:
    """Wait until transmission listens, give it the torrent, and wait until it has verified all of it."""
    while process.returncode is None:
        try:
            await rpc.call("torrent-add", metainfo=base64.b64encode(torrent.metainfo).decode())
            break
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(RETRY)
    while process.returncode is None:
        (found,) = (await rpc.call("torrent-get", fields=["status", "percentDone"]))["torrents"]
        if found["status"] == SEEDING and found["percentDone"] == 1:
            return
        await asyncio.sleep(RETRY)
    message = f"ended with {process.returncode}"
    raise TransmissionError(message)
