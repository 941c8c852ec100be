"""A film without an index: gone over as it comes in, and cut where its key frames turn out to be."""

from array import array
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Final

from .errors import Reason, Refusal, Refused, Unplayable
from .hls import MAX_SEGMENT, Cut, Cuts, Segment
from .probe import KeyFrames

if TYPE_CHECKING:
    from .probe import Probe
    from .worker import Answer, ByteSource, Json, Worker

STEP: Final = 1 << 20
"""Bytes to have before they are gone over: a second of film at 8 Mbit/s. Each time the head is read, too."""

WINDOW: Final = 4 << 20
"""Bytes gone over at a time where so many are there: 40 ms of work."""

TICK: Final = 0.001
"""Seconds: no segment is shorter."""

MARGIN: Final = 2.5
"""Seconds of film that are known beyond a segment before anybody may ask for it: its sound lies within 2 s of it."""

MICROSECONDS: Final = 1_000_000

MAX_JOINTS: Final = 200
"""Recordings glued together in one film, at most; each may be a segment of its own."""

CLOSEST: Final = 0.1
"""Seconds from one key frame to the next that is remembered: where each is a key frame they would fill the memory."""

LATEST: Final = 3 * 86400.0
"""Seconds: a later time is made up by its file, which could so have segments without end."""

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was found: key frames; `reached`, the byte to go on from; `until`, how far the video goes, s.

    Where `is_jump`, the file's clock jumps at `reached`, and the stretch ends there.
    """

    key_frames: KeyFrames
    reached: int
    until: float | None
    is_jump: bool = False


class Growth:
    """What is known of a film so far: its key frames, and the segments between them."""

    def __init__(self, probe: Probe) -> None:
        self._times = array("d")
        self._offsets = array("q")
        self._cuts = Cuts()
        self._pending: list[Cut] = []
        self._last: Cut | None = None
        self.segments: list[Segment] = []
        self.until = 0.0  # s
        self.origin = probe.start  # the file's own time at second 0 as its clock has it now, microseconds
        self._joints = 0
        self._joint: int | None = None  # the byte from which on it has another, as long as it is not known which
        self.is_complete = False
        self.probe = replace(probe, key_frames=KeyFrames(self._times, self._offsets), scanned=0)

    def take(self, found: Stretch, end: int) -> None:
        """Add what was found before byte `end`. Raises Refused where key frames are too far apart, or its clock mad."""
        times, until = list(found.key_frames.times), found.until
        if self._joint is not None and times:
            late = self.until - times[0]
            times = [time + late for time in times]
            until = None if until is None else until + late
            self._join(times[0], found.key_frames.offsets[0], late)
        for time, offset in zip(times, found.key_frames.offsets, strict=True):
            if not self._times or time >= self._times[-1] + CLOSEST:
                self._times.append(time)
                self._offsets.append(offset)
                self._pending += self._cuts.take(Cut(time, offset))
        self.until = max(self.until, until or 0.0)
        if self.until > LATEST:  # by many clocks, none of which goes so far
            raise Refused(Refusal.NO_INDEX)
        while self._pending and self._pending[0].time <= self.until - MARGIN:
            self._close(self._pending.pop(0))
        if found.is_jump:
            self._joint = found.reached
        if end - (self._offsets[-1] if self._offsets else 0) > MAX_SEGMENT:
            raise Refused(Refusal.NO_INDEX)
        self.probe = replace(self.probe, scanned=end)

    @property
    def known_until(self) -> float | None:
        """Return how far the video goes by the file's own clock as it was last, None where it has jumped since."""
        return None if self._joint is not None or not self._times else self.until

    def finish(self) -> None:
        """Take note that the end of the film was reached. Raises Refused where there was no key frame."""
        if not self._times:
            raise Refused(Refusal.NO_INDEX)
        self._close_pending(self.probe.size)
        self._close(None)
        self.is_complete = True
        self.probe = replace(self.probe, duration=self.until, scanned=None)

    def _join(self, time: float, offset: int, late: float) -> None:
        """Begin a segment where the file's clock has jumped to `late` s before the film's."""
        self._close_pending(offset)
        if self._last is None or offset > self._last.offset:
            self._close(Cut(time, offset), is_apart=True)
            self._cuts.restart(Cut(time, offset))
        self.origin -= round(late * MICROSECONDS)
        self._joint = None
        self._joints += 1
        if self._joints > MAX_JOINTS:
            raise Refused(Refusal.NO_INDEX)
        self.probe = replace(self.probe, duration=None)  # from its last time less its first

    def _close_pending(self, end: int) -> None:
        """End all segments but the last of those before byte `end`, where the film or its clock ends."""
        for cut in (*self._pending, *self._cuts.before(end)):
            self._close(cut)
        self._pending.clear()

    def _close(self, until: Cut | None, *, is_apart: bool = False) -> None:
        begin = self._last
        time, start = (begin.time, begin.offset) if begin else (0.0, 0)
        end_time, end = (until.time, until.offset) if until else (max(self.until, time + TICK), self.probe.size)
        length = max(end_time - time, TICK)
        self.segments.append(
            Segment(len(self.segments), begin, until, length, start, end, self.origin, is_apart=is_apart)
        )
        self._last = until


