"""Captions: subtitles of any text format -> WebVTT, by pysubs2."""

import warnings
from typing import TYPE_CHECKING, Final

import pysubs2

from .probing import NotMedia

if TYPE_CHECKING:
    from .sparse import SparseFile

    type Json = dict[str, object]

MAX_EVENTS: Final = 20_000
"""Lines of a long film are 3000; an ASS file may move letters one by one."""

HEADER: Final = "WEBVTT\n"
"""The first line of WebVTT."""

FRAMES_PER_SECOND: Final = 23.976
"""Of MicroDVD that does not say its own in the first line, beside nobody knows which film: that of most."""


def captions(file: SparseFile, params: Json) -> tuple[Json, bytes]:
    """Return subtitles, given in UTF-8, as WebVTT in the payload."""
    data = file.read(file.size)
    if file.missing:
        return {}, b""
    rate = params.get("picture_rate")
    return {}, _webvtt(data.decode(), rate if isinstance(rate, float) else FRAMES_PER_SECOND).encode()


def _webvtt(text: str, rate: float) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of times that are cut: nobody listens here
        try:
            found = pysubs2.SSAFile.from_string(text)
        except pysubs2.exceptions.UnknownFPSError:
            found = pysubs2.SSAFile.from_string(text, fps=rate)
        except pysubs2.exceptions.Pysubs2Error as err:
            raise NotMedia("no subtitles") from err
        found.events = [event for event in found.events if not event.is_comment and event.start < event.end]
        if not found.events:
            raise NotMedia("no subtitles")
        if len(found.events) > MAX_EVENTS:
            raise MemoryError("too many lines")
        return _written(found)


def cues(lines: list[pysubs2.SSAEvent]) -> str:
    """Return lines as the cues of WebVTT, without its header."""
    found = pysubs2.SSAFile()
    found.events = [line for line in lines if line.start < line.end]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        return _written(found).removeprefix(HEADER).strip()


def _written(found: pysubs2.SSAFile) -> str:
    for event in found.events:
        event.text = event.text.replace("-->", "→")  # that would end a cue
    written: str = found.to_string("vtt")
    return written
