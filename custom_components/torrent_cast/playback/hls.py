"""A film in segments: made when they are asked for, each once, and kept for a while."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from ..media import Probe, Remux, Unplayable
from ..media.codecs import codecs_of
from ..media.hls import BEGINNING, CONTENT_TYPE, MAX_SEGMENT, PLAYLIST, SEGMENT_TYPE, Cutter, Segment, cues, playlist
from ..media.renditions import MASTER, TEXT_FILLER, TEXT_HEADER, TEXT_TYPE, Text, master, text_in, text_playlist

if TYPE_CHECKING:
    from ..engine import Cursor
    from .subtitles import Track

_LOGGER = logging.getLogger(__name__)

# A box that means nothing (ISO/IEC 14496-12 §8.1.2).
FREE_BOX: Final = b"\0\0\0\x08free"
# Bytes of segments kept: some that a receiver asks for again when its connection broke. It keeps its own for seeks.
MAX_KEPT: Final = 32 << 20
# Segments in a row whose lines cannot be read, until nobody waits for any more: one may be when the machine is busy.
MAX_UNREAD: Final = 3


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


@dataclass(frozen=True, slots=True)
class Part:
    """A file that a playlist leads to, or a playlist."""

    content_type: str
    make: Callable[[], Awaitable[bytes]]
    """Returns it; what `opening` holds comes before. Raises Unplayable, TorrentCastError."""
    opening: bytes = b""
    filler: bytes | None = FREE_BOX
    """What may be sent while it is made and means nothing, None where it takes no time."""


class Hls:
    """The segments of one session."""

    def __init__(self, cutter: Cutter, remux: Remux, probe: Probe, heard: Heard) -> None:
        """Make those of `remux` of a file; none yet of one that grows: they are added as they become known."""
        self._cutter = cutter
        self._segments = {segment.name: segment for segment in remux.segments}
        self._end = probe.size
        self._bytes_per_second = probe.bytes_per_second
        self._heard = heard
        self.texts = remux.texts
        self._offered: tuple[Text, ...] = ()
        self._unread: set[str] = set()  # the last segments, without one between them whose lines could be read
        self._shown: Callable[[], int | None] = lambda: None
        self.is_complete = not remux.grows
        self.told_until = 0.0
        """Up to which second of the film the playlist went that was asked for last."""
        self.is_told_all = False
        """Whether that had an end."""
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._making: dict[str, asyncio.Task[bytes]] = {}
        self._waiting: dict[str, int] = {}

    @property
    def playlist(self) -> str:
        """Return the playlist as it is now."""
        return playlist(tuple(self._segments.values()), is_complete=self.is_complete)

    def offer(self, tracks: Iterable[Track], shown: Callable[[], int | None]) -> None:
        """Offer the streams of text among `tracks`; `shown` tells with which track a device is to begin."""
        self._offered = tuple(
            Text(track.stream, track.label, track.language, track.id, track.is_forced, track.is_for_deaf)
            for track in tracks
            if track.stream is not None
        )
        self._shown = shown

    def extend(self, segments: Iterable[Segment], *, is_complete: bool) -> None:
        """Add segments that have become known."""
        self._segments |= {segment.name: segment for segment in segments}
        self.is_complete = is_complete

    def at(self, seconds: float) -> Segment:
        """Return the segment that holds a moment, the last one there is for one beyond."""
        segments = list(self._segments.values())
        begun = (segment for segment in reversed(segments) if segment.begin is None or segment.begin.time <= seconds)
        return next(begun, segments[-1])

    def find(self, name: str) -> Part | None:
        """Return the file of that name, None for what no playlist leads to."""
        if name == PLAYLIST:
            return _listed(self._tell)
        if name == MASTER:
            return Part(CONTENT_TYPE, self._master, filler=None)
        if name == BEGINNING:
            return Part(SEGMENT_TYPE, self._beginning)
        if (found := text_in(name)) is not None:
            return self._text(*found)
        if (segment := self._segments.get(name)) is None:
            return None
        return Part(SEGMENT_TYPE, partial(self._segment, segment))

    def _tell(self) -> str:
        """Return the playlist to somebody who plays by it."""
        self.told_until = sum(segment.duration for segment in self._segments.values())
        self.is_told_all = self.is_complete
        return self.playlist

    def _text(self, stream: int, number: int | None) -> Part | None:
        """Return a segment of text, or without a number its playlist; None where there is none."""
        if all(text.stream != stream for text in self._offered):
            return None
        if number is None:
            segments = tuple(self._segments.values())
            return _listed(lambda: text_playlist(stream, segments, is_complete=self.is_complete))
        if (segment := self._segments.get(f"{number}.m4s")) is None:
            return None
        return Part(TEXT_TYPE, partial(self._cues, segment, stream), TEXT_HEADER, TEXT_FILLER)

    async def _master(self) -> bytes:
        codecs = codecs_of(await self._beginning())
        return master(self._offered, self._shown(), codecs, self._bytes_per_second).encode()

    async def _beginning(self) -> bytes:
        return await self._once(BEGINNING, self._cutter.beginning)

    async def _cues(self, segment: Segment, stream: int) -> bytes:
        """Return the lines of a stream in a segment, none where they cannot be read: the film goes on without."""
        if len(self._unread) >= MAX_UNREAD:
            return b""
        try:
            lines = await self._once(f"lines {segment.name}", partial(self._cutter.texts, segment))
        except Unplayable as err:
            self._unread.add(segment.name)
            _LOGGER.warning("Subtitles in segment %d cannot be read: %s", segment.number, err.reason)
            if len(self._unread) >= MAX_UNREAD:  # they would keep its pictures waiting
                _LOGGER.warning("The film goes on without its subtitles")
            return b""
        self._unread.clear()
        return cues(lines, stream).encode()

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


def _listed(text: Callable[[], str]) -> Part:
    """Return a playlist, as it is when it is asked for."""

    async def make() -> bytes:
        return text().encode()

    return Part(CONTENT_TYPE, make, filler=None)
