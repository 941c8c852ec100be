"""The films that are played, and the devices: each container, video and sound of the matrix at least once."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.rig.films import Film
from tests.rig.films import film as clocked

from .films import ANNEX_B, AUDIO, CONTAINERS, VIDEO, encode, film

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SECONDS: Final = 60
CLOCK: Final = Film("Clock (2026).mp4", seconds=SECONDS, bitrate=1_200_000, width=320, height=180)
"""A film whose picture tells its time, to the tenth of a second."""

LINES: Final = "1\n00:00:01,000 --> 00:00:59,000\nA line\n"
"""Subtitles, where a film has some of its own."""

TEXTS: Final = {"": (), "SRT": ("-c:s", "srt"), "ASS": ("-c:s", "ass"), "timed text": ("-c:s", "mov_text")}


@dataclass(frozen=True, slots=True)
class Choice:
    """A film of the matrix, with subtitles of its own of a kind, if any."""

    container: str
    video: str
    audio: str
    text: str = ""

    @property
    def name(self) -> str:
        """Return what to call it: also its file, for a pattern that fits no other."""
        return ", ".join(filter(None, (self.container, self.video, self.audio, self.text)))

    @property
    def file(self) -> str:
        """Return the name of its file."""
        return f"{self.name}{CONTAINERS[self.container].suffix}"


CHOICES: Final = (
    Choice("MP4, moov first", "H.264", "AAC"),
    Choice("MP4, moov first", "H.264", "AC3 5.1", "timed text"),
    Choice("MP4, moov first", "H.264 10 bit", "AAC"),
    Choice("MP4, moov first", "HEVC", "AAC"),
    Choice("MP4, moov first", "VP9", "FLAC"),
    Choice("MP4, moov first", "AV1", "Opus"),
    Choice("MP4, moov last", "H.264", "AAC"),
    Choice("MP4, moov last", "H.264", "E-AC3 5.1"),
    Choice("MP4, moov last", "H.264", "MP3"),
    Choice("MP4, fragments", "H.264", "AAC"),
    Choice("Matroska, Cues", "H.264", "AAC", "SRT"),
    Choice("Matroska, Cues", "H.264", "AC3 5.1", "ASS"),
    Choice("Matroska, Cues", "H.264", "MP3"),
    Choice("Matroska, Cues", "H.264", "Opus"),
    Choice("Matroska, Cues", "H.264", "FLAC"),
    Choice("Matroska, Cues", "H.264", "none"),
    Choice("Matroska, Cues", "H.264 10 bit", "AAC 5.1"),
    Choice("Matroska, Cues", "HEVC", "E-AC3 5.1"),
    Choice("Matroska, Cues", "VP9", "Opus"),
    Choice("Matroska, Cues", "AV1", "Opus"),
    Choice("Matroska, Cues", "MPEG-4 ASP", "MP3"),
    Choice("Matroska, mkvmerge", "H.264", "DTS 5.1"),
    Choice("Matroska, no Cues", "H.264", "AAC"),
    Choice("WebM", "VP9", "Opus"),
    Choice("WebM", "AV1", "Opus"),
    Choice("MPEG-TS", "H.264", "AC3 5.1"),
    Choice("MPEG-TS", "H.264", "AAC"),
    Choice("AVI", "H.264", "MP3"),
    Choice("AVI", "H.264", "AC3 5.1"),
    Choice("AVI", "MPEG-4 ASP", "MP3"),
    Choice("AVI, OpenDML", "H.264", "MP3"),
)


async def make(folder: Path, choices: Sequence[Choice]) -> Path:
    """Make films in a folder; return the one that holds nothing else."""
    clock = await clocked(CLOCK)
    return await asyncio.to_thread(_make, folder, choices, ("-i", str(clock)))


def _make(folder: Path, choices: Sequence[Choice], clock: tuple[str, ...]) -> Path:
    films, lines = folder / "Films", folder / "lines.srt"
    films.mkdir()
    lines.write_text(LINES)
    for name in dict.fromkeys(choice.video for choice in choices):
        encode(folder / f"{name}.mkv", clock, ("-an", *VIDEO[name]))
    for name in dict.fromkeys(choice.audio for choice in choices if AUDIO[choice.audio]):
        encode(folder / f"{name}.mkv", clock, ("-vn", *AUDIO[name]))
    for choice in choices:
        parts = [choice.video, choice.audio] if AUDIO[choice.audio] else [choice.video]
        given = [folder / f"{part}.mkv" for part in parts] + ([lines] if choice.text else [])
        filters = ANNEX_B if choice.container.startswith("AVI") and choice.video == "H.264" else ()
        made = film(films / choice.file, choice.container, *given, filters=(*TEXTS[choice.text], *filters))
        assert made, choice
    return films
