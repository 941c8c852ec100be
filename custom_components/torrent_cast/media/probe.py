"""What a file is: container, codecs, duration, the bytes a player needs to start, and where a second is."""

import enum
import mimetypes
import posixpath
from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count, islice
from typing import TYPE_CHECKING, Final

from .errors import Reason, Unplayable
from .streams import TEXTS, Chapter, Kind, Stream, chapters, streams

if TYPE_CHECKING:
    from .worker import Answer, ByteSource, Worker


class Container(enum.StrEnum):
    """The formats Cast and HTTP have a content type for."""

    MP4 = "mp4"
    MATROSKA = "matroska"
    WEBM = "webm"
    MPEGTS = "mpegts"
    MPEG = "mpeg"
    AVI = "avi"
    ASF = "asf"
    FLV = "flv"
    MP3 = "mp3"
    AAC = "aac"
    OGG = "ogg"
    FLAC = "flac"
    WAV = "wav"
    OTHER = "other"


_FORMATS: Final = {
    "mov": Container.MP4,
    "matroska": Container.MATROSKA,
    "mpegts": Container.MPEGTS,
    "mpeg": Container.MPEG,
    "avi": Container.AVI,
    "asf": Container.ASF,
    "flv": Container.FLV,
    "mp3": Container.MP3,
    "aac": Container.AAC,
    "ogg": Container.OGG,
    "flac": Container.FLAC,
    "wav": Container.WAV,
}
"""By FFmpeg's names of demuxers."""

BINARY: Final = "application/octet-stream"

_CONTENT_TYPES: Final = {
    Container.MP4: ("video/mp4", "audio/mp4"),
    Container.MATROSKA: ("video/x-matroska", "audio/x-matroska"),
    Container.WEBM: ("video/webm", "audio/webm"),
    Container.MPEGTS: ("video/mp2t", "video/mp2t"),
    Container.MPEG: ("video/mpeg", "audio/mpeg"),
    Container.AVI: ("video/x-msvideo", "video/x-msvideo"),
    Container.ASF: ("video/x-ms-wmv", "audio/x-ms-wma"),
    Container.FLV: ("video/x-flv", "video/x-flv"),
    Container.MP3: ("audio/mpeg", "audio/mpeg"),
    Container.AAC: ("audio/aac", "audio/aac"),
    Container.OGG: ("video/ogg", "audio/ogg"),
    Container.FLAC: ("audio/flac", "audio/flac"),
    Container.WAV: ("audio/wav", "audio/wav"),
}
"""With video, and without: what Cast receivers and browsers call them."""

_SUFFIXES: Final = {
    ".m4v": "video/mp4",
    ".m4a": "audio/mp4",
    ".m4b": "audio/mp4",
    ".mkv": "video/x-matroska",
    ".mka": "audio/x-matroska",
    ".ts": "video/mp2t",
    ".m2ts": "video/mp2t",
    ".mts": "video/mp2t",
    ".vob": "video/mpeg",
    ".avi": "video/x-msvideo",
    ".divx": "video/x-msvideo",
    ".wmv": "video/x-ms-wmv",
    ".wma": "audio/x-ms-wma",
    ".flv": "video/x-flv",
    ".mp3": "audio/mpeg",
    ".aac": "audio/aac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".ogv": "video/ogg",
    ".flac": "audio/flac",
    ".wav": "audio/wav",
}
"""What Python's table lacks, or names otherwise than players do."""

_HEADED: Final = {Container.MPEGTS, Container.MPEG}
"""Containers whose end was read for their duration only: a player starts with the head alone."""

_KEY_FRAME_GAP: Final = 30.0
"""Seconds from one key frame to the next, at most: encoders make 2-10 s. Farther on, the index has ended early."""

_LONGEST: Final = 30 * 86400.0
"""Seconds: longer is a damaged header."""

_LATEST: Final = 1 << 62
"""Microseconds: FFmpeg's own times have 63 bits."""

_TYPES: Final = mimetypes.MimeTypes()
for _suffix, _type in _SUFFIXES.items():
    _TYPES.add_type(_type, _suffix)

MAX_TEXTS: Final = 40
"""Subtitles that one film has: the most in the wild are about thirty."""

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class BytePosition:
    """Where in a file a moment is, in bytes: a key frame's own position, or else an estimate."""

    offset: int
    exact: bool


@dataclass(frozen=True, slots=True)
class KeyFrames:
    """Presentation times in s, ascending, and the byte offset of each."""

    times: array[float] = field(repr=False)
    offsets: array[int] = field(repr=False)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.times)

    def at(self, seconds: float) -> int | None:
        """Return the byte offset of the last key frame not after a moment, None where the index does not reach."""
        if not self.times:
            return None
        found = max(0, bisect_right(self.times, seconds) - 1)
        return self.offsets[found] if seconds - self.times[found] <= _KEY_FRAME_GAP else None


