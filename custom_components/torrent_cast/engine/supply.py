"""What comes in for one torrent, and what follows: how patient to be, how fast to go, when to ask for more peers."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from . import scheduler
from .reader import STUCK_AFTER
from .scheduler import Reserve
from .starvation import Starvation

if TYPE_CHECKING:
    import libtorrent as lt

# A new connection's queue of requests grows with each block (libtorrent's slow start) until the rate grows no more. A
# jump in that time cancels what is in flight; later the queues are short, and it does not. s
SLOW_START: Final = 10.0
# Less than two blocks a second is as good as nothing. bytes/s
FED: Final = 32 * 1024
# libtorrent's rates are means over some seconds: before that they say too little. s
RATE_SETTLES: Final = 5.0
# A player without a playhead may close its connection while it has enough, and open the next when it needs more: the
# limit does not come and go with it. One that stays away for longer has gone, and holds up nobody. s
BETWEEN_CONNECTIONS: Final = 10.0
# What of the supply may be lost where requests are cancelled that some peers never answer: libtorrent asks those for
# nothing more. Of the pace at which films are loaded that leaves what they need (1.2 of 1.5 times the bitrate).
BEARABLE: Final = 0.2


@dataclass(frozen=True, slots=True)
class Statistics:
    """What libtorrent said last: rates in bytes/s, connected peers, how many of those are seeds, bytes ever moved."""

    download_rate: int = 0
    upload_rate: int = 0
    peers: int = 0
    seeds: int = 0
    uploaded: int = 0
    downloaded: int = 0
    received: int = 0  # bytes of the torrent's content in this session, right or wrong
    sent: int = 0  # in this session, messages and all
    fetched: int = 0  # the same of what came
    is_checking: bool = False  # files are hashed; meanwhile nobody is asked for anything


class Supply:
    """What is known of one torrent's supply; `clock` tells the time in s."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = 0.0  # when the metadata came
        self._best_rate = 0  # bytes/s
        self._starvation = Starvation()
        self.statistics = Statistics()
        self._played = -math.inf  # when somebody played last
        self.hurries = False
        """Whether never to slow down."""
        self.has_forgetful_peers = False
        """Whether a peer is connected that does not answer cancelled requests."""
        self._may_lose = True  # what forgetful peers send
        self._knows_peers = False
        self._suspects_peers = False
        self.has_plenty: bool | None = None
        """Whether more comes in than is needed; None while nobody wants anything."""

    def begin(self) -> None:
        """Note that there is something to download from now on."""
        self._since = self._clock()

    def learn(self, status: lt.torrent_status) -> None:
        """Take libtorrent's statistics."""
        self.statistics = Statistics(
            download_rate=status.download_payload_rate,
            upload_rate=status.upload_payload_rate,
            peers=status.num_peers,
            seeds=status.num_seeds,
            uploaded=status.all_time_upload,
            downloaded=status.all_time_download,
            received=status.total_payload_download,
            sent=status.total_upload,
            fetched=status.total_download,
            is_checking=status.state in (status.states.checking_resume_data, status.states.checking_files),
        )
        self._best_rate = max(self._best_rate, self.statistics.download_rate)

    def know(self, peers: Collection[tuple[bool, int]]) -> None:
        """Take what was seen of each peer that is connected: whether it is forgetful, and what it sends, bytes/s.

        Of nobody nothing is learnt: they may be back in a moment, as while files are checked.
        """
        self._knows_peers, self._suspects_peers = bool(peers), False
        if not peers:
            return
        self.has_forgetful_peers = any(is_forgetful for is_forgetful, _ in peers)
        theirs = sum(rate for is_forgetful, rate in peers if is_forgetful)
        rate = sum(rate for _, rate in peers)
        self._may_lose = theirs <= BEARABLE * rate if rate else not self.has_forgetful_peers

    def suspect(self) -> bool:
        """Note that a peer has sent something; tell whether peers are to be looked at for the first time.

        Until somebody has done so, nothing that they were asked for is cancelled.
        """
        if self._knows_peers or self._suspects_peers or not self.is_young:
            return False
        self._suspects_peers = True
        return True

    @property
    def is_young(self) -> bool:
        """Tell whether the connections are so new that libtorrent still asks each peer for more and more."""
        return self._clock() - self._since < SLOW_START

    @property
    def cancels(self) -> bool:
        """Tell whether a jump cancels what is in flight."""
        return self.is_young and not self.has_forgetful_peers and not self._suspects_peers

    def patience(self, piece_length: int) -> float:
        """Return for how long a piece may keep a reader waiting before it hangs on a bad peer, s.

        Twice what the piece takes at the best rate seen: a large piece takes its time from good peers too. For ever
        while nothing comes, as then it is no matter who was asked, and where cancelled requests would end too much.
        """
        if self.statistics.download_rate < FED or not self._may_lose:
            return math.inf
        return max(STUCK_AFTER, 2 * piece_length / self._best_rate if self._best_rate else 0.0)

    def pace(self, reserves: Sequence[Reserve], piece_length: int, limit: int) -> int:
        """Return the limit for the download rate; `scheduler.pace` says what the arguments are."""
        if self.hurries:
            return 0
        if scheduler.bitrate(reserves):
            self._played = self._clock()
        elif self._clock() - self._played < BETWEEN_CONNECTIONS and _has_all(reserves):
            return limit
        return scheduler.pace(reserves, piece_length, limit)

    def look(self, reserves: Sequence[Reserve]) -> None:
        """See whether there is plenty, given what everybody has in hand."""
        if _has_all(reserves):
            self.has_plenty = None
        elif self._clock() - self._since < RATE_SETTLES:
            self.has_plenty = True
        else:
            rate = self.statistics.download_rate
            before = self.has_plenty or False
            self.has_plenty = not self.hurries and scheduler.is_plenty(reserves, rate, plenty=before)

    def should_announce(self, *, waiting: bool) -> bool:
        """Tell whether it is time to ask for peers, as somebody waits and nothing comes; count that as done."""
        return self._starvation.should_announce(self._clock(), waiting=waiting, received=self.statistics.received)

    def should_count(self) -> bool:
        """Tell whether it is time to see which peers that are known could be connected to; count that as done."""
        return self._starvation.should_count(self._clock())


def _has_all(reserves: Sequence[Reserve]) -> bool:
    """Tell whether nobody misses anything."""
    return all(math.isinf(reserve.ahead) for reserve in reserves)
