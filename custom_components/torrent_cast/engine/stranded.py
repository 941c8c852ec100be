"""Finds pieces that are complete and that nobody will hash any more.

libtorrent (2.0.11) hashes a piece once all of its blocks have come, be they on disk or not; one that is wrong begins
anew. A block that is on disk only after that counts as there all the same. A piece all of whose blocks are so late is
complete without being hashed, and nobody is asked for it again.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from .blocks import ON_DISK

if TYPE_CHECKING:
    import libtorrent as lt

# Pieces are read from the disk to be hashed, and the largest and the slowest (32 MiB, 5 MB/s) take 6 s: what is
# complete for longer is not being hashed. After each time that this was acted on it is twice as long. s
HASHED_AFTER: Final = 10.0
# A look at 10,000 blocks costs libtorrent and the interpreter some 10 ms. s
BETWEEN_LOOKS: Final = 3.0


class Stranded:
    """What is known of one torrent's complete pieces that libtorrent has said nothing of; times in s."""

    def __init__(self) -> None:
        self._since: dict[int, float] = {}  # when each was seen first
        self._looked = 0.0
        self._hashed_after = HASHED_AFTER

    def is_due(self, now: float) -> bool:
        """Tell whether it is time to look again."""
        return now - self._looked >= BETWEEN_LOOKS

    def look(self, queue: Iterable[lt.partial_piece], now: float) -> None:
        """Take libtorrent's download queue as it was at `now`."""
        complete = [
            partial["piece_index"] for partial in queue if all(block["state"] == ON_DISK for block in partial["blocks"])
        ]
        self._since = {piece: self._since.get(piece, now) for piece in complete}
        self._looked = now

    def on_hashed(self, piece: int) -> None:
        """Take note that libtorrent has hashed a piece."""
        self._since.pop(piece, None)

    def release(self) -> None:
        """Begin anew: no piece is begun. Be more patient, if there was one that was complete for too long."""
        if self:
            self._hashed_after *= 2
        self._since.clear()

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return any(self._looked - since >= self._hashed_after for since in self._since.values())
