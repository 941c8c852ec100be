"""Small real media files, made once per run."""

import subprocess
from typing import TYPE_CHECKING

import pytest

from custom_components.torrent_cast.media import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SOURCE = (
    *("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=12,noise=alls=40:allf=t"),
    *("-f", "lavfi", "-i", "sine=frequency=440:duration=12"),
)
"""12 s, incompressible enough that head and index are a small part of the file."""

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
    """Return a directory of files: `last.mp4`, the others made of it, and `nocues.mkv`."""
    directory = tmp_path_factory.mktemp("media")
    last = directory / "last.mp4"
    ffmpeg(*SOURCE, *H264, last)
    for name, arguments in COPIES.items():
        ffmpeg("-i", last, *arguments, directory / name)
    # To a pipe: the muxer cannot go back to write duration and Cues.
    (directory / "nocues.mkv").write_bytes(ffmpeg("-i", last, "-c", "copy", "-f", "matroska", "-"))
    return directory


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    """Return a worker, stopped after the test."""
    async with Worker() as worker:
        yield worker
