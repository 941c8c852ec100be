"""Films cut by the real worker, and what comes out decoded again."""

import io
from array import array
from typing import TYPE_CHECKING, NamedTuple

import av

from custom_components.torrent_cast.media import Probe, Remux, deliver, probe, profile_of
from custom_components.torrent_cast.media.hls import Cutter, segments

from .sources import MemorySource

if TYPE_CHECKING:
    from pathlib import Path

    from custom_components.torrent_cast.media import Worker

PROFILE = profile_of("Google TV Streamer")
LATER = 0.2
"""Seconds by which all is shown later than in the file."""


class Cuttable(NamedTuple):
    """A film and what cuts it."""

    probe: Probe
    remux: Remux
    cutter: Cutter
    source: MemorySource


async def film(worker: Worker, path: Path, *, sound: bool | None = None) -> Cuttable:
    """Probe a film; `sound` has it encoded or not, whatever the device would like."""
    source = MemorySource(path.read_bytes())  # noqa: ASYNC240  # a small file
    found = await probe(worker, source, path.name)
    assert found.video is not None
    remux = deliver(found, PROFILE)
    if not isinstance(remux, Remux):
        remux = Remux(segments(found), found.video, found.audio, encodes_audio=bool(sound))
    return Cuttable(found, remux, Cutter(worker, source, found, remux), source)


async def all_of(film: Cuttable) -> tuple[bytes, list[bytes]]:
    """Return the initialisation segment and all others."""
    return await film.cutter.beginning(), [await film.cutter.segment(segment) for segment in film.remux.segments]


def decoded(data: bytes) -> tuple[list[float], list[float]]:
    """Return when pictures turn white and when tones begin, in s of the file."""
    flashes, tones = [], []
    with av.open(io.BytesIO(data), "r") as container:
        last = 0.0
        for frame in container.decode(video=0, audio=0):
            assert isinstance(frame, av.VideoFrame | av.AudioFrame)
            assert frame.time is not None
            if isinstance(frame, av.VideoFrame):
                if bytes(frame.planes[0])[0] > 128:
                    flashes.append(frame.time - LATER)
                continue
            loud = array("f", bytes(frame.planes[0])[: frame.samples * 4])
            for at, value in enumerate(loud):
                now = frame.time + at / frame.sample_rate - LATER
                if abs(value) > 0.05:
                    if now - last > 0.3:
                        tones.append(now)
                    last = now
    return flashes, tones
