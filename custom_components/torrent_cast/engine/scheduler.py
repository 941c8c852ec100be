"""Which pieces next: pure functions from what readers want and what is there to deadlines and priorities.

Two phases. A reader that has just jumped gets deadlines for its target piece and the next one, alone: libtorrent then
has every peer work on them. Afterwards the pieces ahead of each reader form a ramp of falling priorities, bounded in
bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final

MIB: Final = 1024 * 1024

# The ramp, nearest first: how many bytes ahead of a reader get which of libtorrent's priorities (7 is the highest).
RAMP: Final = ((4 * MIB, 7), (8 * MIB, 6), (16 * MIB, 5), (32 * MIB, 4), (64 * MIB, 3))
# The rest of a chosen file: never 0, or the peers would go away.
BASE_PRIORITY: Final = 1
# Target and the piece after it: a player's first request seldom ends inside the target.
URGENT_PIECES: Final = 2
# Deadlines order the pieces; the step only has to be finer than the time a piece takes. ms
STEP_MS: Final = 250


@dataclass(frozen=True, slots=True)
class Want:
    """A reader's wish: the pieces from `first` to `last`; `urgent` after a jump and when it has waited too long."""

    first: int
    last: int
    urgent: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask of libtorrent: deadlines in ms and priorities, by piece; what is in neither has the base priority.

    `fresh` asks to cancel what is in flight for earlier deadlines.
    """

    deadlines: Mapping[int, int] = field(default_factory=dict)
    priorities: Mapping[int, int] = field(default_factory=dict)
    fresh: bool = False


def plan(wants: Sequence[Want], have: Sequence[int], piece_length: int, current: Mapping[int, int]) -> Plan:
    """Return the plan for `wants`, given `have` (one truth value per piece) and the deadlines set now."""
    urgent = _merge([_missing(want, have, URGENT_PIECES) for want in wants if want.urgent])
    return Plan(
        deadlines={piece: step * STEP_MS for step, piece in enumerate(urgent)},
        priorities=_ramp(wants, have, piece_length),
        fresh=not set(urgent) <= current.keys(),
    )


def has_landed(want: Want, have: Sequence[int]) -> bool:
    """Tell whether the target of a jump and the piece after it are there."""
    return not _missing(want, have, URGENT_PIECES)


def _ramp(wants: Sequence[Want], have: Sequence[int], piece_length: int) -> dict[int, int]:
    """Return the priorities ahead of the readers; where ramps overlap the higher one holds."""
    priorities: dict[int, int] = {}
    for want in wants:
        begin = want.first
        for reach, priority in RAMP:
            end = min(want.last + 1, max(want.first + -(-reach // piece_length), begin + 1))
            for piece in range(begin, end):
                if not have[piece]:
                    priorities[piece] = max(priority, priorities.get(piece, 0))
            begin = max(begin, end)
    return priorities


def _missing(want: Want, have: Sequence[int], window: int) -> list[int]:
    """Return the missing pieces among the next `window` pieces of a reader."""
    return [piece for piece in range(want.first, min(want.first + window, want.last + 1)) if not have[piece]]


def _merge(queues: Sequence[list[int]]) -> list[int]:
    """Take from each queue in turn, nearest first, each piece once."""
    turns = zip_longest(*queues)
    return list(dict.fromkeys(piece for turn in turns for piece in turn if piece is not None))