@dataclass(frozen=True, slots=True)
class Probe:
    """What a file is. Sizes in bytes, times in s, dimensions in pixels (0: not known)."""

    container: Container
    content_type: str
    size: int
    duration: float | None
    index: tuple[tuple[int, int], ...]
    """The byte ranges [start, end) a player reads before the first frame: the head, and the index where it is apart."""
    key_frames: KeyFrames
    streams: tuple[Stream, ...] = ()
    video: Stream | None = None
    """The stream that is the film: the first video that is no cover."""
    audio: Stream | None = None
    """Its sound: the first audio."""
    chapters: tuple[Chapter, ...] = ()
    start: int = 0
    """The file's own time at its beginning, microseconds."""
    scanned: int | None = None
    """Of a film without an index: the bytes gone over, beyond which nobody knows what is where."""

    @property
    def texts(self) -> tuple[Stream, ...]:
        """Return the film's own subtitles that are text, as many as a menu shows."""
        found = (one for one in self.streams if one.kind is Kind.SUBTITLE and one.codec in TEXTS)
        return tuple(islice(found, MAX_TEXTS))

    @property
    def video_codec(self) -> str | None:
        """Return FFmpeg's name of the video codec, None where there is no video."""
        return self.video.codec if self.video else None

    @property
    def audio_codec(self) -> str | None:
        """Return FFmpeg's name of the audio codec, None where there is no sound."""
        return self.audio.codec if self.audio else None

    @property
    def picture_rate(self) -> float | None:
        """Return how many pictures per second there are, None where that is not known."""
        return self.video.picture_rate if self.video else None

    @property
    def bytes_per_second(self) -> float | None:
        """Return the mean rate in bytes/s; of what was gone over where there is no index to tell the length by."""
        if self.duration and not (self.scanned and len(self.key_frames)):
            return self.size / self.duration
        if len(self.key_frames) and self.key_frames.times[-1] > 0:
            return self.key_frames.offsets[-1] / self.key_frames.times[-1]
        return None

    def byte_at(self, seconds: float) -> BytePosition:
        """Return where to read for a moment: its key frame, else in proportion, else (no duration) the beginning."""
        if (offset := self.key_frames.at(seconds)) is not None:
            return BytePosition(offset, exact=True)
        end = self.size if self.scanned is None else self.scanned
        if self.duration is None:
            return BytePosition(end - 1 if self.scanned and seconds > 0 else 0, exact=False)
        share = min(max(seconds / self.duration, 0.0), 1.0)
        return BytePosition(max(0, min(int(self.size * share), end - 1)), exact=False)


def content_type(name: str) -> str:
    """Return the content type that a file's name promises."""
    return _type_of(posixpath.splitext(name)[1])


@lru_cache(maxsize=256)
def _type_of(suffix: str) -> str:
    found, encoding = _TYPES.guess_file_type(f"x{suffix}")
    return found if found and not encoding else BINARY


async def probe(worker: Worker, source: ByteSource, name: str) -> Probe:
    """Look at a file, fetching its head and its index; raises Unplayable."""
    if not source.size:
        raise Unplayable(Reason.NOT_MEDIA, "an empty file")
    answer = await worker.call(f"probe {next(_numbers)}", source, "probe")
    try:
        return _probe(answer, source.size, name)
    except (ArithmeticError, LookupError, TypeError, ValueError) as err:
        raise Unplayable(Reason.CRASHED, f"the worker's answer makes no sense: {err!r}") from err


def _probe(answer: Answer, size: int, name: str) -> Probe:
    """Return the worker's answer as a value; a hostile file may have written it."""
    result = answer.result
    container = _container(result["formats"], webm=result["webm"] is True)
    found = streams(result["streams"])
    video, audio = _chosen(found, result["video"]), _chosen(found, result["audio"])
    types = _CONTENT_TYPES.get(container)
    index = _ranges(result["touched"], size)
    return Probe(
        container=container,
        content_type=types[video is None] if types else content_type(name),
        size=size,
        duration=_duration(result["duration"]),
        index=index[:1] if container in _HEADED else index,
        key_frames=_key_frames(answer.payload, size),
        streams=found,
        video=video,
        audio=audio,
        chapters=chapters(result["chapters"]),
        start=_start(result["start"]),
    )


def _container(formats: object, *, webm: bool) -> Container:
    """Return which container FFmpeg's names for a demuxer mean."""
    names = formats if isinstance(formats, list) else []
    found = next((_FORMATS[name] for name in names if name in _FORMATS), Container.OTHER)
    return Container.WEBM if found is Container.MATROSKA and webm else found


def _chosen(found: tuple[Stream, ...], index: object) -> Stream | None:
    return next((stream for stream in found if stream.index == index), None)


def _duration(value: object) -> float | None:
    return value if isinstance(value, float) and 0 < value < _LONGEST else None


def _start(value: object) -> int:
    if not isinstance(value, int) or abs(value) > _LATEST:
        raise ValueError("a beginning out of bounds")
    return value


def _number(value: object, limit: int) -> int:
    if not isinstance(value, int) or not 0 <= value <= limit:
        raise ValueError("a number out of bounds")
    return value


def _ranges(value: object, size: int) -> tuple[tuple[int, int], ...]:
    pairs = value if isinstance(value, list) else []
    return tuple((_number(start, end), _number(end, size)) for start, end in pairs)


def _key_frames(payload: bytes, size: int) -> KeyFrames:
    """Return the index: all times (float64), then all offsets (int64)."""
    half = len(payload) // 2
    times, offsets = array("d", payload[:half]), array("q", payload[half:])
    if len(times) != len(offsets) or not all(0 <= offset < size for offset in offsets):
        raise ValueError("an index out of bounds")
    return KeyFrames(times, offsets)
