"""The films of the matrix: each video with each sound in each container, made by ffmpeg and mkvmerge.

At the beginning of each second the picture is white for one frame and a tone begins, so that both tell the time.
Video and sound are encoded once and copied into the containers.
"""

import re
import subprocess
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

from tests.media.crafting import in_two_parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS: Final = 15
FPS: Final = 25
FLASH: Final = "drawbox=t=fill:color=white:enable='lt(mod(t,1),0.02)'"
# With noise, so that a file is some MB: of a small one the probe holds all, index or not.
PICTURE: Final = f"color=black:size=160x90:rate={FPS}:duration={SECONDS},noise=c0s=60:c0f=t,{FLASH}"
SOUND: Final = f"aevalsrc='sin(2*PI*1000*t)*lt(mod(t,1),0.1)':s=48000:d={SECONDS}"
# Key frames 1.6 s apart, so that cuts do not fall on seconds.
GROUP: Final = ("-b:v", "800k", "-g", "40", "-keyint_min", "40", "-sc_threshold", "0")

VIDEO: Final = {
    "H.264": ("-c:v", "libx264", "-preset", "veryfast", "-bf", "3", *GROUP, "-pix_fmt", "yuv420p"),
    "H.264 10 bit": ("-c:v", "libx264", "-preset", "veryfast", "-bf", "3", *GROUP, "-pix_fmt", "yuv420p10le"),
    "HEVC": (
        *("-b:v", "800k", "-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
        *("-x265-params", "keyint=40:min-keyint=40:scenecut=0:bframes=3:open-gop=0:log-level=error"),
    ),
    "VP9": (
        "-c:v",
        "libvpx-vp9",
        "-deadline",
        "realtime",
        "-cpu-used",
        "8",
        "-b:v",
        "800k",
        "-g",
        "40",
        "-pix_fmt",
        "yuv420p",
    ),
    "AV1": (
        "-c:v",
        "libaom-av1",
        "-cpu-used",
        "8",
        "-usage",
        "realtime",
        "-b:v",
        "800k",
        "-g",
        "40",
        "-pix_fmt",
        "yuv420p",
    ),
    "MPEG-4 ASP": ("-c:v", "mpeg4", "-b:v", "800k", "-bf", "2", "-g", "40", "-pix_fmt", "yuv420p"),
}
AUDIO: Final = {
    "AAC": ("-c:a", "aac"),
    "AAC 5.1": ("-c:a", "aac", "-ac", "6"),
    "AC3 5.1": ("-c:a", "ac3", "-ac", "6"),
    "E-AC3 5.1": ("-c:a", "eac3", "-ac", "6"),
    "DTS 5.1": ("-c:a", "dca", "-strict", "-2", "-ac", "6"),
    "MP3": ("-c:a", "libmp3lame"),
    "Opus": ("-c:a", "libopus"),
    "FLAC": ("-c:a", "flac"),
    "none": (),
}


@dataclass(frozen=True, slots=True)
class Container:
    """How a container is written: by ffmpeg to a file, through a pipe, or by mkvmerge; then as from 1 GiB on."""

    suffix: str
    arguments: tuple[str, ...] = ()
    is_piped: bool = False
    is_merged: bool = False
    is_divided: bool = False


CONTAINERS: Final = {
    "MP4, moov first": Container(".mp4", ("-movflags", "+faststart", "-strict", "-2")),
    "MP4, moov last": Container(".mp4", ("-strict", "-2")),
    "MP4, fragments": Container(".mp4", ("-movflags", "frag_keyframe+empty_moov", "-strict", "-2")),
    "Matroska, Cues": Container(".mkv"),
    "Matroska, mkvmerge": Container(".mkv", is_merged=True),
    "Matroska, no Cues": Container(".mkv", ("-f", "matroska"), is_piped=True),
    "WebM": Container(".webm"),
    "MPEG-TS": Container(".ts"),
    "AVI": Container(".avi"),
    "AVI, OpenDML": Container(".avi", is_divided=True),
}

UNHEARD: Final = {
    ("MPEG-TS", "FLAC"),
    *((avi, audio) for avi in ("AVI", "AVI, OpenDML") for audio in ("E-AC3 5.1", "DTS 5.1", "FLAC")),
}
"""What ffmpeg copies wrongly: FLAC as data of no kind, into AVI with times that it does not understand itself."""

UNSEEN: Final = frozenset({("MPEG-TS", "VP9"), ("MPEG-TS", "AV1")})
"""What ffmpeg copies as data of no kind: a film of that alone holds nothing."""

ANNEX_B: Final = ("-bsf:v", "h264_mp4toannexb")
"""For AVI, which holds H.264 as a stream of bytes."""

IN_BAND: Final = ("-bsf:v", "dump_extra=freq=keyframe")
"""For transport streams, which have no place for the header of MPEG-4 ASP but among its pictures."""


def films(folder: Path, only: str = "") -> Iterator[tuple[str, str, str]]:
    """Encode all streams; return container, video and sound of the films in containers of the pattern `only`."""
    for name, arguments in VIDEO.items():
        encode(folder / f"{name}.mkv", ("-f", "lavfi", "-i", PICTURE), arguments)
    for name, arguments in AUDIO.items():
        if arguments:
            encode(folder / f"{name}.mkv", ("-f", "lavfi", "-i", SOUND), arguments)
    return product([name for name in CONTAINERS if re.search(only, name)], VIDEO, AUDIO)


def make(folder: Path, container: str, video: str, audio: str) -> Path | None:
    """Return a film of the matrix, None where its container does not take it."""
    if (container, audio) in UNHEARD:
        return None
    path = folder / f"{container}, {video}, {audio}{CONTAINERS[container].suffix}"
    sound = folder / f"{audio}.mkv" if AUDIO[audio] else None
    made = film(path, container, folder / f"{video}.mkv", sound, how=filters(container, video))
    return path if made else None


def filters(container: str, video: str) -> tuple[str, ...]:
    """Return what makes of copied video what a container holds."""
    if container.startswith("AVI") and video.startswith("H.264"):
        return ANNEX_B
    return IN_BAND if (container, video) == ("MPEG-TS", "MPEG-4 ASP") else ()


def film(path: Path, container: str, *streams: Path | None, how: tuple[str, ...] = ()) -> bool:
    """Copy streams into a container, with ffmpeg's arguments for that; tell whether it took them."""
    into = CONTAINERS[container]
    given = [part for stream in streams if stream for part in ("-i", str(stream))]
    if into.is_merged:
        command = ["mkvmerge", "--quiet", "-o", str(path), *(part for part in given if part != "-i")]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    maps = [part for number in range(len(given) // 2) for part in ("-map", str(number))]
    target = "-" if into.is_piped else str(path)
    command = ["ffmpeg", "-v", "error", "-y", *given, *maps, "-c", "copy", *how, *into.arguments, target]
    done = subprocess.run(command, check=False, capture_output=True)
    if into.is_piped:
        path.write_bytes(done.stdout)
    if into.is_divided and done.returncode == 0:
        path.write_bytes(in_two_parts(path.read_bytes()))
    return done.returncode == 0


def encode(path: Path, source: tuple[str, ...], arguments: tuple[str, ...]) -> None:
    """Encode what ffmpeg is given as `source`."""
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *arguments, str(path)], check=True)
