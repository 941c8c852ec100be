"""Undoes what a peer that sends wrong data leaves behind: its blocks in pieces that others would complete.

libtorrent cannot tell whose block is wrong in a piece that fails, so all who had a part in it lose trust, and who has
lost it four times is banned. The blocks of those it banned stay: each of their pieces fails once more, for those who
complete it. So such pieces begin anew. Overwriting a piece takes the names off its blocks; when its hash is wrong then,
libtorrent blames nobody and forgets the piece.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .evidence import Endpoint, Evidence
from .pieces import Run
from .steering import Steering

if TYPE_CHECKING:
    import libtorrent as lt

# States of a block (libtorrent's `block_info`): nobody was asked for it; it is being written; it is on disk.
FREE: Final = 0
THERE: Final = frozenset({2, 3})
# After the download was halted libtorrent still takes what it had made room for, a second's worth or more where
# queues are long, and hashes what is complete. s
SETTLES: Final = 0.2
# How fast a piece still grows is seen by two looks at it. s
BETWEEN_LOOKS: Final = 0.1
# A piece that would be complete after so much more time, at that pace, is let alone: it could be right, and would be
# overwritten when it is. The way from a look to libtorrent's thread takes some ms.
SAFE_LOOKS: Final = 2
# A liar has requests of many pieces in flight, which fail one shortly after the other. s
SUBSIDES: Final = 3.0
# Who is banned without proof is let in again by adding the torrent anew. Connections begin anew with it and trackers
# hear of it: not more often than they are asked for peers otherwise. Where nothing comes there is nothing to lose. s
RENEW_INTERVAL: Final = 60.0
RENEW_INTERVAL_DRY: Final = 10.0


@dataclass(frozen=True, slots=True)
class Peers:
    """Who is connected, and who of them had a part in a piece that failed and in none since that was right."""

    connected: AbstractSet[Endpoint] = frozenset()
    suspects: AbstractSet[Endpoint] = frozenset()
    asked: bool = True
    """Whether a block is asked of anybody, or could not be as all of them choke us."""

    @property
    def is_dry(self) -> bool:
        """Tell whether nothing will come any more.

        libtorrent gives a peer on parole no block of a piece that others have a part in. Where all are on parole there
        is nobody left for a piece that two had a part in.
        """
        return not self.connected or (self.connected == self.suspects and not self.asked)


class Lies:
    """Watches one torrent from the first piece that fails until nobody is suspected any more; `clock` is in s."""

    def __init__(
        self,
        handle: lt.torrent_handle,
        info: lt.torrent_info,
        run: Run,
        steering: Steering,
        clock: Callable[[], float],
    ) -> None:
        self._handle = handle
        self._info = info
        self._run = run
        self._steering = steering
        self._clock = clock
        self.evidence = Evidence(info)
        self._last_failure = -math.inf
        self._renewed = -math.inf
        self._peers = Peers()
        self._begun_anew: set[int] = set()
        self.spoiled: set[int] = set()
        """Pieces that were complete before they were overwritten: libtorrent believes to have them."""
        self._failed = False  # since the last look
        self._look: asyncio.Task[None] | None = None

    def on_failed(self, piece: int) -> None:
        """Take libtorrent's word that a piece is wrong."""
        self.evidence.on_wrong(piece)
        if piece in self._begun_anew:
            self._begun_anew.discard(piece)
        else:
            self._failed = True
            self._last_failure = self._clock()
            self.look()

    @property
    def is_watching(self) -> bool:
        """Tell whether it matters who sends which block."""
        return bool(self._peers.suspects) or self._clock() - self._last_failure < RENEW_INTERVAL

    def should_renew(self, *, waiting: bool) -> bool:
        """Tell whether it is time to add the torrent anew, and count that as done; `waiting`: somebody waits."""
        now, is_dry = self._clock(), self._peers.is_dry
        if not (self.spoiled or self.evidence.unproven or (waiting and self._peers.connected and is_dry)):
            return False
        if not self.spoiled and not is_dry and now - self._last_failure < SUBSIDES:
            return False
        if now - self._renewed < (RENEW_INTERVAL_DRY if self.spoiled or is_dry else RENEW_INTERVAL):
            return False
        self._renewed = now
        return True

    def on_right(self, piece: int) -> bool:
        """Take libtorrent's word that a piece is right; tell whether to believe it."""
        self.evidence.on_right(piece)
        if piece in self._begun_anew:  # and did not fail since
            self.spoiled.add(piece)
        return piece not in self.spoiled

    def move(self, handle: lt.torrent_handle) -> None:
        """Go on with the same torrent, added anew: it has no piece that is begun, and trusts everybody."""
        self._handle = handle
        self._peers = Peers()
        self._begun_anew.clear()
        self.spoiled.clear()
        self._failed = False
        self.evidence.release()

    def look(self) -> None:
        """See who is suspected, if there is a reason to; what they had a part in begins anew."""
        is_due = self._failed or self._peers.suspects or self.evidence.unproven
        if is_due and (self._look is None or self._look.done()):
            self._look = asyncio.create_task(self._see(), name="torrent_cast lies")

    async def _see(self) -> None:
        failed, self._failed = self._failed, False
        suspected = self._peers.suspects
        with contextlib.suppress(RuntimeError):  # removed in the meantime
            self._peers = await self._run(self._look_at_peers)
            if failed or suspected - self._peers.connected:
                await self._begin_anew()

    def _look_at_peers(self) -> Peers:
        found = self._handle.get_peer_info()
        suspects = (peer.ip for peer in found if peer.flags & peer.on_parole)
        asked = any(peer.download_queue_length for peer in found) or all(
            peer.flags & peer.remote_choked for peer in found
        )
        return Peers(frozenset(peer.ip for peer in found), frozenset(suspects), asked)

    async def _begin_anew(self) -> None:
        """Overwrite the pieces that are poisoned, while as little as possible comes in."""
        with self._steering.halted():
            await asyncio.sleep(SETTLES)
            before = await self._run(self._handle.get_download_queue)
            await asyncio.sleep(BETWEEN_LOOKS)
            await self._run(self._overwrite, before)

    def _overwrite(self, before: Sequence[lt.partial_piece]) -> None:
        self._begun_anew.clear()
        queue = self._handle.get_download_queue()
        for piece in set(poisoned(queue, self._peers)) - set(almost_complete(before, queue)):
            self._begun_anew.add(piece)
            self._handle.add_piece(piece, bytes(self._info.piece_size(piece)), self._handle.overwrite_existing)

    async def close(self) -> None:
        """Wait until nothing of it runs any more."""
        if self._look is not None:
            await asyncio.wait([self._look])


