"""Small real media files, made once per run."""

import subprocess
from typing import TYPE_CHECKING

import pytest

from custom_components.torrent_cast.media import Worker

from .crafting import in_two_parts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def moving(seconds: int) -> tuple[str, ...]:
    """Return inputs of ffmpeg, incompressible enough that head and index are a small part of the file."""
    return (
        *("-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=25:duration={seconds},noise=alls=40:allf=t"),
        *("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"),
    )


H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-b:v", "1M", "-g", "50", "-bf", "2", "-c:a", "aac")
VP8 = ("-c:v", "libvpx", "-b:v", "1M", "-g", "50", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus")
COPIES = {
    "first.mp4": ("-c", "copy", "-movflags", "+faststart"),
    "fragmented.mp4": ("-c", "copy", "-movflags", "frag_keyframe+empty_moov"),
    "film.mkv": ("-c", "copy"),
    "film.ts": ("-c", "copy"),
    "film.avi": ("-c:v", "mpeg4", "-b:v", "1M", "-g", "50", "-c:a", "libmp3lame"),
    "film.webm": VP8,
    "song.m4a": ("-vn", "-c", "copy"),
    "song.mp3": ("-vn",),
    "song.flac": ("-vn",),
    "song.wav": ("-vn",),
    "song.ogg": ("-vn", "-c:a", "libvorbis"),
}


def ffmpeg(*arguments: str | Path) -> bytes:
    """Run ffmpeg; return what it writes."""
    return subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True, stdout=subprocess.PIPE).stdout


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory of files: `last.mp4`, the others made of it, `nocues.mkv`, and `timed.mkv` with a duration."""
    directory = tmp_path_factory.mktemp("media")
    last = directory / "last.mp4"
    ffmpeg(*moving(12), *H264, last)
    for name, arguments in COPIES.items():
        ffmpeg("-i", last, *arguments, directory / name)
    # To a pipe: the muxer cannot go back to write duration and Cues.
    (directory / "nocues.mkv").write_bytes(ffmpeg("-i", last, "-c", "copy", "-f", "matroska", "-"))
    # Made of a film that tells how long each stream is, it knows from the beginning; FFmpeg looks at two key frames of
    # it before it knows how far pictures are reordered.
    dense, timed = directory / "dense.mkv", directory / "timed.mkv"
    reordered = ("-c:v", "libx264", "-preset", "veryfast", "-b:v", "1M", "-bf", "3", "-g", "10")
    ffmpeg("-i", last, *reordered, "-c:a", "copy", dense)
    timed.write_bytes(ffmpeg("-i", dense, "-c", "copy", "-f", "matroska", "-"))
    return directory


FLASHES = "drawbox=t=fill:color=white:enable='lt(mod(t,1),0.02)'"
CLOCK = (
    *("-f", "lavfi", "-i", f"color=black:size=160x90:rate=25:duration=30,{FLASHES}"),
    *("-f", "lavfi", "-i", "aevalsrc='sin(2*PI*1000*t)*lt(mod(t,1),0.1)':s=48000:d=30"),
)
"""30 s with a white picture and a tone at the beginning of each second."""

CLOCKS = {
    "clock.mkv": ("-c:a", "ac3"),
    "clock.mp4": ("-c:a", "ac3"),
    "surround.mkv": ("-c:a", "aac", "-ac", "6"),
    "copied.mkv": ("-c:a", "aac"),
    "late.mkv": ("-c:a", "ac3", "-output_ts_offset", "100"),
    "mp3.mkv": ("-c:a", "libmp3lame"),
    "opus.mkv": ("-c:a", "libopus"),
    "dts.mkv": ("-c:a", "dca", "-strict", "-2"),
    "silent.mkv": ("-an",),
    "ac3.ts": ("-c:a", "ac3"),
    "aac.ts": ("-c:a", "aac"),
    "live.mkv": ("-c:a", "aac", "-live", "1"),
    "fragments.mp4": ("-c:a", "ac3", "-movflags", "frag_keyframe+delay_moov"),
    "vfr.mkv": (
        *("-c:a", "ac3", "-vf", r"select='not(eq(mod(n\,3)\,1))+eq(mod(n\,25)\,0)'", "-fps_mode", "vfr", "-g", "27"),
    ),
    "ac3.avi": ("-c:a", "ac3"),
    "mp3.avi": ("-c:a", "libmp3lame"),
    "plain.avi": ("-c:a", "ac3", "-bf", "0"),
    "av1.mkv": ("-c:a", "ac3", "-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8"),
}


@pytest.fixture(scope="session")
def clocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory of films whose picture and sound tell the seconds, with reordered frames where there can be.

    Key frames are 1.6 s apart, so that cuts do not fall on seconds.
    """
    directory = tmp_path_factory.mktemp("clocks")
    for name, arguments in CLOCKS.items():
        ffmpeg(
            *CLOCK, "-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "40", "-sc_threshold", "0",
            *("-pix_fmt", "yuv420p"), *arguments, directory / name,
        )  # fmt: skip
    # To begin between two key frames it keeps the first of them, and hides a second by an edit list.
    ffmpeg("-ss", "1", "-i", directory / "clock.mp4", "-c", "copy", directory / "edited.mp4")
    (directory / "large.avi").write_bytes(in_two_parts((directory / "ac3.avi").read_bytes()))
    return directory


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    """Return a worker, stopped after the test."""
    async with Worker() as worker:
        yield worker
