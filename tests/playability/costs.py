"""What it costs to look at a film and to make its segments."""

import asyncio
import resource
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from custom_components.torrent_cast.media import Remux, Unplayable, Worker, deliver, probe, profile_of
from custom_components.torrent_cast.media.converting import ConvertingCutter
from custom_components.torrent_cast.media.ffmpeg import Ffmpeg
from custom_components.torrent_cast.media.hls import Cutter
from tests.media.crafting import endless, wants
from tests.media.sources import MemorySource

from .films import encode

if TYPE_CHECKING:
    from pathlib import Path

SECONDS: Final = 60
PICTURE: Final = f"testsrc2=size=1920x1080:rate=24:duration={SECONDS},format=yuv420p"
SOUND: Final = f"anoisesrc=amplitude=0.3:sample_rate=48000:duration={SECONDS}"
SOURCE: Final = ("-f", "lavfi", "-i", PICTURE, "-f", "lavfi", "-i", SOUND)
H264: Final = ("-c:v", "libx264", "-preset", "ultrafast", "-b:v", "4M", "-g", "48")
HEVC: Final = ("-c:v", "libx265", "-preset", "ultrafast", "-b:v", "3M", "-x265-params", "keyint=48:log-level=error")
DOLBY: Final = ("-c:a", "ac3", "-ac", "6", "-b:a", "448k")


class Cost(NamedTuple):
    """One figure, with its unit in words."""

    what: str
    figure: str


async def costs(folder: Path) -> list[Cost]:
    """Measure on films of a minute in 1080p that are made in a folder."""
    paths = [folder / "dolby.mkv", folder / "stereo.mkv", folder / "hevc.mkv", folder / "dolby.mp4"]
    dolby, stereo, hevc, mp4 = paths
    await asyncio.to_thread(encode, dolby, SOURCE, (*H264, *DOLBY))
    await asyncio.to_thread(encode, stereo, ("-i", str(dolby)), ("-c:v", "copy", "-c:a", "aac", "-ac", "2"))
    await asyncio.to_thread(encode, mp4, ("-i", str(dolby)), ("-c", "copy"))
    await asyncio.to_thread(encode, hevc, SOURCE, (*HEVC, *DOLBY))
    found = [
        Cost("AC3 5.1 to AAC, video copied: processor time for a minute", f"{await _cut(dolby):.1f} s"),
        Cost("all copied: processor time for a minute", f"{await _cut(stereo):.1f} s"),
        Cost("probe of a film whose bytes are there, with the process's start", f"{await _probe(dolby):.2f} s"),
        Cost("HEVC in 1080p converted, AC3 to AAC", f"{SECONDS / await _convert(hevc):.1f} times as fast as watched"),
    ]
    crafted = {
        "wants 4 GiB for its index": wants(await asyncio.to_thread(mp4.read_bytes), 1 << 32),
        "has no end": endless(await asyncio.to_thread(dolby.read_bytes)),
    }
    for what, data in crafted.items():
        took, _ = await asyncio.gather(_answer(data), _cut(dolby))
        found.append(Cost(f"a file that {what}, while another film is cut: an answer after", f"{took:.1f} s"))
    return found


async def _cut(path: Path) -> float:
    """Make all segments of a film; return the processor time of the process that does, s."""
    before = _children()
    async with Worker() as worker:
        source = MemorySource(path.read_bytes())  # noqa: ASYNC240  # nothing else is to run
        found = await probe(worker, source, path.name)
        remux = deliver(found, profile_of("Chromecast"))
        assert isinstance(remux, Remux)
        cutter = Cutter(worker, source, found, remux)
        await cutter.beginning()
        for segment in remux.segments:
            await cutter.segment(segment)
    return _children() - before


def _children() -> float:
    """Return the processor time of processes that have ended, s."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


async def _probe(path: Path) -> float:
    source = MemorySource(path.read_bytes())  # noqa: ASYNC240  # nothing else is to run
    began = time.monotonic()
    async with Worker() as worker:
        await probe(worker, source, path.name)
        return time.monotonic() - began


async def _convert(path: Path) -> float:
    """Return how long all segments of a film take to convert, s."""
    async with Worker() as worker:
        source = MemorySource(path.read_bytes())  # noqa: ASYNC240  # nothing else is to run
        found = await probe(worker, source, path.name)
        remux = deliver(found, profile_of("Chromecast"), converts=True)
        assert isinstance(remux, Remux)
        cutter = ConvertingCutter(worker, source, found, remux, Ffmpeg("ffmpeg"))
        await cutter.prepare(remux.segments[-1])
        began = time.monotonic()
        for segment in remux.segments:
            await cutter.segment(segment)
        return time.monotonic() - began


async def _answer(data: bytes) -> float:
    """Return how long it takes to probe a file or to give it up, s."""
    began = time.monotonic()
    async with Worker() as worker:
        with suppress(Unplayable):
            await probe(worker, MemorySource(data), "film")
        return time.monotonic() - began
