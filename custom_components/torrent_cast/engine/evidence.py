"""Who is proven to lie, and who was banned without proof."""

from collections import defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import libtorrent as lt

BLOCK: Final = 16 * 1024  # what peers are asked for at a time, bytes (BEP 3)
# libtorrent takes 2 points for each piece that is wrong and bans at -7: who is banned sooner failed alone.
FAILURES_TO_BAN: Final = 4

type Endpoint = tuple[str, int]


class Evidence:
    """What is known of the senders of one torrent's blocks."""

    def __init__(self, info: lt.torrent_info) -> None:
        self._info = info
        self._senders: defaultdict[int, dict[int, Endpoint]] = defaultdict(dict)  # by piece and block
        self._banned: set[Endpoint] = set()
        self._liars: set[Endpoint] = set()
        self.accused: set[Endpoint] = set()
        """Who was found out by comparison, to be banned when the torrent is added anew."""
        self._failures = 0

    def on_block(self, piece: int, block: int, sender: Endpoint) -> None:
        """Note who sent a block."""
        self._senders[piece][block] = sender

    def on_right(self, piece: int) -> None:
        """Forget who sent a piece that is right."""
        self._senders.pop(piece, None)

    def senders(self, piece: int) -> dict[int, Endpoint]:
        """Return who sent which block of a piece, as far as it was seen."""
        return dict(self._senders.get(piece, {}))

    def on_wrong(self, piece: int) -> dict[int, Endpoint]:
        """Hold a piece that is wrong against its sender, if all of it is known to come from one; return who sent it."""
        self._failures += 1
        blocks = self._senders.pop(piece, {})
        senders = set(blocks.values())
        if len(blocks) == -(-self._info.piece_size(piece) // BLOCK) and len(senders) == 1:
            self._liars |= senders
        return blocks

    def on_banned(self, peer: Endpoint) -> None:
        """Note that libtorrent has banned a peer for pieces that it had a part in."""
        self._banned.add(peer)

    @property
    def unproven(self) -> frozenset[Endpoint]:
        """Return who was banned and may be honest."""
        if self._failures < FAILURES_TO_BAN:
            return frozenset()
        return frozenset(self._banned - self._liars - self.accused)

    def acquit(self) -> frozenset[Endpoint]:
        """Return who was accused, and accuse nobody any more."""
        accused, self.accused = self.accused, set()
        return frozenset(accused)

    @property
    def guilty(self) -> frozenset[Endpoint]:
        """Return who is proven to lie or accused of it."""
        return frozenset(self._liars | self.accused)

    def release(self) -> None:
        """Begin anew: nobody unproven is banned any more, and no piece is begun. Who is accused stays so."""
        self._failures = 0
        self._senders.clear()
        self._banned.clear()
