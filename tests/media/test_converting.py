"""Films whose video is converted by the real ffmpeg, and decoded again."""

import asyncio
import io
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from custom_components.torrent_cast.media import (
    BROWSER,
    Reason,
    Refused,
    Remux,
    Unplayable,
    Worker,
    deliver,
    probe,
    profile_of,
)
from custom_components.torrent_cast.media import ffmpeg as outside
from custom_components.torrent_cast.media.conversion import ENCODERS, SOFTWARE, Conversion
from custom_components.torrent_cast.media.converting import ConvertingCutter
from custom_components.torrent_cast.media.ffmpeg import Ffmpeg
from custom_components.torrent_cast.media.growing import Scanner
from custom_components.torrent_cast.media.hls import Segment

from .conftest import CLOCK, ffmpeg
from .cutting import decoded
from .sources import MemorySource

HEVC = (
    *("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le"),
    *("-x265-params", "keyint=40:min-keyint=40:scenecut=0:bframes=3:open-gop=1:log-level=error"),
)
FILMS = {
    "hevc.mkv": (*HEVC, "-c:a", "ac3"),
    "xvid.avi": ("-c:v", "mpeg4", "-bf", "2", "-g", "40", "-c:a", "libmp3lame"),
    "interlaced.ts": ("-c:v", "mpeg2video", "-bf", "2", "-g", "40", "-flags", "+ilme+ildct", "-c:a", "mp2"),
}
SMALL = Conversion(160, 90, 41)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory of films that tell the seconds, their video of kinds that no Chromecast plays."""
    directory = tmp_path_factory.mktemp("alien")
    for name, arguments in FILMS.items():
        ffmpeg(*CLOCK, *arguments, directory / name)
    return directory


class Converted:
    """A film and what converts it."""

    def __init__(self, worker: Worker, path: Path, program: Ffmpeg | None = None) -> None:
        self.worker = worker
        self.source = MemorySource(path.read_bytes())
        self.path = path
        self.program = program or Ffmpeg("ffmpeg")
        self.segments: list[Segment] = []

    async def cutter(self) -> ConvertingCutter:
        """Probe the film, and go over it where it has no index."""
        found = await probe(self.worker, self.source, self.path.name)
        remux = deliver(found, profile_of("Chromecast"), converts=True)
        assert isinstance(remux, Remux)
        self.segments = list(remux.segments)
        if remux.grows:
            scanner = Scanner(self.worker, self.source, found, 300_000)
            while not scanner.growth.is_complete:
                await scanner.go_on()
            self.segments = scanner.growth.segments
        return ConvertingCutter(self.worker, self.source, found, remux, self.program)

    async def prepared(self) -> ConvertingCutter:
        """Return a cutter that was prepared by the film's first segment."""
        cutter = await self.cutter()
        await cutter.prepare(self.segments[0])
        return cutter


@pytest.mark.parametrize("name", FILMS)
async def test_sound_and_picture_are_in_step_in_each_segment_alone(worker: Worker, films: Path, name: str) -> None:
    film = Converted(worker, films / name)
    cutter = await film.prepared()
    beginning = await cutter.beginning()
    assert len(film.segments) == 5
    whole = beginning
    for segment in film.segments:
        begin = segment.begin.time if segment.begin else 0.0
        data = await cutter.segment(segment)
        whole += data
        flashes, tones = decoded(beginning + data)
        assert len(flashes) >= 4
        for flash in flashes:
            assert flash == pytest.approx(round(flash), abs=0.041)
            if begin + 0.2 < flash < begin + segment.duration - 0.2:
                assert min(abs(tone - flash) for tone in tones) <= 0.040
    with av.open(io.BytesIO(whole), "r") as container:
        video = container.streams.video[0].codec_context
        assert (video.name, video.pix_fmt) == ("h264", "yuv420p")
        assert len(list(container.decode(video=0))) == 750, "every picture once"


async def test_segments_are_the_same_in_any_order(worker: Worker, films: Path) -> None:
    film = Converted(worker, films / "hevc.mkv")
    cutter = await film.prepared()
    media = [await cutter.segment(segment) for segment in film.segments]
    again = Converted(worker, films / "hevc.mkv")
    other = await again.cutter()
    await other.prepare(again.segments[3])
    assert await other.beginning() == await cutter.beginning()
    order = list(again.segments)
    random.Random(1).shuffle(order)
    for segment in order:
        assert await other.segment(segment) == media[segment.number]


def program(folder: Path, text: str) -> Ffmpeg:
    """Return a program that is none of ours."""
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return Ffmpeg(str(path))


async def test_a_machine_that_does_not_keep_up_is_found_out(worker: Worker, films: Path, tmp_path: Path) -> None:
    slow = program(tmp_path, 'case "$*" in *lavfi*libx264*) exit 0;; *lavfi*) exit 1;; *) exec sleep 600;; esac')
    film = Converted(worker, films / "hevc.mkv", slow)
    cutter = await film.cutter()
    with pytest.raises(Refused) as caught:
        await asyncio.wait_for(cutter.prepare(film.segments[0]), 60)
    assert caught.value.reason == "video_slow"
    assert caught.value.details == {"size": "160x90"}


