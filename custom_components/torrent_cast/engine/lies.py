"""Finds who sends wrong data, and undoes what is left behind: its blocks in pieces that others would complete.

libtorrent cannot tell whose block is wrong in a piece that fails, so all who had a part in it lose trust, and who has
lost it four times is banned. So what comes instead is compared; who is found out is banned by adding the torrent anew,
which drops the pieces that are begun. Where that finds nobody, parole comes next: who had a part in a wrong piece
downloads whole pieces alone. The blocks of those whom libtorrent bans then stay: each of their pieces fails once more,
for those who complete it. So such pieces begin anew. Overwriting a piece takes the names off its blocks; when its hash
is wrong then, libtorrent blames nobody and forgets the piece.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .blocks import FREE, ON_DISK, WRITING, begun
from .comparison import Comparison
from .evidence import Endpoint, Evidence
from .pieces import Run
from .steering import Steering
from .stranded import Stranded

if TYPE_CHECKING:
    import libtorrent as lt

_LOGGER = logging.getLogger(__name__)

# States of a block that has come.
THERE: Final = frozenset({WRITING, ON_DISK})
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
# Who lies from the beginning is found out by what came first, so that is compared, too. After so many pieces that are
# right it is only work: an alert for each block.
RIGHT_AT_FIRST: Final = 16
# Blocks that came so shortly after each other are compared together, once they are on disk. s
COMPARE_AFTER: Final = 0.1
# libtorrent tells of a block so shortly after it has written it. Not longer: who is found out late is found out after
# libtorrent has banned whoever had a part in the same pieces. s
TOLD_AFTER: Final = 0.01


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
        is nobody left for a piece that two had a part in. Before anybody has looked it is not known.
        """
        return self.connected == self.suspects and not self.asked


