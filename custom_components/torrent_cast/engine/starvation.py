"""Notices that somebody waits and nothing comes, and says when to look for more peers: those known, and new ones."""

import math
from typing import Final

# A peer that was lost is tried again after 1 s (`min_reconnect_time`): first see whether that helps. s
STARVED_AFTER: Final = 5.0
# Trackers name a "min interval" for those who ask early. Opentracker's is a quarter of an hour, and nobody sits in
# front of a black screen for so long: it is not kept here. But one announce a minute is no burden; libtorrent itself
# sends a tracker that fails more at first. s
ANNOUNCE_INTERVAL: Final = 60.0
# A seed that hangs up on who wants nothing may do so just after something is wanted again. To count who could be
# connected to costs nothing. s
COUNT_INTERVAL: Final = 5.0


class Starvation:
    """What is known of one torrent's hunger."""

    def __init__(self) -> None:
        self._received = 0
        self._since: float | None = None
        self._announced = -math.inf
        self._counted = -math.inf

    def should_announce(self, now: float, *, waiting: bool, received: int) -> bool:
        """Tell whether it is time to ask for peers, and count that as done.

        `now` is in s; `waiting` says whether somebody waits, `received` is all that ever came, in bytes.
        """
        fed = received != self._received
        self._received = received
        if fed or not waiting:
            self._since = None
            return False
        if self._since is None:
            self._since = now
        if now - self._since < STARVED_AFTER or now - self._announced < ANNOUNCE_INTERVAL:
            return False
        self._announced = now
        return True

    def should_count(self, now: float) -> bool:
        """Tell whether it is time to see who could be connected to, by what was told last, and count that as done."""
        if self._since is None or now - self._since < STARVED_AFTER or now - self._counted < COUNT_INTERVAL:
            return False
        self._counted = now
        return True
