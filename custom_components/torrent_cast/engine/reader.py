"""An async seekable reader over the verified bytes of one file."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Self

from . import scheduler
from .files import TorrentFile

if TYPE_CHECKING:
    from types import TracebackType

    from .torrent import Torrent

# A piece of the ramp that keeps a reader waiting for so long hangs on a slow peer: have the others asked too. s
STUCK_AFTER: Final = 2.0


class Reader:
    """A position in a file. It declares what it wants next; the scheduler decides, the torrent applies."""

    def __init__(self, torrent: Torrent, file: TorrentFile, start: int, end: int) -> None:
        self._torrent = torrent
        self._file = file
        self._end = min(end, file.size)
        self.position = start
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
        """Go on reading at byte `position` of the file."""
        self.position = position
        self._jumped = True
        self._torrent.reschedule()

    async def read(self, size: int) -> bytes:
        """Return 1 to `size` bytes, waiting for their piece, or b"" at the end. Raises TorrentGone, StorageError."""
        size = min(size, self._end - self.position)
        if size <= 0:
            return b""
        length = self._torrent.piece_length
        piece, start = divmod(self._file.offset + self.position, length)
        self._waiting_since = time.monotonic()
        try:
            data = (await self._torrent.piece(piece))[start : start + size]
        finally:
            self._waiting_since = None
        self.position += len(data)
        if start + len(data) >= length:
            self._torrent.reschedule()
        return data

    async def read_exactly(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        parts = []
        while size > 0 and (part := await self.read(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    @property
    def want(self) -> scheduler.Want | None:
        """Return what this reader wants next, None at its end."""
        pieces = self._torrent.pieces(self._file, self.position, self._end)
        return scheduler.Want(pieces[0], pieces[-1], self._jumped or self._is_stuck) if pieces else None

    @property
    def is_waiting(self) -> bool:
        """Tell whether somebody waits for bytes right now."""
        return self._waiting_since is not None

    @property
    def _is_stuck(self) -> bool:
        return self._waiting_since is not None and time.monotonic() - self._waiting_since > STUCK_AFTER

    def settle(self, have: Sequence[int]) -> None:
        """End the jump once the pieces it aimed at are there."""
        if self._jumped and (want := self.want) and scheduler.has_landed(want, have):
            self._jumped = False
