"""Segments whose video is converted: cut as the others are, each by itself, in any order."""

import asyncio
import base64
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, override

from .conversion import Conversion, Encoder, smaller
from .errors import Reason, Refusal, Refused, Unplayable
from .hls import Cutter, Segment
from .worker import HeldBytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .delivery import Remux
    from .ffmpeg import Ffmpeg
    from .probe import Probe
    from .worker import ByteSource, Json, Worker

_LOGGER = logging.getLogger(__name__)

TIMESCALE: Final = 90_000
"""Units of a second in stretches of video."""

SAMPLE: Final = 12.0
"""Seconds of film by which is measured how fast it is converted, at most: most segments are shorter."""

SHORTEST: Final = 3.0
"""Seconds that the last segment of a film counts for, at least: the encoder's start is not what it is measured by."""

IN_HAND: Final = 1.2
"""Times as fast as it is watched that a film has to be converted, so that what comes after it has a chance."""

PATIENCE: Final = 3.0
"""Times as long as a segment lasts that it may take once a film plays."""

LONGEST: Final = 120.0
"""Seconds that a segment may take, whatever it says of its length: other films wait for it."""

HEAD: Final = 1 << 18
"""Bytes of converted video from which its description is taken."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The video around a segment, and which pictures are its own: from `first` on, before `last` (ticks)."""

    data: bytes
    first: int | None
    last: int | None

    def sample(self, segment: Segment) -> tuple[tuple[int | None, int | None], float]:
        """Return which pictures to measure by, and how many s they are."""
        if self.first is None or segment.duration <= SAMPLE:
            return (self.first, self.last), max(segment.duration, SHORTEST)
        return (self.first, self.first + round(SAMPLE * TIMESCALE)), SAMPLE


class ConvertingCutter(Cutter):
    """Has the segments of one film made, their video as H.264. It is to be prepared first."""

    def __init__(self, worker: Worker, source: ByteSource, probe: Probe, remux: Remux, ffmpeg: Ffmpeg) -> None:
        super().__init__(worker, source, probe, remux)
        assert remux.conversion is not None  # for the type checker: else nothing is converted
        self._largest = remux.conversion
        self._video = remux.video
        self._has_sound = remux.audio is not None
        self._ffmpeg = ffmpeg
        self._choice: tuple[Encoder, Conversion] | None = None
        self._beginning = b""
        self._first: tuple[int, bytes] | None = None  # the segment by which was measured: it is asked for next
        self._slow = 0.0  # s that segments took beyond what they last

    async def prepare(self, segment: Segment) -> None:
        """Find out by a segment how this machine keeps up with the film.

        By the first encoder that does, in the largest size in which one does. Raises Refused, Unplayable.
        """
        stretch = await self._stretch(segment)
        span, length = stretch.sample(segment)
        for encoder, how in self._choices(await self._ffmpeg.encoders()):
            clock = asyncio.get_running_loop().time
            started = clock()
            try:
                data = await self._ffmpeg.convert(stretch.data, span, encoder, how, length / IN_HAND)
            except Unplayable as err:
                _LOGGER.debug("%s in %dx%d: %s", encoder.name, how.width, how.height, err)
                if err.reason is Reason.TIMEOUT:
                    continue
                raise
            speed = length / (clock() - started)  # with the wait for other films that are converted
            _LOGGER.debug("%s in %dx%d: %.1f times as fast as watched", encoder.name, how.width, how.height, speed)
            if speed >= IN_HAND:
                self._choice = encoder, how
                break
        if self._choice is None:
            raise Refused(Refusal.VIDEO_SLOW, size=f"{self._video.width}x{self._video.height}")
        if span == (stretch.first, stretch.last):
            self._first = segment.number, data
        picture: Json = {"picture": base64.b64encode(data[:HEAD]).decode()}
        self._beginning = await self._call("beginning", self._params() | picture, ())

    def _choices(self, encoders: tuple[Encoder, ...]) -> Iterator[tuple[Encoder, Conversion]]:
        return ((encoder, how) for how in smaller(self._largest) for encoder in encoders)

    @override
    async def beginning(self) -> bytes:
        return self._beginning

    @override
    async def segment(self, segment: Segment) -> bytes:
        sound = asyncio.ensure_future(self._sound(segment))
        try:
            data = await self._converted(segment)
            number: Json = {"number": segment.number}
            video = await self._worker.call(
                f"{self._job} {segment.name}", HeldBytes(data), "converted", number, ((0, data),)
            )
            return video.payload + await sound
        finally:
            sound.cancel()

    async def _converted(self, segment: Segment) -> bytes:
        """Return the video of a segment, not in fragments yet."""
        if self._first is not None and self._first[0] == segment.number:
            (_, data), self._first = self._first, None
            return data
        assert self._choice is not None  # the session has prepared it
        stretch = await self._stretch(segment)
        clock = asyncio.get_running_loop().time
        started = clock()
        deadline = min(max(PATIENCE * segment.duration, SAMPLE), LONGEST)
        data = await self._ffmpeg.convert(stretch.data, (stretch.first, stretch.last), *self._choice, deadline)
        self._look_at(clock() - started - segment.duration)
        return data

    def _look_at(self, late: float) -> None:
        """Say so where a machine falls behind after all: by more than players have in hand."""
        before, self._slow = self._slow, max(0.0, self._slow + late)
        if before <= SAMPLE < self._slow:
            _LOGGER.warning("Video is converted more slowly than it is watched")

    async def _stretch(self, segment: Segment) -> Stretch:
        answer = await self._cut(segment, "stretch")
        first, last = answer.result["first"], answer.result["last"]
        if not isinstance(first, int | None) or not isinstance(last, int | None):
            raise Unplayable(Reason.CRASHED, "the worker's answer makes no sense")
        return Stretch(answer.payload, first, last)

    async def _sound(self, segment: Segment) -> bytes:
        return (await self._cut(segment, "sound")).payload if self._has_sound else b""