class Lies:
    """Watches one torrent's senders; `clock` is in s. Calls `on_accused` when one is found out."""

    def __init__(
        self,
        handle: lt.torrent_handle,
        info: lt.torrent_info,
        run: Run,
        steering: Steering,
        comparison: Comparison,
        clock: Callable[[], float],
        on_accused: Callable[[], None],
    ) -> None:
        self._handle = handle
        self._info = info
        self._run = run
        self._steering = steering
        self._comparison = comparison
        self._clock = clock
        self._on_accused = on_accused
        self.evidence = Evidence(info)
        self._right = 0  # pieces so far
        self._last_failure = -math.inf
        self._last_wrong = -math.inf  # that, or what was overwritten
        self._unexplained = -math.inf  # when a piece was wrong again and that told nothing
        self._has_news = False  # somebody was accused since the torrent was added anew
        self._to_compare: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._inspecting: dict[int, asyncio.Task[None]] = {}  # by piece, the last of each
        self._renewed = -math.inf
        self._renewed_urgently = -math.inf
        self._peers = Peers()
        self._begun_anew: set[int] = set()
        self.spoiled: set[int] = set()
        """Pieces that were complete before they were overwritten: libtorrent believes to have them."""
        self._stranded = Stranded()
        self._failed = False  # since the last look
        self._look: asyncio.Task[None] | None = None

    def on_failed(self, piece: int) -> None:
        """Take libtorrent's word that a piece is wrong."""
        senders = self.evidence.on_wrong(piece)
        self._stranded.on_hashed(piece)
        self._last_wrong = self._clock()
        self._to_compare.discard(piece)
        if (late := self._inspecting.pop(piece, None)) is not None:
            late.cancel()  # what it was to read was overwritten
        if piece in self._begun_anew:
            self._begun_anew.discard(piece)
            self._comparison.forget(piece)
        else:
            self._failed = True
            self._last_failure = self._clock()
            self.look()
            self._inspecting[piece] = self._spawn(self._inspect(piece, senders))

    def on_block(self, piece: int, block: int, sender: Endpoint) -> None:
        """Take libtorrent's word on who sent a block."""
        self.evidence.on_block(piece, block, sender)
        if self._comparison.is_known(piece):
            if not self._to_compare:
                self._spawn(self._compare())
            self._to_compare.add(piece)

    @property
    def is_watching(self) -> bool:
        """Tell whether it matters who sends which block."""
        is_new = self._right < RIGHT_AT_FIRST
        return is_new or bool(self._peers.suspects) or self._clock() - self._last_failure < RENEW_INTERVAL

    @property
    def wants_parole(self) -> bool:
        """Tell whether those who had a part in a wrong piece shall download alone, as comparing finds nobody."""
        return self._clock() - self._unexplained < RENEW_INTERVAL

    @property
    def may_be_wrong(self) -> bool:
        """Tell whether to doubt who was accused: nothing will come any more from those who are let in.

        Not where somebody was found out just now: by then libtorrent has banned all who had a part in the same pieces.
        """
        return self._peers.is_dry and not self._has_news

    def should_renew(self, *, waiting: bool) -> bool:
        """Tell whether it is time to add the torrent anew, and count that as done; `waiting`: somebody waits."""
        now, is_dry = self._clock(), self._peers.is_dry
        is_urgent = self._has_news or bool(self.spoiled) or (waiting and bool(self._stranded))
        if not (is_urgent or self.evidence.unproven or (waiting and self._peers.connected and is_dry)):
            return False
        if not is_urgent and not is_dry and now - self._last_failure < SUBSIDES:
            return False
        # Who is found out just after the torrent was added anew for want of peers must not stay for that.
        last = self._renewed_urgently if is_urgent else self._renewed
        if now - last < (RENEW_INTERVAL_DRY if is_urgent or is_dry else RENEW_INTERVAL):
            return False
        self._renewed = now
        if is_urgent:
            self._renewed_urgently = now
        return True

    def on_right(self, piece: int) -> bool:
        """Take libtorrent's word that a piece is right; tell whether to believe it."""
        self._right += 1
        self.evidence.on_right(piece)
        self._stranded.on_hashed(piece)
        self._comparison.forget(piece)
        if piece in self._begun_anew:  # and did not fail since
            self.spoiled.add(piece)
        return piece not in self.spoiled

    def move(self, handle: lt.torrent_handle) -> None:
        """Go on with the same torrent, added anew: it has no piece that is begun, and trusts everybody."""
        self._handle = handle
        self._peers = Peers()
        self._begun_anew.clear()
        self.spoiled.clear()
        self._stranded.release()
        self._failed = False
        self._has_news = False
        self.evidence.release()
        self._to_compare.clear()
        self._inspecting.clear()
        self._comparison.clear()

    def look(self) -> None:
        """See who is suspected and what is stranded, if there is a reason to; what suspects sent begins anew."""
        now = self._clock()
        is_due = self._failed or self._peers.suspects or self.evidence.unproven
        may_strand = now - self._last_wrong < RENEW_INTERVAL and self._stranded.is_due(now)
        if (is_due or may_strand) and (self._look is None or self._look.done()):
            self._look = asyncio.create_task(self._see(may_strand=may_strand), name="torrent_cast lies")

    async def _see(self, *, may_strand: bool) -> None:
        failed, self._failed = self._failed, False
        suspected = self._peers.suspects
        with contextlib.suppress(RuntimeError):  # removed in the meantime
            self._peers = await self._run(self._look_at_peers)
            if may_strand:
                self._stranded.look(await self._run(begun, self._handle), self._clock())
            if failed or suspected - self._peers.connected:
                await self._begin_anew()

    def _look_at_peers(self) -> Peers:
        found = self._handle.get_peer_info()
        suspects = (peer.ip for peer in found if peer.flags & peer.on_parole)
        choked = bool(found) and all(peer.flags & peer.remote_choked for peer in found)
        asked = choked or any(peer.download_queue_length for peer in found)
        return Peers(frozenset(peer.ip for peer in found), frozenset(suspects), asked)

    async def _begin_anew(self) -> None:
        """Overwrite the pieces that are poisoned, if there are any, while as little as possible comes in."""
        if not any(poisoned(await self._run(begun, self._handle), self._peers)):
            return
        with self._steering.halted():
            await asyncio.sleep(SETTLES)
            before = await self._run(begun, self._handle)
            await asyncio.sleep(BETWEEN_LOOKS)
            await self._run(self._overwrite, before)

    def _overwrite(self, before: Sequence[lt.partial_piece]) -> None:
        self._begun_anew.clear()
        queue = begun(self._handle)
        for piece in set(poisoned(queue, self._peers)) - set(almost_complete(before, queue)):
            self._begun_anew.add(piece)
            self._handle.add_piece(piece, bytes(self._info.piece_size(piece)), self._handle.overwrite_existing)

    async def _inspect(self, piece: int, senders: Mapping[int, Endpoint]) -> None:
        """Compare what was wrong with what was wrong before in its place, and keep it."""
        digests = await self._read(piece, senders, senders)
        is_again = self._comparison.is_known(piece)
        self._comparison.compare(piece, senders, digests)
        self._comparison.remember(piece, senders, digests)
        if not self._judge() and is_again:
            self._unexplained = self._clock()

    async def _compare(self) -> None:
        """Compare what has come in a moment."""
        await asyncio.sleep(COMPARE_AFTER)
        pieces = frozenset(self._to_compare)
        self._to_compare.clear()
        for piece in pieces:
            senders = self.evidence.senders(piece)
            digests = await self._read(piece, senders, senders.keys() & self._comparison.remembered(piece))
            self._comparison.compare(piece, senders, digests)
        self._judge()

    async def _read(self, piece: int, senders: Mapping[int, Endpoint], blocks: Collection[int]) -> dict[int, bytes]:
        """Return the digests of blocks on disk that are still what `senders` have sent.

        A busy machine is late to read: by then others may have sent the same blocks anew.
        """
        digests = await self._comparison.read(piece, blocks)
        await asyncio.sleep(TOLD_AFTER)
        now = self.evidence.senders(piece)
        return {block: digest for block, digest in digests.items() if now.get(block, senders[block]) == senders[block]}

    def _judge(self) -> bool:
        """Accuse who is found out; tell whether somebody was."""
        liar = self._comparison.liar
        if liar is None or liar in self.evidence.accused:  # a web seed is not kept out by that
            return False
        _LOGGER.info("A peer has sent wrong data: %s", liar[0])
        self.evidence.accused.add(liar)
        self._has_news = True
        self._on_accused()
        return True

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name="torrent_cast comparison")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Wait until nothing of it runs any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *filter(None, [self._look]), return_exceptions=True)


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
