"""What of the session's settings follows from its torrents, told to libtorrent when it changes."""

import itertools
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from .settings import MAX_FAILCOUNT, alert_mask
from .uplink import MANY, Uplink, slots

if TYPE_CHECKING:
    from .torrent import Torrent


class Tuning:
    """The settings of one session that change while it runs; `apply` hands them to it."""

    def __init__(
        self, libtorrent: ModuleType, apply: Callable[[dict[str, object]], None], clock: Callable[[], float]
    ) -> None:
        self._lt = libtorrent
        self._apply = apply
        self._uplink = Uplink(clock)
        self._allowed = 0  # to be sent, bytes/s; 0 for all
        self._upload: dict[str, int] = {}  # what follows, as the session was told; empty where it is not known
        self._queue_time = 0  # s, as in `session_settings`
        self._suspicion = (False, False)  # whether blocks are watched, and parole is given
        self._max_failcounts = itertools.cycle((MAX_FAILCOUNT + 1, MAX_FAILCOUNT))

    def shorten_queues(self, torrents: Sequence[Torrent]) -> None:
        """Ask peers for no more than they are sending, where every film has plenty; else for a second's worth."""
        seconds = int(not all(_supplies(torrents)))
        if seconds != self._queue_time:
            self._queue_time = seconds
            self._apply({"request_queue_time": seconds})

    def allow_upload(self, limit: int) -> None:
        """Note what the user allows to be sent, bytes/s, 0 for all; the session has been told it."""
        self._allowed = limit
        self._upload = {}

    def spare_uplink(self, torrents: Sequence[Torrent]) -> None:
        """Have no more sent than the line carries while somebody plays what is not all there."""
        supplies = _supplies(torrents)
        self._uplink.look(
            sum(torrent.statistics.sent for torrent in torrents),
            sum(torrent.statistics.fetched for torrent in torrents),
            plenty=all(supplies),
        )
        limit = self._uplink.limit(self._allowed, needed=bool(supplies))
        upload = {"upload_rate_limit": limit, "unchoke_slots_limit": slots(limit) if supplies else MANY}
        if upload != self._upload:
            self._upload = upload
            self._apply({**upload})

    def watch_senders(self, torrents: Sequence[Torrent]) -> None:
        """Have libtorrent tell who sends each block while that can show who lies; else it is only work."""
        lies = [torrent.lies for torrent in torrents if not torrent.is_at_rest]
        watches = any(each is None or each.is_watching for each in lies)  # None: its first block may come any moment
        suspicion = watches, any(each is not None and each.wants_parole for each in lies)
        if suspicion != self._suspicion:
            self._suspicion = blocks, parole = suspicion
            self._apply({"alert_mask": alert_mask(self._lt, blocks=blocks), "use_parole_mode": parole})

    def count_candidates(self) -> None:
        """Have libtorrent count anew whom it could connect to.

        A torrent that has all it wants does not count the seeds it knows, and when it wants more it goes on so until it
        hears of somebody new. And one that has just got to know its first peers gives them up after three failures,
        whatever the setting says (2.0.11). A change of the setting makes it count; one failure more or less is nothing.
        """
        self._apply({"max_failcount": next(self._max_failcounts)})


def _supplies(torrents: Sequence[Torrent]) -> list[bool]:
    """Return, for each torrent of which somebody misses something, whether plenty comes."""
    return [plenty for torrent in torrents if (plenty := torrent.supply.has_plenty) is not None]
