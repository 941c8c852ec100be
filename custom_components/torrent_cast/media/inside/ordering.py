"""Ordering: when frames are shown, in files that only have them in the order in which they are decoded (AVI)."""

from itertools import cycle, islice
from typing import TYPE_CHECKING, Final

import av.error
from av.bitstream import BitStreamFilterContext
from av.packet import Packet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.stream import Stream
    from av.video.stream import VideoStream

    type AnyPacket = Packet[Stream]

REORDERED: Final = {"h264", "hevc"}
"""Codecs whose frames FFmpeg puts into order from their headers; of the others its demuxer tells."""

ROUNDS: Final = 4
"""Times that packets are gone over: the filter tells of a frame after the key frame behind the next, one at the
latest where a stretch has a single one; and once more where it has few frames."""


def in_order(stream: VideoStream, packets: list[AnyPacket]) -> list[AnyPacket]:
    """Return packets between two key frames, with the times at which they are shown: the first when it is decoded."""
    if packets and stream.codec_context.name in REORDERED:
        steps = [_time(packet.dts) for packet in packets]
        times = _times(stream, packets, steps)
        is_whole = None not in times and len(set(times)) == len(times)
        for packet, time, step in zip(packets, times, steps, strict=True):
            packet.pts = time if is_whole else step
    late = _time(packets[0].pts) - _time(packets[0].dts) if packets else 0
    for packet in packets:
        packet.pts = _time(packet.pts) - late
    return packets


def _times(stream: VideoStream, packets: list[AnyPacket], steps: list[int]) -> list[int | None]:
    """Return the times that FFmpeg's filter `dts2pts` finds."""
    ordering = BitStreamFilterContext("dts2pts", stream)
    shown: dict[int, int] = {}
    try:
        for packet, step in _again(packets, steps):
            given: AnyPacket = Packet(bytes(packet))
            given.dts, given.duration = step, 1
            for done in ordering.filter(given):
                if done.dts is not None and done.pts is not None:
                    shown.setdefault(done.dts, done.pts)
            if steps[-1] in shown and len(shown) >= len(steps):
                break
    except av.error.FFmpegError:
        return [None] * len(steps)
    return [shown.get(step) for step in steps]


def _again(packets: list[AnyPacket], steps: list[int]) -> Iterator[tuple[AnyPacket, int]]:
    """Yield packets and when they are decoded, over and over: the stretch beyond them is not there, and as good."""
    gap = max(1, (steps[-1] - steps[0]) // max(1, len(steps) - 1))
    length = steps[-1] - steps[0] + gap
    for number, (packet, step) in enumerate(islice(cycle(zip(packets, steps, strict=True)), ROUNDS * len(steps))):
        yield packet, step + number // len(steps) * length


def _time(value: int | None) -> int:
    return 0 if value is None else value
