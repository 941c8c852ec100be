"""Where players meet: one film, one swarm behind shaped links, a fresh folder for each of them."""

import tempfile
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.rig.swarm import PEERS, RATE, Distance, Swarm

from .content import Content

# The part of a full Ethernet frame, as tbf and the kernel count it, that is left for BitTorrent.
PAYLOAD: Final = 1448 / 1514


@dataclass(frozen=True, slots=True)
class Arena:
    """A swarm that seeds `content`; `supply` is what its links carry together, bytes/s, `latency` a round trip, s."""

    content: Content
    swarm: Swarm
    folder: Path
    supply: float
    latency: float

    @property
    def torrent(self) -> Path:
        """Return the .torrent file that names the swarm's tracker."""
        return self.folder / "film.torrent"

    def fresh(self) -> Path:
        """Return an empty folder for one run of one player."""
        return Path(tempfile.mkdtemp(dir=self.folder))


@asynccontextmanager
async def arena(
    content: Content,
    *,
    rates: Sequence[int] = (RATE,) * PEERS,
    leechers: int = 0,
    uplink: int = 0,
    corrupt: Collection[int] = (),
    distance: Distance | None = None,
) -> AsyncIterator[Arena]:
    """Run a swarm of one seed per rate (bit/s), and of `leechers`; players send at `uplink` (bit/s; 0: not shaped).

    Raises RuntimeError where there are no network namespaces.
    """
    with tempfile.TemporaryDirectory(prefix="torrent-cast-bench-", ignore_cleanup_errors=True) as folder:
        seeds = Swarm(
            content.torrent,
            content.path.parent,
            rates=rates,
            leechers=leechers,
            uplink=uplink,
            corrupt=corrupt,
            distance=distance,
        )
        async with seeds as swarm:
            if swarm.note:
                raise RuntimeError(swarm.note)
            found = Arena(content, swarm, Path(folder), sum(rates) / 8, distance.latency if distance else 0.0)
            found.torrent.write_bytes(swarm.torrent)
            yield found
