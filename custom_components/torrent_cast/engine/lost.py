"""Knows who gave something and went, and when to try them again: sooner than libtorrent would.

libtorrent tries a peer that is not there again after 1, 2, 3 ... s, so who was away for 20 s is missed for up to 7 s
more, and after a minute it gives up. It takes one failure off a peer that a tracker names again (2.0.11): that is what
it is told.
"""

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from .evidence import Endpoint
from .peers import is_web_seed

if TYPE_CHECKING:
    import libtorrent as lt

# An uplink that is dialled anew, or a machine that starts anew, is back by then. s
TRIED_FOR: Final = 60.0
# A SYN in so many seconds is no burden, and what is in hand lasts longer. s
BETWEEN_TRIES: Final = 2.0
# Where more are lost at once, as when our own line is down, these lead to the others. Peers
MOST: Final = 20


class Lost:
    """Those who gave something of one torrent and went; `clock` is in s."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._given: dict[Endpoint, int] = {}  # bytes, by those who were there at the last look
        self._since: dict[Endpoint, float] = {}  # when each that went was missed first; who gave most comes first
        self._tried = -math.inf

    def see(self, peers: Iterable[lt.peer_info]) -> None:
        """Take who is connected now. Only who we connected to listens at the address that is known of them."""
        now = self._clock()
        given = {
            peer.ip: peer.total_download
            for peer in peers
            if peer.total_download and peer.flags & peer.outgoing_connection and not is_web_seed(peer)
        }
        gone = sorted(self._given.keys() - given.keys(), key=self._given.__getitem__, reverse=True)
        since = {peer: self._since.get(peer, now) for peer in [*self._since, *gone]}
        self._since = {peer: at for peer, at in since.items() if peer not in given and now - at < TRIED_FOR}
        self._given = given

    def due(self) -> list[Endpoint]:
        """Return who is to be tried now, and count that as done."""
        now = self._clock()
        if not self._since or now - self._tried < BETWEEN_TRIES:
            return []
        self._tried = now
        return list(self._since)[:MOST]
