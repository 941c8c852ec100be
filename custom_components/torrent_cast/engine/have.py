"""Which pieces of a torrent are verified, and who waits for one."""

import asyncio
from collections import defaultdict
from typing import Final

from .futures import future


class Have:
    """One truth value per piece, and the waits for those that are missing."""

    def __init__(self) -> None:
        self.pieces: Final = bytearray()
        """One byte per piece, 1 where it is verified; empty until the metadata is there."""
        self._waiters: defaultdict[int, set[asyncio.Future[None]]] = defaultdict(set)
        self._failure: BaseException | None = None

    def begin(self, pieces: int) -> None:
        """Count so many pieces, none of them verified."""
        self.pieces[:] = bytes(pieces)

    def forget(self) -> None:
        """Take no piece for verified any more; who waits goes on waiting."""
        self.begin(len(self.pieces))

    def lacks(self, span: range) -> bool:
        """Tell whether a piece of `span` is missing."""
        return self.pieces.find(0, span.start, span.stop) >= 0

    def add(self, piece: int) -> None:
        """Note that a piece is verified, and tell who waits for it."""
        self.pieces[piece] = 1
        for waiter in self._waiters.pop(piece, ()):
            if not waiter.done():
                waiter.set_result(None)

    @property
    def is_awaited(self) -> bool:
        """Tell whether somebody waits for a piece."""
        return bool(self._waiters)

    async def wait(self, piece: int) -> None:
        """Wait until a piece is verified. Raises what `fail` was given."""
        if self._failure is not None:
            raise self._failure
        if self.pieces[piece]:
            return
        waiter: asyncio.Future[None] = future()
        self._waiters[piece].add(waiter)
        try:
            await waiter
        finally:
            self._waiters[piece].discard(waiter)
            if not self._waiters[piece]:
                del self._waiters[piece]

    def fail(self, error: BaseException) -> None:
        """End every wait with `error`, those that are still to come too."""
        self._failure = error
        waiting = [waiter for group in self._waiters.values() for waiter in group]
        self._waiters.clear()
        for waiter in waiting:
            if not waiter.done():
                waiter.set_exception(error)
