"""What every player can be asked for, whoever made it."""

import asyncio
import os
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final, Protocol, Self

import aiohttp

from tests.bench.arena import Arena
from tests.rig.process import stop

# A hang, not a slow start; s
STARTING: Final = 30.0
# A read that takes longer never ends: the longest that a scenario waits out is 30 s (engine_seek.PATIENCE). s
HANGING: Final = 45.0
# A viewer takes what there is in such portions; bytes
PORTION: Final = 64 * 1024


class Unavailable(Exception):
    """A player cannot be had on this machine; says why."""


class Hung(Unavailable):
    """A player answers no more; it is not tried again."""


class Stream(Protocol):
    """Bytes of the film from some position on."""

    async def read(self) -> int:
        """Wait for more bytes and return their number."""

    async def close(self) -> None:
        """Want no more of it."""


class HttpStream:
    """A range that is open at its end, as a browser asks for it."""

    def __init__(self, client: aiohttp.ClientSession, url: str, position: int) -> None:
        self._client = client
        self._url = url
        self._position = position
        self._response: aiohttp.ClientResponse | None = None

    async def read(self) -> int:
        """Wait for more bytes and return their number."""
        if self._response is None:
            headers = {"Range": f"bytes={self._position}-"}
            self._response = await self._client.get(self._url, headers=headers)
            self._response.raise_for_status()
        return len(await self._response.content.read(PORTION))

    async def close(self) -> None:
        """Close the connection, as players do when they seek."""
        if self._response is not None:
            self._response.close()


class FileStream:
    """A file that appears as it is read (FUSE)."""

    def __init__(self, file: Path, position: int) -> None:
        self._file = file
        self._position = position

    async def read(self) -> int:
        """Wait for more bytes and return their number. Raises Hung; the read goes on until the file system ends."""
        try:
            async with asyncio.timeout(HANGING):
                count = await asyncio.to_thread(self._read)
        except TimeoutError as err:
            raise Hung("hung") from err
        self._position += count
        return count

    def _read(self) -> int:
        with self._file.open("rb", buffering=0) as file:
            file.seek(self._position)
            return len(file.read(PORTION))

    async def close(self) -> None:
        """Leave it."""


class Player(ABC):
    """One run of one player in one arena, a process of its own: `async with` starts and ends it."""

    name: ClassVar[str]
    can_seek: ClassVar[bool] = True
    # Whether its process can run before it is given a torrent
    process_before: ClassVar[bool] = True

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.folder = arena.fresh()
        self.process: asyncio.subprocess.Process | None = None
        # s from the program's start until it could be given a torrent
        self.process_start = 0.0

    @classmethod
    @abstractmethod
    async def install(cls) -> str:
        """See that the player is there and return its version. Raises Unavailable."""

    @abstractmethod
    async def launch(self) -> None:
        """Start the process, up to where it can be given a torrent."""

    @abstractmethod
    async def give(self) -> None:
        """Give it the torrent file; returns when it can be asked for bytes."""

    @abstractmethod
    def stream(self, position: int) -> Stream:
        """Return the film from byte `position` on; nothing is asked for before its first read."""

    async def __aenter__(self) -> Self:
        """Launch, and count how long it takes."""
        begin = time.monotonic()
        try:
            async with asyncio.timeout(STARTING):
                await self.launch()
        except BaseException:
            await self.close()
            raise
        self.process_start = time.monotonic() - begin
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the process."""
        await self.close()

    async def close(self) -> None:
        """End the process and forget what it has downloaded."""
        if self.process is not None:
            await stop(self.process)
            self.process = None
        with suppress(OSError):
            await asyncio.to_thread(_remove, self.folder)

    @property
    def cpu(self) -> float:
        """Return the CPU time (s) the process has taken so far."""
        assert self.process is not None
        return cpu_of(self.process.pid)


def cpu_of(pid: int) -> float:
    """Return user and system time (s) of a process and the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _remove(folder: Path) -> None:
    for entry in sorted(folder.rglob("*"), reverse=True):
        entry.rmdir() if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    folder.rmdir()
