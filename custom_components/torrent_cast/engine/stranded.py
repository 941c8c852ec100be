"""Finds pieces that are complete and that nobody will hash any more.

libtorrent (2.0.11) hashes a piece once all of its blocks have come, be they on disk or not; one that is wrong begins
anew. A block that is on disk only after that counts as there all the same. A piece all of whose blocks are so late is
complete without being hashed, and nobody is asked for it again.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import libtorrent as lt

# A state of a block (libtorrent's `block_info`): it is on disk.
ON_DISK: Final = 3
# A piece is hashed as it comes: what is still said to be complete after so long is not being hashed. s
HASHED_AFTER: Final = 3.0


class Stranded:
    """What is known of one torrent's complete pieces that libtorrent has said nothing of."""

    def __init__(self) -> None:
        self._since: dict[int, float] = {}  # when each was seen first, s
        self._now = 0.0  # when somebody looked last, s

    def look(self, queue: Iterable[lt.partial_piece], now: float) -> None:
        """Take libtorrent's download queue as it was at `now`, in s."""
        complete = [
            partial["piece_index"] for partial in queue if all(block["state"] == ON_DISK for block in partial["blocks"])
        ]
        self._since = {piece: self._since.get(piece, now) for piece in complete}
        self._now = now

    def on_hashed(self, piece: int) -> None:
        """Take note that libtorrent has hashed a piece."""
        self._since.pop(piece, None)

    def clear(self) -> None:
        """Forget all."""
        self._since.clear()

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return any(self._now - since >= HASHED_AFTER for since in self._since.values())
