"""Describing: the streams and chapters of an open file."""

from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, Final

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

    type Json = dict[str, object]

UNKNOWN: Final = ""
"""The codec of a stream that FFmpeg has no decoder for."""

MAX_STREAMS: Final = 200
"""More than films have, which are attachments mostly."""

MAX_CHAPTERS: Final = 1000
"""More than films have."""

TEXT: Final = 200
"""Characters of a name: what a file says is read by people."""

HEVC_LEVELS: Final = 3
"""HEVC counts 30 to a level (ITU-T H.265 §A.4), H.264 ten."""

HALVED: Final = ("yuv420", "yuvj420", "nv12", "p010", "gray")
"""Names of pixel formats with colours halved both ways, or none."""


KINDS: Final = {"video": "video", "audio": "audio", "subtitle": "subtitle", "attachment": "attachment"}


def streams(container: InputContainer) -> list[Json]:
    """Return what each stream is."""
    return [_stream(stream) for stream in islice(container.streams, MAX_STREAMS)]


def chapters(container: InputContainer) -> list[tuple[float, str]]:
    """Return where chapters begin, in s, and what they are called."""
    return [
        (float(chapter["start"] * (chapter["time_base"] or Fraction(1))), chapter["metadata"].get("title", "")[:TEXT])
        for chapter in container.chapters()[:MAX_CHAPTERS]
    ]


def codec_of(stream: Stream) -> str:
    """Return a codec's name; a stream whose codec this FFmpeg cannot decode has no context."""
    codec = getattr(stream.codec_context, "codec", None)
    return codec.canonical_name if codec else UNKNOWN


def _stream(stream: Stream) -> Json:
    flags = av.stream.Disposition
    is_cover = bool(stream.disposition & flags.attached_pic)
    found: Json = {
        "index": stream.index,
        "kind": "cover" if is_cover else KINDS.get(stream.type, "other"),
        "codec": codec_of(stream),
        "language": (stream.metadata.get("language") or "")[:TEXT],
        "title": (stream.metadata.get("title") or stream.metadata.get("filename") or "")[:TEXT],
        "start": stream.start_time,
        "is_default": bool(stream.disposition & flags.default),
        "is_forced": bool(stream.disposition & flags.forced),
    }
    if isinstance(stream, VideoStream):
        return found | _video(stream)
    if isinstance(stream, AudioStream):
        return found | _audio(stream)
    return found


def _video(stream: VideoStream) -> Json:
    context = stream.codec_context
    if codec_of(stream) == UNKNOWN:
        return {}
    name, level = context.pix_fmt or "", max(0, context.level)
    return {
        "profile": context.profile,
        "level": level // HEVC_LEVELS if codec_of(stream) == "hevc" else level,
        "depth": context.format.components[0].bits if context.format else 0,
        "is_420": name.startswith(HALVED),
        "rate": round(float(stream.average_rate or 0)),
        "picture_rate": float(stream.average_rate or 0),
        "width": context.width,
        "height": context.height,
    }


def _audio(stream: AudioStream) -> Json:
    if codec_of(stream) == UNKNOWN:
        return {}
    context = stream.codec_context
    return {"profile": context.profile, "channels": context.channels, "rate": context.sample_rate}
