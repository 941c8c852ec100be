"""The films that are played: each container, video and sound of the matrix at least once, and real ones."""

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import av

from tests.rig.films import Film
from tests.rig.films import film as clocked

from .films import AUDIO, CONTAINERS, VIDEO, encode, film, filters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SECONDS: Final = 60
CLOCK: Final = Film("Clock (2026).mp4", seconds=SECONDS, bitrate=1_200_000, width=320, height=180)
"""A film whose picture tells its time, to the tenth of a second."""

LINE: Final = "A line"
LINES: Final = f"1\n00:00:01,000 --> 00:00:59,000\n{LINE}\n"
"""Subtitles, where a film has some of its own."""

TEXTS: Final = {"": (), "SRT": ("-c:s", "srt"), "ASS": ("-c:s", "ass"), "timed text": ("-c:s", "mov_text")}


@dataclass(frozen=True, slots=True)
class Choice:
    """A film of the matrix, with subtitles of its own of a kind, if any, or made of a real `clip` over and over."""

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
    def file(self) -> str:
        """Return the name of its file."""
        return f"{self.name}{CONTAINERS[self.container].suffix}"


MIXTURE: Final[tuple[tuple[str, str], ...]] = (
    ("H.264", "AAC"),
    ("H.264", "AC3 5.1"),
    ("H.264", "E-AC3 5.1"),
    ("H.264", "DTS 5.1"),
    ("H.264", "FLAC"),
    ("H.264", "none"),
    ("H.264 10 bit", "AAC 5.1"),
    ("HEVC", "AAC"),
    ("VP9", "Opus"),
    ("AV1", "Opus"),
    ("MPEG-4 ASP", "MP3"),
)
"""Each video and each sound at least once, most sounds with the one video that every device plays."""

HELD: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "MP4, moov first": MIXTURE,
    "MP4, moov last": MIXTURE,
    "MP4, fragments": tuple(pair for pair in MIXTURE if pair[1] not in {"AC3 5.1", "E-AC3 5.1"}),
    "Matroska, Cues": MIXTURE,
    "Matroska, mkvmerge": MIXTURE,
    "Matroska, no Cues": MIXTURE,
    "WebM": (("VP9", "Opus"), ("VP9", "none"), ("AV1", "Opus")),
    "MPEG-TS": tuple(pair for pair in MIXTURE if pair[0] not in {"VP9", "AV1"} and pair[1] != "FLAC"),
    "AVI": (
        *(("H.264", audio) for audio in ("AAC", "AC3 5.1", "MP3", "none")),
        ("H.264 10 bit", "AAC 5.1"),
        *((video, "MP3") for video in ("HEVC", "VP9", "AV1", "MPEG-4 ASP")),
    ),
    "AVI, OpenDML": (("H.264", "MP3"), ("MPEG-4 ASP", "AC3 5.1")),
}
"""What ffmpeg and mkvmerge write into each container."""

OWN_TEXT: Final = {
    ("MP4, moov first", "H.264", "AC3 5.1"): "timed text",
    ("Matroska, Cues", "H.264", "AAC"): "SRT",
    ("Matroska, Cues", "H.264", "AC3 5.1"): "ASS",
}

CHOICES: Final = tuple(
    Choice(container, *pair, OWN_TEXT.get((container, *pair), ""))
    for container, pairs in HELD.items()
    for pair in pairs
)


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


async def make(folder: Path, choices: Sequence[Choice], clips: Sequence[Path] = ()) -> Path:
    """Make films in a folder; return the one that holds nothing else."""
    sources: dict[str, tuple[str, ...]] = {"": ("-i", str(await clocked(CLOCK)))}
    sources |= {clip.name: ("-stream_loop", "-1", "-t", str(SECONDS), "-i", str(clip)) for clip in clips}
    return await asyncio.to_thread(_make, folder, choices, sources)


def _make(folder: Path, choices: Sequence[Choice], sources: Mapping[str, tuple[str, ...]]) -> Path:
    films, lines = folder / "Films", folder / "lines.srt"
    films.mkdir()
    lines.write_text(LINES)
    for clip, name in dict.fromkeys((choice.clip, choice.video) for choice in choices):
        encode(folder / f"{clip}{name}.mkv", sources[clip], ("-an", *(("-c:v", "copy") if clip else VIDEO[name])))
    for clip, name in dict.fromkeys((choice.clip, choice.audio) for choice in choices if AUDIO[choice.audio]):
        encode(folder / f"{clip}{name}.mkv", sources[clip], ("-vn", *AUDIO[name]))
    for choice in choices:
        parts = [choice.video, choice.audio] if AUDIO[choice.audio] else [choice.video]
        given = [folder / f"{choice.clip}{part}.mkv" for part in parts] + ([lines] if choice.text else [])
        how = (*TEXTS[choice.text], *filters(choice.container, choice.video))
        made = film(films / choice.file, choice.container, *given, how=how)
        assert made, choice
    return films