async def test_an_encoder_that_works_goes_before_the_processor(tmp_path: Path) -> None:
    only = program(tmp_path, 'case "$*" in *h264_nvenc*|*libx264*) exit 0;; *) exit 1;; esac')
    assert [encoder.name for encoder in await only.encoders()] == ["h264_nvenc", "libx264"]


async def test_encoders_without_their_device_do_not_work_here() -> None:
    assert SOFTWARE in await Ffmpeg("ffmpeg").encoders()
    with pytest.raises(Refused, match="no_encoder"):
        await Ffmpeg("/nowhere/ffmpeg").encoders()


async def test_a_program_ends_with_who_waits_for_it(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    os.mkfifo(told)
    endless = program(tmp_path, f"echo $$ > {told}; exec sleep 600")
    task = asyncio.create_task(endless.convert(b"", (None, None), SOFTWARE, SMALL, 600))
    pid = int(await asyncio.to_thread(told.read_text))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_what_a_program_writes_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "MAX_OUTPUT", 1 << 20)
    with pytest.raises(Unplayable) as caught:
        await program(tmp_path, "exec cat /dev/zero").convert(b"", (None, None), SOFTWARE, SMALL, 600)
    assert caught.value.reason is Reason.TOO_BIG


async def test_a_program_that_wants_no_input_is_judged_by_its_end(tmp_path: Path) -> None:
    with pytest.raises(Unplayable) as caught:
        await program(tmp_path, "exec 0<&-; exit 3").convert(bytes(1 << 20), (None, None), SOFTWARE, SMALL, 600)
    assert caught.value.reason is Reason.NOT_MEDIA


async def test_a_program_gets_no_more_than_home_assistant_has(tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = f"renice -n 15 -p $$ > /dev/null; ulimit -d 500000; echo > {told}; read line; "
    script += f"echo $(nice) $(ulimit -d) > {told}"
    os.mkfifo(told)
    process = await asyncio.create_subprocess_exec("sh", "-c", script, stdin=asyncio.subprocess.PIPE)
    await asyncio.to_thread(told.read_text)
    outside._bound(process.pid)
    _, found = await asyncio.gather(process.communicate(b"\n"), asyncio.to_thread(told.read_text))
    assert found.split() == ["15", "500000"]


async def test_pictures_at_the_same_time_do_not_end_a_film(worker: Worker, films: Path, tmp_path: Path) -> None:
    path = tmp_path / "twice.mkv"
    shown: list[int] = []
    with av.open(films / "hevc.mkv") as source, av.open(path, "w") as target:
        streams = [target.add_stream_from_template(stream, opaque=True) for stream in source.streams]
        for packet in source.demux():
            if packet.stream.type == "video" and packet.pts is not None and packet.dts is not None:
                if len(shown) % 30 > 20 and shown[-1] >= packet.dts:
                    packet.pts = shown[-1]
                shown.append(packet.pts)
            if packet.size:
                packet.stream = streams[packet.stream.index]
                target.mux_one(packet)
    assert len(set(shown)) < len(shown)
    film = Converted(worker, path)
    cutter = await film.prepared()
    for segment in film.segments:
        assert (await cutter.segment(segment))[4:8] == b"moof"


@pytest.mark.parametrize(("seconds", "patience"), [(6.0, 18.0), (86_400.0, 120.0)])
async def test_a_long_segment_does_not_keep_other_films_waiting_for_ever(
    worker: Worker, films: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, patience: float
) -> None:
    film = Converted(worker, films / "hevc.mkv")
    cutter = await film.prepared()
    deadlines: list[float] = []
    convert = film.program.convert

    async def converted(data: bytes, span: tuple[int | None, int | None], *rest: Any) -> bytes:  # noqa: ANN401  # as given
        deadlines.append(rest[-1])
        return await convert(data, span, *rest)

    monkeypatch.setattr(film.program, "convert", converted)
    await cutter.segment(replace(film.segments[1], duration=seconds))
    assert deadlines == [patience]


async def test_a_damaged_stretch_is_an_error_or_a_segment(worker: Worker, films: Path) -> None:
    film = Converted(worker, films / "hevc.mkv")
    cutter = await film.prepared()
    segment, chance = film.segments[1], random.Random(1)
    good, reasons = film.source.data, set()
    for _ in range(5):
        data = bytearray(good)
        for _ in range(300):
            data[chance.randrange(segment.start, segment.end)] = chance.randrange(256)
        film.source.data = bytes(data)
        try:
            assert (await cutter.segment(segment))[4:8] == b"moof"
        except Unplayable as err:
            reasons.add(err.reason)
    assert reasons <= {Reason.NOT_MEDIA, Reason.CRASHED}


async def test_a_browser_gets_what_it_does_not_play_converted(worker: Worker, films: Path) -> None:
    source = MemorySource((films / "hevc.mkv").read_bytes())
    remux = deliver(await probe(worker, source, "hevc.mkv"), BROWSER, converts=True)
    assert isinstance(remux, Remux)
    assert remux.conversion == Conversion(160, 90, 52)


def test_every_encoder_is_named_once() -> None:
    assert len({encoder.name for encoder in ENCODERS}) == len(ENCODERS)
    assert ENCODERS[-1] is SOFTWARE
