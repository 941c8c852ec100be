"""Which pieces next: pure functions from what readers want and what is there to deadlines and priorities.

Two phases. Of a reader that has just jumped the target piece comes before all others; in a young torrent it has a
deadline, which makes libtorrent cancel what it has asked for. The pieces ahead of each reader form a ramp of falling
priorities, bounded in bytes. (With the piece after the target at its priority that one was asked for first in every
other start: measured 0.6 s instead of 0.4 s.)

When everybody has enough in hand, the torrent is slowed down to the pace of what is played, so that the next jump finds
idle links.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

MIB: Final = 1024 * 1024

# The ramp, nearest first: how many bytes ahead of a reader get which of libtorrent's priorities. 7, the highest, is for
# what has a deadline, alone: with the first of the ramp at 7 too, target and ramp came at the same time.
# The first step is twice what a player takes before it shows a picture (2 MiB); the last reaches as far as
# `ENOUGH_SECONDS` of a film of 26 Mbit/s, a UHD one. In bytes: pieces have 16 KiB to 16 MiB, and libtorrent gets slow
# where many are raised.
RAMP: Final = ((4 * MIB, 4), (16 * MIB, 3), (64 * MIB, 2))
# Of pieces of one priority libtorrent asks for any. With 2 s of film in hand and two in a piece, one that came third
# instead of first kept the picture waiting: so much of what is missing, nearest to a reader, has one more.
NEAREST: Final = 1 * MIB
TOP_PRIORITY: Final = 7
# The piece after the target of a jump: a player's first request seldom ends inside the target.
NEXT_PRIORITY: Final = 6
# The rest of a chosen file: never 0, or the peers would go away.
BASE_PRIORITY: Final = 1
# Its first piece: peers connect before anybody has begun to read, and of equal pieces they are asked for any.
HEAD_PRIORITY: Final = 2
# Small files beside it: behind the nearest 16 MiB of the ramp, so that nobody who plays waits for them.
BESIDE_PRIORITY: Final = 2
# Deadlines order the pieces; the step only has to be finer than the time a piece takes. ms
STEP_MS: Final = 250

# So much in hand outlasts ten seconds without a peer and the reconnects after it. s
ENOUGH_SECONDS: Final = 20.0
# Below it the limit is lifted; far enough below ENOUGH_SECONDS that it does not flutter. s
LOW_SECONDS: Final = 12.0
# The same two marks in pieces: a reserve shorter than a piece comes and goes with each piece.
ENOUGH_PIECES: Final = 4
LOW_PIECES: Final = 2
# The supply, over what is played, with which peers need not be asked for more than they are sending right now. That
# costs up to a third of it (2.8 instead of 4.1 MB/s over 100 ms): what is left of twice that is more than `SCARCE`, so
# it does not go back and forth ...
PLENTY: Final = 2.0
# ... and the one below which they have to be kept busy, unless there is something in hand: a little more than the film
# needs, so that it is seen before the reserve shrinks.
SCARCE: Final = 1.2
# A little more than the films need, so that the reserve still grows and busy scenes have their share.
PACE_FACTOR: Final = 1.5
# Below it libtorrent's peers get less than a block (16 KiB) each in `piece_timeout` and count as silent. bytes/s
PACE_FLOOR: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Want:
    """A reader's wish: the pieces from `first` to `last`; `jumped` until a jump has landed, `urgent` after a long wait.

    `stuck` asks to take `first` from the peers that were asked for it.
    """

    first: int
    last: int
    urgent: bool
    stuck: bool = False
    jumped: bool = False


@dataclass(eq=False, slots=True)
class Viewer:
    """Somebody who plays a film, by one reader or by several."""

    bitrate: float | None = None
    """The film's mean, bytes/s; None as long as nobody says."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """What somebody has in hand: `ahead` contiguous bytes, infinite when that is all they will read.

    `viewer` plays it; None where nobody does, as for a probe.
    """

    ahead: float
    viewer: Viewer | None = None

    def lasts(self, seconds: float, least: float = 0.0) -> bool:
        """Tell whether it lasts for so many s, `least` bytes at least; where nobody plays only all of it does."""
        if math.isinf(self.ahead):
            return True
        rate = bitrate([self])
        return rate > 0 and self.ahead >= max(rate * seconds, least)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask of libtorrent: deadlines in ms and priorities, by piece; what is in neither has the base priority.

    `fresh` asks to cancel what is in flight for earlier deadlines.
    """

    deadlines: Mapping[int, int] = field(default_factory=dict)
    priorities: Mapping[int, int] = field(default_factory=dict)
    fresh: bool = False


def plan(wants: Sequence[Want], have: Sequence[int], piece_length: int, current: Collection[int]) -> Plan:
    """Return the plan for `wants`, given `have` (one truth value per piece) and the deadlines set now."""
    freed = {want.first for want in wants if want.stuck and not have[want.first]}
    urgent = dict.fromkeys(_urgent(want, have, freed) for want in wants if want.urgent and not have[want.first])
    return Plan(
        deadlines={piece: step * STEP_MS for step, piece in enumerate(urgent)},
        priorities=_ramp(wants, have, piece_length) | _targets(wants, have),
        fresh=not urgent.keys() <= set(current),
    )


