"""How safe playback is: what is in hand, what comes in, and when it would stall."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# What a player needs to go on without a break when its next piece is late; s.
STARVING_SECONDS: Final = 3.0
# A swarm that loses its best peer has found others by then; s.
TIGHT_SECONDS: Final = 15.0
# Rates of the last second swing by so much without meaning anything: below it the supply counts as too little.
ENOUGH_SUPPLY: Final = 1.0


class Level(StrEnum):
    """How safe playback is."""

    HEALTHY = "healthy"
    TIGHT = "tight"
    STARVING = "starving"


@dataclass(frozen=True, slots=True)
class Health:
    """`seconds` are in hand from the playhead on, verified and without a gap (infinite: all that is left).

    `supply` is what comes in for this playback over what is played, `stall_in` the s until it stalls if it goes on like
    that (None: it does not).
    """

    seconds: float
    supply: float
    stall_in: float | None

    @property
    def level(self) -> Level:
        """Return how safe playback is."""
        if self.stall_in is not None and self.seconds < STARVING_SECONDS:
            return Level.STARVING
        if self.stall_in is not None and self.stall_in < TIGHT_SECONDS:
            return Level.TIGHT
        return Level.HEALTHY if self.seconds >= STARVING_SECONDS else Level.TIGHT


def assess(ahead: float, download_rate: float, bitrate: float) -> Health:
    """Return the health of a playback with `ahead` bytes in hand; rates are bytes/s."""
    seconds, supply = ahead / bitrate, download_rate / bitrate
    sinks = not math.isinf(seconds) and supply < ENOUGH_SUPPLY
    return Health(seconds, supply, seconds / (1 - supply) if sinks else None)