class Scanner:
    """Has the worker go over a film from its beginning to its end; its bytes come from `source`."""

    def __init__(self, worker: Worker, source: ByteSource, probe: Probe, step: int = STEP) -> None:
        self._worker = worker
        self._source = source
        self._job = f"scan {next(_numbers)}"
        self._at = 0
        self._usual = self._step = step
        self.growth = Growth(probe)

    @property
    def upcoming(self) -> tuple[int, int]:
        """Return the bytes [start, end) that are needed to go on."""
        return self._at, min(self._at + self._step, self._source.size)

    async def go_on(self, until: int = 0) -> None:
        """Go over what comes next, up to byte `until` at once where that is no more than a window.

        Raises Unplayable, and what the source raises.
        """
        start, needed = self.upcoming
        end = max(needed, min(until, start + WINDOW, self._source.size))
        found = await self._scan(start, end)
        self.growth.take(found, end)
        if end == self._source.size:
            self.growth.finish()
        # Frames, and what one can enter at, may be larger than a step.
        self._step = self._usual if found.reached > start else (end - start) * 2
        self._at = found.reached

    async def _scan(self, start: int, end: int) -> Stretch:
        probe = self.growth.probe
        assert probe.video is not None  # for the type checker: nothing else is cut
        params: Json = {
            "start": start,
            "end": end,
            "video": probe.video.index,
            "origin": self.growth.origin,
            "until": self.growth.known_until,
            "keep": [list(span) for span in probe.index],
        }
        data = await self._source.read_range(start, end)
        answer = await self._worker.call(self._job, self._source, "scan", params, ((start, data),))
        try:
            return _stretch(answer, start, end)
        except (LookupError, TypeError, ValueError) as err:
            raise Unplayable(Reason.CRASHED, f"the worker's answer makes no sense: {err!r}") from err


def _stretch(answer: Answer, start: int, end: int) -> Stretch:
    """Return the worker's answer as a value; a hostile file may have written it."""
    reached, until, is_jump = (answer.result[name] for name in ("reached", "until", "is_jump"))
    half = len(answer.payload) // 2
    times, offsets = array("d", answer.payload[:half]), array("q", answer.payload[half:])
    if not isinstance(reached, int) or not isinstance(until, float | None) or not isinstance(is_jump, bool):
        raise TypeError("no place and time")
    if len(times) != len(offsets) or not all(start <= offset < end for offset in (*offsets, reached)):
        raise ValueError("an index out of bounds")
    if not all(abs(time) < LATEST for time in (*times, until or 0.0)):
        raise ValueError("a time out of bounds")
    return Stretch(KeyFrames(times, offsets), reached, until, is_jump)
