"""Sees early that the target of a jump hangs on peers that have much else to send first, while others could send it.

libtorrent asks each new connection for more and more, a block in advance for each that came, until it gets no faster:
after three seconds that is as much again as has come, and most of it stands in the peer's own buffers, where no cancel
reaches it. Such a peer takes its part of the target like any other, and sends it last.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Final

from .blocks import FREE, REQUESTED, begun
from .pieces import Run
from .steering import Steering

if TYPE_CHECKING:
    import libtorrent as lt

# In this time peers with short queues send what they are asked for, after a jump and after what hung was freed; and
# the time between two looks otherwise. s
SENDS: Final = 0.3
BETWEEN_LOOKS: Final = 0.1
# From then on `STUCK_AFTER` looks after a piece that does not come. s
LAST_LOOK: Final = 2.0
# Requests at a peer: with so few it has next to nothing left to send, with so many it sends the target late.
IDLE: Final = 2
BUSY: Final = 8
# For so long the piece has no deadline, so that what is asked for in vain is cancelled and asked elsewhere. s
FREE_FOR: Final = 1.0


class Hangs:
    """Watches the targets of one torrent's jumps; `clock` is in s. Calls `on_found` when one hangs."""

    def __init__(self, steering: Steering, run: Run, clock: Callable[[], float], on_found: Callable[[], None]) -> None:
        self._steering = steering
        self._run = run
        self._clock = clock
        self._on_found = on_found
        self._found: dict[int, float] = {}  # when, by piece
        self._has_news = False
        self._watches: dict[int, asyncio.Task[None]] = {}

    def is_found(self, piece: int) -> bool:
        """Tell whether `piece` was just found to hang."""
        return self._clock() - self._found.get(piece, -math.inf) < FREE_FOR

    def has_news(self) -> bool:
        """Tell whether something was found since this was asked last."""
        had, self._has_news = self._has_news, False
        return had

    def watch(self, handle: lt.torrent_handle, piece: int) -> None:
        """Look after the target of a jump; once for each jump to it."""
        if piece not in self._watches:
            task = self._watches[piece] = asyncio.create_task(self._watch(handle, piece), name="torrent_cast hangs")
            task.add_done_callback(lambda _: self._watches.pop(piece, None))

    async def _watch(self, handle: lt.torrent_handle, piece: int) -> None:
        end = self._clock() + LAST_LOOK
        await asyncio.sleep(SENDS)
        with contextlib.suppress(RuntimeError):  # removed in the meantime
            while self._clock() < end and (piece in self._steering.deadlines or self.is_found(piece)):
                if await self._run(_look, handle, piece):
                    self._found = {known: at for known, at in self._found.items() if self.is_found(known)}
                    self._found[piece] = self._clock()
                    self._has_news = True
                    self._on_found()
                    await asyncio.sleep(SENDS)
                else:
                    await asyncio.sleep(BETWEEN_LOOKS)

    async def close(self) -> None:
        """Wait until nothing of it runs any more."""
        tasks = list(self._watches.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _look(handle: lt.torrent_handle, piece: int) -> bool:
    parts = (partial["blocks"] for partial in begun(handle) if partial["piece_index"] == piece)
    return hangs(next(parts, []), handle.get_peer_info())


def hangs(blocks: Collection[lt.block_info], peers: Sequence[lt.peer_info]) -> bool:
    """Tell whether all that is missing of a piece is asked of somebody, in part of the busy, while others are idle."""
    if any(block["state"] == FREE for block in blocks):
        return False
    asked = {block["peer"] for block in blocks if block["state"] == REQUESTED}
    queues = {peer.ip: peer.download_queue_length for peer in peers if not peer.flags & peer.remote_choked}
    is_waiting = any(queues.get(peer, 0) >= BUSY for peer in asked)
    return is_waiting and any(queue <= IDLE and peer not in asked for peer, queue in queues.items())
