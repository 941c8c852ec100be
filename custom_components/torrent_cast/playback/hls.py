"""A film in segments: made when they are asked for, each once, and kept for a while."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from ..media.hls import BEGINNING, MAX_SEGMENT, Cutter, Segment, playlist

if TYPE_CHECKING:
    from ..engine import Cursor

# Bytes of segments kept: some that a receiver asks for again when its connection broke. It keeps its own for seeks.
MAX_KEPT: Final = 32 << 20


class Place(Protocol):
    """Where something is read from a file."""

    @property
    def position(self) -> int:
        """Return the next byte."""


@dataclass(slots=True)
class _Sent:
    """How far a device has been sent the film, in bytes of the file."""

    position: int


type Heard = Callable[[Place, int, int], AbstractContextManager[None]]
"""Tells the playhead of a request: where it stands, and the bytes [start, end) that it is for."""


@contextmanager
def follow(cursor: Cursor, _place: Place, start: int, _end: int) -> Iterator[None]:
    """Have a cursor go with the requests of a player that does not say where it is."""
    if cursor.position <= start <= cursor.position + MAX_SEGMENT:
        cursor.advance(start)
    else:
        cursor.seek(start)
    yield


class Hls:
    """The segments of one session."""

    def __init__(self, cutter: Cutter, segments: Sequence[Segment], size: int, heard: Heard) -> None:
        """Make them of a file of `size` bytes; none yet: they are added as they become known."""
        self._cutter = cutter
        self._segments = {segment.name: segment for segment in segments}
        self._end = size
        self._heard = heard
        self.is_complete = bool(segments)
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._making: dict[str, asyncio.Task[bytes]] = {}
        self._waiting: dict[str, int] = {}

    @property
    def playlist(self) -> str:
        """Return the playlist as it is now."""
        return playlist(tuple(self._segments.values()), is_complete=self.is_complete)

    def extend(self, segments: Iterable[Segment], *, is_complete: bool) -> None:
        """Add segments that have become known."""
        self._segments |= {segment.name: segment for segment in segments}
        self.is_complete = is_complete

    def at(self, seconds: float) -> Segment:
        """Return the segment that holds a moment, the last one there is for one beyond."""
        segments = list(self._segments.values())
        begun = (segment for segment in reversed(segments) if segment.begin is None or segment.begin.time <= seconds)
        return next(begun, segments[-1])

    def find(self, name: str) -> Callable[[], Awaitable[bytes]] | None:
        """Return what makes the file of that name in the playlist, None for what is not in it."""
        if name == BEGINNING:
            return partial(self._once, name, self._cutter.beginning)
        if (segment := self._segments.get(name)) is None:
            return None
        return partial(self._segment, segment)

    async def _segment(self, segment: Segment) -> bytes:
        """Return a segment. Raises Unplayable, TorrentCastError."""
        sent = _Sent(segment.start)
        with self._heard(sent, segment.start, self._end):
            data = await self._once(segment.name, partial(self._cutter.segment, segment))
            sent.position = segment.end
        return data

    async def _once(self, name: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """Return what was made before, or make it, once for all who ask; nobody left who asks ends it."""
        if (data := self._kept.get(name)) is not None:
            self._kept.move_to_end(name)
            return data
        if name not in self._making:
            self._making[name] = asyncio.ensure_future(make())
        task = self._making[name]
        self._waiting[name] = self._waiting.get(name, 0) + 1
        try:
            data = await asyncio.shield(task)
        finally:
            self._leave(name, task)
        self._keep(name, data)
        return data

    def _leave(self, name: str, task: asyncio.Task[bytes]) -> None:
        self._waiting[name] -= 1
        if not self._waiting[name]:
            del self._waiting[name], self._making[name]
            task.cancel()

    def _keep(self, name: str, data: bytes) -> None:
        self._kept[name] = data
        while sum(map(len, self._kept.values())) > MAX_KEPT and len(self._kept) > 1:
            self._kept.popitem(last=False)
