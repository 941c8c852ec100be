"""An async seekable reader over the verified bytes of one file."""

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, Self

from . import scheduler
from .files import TorrentFile

if TYPE_CHECKING:
    from types import TracebackType

    from .torrent import Torrent

# A piece of the ramp that keeps a reader waiting for so long hangs on a slow peer: have the others asked too. s
STUCK_AFTER: Final = 2.0
# Reading on moves the ramp in steps: its first stretch is four of them, and a plan for small pieces is long. Bytes
PLAN_STEP: Final = 1024 * 1024


class Reader:
    """A position in a file. It declares what it wants next; the scheduler decides, the torrent applies."""

    def __init__(self, torrent: Torrent, file: TorrentFile, start: int, end: int) -> None:
        self._torrent = torrent
        self._file = file
        self._end = min(end, file.size)
        self.position = _checked(start)
        self._jumped = True
        self._waiting_since: float | None = None

    async def __aenter__(self) -> Self:
        self._torrent.attach(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._torrent.detach(self)

    def seek(self, position: int) -> None:
        """Go on reading at byte `position` of the file. Raises ValueError when it is negative."""
        self.position = _checked(position)
        self._jumped = True
        self._torrent.reschedule()

    async def read(self, size: int) -> bytes:
        """Return 1 to `size` bytes, waiting for their piece, or b"" at the end. Raises TorrentGone, StorageError."""
        size = min(size, self._end - self.position)
        if size <= 0:
            return b""
        length = self._torrent.piece_length
        piece, start = divmod(self._file.offset + self.position, length)
        with self._waiting():
            data = (await self._torrent.piece(piece))[start : start + size]
        self._go_to(self.position + len(data))
        return data

    async def read_exactly(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        parts = []
        while size > 0 and (part := await self.read(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    async def wait(self) -> None:
        """Go to the end, waiting for each piece without reading it. Raises TorrentGone, StorageError."""
        for piece in self._torrent.pieces(self._file, self.position, self._end):
            with self._waiting():
                await self._torrent.wait_for_piece(piece)
            end = (piece + 1) * self._torrent.piece_length - self._file.offset
            self._go_to(min(end, self._end))

    @property
    def want(self) -> scheduler.Want | None:
        """Return what this reader wants next, None at its end."""
        pieces = self._torrent.pieces(self._file, self.position, self._end)
        return scheduler.Want(pieces[0], pieces[-1], self._jumped or self._is_stuck) if pieces else None

    def ahead(self, have: bytes | bytearray) -> float:
        """Return how many contiguous bytes are there from here on, infinity when that is all this reader wants."""
        if (want := self.want) is None or (gap := have.find(0, want.first, want.last + 1)) < 0:
            return math.inf
        return max(0, gap * self._torrent.piece_length - self._file.offset - self.position)

    def _go_to(self, position: int) -> None:
        step = max(PLAN_STEP, self._torrent.piece_length)
        begin, end = self._file.offset + self.position, self._file.offset + position
        self.position = position
        if begin // step != end // step or position >= self._end:
            self._torrent.reschedule()

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        self._waiting_since = time.monotonic()
        try:
            yield
        finally:
            self._waiting_since = None

    @property
    def _is_stuck(self) -> bool:
        return self._waiting_since is not None and time.monotonic() - self._waiting_since > STUCK_AFTER

    def settle(self, have: Sequence[int]) -> None:
        """End the jump once the pieces it aimed at are there."""
        if self._jumped and (want := self.want) and scheduler.has_landed(want, have):
            self._jumped = False


def _checked(position: int) -> int:
    """Return `position`; a negative one would mean bytes of the file before this one."""
    if position < 0:
        raise ValueError("negative position")
    return position
