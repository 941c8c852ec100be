"""Players that are run by a small program of ours each and serve HTTP by themselves."""

import asyncio
import json
import os
import sys
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Final, override

import aiohttp

from tests.bench.arena import Arena
from tests.rig.process import start
from tests.rig.torrents import import_directory, libtorrent

from .base import STARTING, HttpStream, Player, Unavailable
from .install import node_modules, npm, output

ROOT: Final = Path(__file__).parents[3]
NODE: Final = ROOT / "tests/bench/programs/node.cjs"


class Program(Player):
    """A program that prints "ready", reads a torrent file's path and prints "listening URL"."""

    def __init__(self, arena: Arena) -> None:
        super().__init__(arena)
        self.url = ""
        self._log = (arena.folder / f"{self.folder.name}.log").open("wb")
        self._client: aiohttp.ClientSession | None = None

    @abstractmethod
    async def command(self) -> list[str]:
        """Return the program to start."""

    def environment(self) -> dict[str, str]:
        """Return what the program's environment has beside ours."""
        return {}

    @override
    async def launch(self) -> None:
        command = await self.command()
        pipe = asyncio.subprocess.PIPE
        self.process = await start(
            *command, stdin=pipe, stdout=pipe, stderr=self._log, env=os.environ | self.environment()
        )
        self.url = await self._expect("ready")
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))

    @override
    async def give(self) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(f"{self.arena.torrent}\n".encode())
        async with asyncio.timeout(STARTING):
            self.url = await self._expect("listening ")

    @override
    def stream(self, position: int) -> HttpStream:
        assert self._client is not None
        return HttpStream(self._client, self.url, position)

    @override
    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
        await super().close()
        self._log.close()

    async def _expect(self, begin: str) -> str:
        """Return the rest of the next line that begins so; libraries have their own things to say."""
        assert self.process is not None
        assert self.process.stdout is not None
        while line := (await self.process.stdout.readline()).decode():
            if line.startswith(begin):
                return line.removeprefix(begin).strip()
        raise Unavailable(f"{self.name} ended: {' / '.join(await asyncio.to_thread(self._last_words))}")

    def _last_words(self) -> list[str]:
        return Path(self._log.name).read_text(errors="replace").strip().splitlines()[-3:]


class Ours(Program):
    """The integration's engine and its HTTP view."""

    name = "torrent-cast"

    @classmethod
    @override
    async def install(cls) -> str:
        described = await output("git", "-C", str(ROOT), "describe", "--always", "--dirty")
        return f"{described.strip()}, libtorrent {libtorrent().__version__}"

    @override
    async def command(self) -> list[str]:
        bitrate = f"--bitrate={self.arena.content.bitrate}"
        return [sys.executable, "-m", "tests.bench.programs.ours", str(self.folder), bitrate]

    @override
    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(ROOT)}

    async def inside(self) -> dict[str, Any]:
        """Return what the process tells of itself since it was last asked."""
        assert self._client is not None
        async with self._client.get(f"{self.url}inside") as response:
            found: dict[str, Any] = json.loads(await response.read())
        return found


class Plain(Program):
    """libtorrent through the same binding, with its defaults."""

    kind: ClassVar[str]

    @classmethod
    @override
    async def install(cls) -> str:
        return f"libtorrent {libtorrent().__version__}"

    @override
    async def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.bench.programs.plain", str(self.folder), self.kind]

    @override
    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": f"{ROOT}:{import_directory()}"}


class Sequential(Plain):
    """libtorrent's own mode for streaming."""

    name = "libtorrent-sequential"
    kind = "sequential"


class Deadlines(Plain):
    """What most streaming applications do with libtorrent: deadlines for a window of 16 pieces."""

    name = "libtorrent-deadlines"
    kind = "deadlines"


class Node(Program):
    """A player from npm."""

    @classmethod
    @override
    async def install(cls) -> str:
        described = json.loads(((await npm(cls.name)) / cls.name / "package.json").read_text())
        return f"{described['version']}, Node {(await output('node', '--version')).strip()}"

    @override
    async def command(self) -> list[str]:
        return ["node", str(NODE), self.name, str(self.folder)]

    @override
    def environment(self) -> dict[str, str]:
        return {"NODE_PATH": str(node_modules())}


class Peerflix(Node):
    """npm's peerflix."""

    name = "peerflix"


class Webtorrent(Node):
    """npm's webtorrent."""

    name = "webtorrent"
