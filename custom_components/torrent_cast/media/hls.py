"""HLS (RFC 8216): where a film is cut, and the playlist that says so. Cutting itself is the worker's."""

import json
from dataclasses import dataclass
from itertools import count, pairwise
from typing import TYPE_CHECKING, Final

from .probe import Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .delivery import Remux
    from .worker import Answer, ByteSource, Json, Worker

CONTENT_TYPE: Final = "application/x-mpegurl"
PLAYLIST: Final = "film.m3u8"
BEGINNING: Final = "init.mp4"
SEGMENT_TYPE: Final = "video/mp4"

TARGET_SECONDS: Final = 6.0
"""From one cut to the next, at least, as Apple's authoring specification asks: fewer would only cost requests."""

GROWING_TARGET: Final = 12
"""Seconds that a playlist says its segments have at most while it grows: films have a key frame at least every 5 s."""

HOLD_BACK: Final = TARGET_SECONDS
"""Seconds before the end of a playlist that grows from which on no device is to begin: a segment, as players ask for
the playlist again as often as one takes. Told nothing they begin three target durations before it. The second edition
of RFC 8216 (draft, §4.4.3.8) wants no less, of broadcasts, whose end is always as near: a film's goes away."""

MAX_SEGMENT: Final = 48 << 20
"""Bytes of film in one segment: the worker may hold 64 MiB of a file, its index too."""

FULL_SEGMENT: Final = MAX_SEGMENT // 3
"""Bytes of film that a segment does not pass where a key frame lets it end before: 6 s at 22 Mbit/s. The best films
have several times as many, and `MAX_SEGMENT` is for one group of pictures."""

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a segment begins: a key frame, by s from the beginning and by byte offset."""

    time: float
    offset: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of film; `start` and `end` are byte offsets of what it is made of, but for a little beyond the end."""

    number: int
    begin: Cut | None
    until: Cut | None
    duration: float
    start: int
    end: int
    origin: int | None = None
    """Of a film without an index: the file's own time, in microseconds, at second 0 of the film."""
    is_apart: bool = False
    """Whether the clock of the file jumps where the segment ends: what follows has an origin of its own."""

    @property
    def name(self) -> str:
        """Return its name in the playlist."""
        return f"{self.number}.m4s"


def segments(probe: Probe) -> tuple[Segment, ...]:
    """Return the segments of a film, none where it cannot be cut: without duration or index, or too far apart."""
    if probe.duration is None or not len(probe.key_frames):
        return ()
    cuts = list(_cuts(probe, probe.duration))
    bounds = [(None, 0.0, 0), *((cut, cut.time, cut.offset) for cut in cuts), (None, probe.duration, probe.size)]
    found = tuple(
        Segment(number, begin, until, end - time, start, stop)
        for number, ((begin, time, start), (until, end, stop)) in enumerate(pairwise(bounds))
    )
    fits = all(0 < segment.end - segment.start <= MAX_SEGMENT for segment in found)
    return found if fits else ()


def _cuts(probe: Probe, duration: float) -> Iterator[Cut]:
    """Yield the key frames to cut at."""
    cuts = Cuts()
    for time, offset in zip(probe.key_frames.times, probe.key_frames.offsets, strict=True):
        # What is left at the end is not worth a segment of its own.
        if duration - time >= 1:
            yield from cuts.take(Cut(time, offset))
    yield from cuts.before(probe.size)


class Cuts:
    """Chooses the key frames to cut at, as they become known."""

    def __init__(self) -> None:
        self._last = Cut(0.0, 0)
        self._spare: Cut | None = None  # where to cut if what follows would be too much

    def take(self, key: Cut) -> list[Cut]:
        """Return where a key frame, the next one, has the film cut: there, at the one before it, or both."""
        found = self.before(key.offset)
        if key.offset <= self._last.offset:
            return found
        if key.time - self._last.time >= TARGET_SECONDS:
            self.restart(key)
            found.append(key)
        elif self._spare is None or key.offset > self._spare.offset:  # of several in a cluster only the first is there
            self._spare = key
        return found

    def before(self, offset: int) -> list[Cut]:
        """Return where to cut because no other key frame comes before a byte, nowhere or at one key frame."""
        spare = self._spare
        if spare is None or offset == spare.offset or offset - self._last.offset <= FULL_SEGMENT:
            return []
        self.restart(spare)
        return [spare]

    def restart(self, cut: Cut) -> None:
        """Go on from a cut."""
        self._last = cut
        self._spare = None


