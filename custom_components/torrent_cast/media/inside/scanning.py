"""Scanning: the key frames in a stretch of a film that has no index."""

from array import array
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av.error

from .entering import entered, entry
from .film import base_of
from .probing import MICROSECONDS, NotMedia

if TYPE_CHECKING:
    from .sparse import SparseFile

    type Json = dict[str, object]

BACK: Final = 1
"""Seconds by which a key frame is shown before what came before it, at most: else the file's clock has jumped."""

FORTH: Final = 30
"""Seconds from what came before to a key frame, at most: encoders make one every 10 s."""


def scan(file: SparseFile, params: Json) -> tuple[Json, bytes]:
    """Return the key frames between two bytes: all times (s, float64), then all places to enter at (int64).

    `start` is a place to enter at. `reached` is the last one, from which to go on, `until` the time up to which there
    is video, in s from the beginning: None where there was none. As a parameter it is how far the video went before.
    Where `is_jump`, the file's clock has jumped at `reached`, and what comes after it was not looked at.
    """
    before = params["until"]
    found = Found(reached=_number(params["start"]), latest=Fraction(before) if isinstance(before, float) else None)
    file.limit(_number(params["end"]))
    try:
        _look(file, params, found)
    except av.error.FFmpegError:
        if not file.cut:  # else it is what the stretch ends within
            raise
    if file.missing is None:
        file.keep([(int(first), int(last)) for first, last in _pairs(params["keep"])])
    until = None if found.until is None else float(found.until)
    result: Json = {"reached": found.reached, "until": until, "is_jump": found.is_jump}
    return result, found.times.tobytes() + found.offsets.tobytes()


@dataclass
class Found:
    """What was found up to here."""

    reached: int
    latest: Fraction | None = None
    until: Fraction | None = None
    is_jump: bool = False
    times: array[float] = field(default_factory=lambda: array("d"))
    offsets: array[int] = field(default_factory=lambda: array("q"))

    def jumps_to(self, when: Fraction) -> bool:
        """Tell whether a key frame's time does not go on from what came before it."""
        return self.latest is not None and not -BACK < when - self.latest < FORTH


def _look(file: SparseFile, params: Json, found: Found) -> None:
    start, index = found.reached, _number(params["video"])
    origin = Fraction(_number(params["origin"]), MICROSECONDS)
    with entered(file, start) as container:
        if index >= len(container.streams) or container.streams[index].type != "video":
            raise NotMedia("other streams than the probe found")
        video = container.streams[index]
        base = base_of(video)
        is_glued = container.format.name == "mpegts"  # recordings in it may be, one behind the other
        for packet in container.demux(video):
            if not packet.size or packet.pts is None or packet.pos is None or packet.pos < start:
                continue
            when = packet.pts * base - origin
            if is_glued and packet.is_keyframe and found.jumps_to(when) and packet.pos > start:
                found.reached, found.is_jump = packet.pos, True
                return
            found.latest = max(found.latest or when, when)
            found.until = max(found.until or when, when + (packet.duration or 0) * base)
            found.reached = entry(file, container, found.reached, packet.pos)
            if packet.is_keyframe:
                found.times.append(float(when))
                found.offsets.append(found.reached)


def _number(value: object) -> int:
    assert isinstance(value, int)  # the process outside sent it
    return value


def _pairs(value: object) -> list[tuple[int, int]]:
    return value if isinstance(value, list) else []
