"""Subtitles: whatever text format and encoding -> WebVTT, which is what Cast devices take."""

import asyncio
import re
from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Final

import charset_normalizer
from pysubs2.time import ms_to_times, timestamp_to_ms

from .errors import Reason, Unplayable
from .worker import HeldBytes

if TYPE_CHECKING:
    from .worker import Worker

MAX_BYTES: Final = 4 << 20
"""Of a file of subtitles: those of a long film in ASS, with every letter on its own, have one or two million."""

SAMPLE: Final = 64 << 10
"""Bytes by which the encoding is told: languages differ within the first lines."""

CONTENT_TYPE: Final = "text/vtt"

SUFFIXES: Final = frozenset({".srt", ".ass", ".ssa", ".vtt", ".sub"})

PICTURES: Final = (b"\x00\x00\x01\xba", b"PG")
"""How VobSub (a stream of MPEG-2) and PGS begin: drawn subtitles, which no Cast device shows."""

LATER: Final = 0.2
"""How much later than in the file the pictures of a film in segments are shown, s (`media.inside.film`)."""

_TIME: Final = r"(\d+):(\d\d):(\d\d)\.(\d{3})"
_CUE: Final = re.compile(rf"^{_TIME} --> {_TIME}$", re.MULTILINE)
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_LINE_ENDS: Final = (b"\n", b"\r")

_numbers = count(1)


async def webvtt(worker: Worker, data: bytes, picture_rate: float | None = None) -> bytes:
    """Return subtitles as WebVTT, of a film with so many pictures per second if that is known. Raises Unplayable."""
    if len(data) > MAX_BYTES:
        raise Unplayable(Reason.SUBTITLES_TOO_LARGE)
    if data.startswith(PICTURES):
        raise Unplayable(Reason.SUBTITLES_DRAWN)
    if not data.strip():
        raise Unplayable(Reason.NOT_SUBTITLES, "empty")
    text = await asyncio.to_thread(decoded, data)
    try:
        params: dict[str, object] = {"picture_rate": picture_rate}
        answer = await worker.call(f"captions {next(_numbers)}", HeldBytes(text.encode()), "captions", params)
    except Unplayable as err:
        if err.reason in {Reason.UNAVAILABLE, Reason.STOPPED}:
            raise
        raise Unplayable(Reason.NOT_SUBTITLES, err.detail) from err
    return answer.payload


def delayed(text: bytes) -> bytes:
    """Return WebVTT, as `webvtt` makes it, in step with a film in segments: `LATER`."""

    def later(cue: re.Match[str]) -> str:
        return f"{_later(cue.groups()[:4])} --> {_later(cue.groups()[4:])}"

    return _CUE.sub(later, text.decode()).encode()


def _later(time: Sequence[str]) -> str:
    hours, minutes, seconds, rest = ms_to_times(timestamp_to_ms(time) + round(LATER * 1000))
    return f"{hours:02}:{minutes:02}:{seconds:02}.{rest:03}"


def decoded(data: bytes) -> str:
    """Return a text in whatever encoding. Takes up to a second: not for the event loop."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None) or _encoding(data)
    text = data.decode(encoding, errors="replace").replace("\0", "")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _encoding(data: bytes) -> str:
    try:
        data.decode()
    except UnicodeDecodeError:
        best = charset_normalizer.from_bytes(_sample(data)).best()
        return best.encoding if best is not None else "cp1252"  # what most films were subtitled in
    return "utf-8"


def _sample(data: bytes) -> bytes:
    """Return whole lines from the beginning: half a letter at the end would rule out the true encoding."""
    if len(data) <= SAMPLE:
        return data
    end = max(data.rfind(mark, 0, SAMPLE) for mark in _LINE_ENDS)
    return data[: end + 1 or SAMPLE]