def playlist(
    found: Sequence[Segment],
    *,
    is_complete: bool = True,
    named: Callable[[Segment], str] = lambda segment: segment.name,
    map_to: str | None = BEGINNING,
) -> str:
    """Return the playlist of a film that is all there to be asked for, or of one to which segments are still added.

    Players begin the latter at its end unless it says otherwise, and ask for it again after the target duration, which
    may not change (RFC 8216 §6.2.1): it has room for key frames that are farther apart than those before. `named` tells
    what a segment is called, `map_to` what the initialisation segment is, if there is one.
    """
    longest = max(segment.duration for segment in found)
    target = round(longest + 0.5) if is_complete else max(round(longest + 0.5), GROWING_TARGET)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{target}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{'VOD' if is_complete else 'EVENT'}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        *([] if is_complete else ["#EXT-X-START:TIME-OFFSET=0", f"#EXT-X-SERVER-CONTROL:HOLD-BACK={HOLD_BACK}"]),
        *([] if map_to is None else [f'#EXT-X-MAP:URI="{map_to}"']),
    ]
    for segment in found:
        lines += [f"#EXTINF:{segment.duration:.6f},", named(segment)]
    return "\n".join([*lines, *(["#EXT-X-ENDLIST"] if is_complete else []), ""])


class Cutter:
    """Has the worker make the segments of one film; its bytes come from `source`."""

    def __init__(self, worker: Worker, source: ByteSource, probe: Probe, remux: Remux) -> None:
        self._worker = worker
        self._source = source
        self._probe = probe
        self._remux = remux
        self._job = f"film {next(_numbers)}"

    async def beginning(self) -> bytes:
        """Return the initialisation segment. Raises Unplayable, and what the source raises."""
        return await self._call("beginning", self._params(), ())

    async def segment(self, segment: Segment) -> bytes:
        """Return a media segment, the same one each time. Raises Unplayable, and what the source raises."""
        return (await self._cut(segment, "segment")).payload

    async def texts(self, segment: Segment) -> bytes:
        """Return the lines of all streams of text in a segment, for `cues`. Raises as `segment` does."""
        streams: Json = {"audio": None, "texts": [stream.index for stream in self._remux.texts]}
        return (await self._cut(segment, "texts", streams)).payload

    async def _cut(self, segment: Segment, method: str, more: Json | None = None) -> Answer:
        """Call a method on the bytes of a segment."""
        params = self._params() | {
            "number": segment.number,
            "begin": _pair(segment.begin),
            "end": _pair(segment.until),
        }
        if segment.origin is not None:
            params["origin"] = segment.origin
        if segment.is_apart:
            params |= {"end": None, "limit": segment.end}
        data = await self._source.read_range(segment.start, segment.end)
        return await self._worker.call(self._job, self._source, method, params | (more or {}), ((segment.start, data),))

    async def _call(self, method: str, params: Json, given: tuple[tuple[int, bytes], ...]) -> bytes:
        answer = await self._worker.call(self._job, self._source, method, params, given)
        return answer.payload

    def _params(self) -> Json:
        remux = self._remux
        return {
            "video": remux.video.index,
            "audio": None if remux.audio is None else remux.audio.index,
            "sound": "aac" if remux.encodes_audio else "copy",
            "keep": [list(span) for span in self._probe.index],
            # Without an index a file is read from its middle on: then it does not say when it begins.
            **({"origin": self._probe.start, "sound_start": remux.audio and remux.audio.start} if remux.grows else {}),
        }


def cues(texts: bytes, stream: int) -> str:
    """Return the lines of one stream of text as the cues of WebVTT, without its header."""
    found = json.loads(texts)
    return str(found.get(str(stream), "")) if isinstance(found, dict) else ""


def _pair(cut: Cut | None) -> list[float | int] | None:
    return None if cut is None else [cut.time, cut.offset]
