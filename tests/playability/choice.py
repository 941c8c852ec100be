"""The films that are played: those of the matrix, with each kind of subtitles, and real ones."""

import asyncio
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Final

import av
from pysubs2 import SSAFile

from tests.rig.films import Film
from tests.rig.films import film as clocked

from .films import AUDIO, CONTAINERS, FPS, UNHEARD, UNSEEN, VIDEO, encode, film, filters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SECONDS: Final = 60
CLOCK: Final = Film("Clock (2026).mp4", seconds=SECONDS, bitrate=1_200_000, width=320, height=180)
"""A film whose picture tells its time, to the tenth of a second."""

LINE: Final = "A line"
LINES: Final = f"1\n00:00:01,000 --> 00:00:59,000\n{LINE}\n"
"""Subtitles, where a film has some of its own."""

OWN: Final = {
    "SRT": ("-c:s", "srt"),
    "ASS": ("-c:s", "ass"),
    "WebVTT": ("-c:s", "webvtt"),
    "timed text": ("-c:s", "mov_text"),
}
"""Subtitles within a film, and how ffmpeg is told to write them."""

BESIDE: Final = {"SRT beside": ".srt", "ASS beside": ".ass", "VTT beside": ".vtt", "SUB beside": ".sub"}
"""Subtitles in a file beside the film, and what its name ends with."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A film of the matrix, with subtitles of a kind, if any, or made of a real `clip` over and over."""

    container: str
    video: str
    audio: str
    text: str = ""
    clip: str = ""

    @property
    def name(self) -> str:
        """Return what to call it: also its file, for a pattern that fits no other."""
        return ", ".join(filter(None, (self.clip, self.container, self.video, self.audio, self.text)))

    @property
    def is_converted(self) -> bool:
        """Tell whether it is played with its video converted, too, where that is not played else."""
        return self.container in CONVERTED_WHOLE or self.audio in CONVERTED

    @property
    def file(self) -> str:
        """Return the name of its file."""
        return f"{self.name}{CONTAINERS[self.container].suffix}"


SUBTITLED: Final = (
    Choice("MP4, moov first", "H.264", "AC3 5.1", "timed text"),
    Choice("Matroska, Cues", "H.264", "AAC", "SRT"),
    Choice("Matroska, Cues", "H.264", "AC3 5.1", "ASS"),
    Choice("Matroska, mkvmerge", "H.264", "E-AC3 5.1", "SRT"),
    Choice("Matroska, no Cues", "H.264", "AAC", "SRT"),
    Choice("Matroska, Cues", "VP9", "Opus", "WebVTT"),
    *(Choice("MP4, moov first", "H.264", "AAC", text) for text in BESIDE),
    *(Choice("Matroska, Cues", "H.264", "AC3 5.1", text) for text in BESIDE),
    Choice("MPEG-TS", "H.264", "AAC", "SRT beside"),
)
"""Each kind of subtitles, with what a device gets as it is, in segments, and while the playlist grows."""

CHOICES: Final = (
    *(
        Choice(container, video, audio)
        for container, video, audio in product(CONTAINERS, VIDEO, AUDIO)
        if (container, audio) not in UNHEARD and not ((container, video) in UNSEEN and audio == "none")
    ),
    *SUBTITLED,
)
"""All films of the matrix, also those that ffmpeg or mkvmerge will not write."""

CONVERTED: Final = frozenset({"AAC", "Opus"})
"""The sounds with which a video that a device does not play is converted in each container that holds them."""

CONVERTED_WHOLE: Final = frozenset({"MP4, moov first", "Matroska, Cues"})
"""The containers in which it is converted with each sound."""

REAL: Final = (
    Choice("MP4, moov first", "H.264", "AAC"),
    Choice("Matroska, Cues", "H.264", "AC3 5.1"),
    Choice("MPEG-TS", "H.264", "AC3 5.1"),
)
"""What is made of a real film, all of which are H.264 in MP4: its pictures are copied."""


def real(clips: Sequence[Path]) -> tuple[Choice, ...]:
    """Return what is played of real films."""
    return tuple(
        replace(choice, clip=clip.name, audio=choice.audio if has_sound(clip) else "none")
        for clip in clips
        for choice in REAL
    )


def has_sound(path: Path) -> bool:
    """Tell whether a film has any."""
    with av.open(path) as container:
        return bool(container.streams.audio)


async def make(folder: Path, choices: Sequence[Choice], clips: Sequence[Path] = ()) -> tuple[Path, list[Choice]]:
    """Make films in a folder; return the one that holds nothing else, and which of them there are.

    What all of them are made of stays beside that for the next.
    """
    sources: dict[str, tuple[str, ...]] = {"": ("-i", str(await clocked(CLOCK)))}
    sources |= {clip.name: ("-stream_loop", "-1", "-t", str(SECONDS), "-i", str(clip)) for clip in clips}
    return await asyncio.to_thread(_make, folder, choices, sources)


def _make(folder: Path, choices: Sequence[Choice], sources: Mapping[str, tuple[str, ...]]) -> tuple[Path, list[Choice]]:
    films, lines = folder / "Films", folder / "lines.srt"
    films.mkdir()
    lines.write_text(LINES)
    for clip, name in dict.fromkeys((choice.clip, choice.video) for choice in choices):
        _encode(folder / f"{clip}{name}.mkv", sources[clip], ("-an", *(("-c:v", "copy") if clip else VIDEO[name])))
    for clip, name in dict.fromkeys((choice.clip, choice.audio) for choice in choices if AUDIO[choice.audio]):
        _encode(folder / f"{clip}{name}.mkv", sources[clip], ("-vn", *AUDIO[name]))
    made = [choice for choice in choices if _film(folder, films / choice.file, choice, lines)]
    for choice in made:
        if choice.text in BESIDE:
            SSAFile.load(str(lines)).save(str(films / f"{choice.name}{BESIDE[choice.text]}"), fps=FPS)
    return films, made


def _encode(path: Path, source: tuple[str, ...], arguments: tuple[str, ...]) -> None:
    if not path.exists():
        encode(path, source, arguments)


def _film(folder: Path, path: Path, choice: Choice, lines: Path) -> bool:
    parts = [choice.video, choice.audio] if AUDIO[choice.audio] else [choice.video]
    given = [folder / f"{choice.clip}{part}.mkv" for part in parts] + ([lines] if choice.text in OWN else [])
    how = (*OWN.get(choice.text, ()), *filters(choice.container, choice.video))
    if film(path, choice.container, *given, how=how):
        return True
    path.unlink(missing_ok=True)
    return False
