"""Texts: the lines of a film's own subtitles between two of its key frames, each segment made on its own."""

import json
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

import av.error
import pysubs2
from av.packet import Packet
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle

from .captions import MAX_EVENTS, cues
from .film import LATER, Film, base_of
from .probing import NotMedia
from .segments import cut_of, kept, opened_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer

    from .film import AnyPacket, Cut
    from .sparse import SparseFile

    type Json = dict[str, object]

LINGERS: Final = Fraction(5)
"""Seconds for which a line stays that does not say for how long."""

LONGEST: Final = Fraction(3600)
"""Seconds for which a line may stay."""

FIELDS: Final = 8
"""Commas before the text of a line as FFmpeg's decoders give it: number, layer, style, name, margins, effect."""

EMPTY: Final = 2
"""Bytes of a sample of timed text (3GPP TS 26.245) that says nothing: the length of its text."""

LARGEST: Final = 64 << 10
"""Bytes of one sample of text."""

MOST: Final = 1 << 20
"""Bytes of all that is said in one segment: pages of it in each language."""


class Line(NamedTuple):
    """What a file says from `start` to `stop`, s from its beginning."""

    packet: AnyPacket
    start: Fraction
    stop: Fraction


def texts(file: SparseFile, params: Json) -> tuple[Json, bytes]:
    """Return the lines of each stream of text as the cues of WebVTT, in the payload as JSON: index -> cues.

    Their times are those of the segments. A line that goes on over the end of a segment is in the one it begins in,
    and in the next where the file tells of it there too.
    """
    begin, end = cut_of(params["begin"]), cut_of(params["end"])
    with opened_at(file, params, begin) as container:
        film = Film(container, file, params)
        streams = {index: _text(container, index) for index in _indices(params["texts"])}
        # MP4 says where each sample is: in the order of the file one may wait for a line that comes a minute later.
        lines = (_by_index if "mov" in container.format.name and "origin" not in params else _in_order)(
            film, file, container, list(streams.values()), begin, end
        )
        found: dict[int, list[pysubs2.SSAEvent]] = {index: [] for index in streams}
        size = 0
        for count, line in enumerate(lines):
            size += line.packet.size
            if count > MAX_EVENTS or size > MOST:
                raise MemoryError("too many lines")
            found[line.packet.stream.index] += _events(line, streams[line.packet.stream.index])
        if file.missing:
            return {}, b""
    file.keep(kept(params))
    return {}, json.dumps({index: cues(events) for index, events in found.items()}).encode()


def _indices(value: object) -> list[int]:
    return [index for index in value if isinstance(index, int)] if isinstance(value, list) else []


def _text(container: InputContainer, index: int) -> SubtitleStream:
    stream = container.streams[index]
    if not isinstance(stream, SubtitleStream):
        raise NotMedia("other streams than the probe found")
    return stream


def _in_order(
    film: Film,
    _file: SparseFile,
    container: InputContainer,
    streams: list[SubtitleStream],
    begin: Cut | None,
    end: Cut | None,
) -> Iterator[Line]:
    """Yield the lines that come between two key frames."""
    film.seek(begin)
    for packet in container.demux([film.video, *streams]):
        if packet.size == 0 or packet.pts is None:
            continue
        if packet.stream is not film.video:
            start = film.seconds(packet)
            length = (packet.duration or 0) * base_of(packet.stream)
            stop = start + (min(length, LONGEST) or LINGERS)
            if begin is None or stop > begin.time:
                yield Line(packet, start, stop)
        elif end and film.is_at(end, packet):
            return


def _by_index(
    film: Film,
    file: SparseFile,
    _container: InputContainer,
    streams: list[SubtitleStream],
    begin: Cut | None,
    end: Cut | None,
) -> Iterator[Line]:
    """Yield the lines that are shown between two key frames."""
    for stream in streams:
        entries, base = stream.index_entries, base_of(stream)
        first = entries.search_timestamp(int((Fraction(begin.time) + film.origin) / base)) if begin else 0
        for number in range(max(0, first), len(entries)):
            start = film.seconds_of(entries[number].timestamp * base)
            if end and start >= end.time:
                break
            follows = entries[number + 1].timestamp * base if number + 1 < len(entries) else None
            stop = start + LINGERS if follows is None else min(film.seconds_of(follows), start + LONGEST)
            if EMPTY < entries[number].size <= LARGEST and (begin is None or stop > begin.time):
                if (data := _sample(file, entries[number].pos, entries[number].size)) is None:
                    return
                packet = Packet(data)
                packet.stream = stream
                yield Line(packet, start, stop)


def _sample(file: SparseFile, at: int, size: int) -> bytes | None:
    """Return bytes of the file, None where some are missing."""
    file.seek(at)
    data = b""
    while len(data) < size:
        if not (more := file.read(size - len(data))):
            return None
        data += more
    return data


def _events(line: Line, stream: SubtitleStream) -> list[pysubs2.SSAEvent]:
    """Return what a packet says, nothing where it makes no sense."""
    try:
        said = stream.codec_context.decode2(line.packet) or ()
    except av.error.FFmpegError:
        return []
    texts = (one.ass.decode(errors="replace").split(",", FIELDS)[-1] for one in said if isinstance(one, AssSubtitle))
    start, stop = (max(0, round((time + LATER) * 1000)) for time in (line.start, line.stop))
    return [pysubs2.SSAEvent(start, stop, text) for text in texts]
