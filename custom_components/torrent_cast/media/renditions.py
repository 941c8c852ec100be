"""Renditions (RFC 8216 §4.3.4): the multivariant playlist, which says what a film is made of, and its subtitles."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .hls import PLAYLIST, Segment, playlist

MASTER: Final = "main.m3u8"
TEXT_TYPE: Final = "text/vtt"

TEXT_HEADER: Final = b"WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n"
"""How a segment of text begins (§3.5): its times are those of the other segments."""

TEXT_FILLER: Final = b"NOTE\n\n"
"""A comment, for whoever waits for the lines."""

PEAK: Final = 2
"""How much larger than the mean the largest segment may be, about; BANDWIDTH is an upper bound."""

ANY_BANDWIDTH: Final = 20_000_000
"""bit/s of a film of which no more is known: devices choose by it, and here is nothing to choose from."""

_TEXT_NAME: Final = re.compile(r"text(\d{1,6})(?:\.m3u8|-(\d{1,6})\.vtt)")
_UNQUOTABLE: Final = re.compile(r'["\x00-\x1f\x7f]+')


@dataclass(frozen=True, slots=True)
class Text:
    """A rendition of subtitles: the stream it is of, what a menu calls it, and by which number it goes otherwise."""

    stream: int
    name: str
    language: str | None
    track: int
    is_forced: bool = False
    is_for_deaf: bool = False


def master(texts: Sequence[Text], shown: int | None, codecs: Sequence[str], bytes_per_second: float | None) -> str:
    """Return the multivariant playlist; `shown` is the track that a device begins with."""
    bandwidth = round(bytes_per_second * 8 * PEAK) if bytes_per_second else ANY_BANDWIDTH
    # Without a word on captions Shaka looks for some in the middle and at the end, which are not there yet.
    attributes = [f"BANDWIDTH={bandwidth}", "CLOSED-CAPTIONS=NONE"]
    if codecs:
        attributes.append(f'CODECS="{",".join(codecs)}"')
    if texts:
        attributes.append('SUBTITLES="texts"')
    return "\n".join(
        [
            "#EXTM3U",
            "#EXT-X-VERSION:7",
            "#EXT-X-INDEPENDENT-SEGMENTS",
            *(_media(text, is_default=text.track == shown) for text in texts),
            f"#EXT-X-STREAM-INF:{','.join(attributes)}",
            PLAYLIST,
            "",
        ]
    )


def _media(text: Text, *, is_default: bool) -> str:
    flags = {"DEFAULT": is_default, "AUTOSELECT": True, "FORCED": text.is_forced}
    attributes = [
        "TYPE=SUBTITLES",
        'GROUP-ID="texts"',
        f'NAME="{quotable(text.name)}"',
        *([f'LANGUAGE="{text.language}"'] if text.language else []),
        *(f"{name}={'YES' if value else 'NO'}" for name, value in flags.items()),
        *(['CHARACTERISTICS="public.accessibility.describes-music-and-sound"'] if text.is_for_deaf else []),
        f'URI="{text_name(text.stream)}"',
    ]
    return f"#EXT-X-MEDIA:{','.join(attributes)}"


def quotable(name: str) -> str:
    """Return a name without what a quoted string may not hold (§4.2)."""
    return " ".join(_UNQUOTABLE.sub(" ", name).split())


def text_name(stream: int) -> str:
    """Return the name of the playlist of a stream of text."""
    return f"text{stream}.m3u8"


def text_playlist(stream: int, segments: Sequence[Segment], *, is_complete: bool) -> str:
    """Return the playlist of a stream of text, in step with that of the pictures."""
    return playlist(segments, is_complete=is_complete, named=lambda one: f"text{stream}-{one.number}.vtt", map_to=None)


def text_in(name: str) -> tuple[int, int | None] | None:
    """Return the stream and the segment that a name means, None for a segment: its playlist; None for no text's."""
    if (found := _TEXT_NAME.fullmatch(name)) is None:
        return None
    return int(found[1]), None if found[2] is None else int(found[2])
