"""How fast to give to others while somebody plays: a little less than the line out carries.

More than that queues in front of the line, and what a player asks for and the receipts of what comes (TCP's ACKs) wait
behind it or are dropped. What a line carries nobody says; but what is sent does not follow a limit that is above it.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

# libtorrent hands a limit out by blocks, of 16 KiB, to up to eight peers at about the same time. At 80 kB/s one round
# more or less is a quarter of what is sent in this time, ... s
LOOK: Final = 6.0
# ... and little in this one, where nothing hurries.
LONG_LOOK: Final = 24.0
# Where less than this part of the limit is sent the line carries no more, or nobody wants more.
FOLLOWS: Final = 0.7
# Then for one look this part of what was sent lets the queue run dry, ...
DRAIN: Final = 0.25
# ... and this part from then on. The rest is for requests, ACKs (a quarter of a line of 16 Mbit/s in and 1 out) and the
# blocks that peers are sent at the same time: with six tenths a fifth less came in.
SHARE: Final = 0.4
# How much faster after each look, as long as what is sent follows: from `FLOOR` to 500 kB/s within a minute.
GROWTH: Final = 1.5
# As long as somebody has little in hand each step waits for so long, as the one that is too much takes from it. Not for
# ever: where there are no seeds, who gives little gets little. s
CAUTION: Final = 24.0
# After this time it is tried whether the line carries so much more, or others want it; each try costs some seconds of
# queueing. s
RETRY: Final = 300.0
# Where the limit begins, and never below it: less than any line has, and a block each second. bytes/s
FLOOR: Final = 20_000
# The limit holds for requests and "have" messages, too. They are a thousandth of what comes, with small pieces and many
# peers some times that: this part of what comes they always have.
REQUESTS: Final = 1 / 64
# A block comes to each of those who are given something at about the same time, and such a burst queues: so they are
# as few as have this much each, within bounds. Two: who gives to us, and somebody else in turn. Eight is libtorrent's
# default. bytes/s and peers
FOR_EACH: Final = 25_000
FEW: Final = 2
MANY: Final = 8


def slots(limit: int) -> int:
    """Return how many peers may share a limit, bytes/s, 0 for none."""
    return min(max(limit // FOR_EACH, FEW), MANY) if limit else MANY


class Phase(StrEnum):
    """What is being done to find out what the line carries."""

    GROW = "grow"  # more after each look
    DRAIN = "drain"  # too much: little of it
    HOLD = "hold"  # a little less than it carries


class Uplink:
    """What is known of the line out, and the limit that follows; rates are bytes/s, `clock` tells the time in s."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._looked = clock()
        self._totals = (0, 0)  # bytes sent and fetched by then
        self._sent = self._fetched = 0.0  # rates before
        self._phase = Phase.GROW
        self._limit = 0.0  # 0 while the line is not needed
        self._carries = 0.0  # what was sent when it did not follow
        self._failed = 0.0  # when
        self._grown = 0.0  # when the limit grew last

    def look(self, sent: int, fetched: int, *, plenty: bool) -> None:
        """Take how many bytes were sent and fetched in all, a few times in each `LOOK`.

        `plenty` says whether so much comes that nobody who plays is short of it.
        """
        now = self._clock()
        elapsed = now - self._looked
        if elapsed < (LONG_LOOK if self._phase is Phase.HOLD else LOOK):
            return
        before, self._totals, self._looked = self._totals, (sent, fetched), now
        if sent < before[0] or fetched < before[1]:
            return  # a torrent that has gone takes its bytes along
        self._sent, self._fetched = (sent - before[0]) / elapsed, (fetched - before[1]) / elapsed
        if self._limit:
            self._step(now, plenty=plenty)

    def limit(self, most: int, *, needed: bool) -> int:
        """Return the limit for what is sent, 0 for none: never more than the user allows (`most`, 0 for all).

        That is the limit, too, where the line is not `needed`.
        """
        if not needed:
            self._limit = 0.0
            return most
        if not self._limit:
            self._begin()
        self._limit = max(self._limit, self._floor)
        if most:
            self._limit = min(self._limit, most)
        return round(self._limit)

    @property
    def _floor(self) -> float:
        return max(FLOOR, REQUESTS * self._fetched)

    def _begin(self) -> None:
        """Set the limit when somebody begins to play."""
        self._phase = Phase.HOLD if self._carries else Phase.GROW
        self._grown = self._clock()
        self._limit = SHARE * self._carries or DRAIN * self._sent

    def _step(self, now: float, *, plenty: bool) -> None:
        """Set the limit after a look."""
        if self._phase is Phase.DRAIN:
            self._phase, self._limit = Phase.HOLD, SHARE * self._carries
        elif self._sent < FOLLOWS * self._limit:
            if self._limit <= self._floor:
                return  # any line carries that: nobody wants it
            self._phase, self._limit = Phase.DRAIN, DRAIN * self._sent
            self._carries, self._failed = self._sent, now
        elif self._phase is Phase.HOLD and now - self._failed >= RETRY:
            self._phase, self._limit, self._grown = Phase.GROW, GROWTH * self._carries, now
        elif self._phase is Phase.GROW and (plenty or now - self._grown >= CAUTION):
            self._limit, self._grown = GROWTH * self._limit, now
