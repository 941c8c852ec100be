"""Stretches of video for an encoder outside this process, and what comes back as fragments of MP4.

A stretch has all that is decoded for the pictures between two cuts: from one key frame to the next, and those after
that which are shown before it. So each is decoded alone, and no picture is missing or there twice.
"""

from fractions import Fraction
from io import BytesIO
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import av
from av.packet import Packet

from .boxes import fragment
from .film import LATER, Film
from .payloads import payload_of
from .probing import NotMedia
from .segments import CONVERTED, VIDEO_TIMESCALE, audio_track, cut_of, kept, opened_at, video_track

if TYPE_CHECKING:
    from .sparse import SparseFile

    type Json = dict[str, object]

AHEAD: Final = 10
"""Seconds by which all is later in a stretch: nothing in it is before 0, whatever is hidden or reordered."""


def stretch(file: SparseFile, params: Json) -> tuple[Json, bytes]:
    """Return the video around two cuts in NUT, and between which of its times (ticks) it lies."""
    begin, end = cut_of(params["begin"]), cut_of(params["end"])
    with opened_at(file, params, begin) as container:
        film = Film(container, file, params)
        found = film.pictures(begin, end)
        if file.missing:
            return {}, b""
        out = BytesIO()
        with av.open(out, "w", format="nut") as target:
            stream = target.add_stream_from_template(film.video, opaque=True)
            stream.time_base = Fraction(1, VIDEO_TIMESCALE)
            shown = [_ticks(time) for _, time in found.packets]
            # In order, each at a time of its own, and none after it is shown.
            order = [*accumulate(sorted(shown), lambda before, when: max(before + 1, when))]
            delay = max((later - when for later, when in zip(order, shown, strict=True)), default=0)
            for (packet, _), when, turn in zip(found.packets, shown, order, strict=True):
                given = Packet(bytes(packet))
                given.stream, given.time_base = stream, stream.time_base
                given.pts, given.dts, given.is_keyframe = when, turn - delay, packet.is_keyframe
                target.mux_one(given)
    file.keep(kept(params))
    return {
        "first": None if found.first is None else _ticks(found.first),
        "last": None if found.last is None else _ticks(found.last),
    }, out.getvalue()


def _ticks(seconds: Fraction) -> int:
    return round((seconds + AHEAD) * VIDEO_TIMESCALE)


def sound(file: SparseFile, params: Json) -> tuple[Json, bytes]:
    """Return the sound of a media segment."""
    begin, end = cut_of(params["begin"]), cut_of(params["end"])
    with opened_at(file, params, begin) as container:
        track = audio_track(Film(container, file, params), begin, end)
        if file.missing:
            return {}, b""
    file.keep(kept(params))
    return {}, fragment(2 * _number(params) + 2, [track]) if track and track.samples else b""


def converted(file: SparseFile, params: Json) -> tuple[Json, bytes]:
    """Return the video of a media segment; `file` is what the encoder made of its stretch."""
    with av.open(file, "r", format="nut", options=dict(CONVERTED)) as container:
        if not container.streams.video:
            raise NotMedia("no video")
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux([stream]) if packet.size and packet.pts is not None]
        base = stream.time_base or Fraction(1)
        described = bytes(stream.codec_context.extradata or b"")
        payload = payload_of(stream)
    if file.missing:
        return {}, b""
    if not packets:
        raise NotMedia("no pictures")
    shown = [round(((packet.pts or 0) * base - AHEAD + LATER) * VIDEO_TIMESCALE) for packet in packets]
    # With the description of its own: an encoder may change its mind from one segment to the next.
    track = video_track(shown, packets, payload)
    first = track.samples[0]
    track.samples[0] = first._replace(data=payload(described) + first.data)
    file.keep([])
    return {}, fragment(2 * _number(params) + 1, [track])


def _number(params: Json) -> int:
    number = params["number"]
    assert isinstance(number, int)  # the process outside sent it
    return number
