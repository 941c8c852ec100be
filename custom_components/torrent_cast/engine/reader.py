"""Places in a file: a cursor that is planned for, and the async seekable reader over its verified bytes."""

import contextlib
import math
import time
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Self, override

from . import scheduler
from .files import TorrentFile

if TYPE_CHECKING:
    from types import TracebackType

    from .torrent import Torrent
    from .verified import Opened, Send

# A piece that keeps a reader waiting for so long may hang on a slow peer: make it urgent. s
STUCK_AFTER: Final = 2.0
# One that takes longer than that, and than `Supply.patience`, is taken from whom it was asked of, so that others are;
# again after twice the time, and so on. It is free for so long, which is sure to hold one of the engine's looks, each
# second. s
FREE_FOR: Final = 1.5
# Players keep their old connection open after a seek, unread. A reader that was left alone for so long has no say
# while another reads the same file; it has one again as soon as it is read. s
GHOST_AFTER: Final = 2.0
# Reading on moves the ramp in steps, and so does what comes: its first stretch is four of them, and a plan for small
# pieces is long. Bytes
PLAN_STEP: Final = 1024 * 1024


class Cursor:
    """A place in a file that is to be ready: the scheduler plans for it, nobody reads at it. Positions are bytes."""

    def __init__(
        self, torrent: Torrent, file: TorrentFile, start: int, end: int, viewer: scheduler.Viewer | None = None
    ) -> None:
        self._torrent = torrent
        self.file = file
        self.viewer = viewer
        self._end = min(end, file.size)
        self.position = _checked(start)
        self._jumped = True

    async def __aenter__(self) -> Self:
        self._torrent.attach(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._torrent.detach(self)

    def seek(self, position: int) -> None:
        """Jump to byte `position` of the file: it is urgent. Raises ValueError when it is negative."""
        self.position = _checked(position)
        self._jumped = True
        self._torrent.reschedule()

    def advance(self, position: int) -> None:
        """Go on to byte `position` of the file: the way there was planned. Raises ValueError when it is negative."""
        step = max(PLAN_STEP, self._torrent.piece_length)
        begin, end = self.file.offset + self.position, self.file.offset + _checked(position)
        self.position = position
        if begin // step != end // step or position >= self._end:
            self._torrent.reschedule()

    @property
    def want(self) -> scheduler.Want | None:
        """Return what is wanted next from here, None at the end."""
        pieces = self._torrent.pieces(self.file, self.position, self._end)
        return self._want(pieces[0], pieces[-1]) if pieces else None

    def _want(self, first: int, last: int) -> scheduler.Want:
        return scheduler.Want(first, last, self._jumped and self._torrent.supply.cancels, jumped=self._jumped)

    @property
    def is_idle(self) -> bool:
        """Tell whether what is wanted here is nobody's wish any more: never, as nobody reads at a cursor."""
        return False

    def ahead(self, have: bytes | bytearray) -> float:
        """Return how many contiguous bytes are there from here on, infinity when that is all there is to come."""
        if (want := self.want) is None or (gap := have.find(0, want.first, want.last + 1)) < 0:
            return math.inf
        return max(0, gap * self._torrent.piece_length - self.file.offset - self.position)

    @property
    def in_hand(self) -> float:
        """Return how many contiguous bytes are verified from here on, infinity when that is all of the rest."""
        return self._torrent.in_hand(self)

    def covers(self, other: Cursor, have: bytes | bytearray) -> bool:
        """Tell whether all from here to `other` is there: then its needs are not nearer than ours.

        Those of another viewer are: what is far ahead of us may be the next that they play.
        """
        if other.viewer not in (None, self.viewer):
            return False
        if other.file is not self.file or other.position < self.position:
            return False
        return other.position <= self.position + self.ahead(have) + self._torrent.piece_length

    def settle(self, have: Sequence[int]) -> None:
        """End the jump once the pieces it aimed at are there."""
        if self._jumped and (want := self.want) and scheduler.has_landed(want, have):
            self._jumped = False


class Reader(Cursor):
    """A cursor that is read at."""

    def __init__(
        self, torrent: Torrent, file: TorrentFile, start: int, end: int, viewer: scheduler.Viewer | None = None
    ) -> None:
        super().__init__(torrent, file, start, end, viewer)
        self._waiting_since: float | None = None
        self._used = time.monotonic()
        self._opened: Opened | None = None  # the file on disk, once it is verified

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        self._put_away()

    @override
    def seek(self, position: int) -> None:
        self._used = time.monotonic()
        super().seek(position)

    async def read(self, size: int) -> bytes:
        """Return 1 to `size` bytes, waiting for their piece, or b"" at the end. Raises TorrentGone, StorageError."""
        size = min(size, self._end - self.position)
        if size <= 0:
            return b""
        length = self._torrent.piece_length
        piece, start = divmod(self.file.offset + self.position, length)
        with self._waiting():
            data = (await self._torrent.piece(piece))[start : start + size]
        self.advance(self.position + len(data))
        return data

    async def read_exactly(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        parts = []
        while size > 0 and (part := await self.read(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    async def hand_over(self, send: Send) -> bool:
        """Have `send` take the next bytes from the file on disk; False when they are to be read instead.

        They are taken from disk only where every piece of the file was verified there. Raises ChangedOnDisk when the
        file changed while `send` was at it: what has been sent may be wrong. The last byte is always read: nobody has
        the whole before all of it is known to be right.
        """
        copy = self._torrent.copy(self.file)
        if copy is None or not copy.part.start <= self.position < (end := min(copy.part.end, self._end - 1)):
            return False
        if self._opened is not None and not self._opened.is_trusted:
            self._put_away()
        if self._opened is None and (opened := await copy.open()) is not None:
            self._opened = opened
        if self._opened is None:
            copy.prove()
            return False
        sent = await self._opened.send(send, self.position, end)
        self.advance(self.position + sent)
        return sent > 0

    def _put_away(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    async def wait(self) -> None:
        """Go to the end, waiting for each piece without reading it. Raises TorrentGone, StorageError."""
        for piece in self._torrent.pieces(self.file, self.position, self._end):
            with self._waiting():
                await self._torrent.wait_for_piece(piece)
            end = (piece + 1) * self._torrent.piece_length - self.file.offset
            self.advance(min(end, self._end))

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        if self.is_idle:  # what it wants may have been let go
            self._torrent.reschedule()
        self._waiting_since = time.monotonic()
        try:
            yield
        finally:
            self._waiting_since = None
            self._used = time.monotonic()

    @override
    def _want(self, first: int, last: int) -> scheduler.Want:
        waited, patience = self._waited, self._torrent.supply.patience(self._torrent.piece_length)
        urgent = waited > patience or (self._jumped and self._torrent.supply.cancels)
        stuck = _is_to_be_freed(waited, patience)
        return scheduler.Want(first, last, urgent, stuck=stuck, jumped=self._jumped)

    @property
    @override
    def is_idle(self) -> bool:
        return self._waiting_since is None and time.monotonic() - self._used > GHOST_AFTER

    @property
    def _waited(self) -> float:
        """Return for how long this reader has waited for its piece, s."""
        return 0.0 if self._waiting_since is None else time.monotonic() - self._waiting_since


def _is_to_be_freed(waited: float, patience: float) -> bool:
    """Tell whether a wait of `waited` s has just come to `patience` s, or twice, four times ... that."""
    if waited <= patience:
        return False
    return waited - patience * (1 << int(math.log2(waited / patience))) < FREE_FOR


def without_ghosts(cursors: Collection[Cursor]) -> list[Cursor]:
    """Return those that have a say: all but the idle readers of files that others read."""
    busy = {cursor.file.index for cursor in cursors if not cursor.is_idle}
    return [cursor for cursor in cursors if not cursor.is_idle or cursor.file.index not in busy]


def leading(cursors: Collection[Cursor], have: bytes | bytearray) -> list[Cursor]:
    """Return those that tell how much is in hand: a player reads far ahead of its playhead and waits there."""
    playheads = [cursor for cursor in cursors if not isinstance(cursor, Reader)]
    others = [cursor for cursor in cursors if isinstance(cursor, Reader)]
    return playheads + [reader for reader in others if not any(cursor.covers(reader, have) for cursor in playheads)]


def _checked(position: int) -> int:
    """Return `position`; a negative one would mean bytes of the file before this one."""
    if position < 0:
        raise ValueError("negative position")
    return position
