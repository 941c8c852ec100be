"""The copy of a file on disk: trusted after a pass over all its pieces, and only while it stays as it was then.

Reading through libtorrent and hashing each piece is what everything else does. A file that is complete may go from
the disk to the socket without passing through us, if that is as safe: every piece of it was hashed as it stands on
disk, and nobody has written to it since.
"""

import asyncio
import logging
import os
import stat
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from .errors import TorrentCastError

if TYPE_CHECKING:
    from io import FileIO

    from .pieces import Run

_LOGGER = logging.getLogger(__name__)

# File systems keep times in steps, FAT in the longest, of 2 s: a file written to so recently could be written to once
# more without looking different. ns
SETTLED_NS: Final = 2_000_000_000
NS: Final = 1_000_000_000
# The pass rests this many times as long as a piece took to read and hash: three quarters of the disk, and of a core,
# are left to the film and to Home Assistant, however slow they are.
REST: Final = 3
# A file in which something was wrong, or that somebody writes to, is gone over again, but not for ever: it is served
# piece by piece then, as it was before.
PASSES: Final = 3
# What goes to the socket between two looks at the file: at a film's bitrate a second or two. To a client who takes it
# at once it doubles up to eight times as much: a look costs as much of the processor as a MiB does, 0.2 ms. Bytes and s
STRETCH: Final = 1024 * 1024
LONGEST: Final = 8 * STRETCH
AT_ONCE: Final = 0.02

type Learn = Callable[[int], Awaitable[object]]
"""Returns once there is something to check that piece with."""
type Check = Callable[[int, bytes], bool]
"""Tells whether these are the bytes of that piece. Blocks."""
type Mend = Callable[[int], Awaitable[object]]
"""Has a piece downloaded again if it is wrong on disk, and returns when it is right."""
type Send = Callable[[FileIO, int, int], Awaitable[int]]
"""Sends so many bytes of a file from an offset on, both in bytes, and returns how many it has sent."""


class ChangedOnDisk(Exception):
    """A file was written to while it was sent: what has gone out may be wrong."""