def poisoned(queue: Iterable[lt.partial_piece], peers: Peers) -> Iterator[int]:
    """Yield the pieces of a download queue that hold blocks of suspects, or of somebody who has gone.

    Not what one suspect alone downloads, as that will tell whether it lies.
    """
    trusted = peers.connected - peers.suspects
    for partial in queue:
        blocks = partial["blocks"]
        there = {block["peer"] for block in blocks if block["state"] in THERE}
        taking_part = {block["peer"] for block in blocks if block["state"] != FREE}
        is_trial = len(taking_part) == 1 and taking_part <= peers.suspects
        if not there <= trusted and not is_trial:
            yield partial["piece_index"]


def almost_complete(before: Iterable[lt.partial_piece], now: Iterable[lt.partial_piece]) -> Iterator[int]:
    """Yield the pieces that may be complete very soon, by how they have grown between two looks at the queue."""
    missed = {partial["piece_index"]: _missing(partial) for partial in before}
    for partial in now:
        missing = _missing(partial)
        grown = missed.get(partial["piece_index"], len(partial["blocks"])) - missing
        if missing <= SAFE_LOOKS * max(grown, 0):
            yield partial["piece_index"]


def _missing(partial: lt.partial_piece) -> int:
    return sum(block["state"] not in THERE for block in partial["blocks"])
