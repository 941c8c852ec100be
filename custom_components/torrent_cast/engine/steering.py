"""What libtorrent was told about a torrent's pieces and rate, so that it is told only what differs."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from . import scheduler

if TYPE_CHECKING:
    import libtorrent as lt

# Not one of libtorrent's priorities (0 to 7): whatever is wanted differs from it.
UNKNOWN: Final = 255
# What libtorrent gives a piece whose deadline is cleared, and one that has a deadline.
CLEARED: Final = 1
WITH_DEADLINE: Final = 7
# The least download limit there is, bytes/s; 0 would be none.
HALTED: Final = 1


class Steering:
    """Applies plans to one torrent. All calls of libtorrent's here return at once."""

    def __init__(self, handle: lt.torrent_handle, pieces: int) -> None:
        self._handle = handle
        self._base = bytes(pieces)
        self._told = bytearray([UNKNOWN]) * pieces
        self._deadlines: set[int] = set()
        self._raised: set[int] = set()
        self._limit = 0
        self._is_halted = False

    @property
    def limit(self) -> int:
        """Return the download limit in force, bytes/s; 0 is none."""
        return self._limit

    @property
    def deadlines(self) -> frozenset[int]:
        """Return the pieces that have a deadline."""
        return frozenset(self._deadlines)

    def move(self, handle: lt.torrent_handle) -> None:
        """Go on with the same torrent, added anew: tell it everything again."""
        self._handle = handle
        self.forget()
        handle.set_download_limit(self._limit)
        if any(self._base):
            self.select(self._base)

    def forget(self) -> None:
        """Expect nothing of what libtorrent was told before: it is about to hash the files anew."""
        self._told = bytearray([UNKNOWN]) * len(self._told)
        self._raised.clear()
        self._handle.clear_piece_deadlines()
        self._deadlines.clear()

    def select(self, base: bytes) -> None:
        """Give each piece the priority in `base` where no plan says otherwise."""
        self._base = base
        self._tell({piece for piece, told in enumerate(self._told) if told != base[piece]} - self._raised)

    def follow(self, plan: scheduler.Plan, have: Sequence[int]) -> None:
        """Set the deadlines and priorities of `plan`; pieces in `have` are left alone."""
        cleared = self._clear(plan)
        for piece, deadline in plan.deadlines.items():
            if piece not in self._deadlines:
                self._handle.set_piece_deadline(piece, deadline)
                self._told[piece] = WITH_DEADLINE
                self._deadlines.add(piece)
        # Clearing a deadline changes a priority, so the priorities come after the deadlines.
        before, self._raised = self._raised, set(plan.priorities)
        self._tell({piece for piece in before | self._raised | cleared if not have[piece]}, plan)

    def limit_to(self, rate: int) -> None:
        """Download no faster than `rate` bytes/s; 0 is no limit."""
        if rate != self._limit:
            self._limit = rate
            if not self._is_halted:
                self._handle.set_download_limit(rate)

    @contextlib.contextmanager
    def halted(self) -> Iterator[None]:
        """Let nothing come in for a moment; connections and requests stay."""
        self._is_halted = True
        self._handle.set_download_limit(HALTED)
        try:
            yield
        finally:
            self._is_halted = False
            self._handle.set_download_limit(self._limit)

    def arrived(self, piece: int) -> bool:
        """Note that `piece` is there, which ends its deadline; tell whether it had one."""
        had = piece in self._deadlines
        self._deadlines.discard(piece)
        return had

    def _clear(self, plan: scheduler.Plan) -> set[int]:
        """Clear the deadlines that are not wanted any more, or all if they are to start anew; return the pieces.

        Requests in flight are cancelled only when the list of deadlines goes from empty to not empty: who goes leaves
        those of the others alone.
        """
        if plan.fresh:
            cleared, self._deadlines = self._deadlines, set()
            if cleared:
                self._handle.clear_piece_deadlines()
        else:
            cleared = self._deadlines - plan.deadlines.keys()
            self._deadlines -= cleared
            for piece in cleared:
                self._handle.reset_piece_deadline(piece)
        for piece in cleared:
            self._told[piece] = CLEARED
        return cleared

    def _tell(self, pieces: set[int], plan: scheduler.Plan | None = None) -> None:
        """Tell libtorrent the priorities of `pieces` that differ from what it was told before."""
        raised = plan.priorities if plan else {}
        wanted = {piece: raised.get(piece, self._base[piece]) for piece in pieces - self._deadlines}
        changes = [(piece, priority) for piece, priority in sorted(wanted.items()) if self._told[piece] != priority]
        for piece, priority in changes:
            self._told[piece] = priority
        if changes:
            self._handle.prioritize_pieces(changes)
