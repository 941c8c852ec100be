"""Judging a delivery: it is decoded from several places on, as after a seek, and its clock read, seen and heard."""

import asyncio
import io
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import av
import numpy as np

from custom_components.torrent_cast.media import Direct, Refused, Unplayable, deliver, probe
from custom_components.torrent_cast.media.growing import Scanner
from custom_components.torrent_cast.media.hls import Cutter
from tests.media.sources import MemorySource

if TYPE_CHECKING:
    from pathlib import Path

    from custom_components.torrent_cast.media import Delivery, Probe, Profile, Worker
    from custom_components.torrent_cast.media.hls import Segment

LATER: Final = 0.2
"""Seconds by which all in segments is shown later than in the file."""

IN_STEP: Final = 0.040
"""Seconds from a flash to its tone, at most: what broadcasters allow (ITU-R BT.1359 notices 45 ms)."""

ON_TIME: Final = 0.041
"""Seconds from a whole second to its flash, at most: one frame."""

BORDER: Final = 0.2
"""Seconds at either end of what is decoded in which a flash or a tone may be cut off."""

SEEKS: Final = (0.0, 7.0)
"""Seconds from which on a file that goes as it is gets decoded."""

WINDOW: Final = 256 << 10
"""Bytes of a film without an index that are gone over at a time, so that there are several of so small a film."""

LOUD: Final = 0.05
QUIET: Final = 0.3
"""Seconds between two tones, at least."""

WHITE: Final = 128


class Shown(NamedTuple):
    """What was decoded: when pictures turn white and tones begin, in s of the film, and how many frames there were."""

    flashes: list[float]
    tones: list[float]
    frames: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a film: `how` in words, `apart` s from flash to tone at worst, `wrong` what is not right."""

    how: str
    apart: float = 0.0
    wrong: str = ""
    is_delivered: bool = True


class Judge:
    """Judges one film for several devices; what two of them get alike is decoded once."""

    def __init__(self, worker: Worker, path: Path, *, has_clock: bool = True) -> None:
        self._worker = worker
        self._source = MemorySource(path.read_bytes())
        self._path = path
        self._has_clock = has_clock
        self._probe: Probe | None = None
        self._known: dict[str, Verdict] = {}

    async def judge(self, profile: Profile) -> Verdict:
        """Return what becomes of the film on such a device."""
        try:
            self._probe = found = self._probe or await probe(self._worker, self._source, self._path.name)
            delivery = deliver(found, profile)
        except Refused as err:
            return Verdict(f"refused: {err.reason}", is_delivered=False)
        except Unplayable as err:
            return Verdict(f"error: {err.reason}", is_delivered=False)
        how = _words(delivery)
        if how not in self._known:
            try:
                self._known[how] = await self._decoded(found, delivery, how)
            except (Unplayable, av.error.FFmpegError) as err:
                self._known[how] = Verdict(how, wrong=f"{type(err).__name__}: {err}")
        return self._known[how]

    async def _grown(self, found: Probe) -> list[Segment]:
        scanner = Scanner(self._worker, self._source, found, WINDOW)
        while not scanner.growth.is_complete:
            await scanner.go_on()
        return scanner.growth.segments

    async def _decoded(self, found: Probe, delivery: Delivery, how: str) -> Verdict:
        parts: list[tuple[float, float, Shown]] = []
        if isinstance(delivery, Direct):
            end = found.duration or 0.0
            parts = [(second, end, await asyncio.to_thread(_shown, self._source.data, second, 0.0)) for second in SEEKS]
        else:
            cutter = Cutter(self._worker, self._source, found, delivery)
            beginning = await cutter.beginning()
            for segment in delivery.segments or await self._grown(found):
                begin = segment.begin.time if segment.begin else 0.0
                data = beginning + await cutter.segment(segment)
                parts.append((begin, begin + segment.duration, await asyncio.to_thread(_shown, data, None, LATER)))
            frames = sum(shown.frames for _, _, shown in parts)
            if frames != (expected := await asyncio.to_thread(_frames, self._source.data)):
                return Verdict(how, wrong=f"{frames} of {expected} frames")
        if not self._has_clock:
            return Verdict(how)
        apart = 0.0
        for begin, end, shown in parts:
            worst, wrong = _compared(begin, end, shown, has_sound=found.audio is not None)
            if wrong:
                return Verdict(how, wrong=wrong)
            apart = max(apart, worst)
        return Verdict(how, apart)


def _words(delivery: Delivery) -> str:
    if isinstance(delivery, Direct):
        return "as it is"
    return ("growing HLS" if delivery.grows else "HLS") + (", AAC" if delivery.encodes_audio else "")


def _compared(begin: float, end: float, shown: Shown, *, has_sound: bool) -> tuple[float, str]:
    """Return how far the worst flash is from its tone, in s, and what is wrong."""
    worst = 0.0
    for second in range(round(begin + 1), int(end - BORDER) + 1):
        flash = min(shown.flashes, key=lambda at: abs(at - second), default=-1.0)
        if abs(flash - second) > ON_TIME:
            return worst, f"no flash at {second} s"
        if has_sound:
            tone = min(shown.tones, key=lambda at: abs(at - flash), default=-1.0)
            worst = max(worst, abs(tone - flash))
            if worst > IN_STEP:
                return worst, f"sound {worst * 1000:.0f} ms off at {second} s"
    return worst, ""


def _shown(data: bytes, seek: float | None, later: float) -> Shown:
    """Decode what a device gets, from `seek` s on; raises av.error.FFmpegError."""
    flashes, tones, frames = [], [], 0
    with av.open(io.BytesIO(data), "r") as container:
        if seek:
            container.seek(round(seek * av.time_base))
        mono = av.AudioResampler("fltp", "mono")
        streams = [*container.streams.video[:1], *container.streams.audio[:1]]
        loud: list[float] = []
        for frame in container.decode(*streams):
            assert isinstance(frame, av.VideoFrame | av.AudioFrame)  # no other streams are asked for
            if frame.time is None:
                continue
            if isinstance(frame, av.VideoFrame):
                frames += 1
                if memoryview(frame.planes[0])[0] > WHITE:
                    flashes.append(frame.time - later)
            else:
                for part in mono.resample(frame):
                    at = np.flatnonzero(np.abs(part.to_ndarray()[0]) > LOUD) / part.sample_rate
                    loud += (at + frame.time - later).tolist()
    loud.sort()
    tones = [*loud[:1], *(after for before, after in pairwise(loud) if after - before > QUIET)]
    return Shown(flashes, tones, frames)


def _frames(data: bytes) -> int:
    """Return how many pictures a file holds."""
    with av.open(io.BytesIO(data), "r") as container:
        return len(list(container.decode(video=0)))
