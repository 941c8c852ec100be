"""The streams of a file: what each of them holds, as the worker tells it."""

from dataclasses import dataclass
from enum import StrEnum

MAX_STREAMS = 200
"""More than films have, which are attachments mostly: fonts."""

MAX_CHAPTERS = 1000
"""More than films have."""

_TEXT = 200
"""Characters of a name: a line."""

_LARGEST = 1 << 20
"""Pixels, samples per second, channels, levels: none is larger."""

_FASTEST = 1000
"""Pictures per second: no film has more."""

_LATEST = 1 << 62
"""Ticks: FFmpeg's times have 63 bits."""


class Kind(StrEnum):
    """What a stream is for."""

    VIDEO = "video"
    AUDIO = "audio"
    SUBTITLE = "subtitle"
    COVER = "cover"
    ATTACHMENT = "attachment"
    OTHER = "other"


TEXTS = frozenset({"subrip", "ass", "ssa", "webvtt", "mov_text", "text"})
"""Codecs of subtitles that are text and no pictures, as FFmpeg calls them."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream; what is not known, or not of its kind, is 0, None or empty.

    `level` times ten as its standard has it, `depth` in bits per sample, `rate` in samples or pictures per second,
    `language` as the file writes it (mostly ISO 639-2).
    """

    index: int
    kind: Kind
    codec: str | None
    """FFmpeg's name of it, None where it has no decoder for it."""
    profile: str | None = None
    level: int = 0
    depth: int = 0
    is_420: bool = False
    """Whether its colours are halved both ways, as all consumer video's are."""
    width: int = 0
    height: int = 0
    channels: int = 0
    rate: int = 0
    picture_rate: float | None = None
    """Pictures per second, exactly."""
    language: str | None = None
    title: str | None = None
    start: int | None = None
    """When it begins, in its own unit of time."""
    is_default: bool = False
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter, by where it begins in s."""

    start: float
    title: str


def streams(value: object) -> tuple[Stream, ...]:
    """Return the streams that the worker found; a hostile file may have written them. Raises ValueError, TypeError."""
    found = value if isinstance(value, list) else []
    return tuple(_stream(entry) for entry in found[:MAX_STREAMS])


def chapters(value: object) -> tuple[Chapter, ...]:
    """Return the chapters that the worker found, as `streams` does."""
    found = value if isinstance(value, list) else []
    return tuple(Chapter(float(start), str(title)[:_TEXT]) for start, title in found[:MAX_CHAPTERS])


def text(value: object, limit: int = _TEXT) -> str | None:
    """Return a text of reasonable length, None where there is none."""
    return value[:limit] if isinstance(value, str) and value else None


def _picture_rate(value: object) -> float | None:
    return value if isinstance(value, float) and 1 <= value <= _FASTEST else None


def _start(value: object) -> int | None:
    return value if isinstance(value, int) and abs(value) <= _LATEST else None


def _stream(entry: dict[str, object]) -> Stream:
    def number(name: str) -> int:
        value = entry.get(name) or 0
        if not isinstance(value, int) or not 0 <= value <= _LARGEST:
            raise ValueError("a number out of bounds")
        return value

    return Stream(
        index=number("index"),
        kind=Kind(str(entry["kind"])),
        codec=text(entry.get("codec")),
        profile=text(entry.get("profile")),
        level=number("level"),
        depth=number("depth"),
        is_420=entry.get("is_420") is True,
        width=number("width"),
        height=number("height"),
        channels=number("channels"),
        rate=number("rate"),
        picture_rate=_picture_rate(entry.get("picture_rate")),
        language=text(entry.get("language")),
        title=text(entry.get("title")),
        start=_start(entry.get("start")),
        is_default=entry.get("is_default") is True,
        is_forced=entry.get("is_forced") is True,
    )