def base(wanted: Iterable[range], pieces: int, beside: Iterable[range] = ()) -> bytes:
    """Return the priority of each of so many pieces while no plan says otherwise; whoever reads begins at a head.

    Those of small files `beside` what is wanted are to be there soon.
    """
    priorities = bytearray(pieces)
    for span in filter(None, wanted):
        for piece in span:
            priorities[piece] = max(priorities[piece], BASE_PRIORITY)
        priorities[span.start] = HEAD_PRIORITY
    for piece in chain.from_iterable(beside):
        priorities[piece] = max(priorities[piece], BESIDE_PRIORITY)
    return bytes(priorities)


def bitrate(reserves: Iterable[Reserve]) -> float:
    """Return what all who play take together, bytes/s; who has several readers takes it once."""
    viewers = {reserve.viewer for reserve in reserves if reserve.viewer is not None}
    return math.fsum(viewer.bitrate or 0.0 for viewer in viewers)


def pace(reserves: Sequence[Reserve], piece_length: int, limit: int) -> int:
    """Return the limit for the torrent's download rate, bytes/s, 0 for none; `limit` is what holds now.

    Each has to have enough of their own film. Who misses something and plays nothing is not kept waiting: nobody knows
    how fast it is needed.
    """
    seconds, pieces = (LOW_SECONDS, LOW_PIECES) if limit else (ENOUGH_SECONDS, ENOUGH_PIECES)
    total = bitrate(reserves)
    if not total or not all(reserve.lasts(seconds, pieces * piece_length) for reserve in reserves):
        return 0
    return max(round(total * PACE_FACTOR), PACE_FLOOR)


def is_plenty(reserves: Sequence[Reserve], rate: float, *, plenty: bool) -> bool:
    """Tell whether so much comes in that requests need not queue at the peers, which makes jumps quick.

    `rate` is the download rate in bytes/s; `plenty` is what held so far.
    """
    total = bitrate(reserves)
    if not total:
        return False
    if rate >= total * PLENTY or all(reserve.lasts(LOW_SECONDS) for reserve in reserves):
        return True
    return plenty and rate >= total * SCARCE


def share(viewer: Viewer, reserves: Iterable[Reserve]) -> float:
    """Return which part of what comes in is for `viewer`, 0 to 1.

    The others who play and miss something have theirs, by bitrate; who misses nothing leaves it to them.
    """
    others = (reserve for reserve in reserves if reserve.viewer is not viewer and math.isfinite(reserve.ahead))
    own = viewer.bitrate or 0.0
    total = own + bitrate(others)
    return own / total if total else 1.0


def has_landed(want: Want, have: Sequence[int]) -> bool:
    """Tell whether the target of a jump and the piece after it are there."""
    return all(have[want.first : min(want.first + 2, want.last + 1)])


def _urgent(want: Want, have: Sequence[int], freed: AbstractSet[int]) -> int:
    """Return the piece that gets a deadline: the one that is waited for; if it is in `freed` the next that is missing.

    A deadline on another piece cancels all requests for that one, so that it can be asked for elsewhere: requests for
    a piece that has a deadline are never cancelled.
    """
    if want.first not in freed:
        return want.first
    others = (piece for piece in range(want.first, want.last + 1) if not have[piece] and piece not in freed)
    return next(others, want.first)


def _targets(wants: Sequence[Want], have: Sequence[int]) -> dict[int, int]:
    """Return the pieces that jumps aim at and those after them, above all others."""
    jumps = [want for want in wants if want.jumped]
    after = {want.first + 1: NEXT_PRIORITY for want in jumps if want.first < want.last and not have[want.first + 1]}
    return after | {want.first: TOP_PRIORITY for want in jumps if not have[want.first]}


def _ramp(wants: Sequence[Want], have: Sequence[int], piece_length: int) -> dict[int, int]:
    """Return the priorities ahead of the readers; where ramps overlap the higher one holds."""
    nearest = -(-NEAREST // piece_length)
    priorities: dict[int, int] = {}
    for want in wants:
        for number, (piece, step) in enumerate(_missing(want, have, piece_length)):
            priority = step + 1 if number < nearest else step
            priorities[piece] = max(priority, priorities.get(piece, 0))
    return priorities


def _missing(want: Want, have: Sequence[int], piece_length: int) -> Iterator[tuple[int, int]]:
    """Yield what is missing ahead of a reader, nearest first, with the priority of its step."""
    begin = want.first
    for reach, priority in RAMP:
        end = min(want.last + 1, max(want.first + -(-reach // piece_length), begin + 1))
        for piece in range(begin, end):
            if not have[piece]:
                yield piece, priority
        begin = max(begin, end)