class Stamp(NamedTuple):
    """What a file is known by; times in ns."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int  # also by what leaves the bytes alone: a rename, a link, an unlink, other permissions

    @classmethod
    def of(cls, file: FileIO) -> Self:
        """Return the stamp of an open file. Raises OSError for what is not a regular one."""
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError("not a regular file")
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    @property
    def written(self) -> tuple[int, int, int, int]:
        """Return what changes when the bytes do."""
        return self.device, self.inode, self.size, self.modified

    @property
    def age(self) -> int:
        """Return how long ago the file was last touched, in ns; negative when that is in the future."""
        return time.time_ns() - max(self.modified, self.changed)


@dataclass(frozen=True, slots=True)
class Part:
    """What of a file is made of whole pieces: bytes `start` to `end` (exclusive) of the file at `path`.

    A piece that reaches into a neighbouring file cannot be hashed from this one.
    """

    path: Path
    start: int
    end: int
    first: int
    piece_length: int

    @property
    def pieces(self) -> range:
        """Return the pieces."""
        return range(self.first, self.first - (self.start - self.end) // self.piece_length)

    def place(self, piece: int) -> tuple[int, int]:
        """Return where `piece` is in the file, and its length; in bytes."""
        start = self.start + (piece - self.first) * self.piece_length
        return start, min(self.piece_length, self.end - start)


class Copy:
    """One file on disk. Nothing of it is trusted until a pass has come to its end."""

    def __init__(self, part: Part, run: Run, learn: Learn, check: Check, mend: Mend) -> None:
        self.part = part
        self._run = run
        self._learn = learn
        self._check = check
        self._mend = mend
        self._passes = 0
        self._task: asyncio.Task[None] | None = None
        self.stamp: Stamp | None = None  # as it was in the pass that proved it

    def prove(self) -> None:
        """Start going over the file in the background, unless that is under way, done, or was in vain too often."""
        if self.stamp is None and self._task is None and self._passes < PASSES and self.part.pieces:
            self._task = asyncio.create_task(self._prove(), name="torrent_cast verify")
            self._task.add_done_callback(self._ended)

    async def open(self) -> Opened | None:
        """Return the file, opened, if it is what was proven."""
        if self.stamp is None:
            return None
        try:
            file, stamp = await self._run(_open, self.part.path)
        except OSError:
            file, stamp = None, None
        if file is not None and stamp == self.stamp:
            return Opened(self, self._run, file, stamp)
        if file is not None:
            file.close()
        self.forget()
        return None

    def forget(self) -> None:
        """Trust the file no longer."""
        self.stamp = None

    def cancel(self) -> None:
        """Trust the file no longer, and end the pass."""
        self.forget()
        self._passes = PASSES
        if self._task is not None:
            self._task.cancel()

    async def close(self) -> None:
        """Do so and wait until nothing runs any more."""
        self.cancel()
        if self._task is not None:
            await asyncio.wait([self._task])

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOGGER.error("Cannot verify a file on disk: %s", type(error).__name__, exc_info=error)

    async def _prove(self) -> None:
        while self._passes < PASSES:
            self._passes += 1
            try:
                self.stamp = await self._go_over()
            except OSError, TorrentCastError:  # readers of it will find out
                return
            if self.stamp is not None:
                _LOGGER.debug("A file on disk is verified: %d pieces", len(self.part.pieces))
                return

    async def _go_over(self) -> Stamp | None:
        """Hash every piece; return the stamp of the file if all are right and it has stayed the same."""
        await self._learn(self.part.first)  # and so of the whole file
        stamp = await self._settled()
        for piece in self.part.pieces:
            begin = time.monotonic()
            now, right = await self._run(self._look_at, piece)
            if now != stamp:
                return None
            if not right:
                await self._mend(piece)
                return None
            await asyncio.sleep((time.monotonic() - begin) * REST)
        return stamp if await self._run(_stamp, self.part.path) == stamp else None

    async def _settled(self) -> Stamp:
        """Return the file's stamp once any write to come will show in it. Raises OSError when that is not to be had."""
        stamp = await self._run(_stamp, self.part.path)
        if stamp.age < 0:
            raise OSError("a time in the future")
        await asyncio.sleep(max(0, SETTLED_NS - stamp.age) / NS)
        return stamp

    def _look_at(self, piece: int) -> tuple[Stamp, bool]:
        """Return the file's stamp, and whether `piece` has the right hash. Blocks. Raises OSError."""
        file, stamp = _open(self.part.path)
        with file:
            start, length = self.part.place(piece)
            file.seek(start)
            data = bytearray()
            while len(data) < length and (more := file.read(length - len(data))):
                data += more
        return stamp, len(data) == length and self._check(piece, bytes(data))


class Opened:
    """A file that was opened as it was proven; `close` it in the end."""

    def __init__(self, copy: Copy, run: Run, file: FileIO, stamp: Stamp) -> None:
        self._copy = copy
        self._run = run
        self._file = file
        self._stamp = stamp
        self._stretch = STRETCH

    @property
    def is_trusted(self) -> bool:
        """Tell whether it is still what was proven, as far as anybody has looked."""
        return self._copy.stamp == self._stamp

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    async def send(self, send: Send, start: int, end: int) -> int:
        """Have `send` take what it can of bytes [start, end) at a time; return how many it took.

        Raises ChangedOnDisk when the file was written to meanwhile, and what `send` raises.
        """
        begin = time.monotonic()
        sent = await send(self._file, start, min(end - start, self._stretch))
        self._stretch = min(2 * self._stretch, LONGEST) if time.monotonic() - begin < AT_ONCE else STRETCH
        now = await self._run(self._look, start + sent)
        if now != self._stamp:
            self._copy.forget()
            if now.written != self._stamp.written:
                raise ChangedOnDisk
        return sent

    def _look(self, position: int) -> Stamp:
        """Return the stamp as it is now, and have the system read ahead: the loop is not to wait for a disk. Blocks."""
        os.posix_fadvise(self._file.fileno(), position, 2 * self._stretch, os.POSIX_FADV_WILLNEED)
        return Stamp.of(self._file)


def _open(path: Path) -> tuple[FileIO, Stamp]:
    """Open a regular file. Blocks. Raises OSError."""
    file = open(path, "rb", buffering=0, opener=_without_waiting)  # noqa: SIM115  # whoever asked closes it
    try:
        return file, Stamp.of(file)
    except BaseException:
        file.close()
        raise


def _without_waiting(path: str, flags: int) -> int:
    """Open also what would wait for somebody at its other end."""
    return os.open(path, flags | os.O_NONBLOCK)


def _stamp(path: Path) -> Stamp:
    file, stamp = _open(path)
    file.close()
    return stamp
