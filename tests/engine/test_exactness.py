"""Ten thousand random ranges while seeds leave, return and lie: every byte is the film's."""

import asyncio
import random
from contextlib import AsyncExitStack
from itertools import cycle
from pathlib import Path
from typing import Final

import pytest

from custom_components.torrent_cast.engine import Engine, Reader
from tests.engine.conftest import KIB, add, failed_pieces, noise, soon, write
from tests.rig.swarm import Swarm
from tests.rig.torrents import make_torrent

pytestmark = pytest.mark.usefixtures("rig_sockets")

PIECE: Final = 16 * KIB  # the shortest there is: of many pieces many ranges find none yet
DATA: Final = noise(800 * PIECE + 321)
RANGES: Final = 10_000
READERS: Final = 8
FAULT_EVERY: Final = 250  # ranges; then a seed leaves or returns
SIZES: Final = (1, 999, PIECE, 3 * PIECE + 1)  # bytes, at most
# Two seeds from which the film takes some seconds, and one that lies and sends most; bit/s
RATES: Final = (8_000_000, 8_000_000, 80_000_000)
LIAR: Final = 2


class Ranges:
    """Random ranges of the film, the same in each run, and what was seen of them."""

    def __init__(self) -> None:
        self._chance = random.Random(RANGES)
        self._left = iter(range(RANGES))
        self.waited = 0  # those whose first piece was not there
        self.fault_due = asyncio.Semaphore(0)

    async def read(self, reader: Reader) -> None:
        """Read one after the other until all are read, and see that they are right."""
        for number in self._left:
            if number % FAULT_EVERY == 0:
                self.fault_due.release()
            start, size = self._chance.randrange(len(DATA)), self._chance.randint(1, self._chance.choice(SIZES))
            reader.seek(start)
            self.waited += reader.in_hand == 0
            assert await soon(reader.read_exactly(size)) == DATA[start : start + size]


async def trouble(swarm: Swarm, due: asyncio.Semaphore) -> None:
    """Have one of the honest seeds leave, return, the other one leave and so on, each time a fault is due."""
    honest = (0, 1)
    for seed in cycle(honest):
        for strike in (swarm.stop_seeder, swarm.start_seeder):
            await due.acquire()
            await strike(seed)


async def test_ten_thousand_ranges_are_right_whatever_happens_to_the_swarm(engine: Engine, tmp_path: Path) -> None:
    film = write(tmp_path / "content" / "film.mkv", DATA)
    metainfo = make_torrent(film, PIECE)
    ranges = Ranges()

    async with Swarm(metainfo, film.parent, rates=RATES, corrupt=(LIAR,), namespaces=False) as swarm:
        failed = failed_pieces(engine)
        torrent = await add(engine, swarm.magnet)
        (file,) = torrent.files
        torrent.select(file)
        faults = asyncio.create_task(trouble(swarm, ranges.fault_due))
        try:
            async with AsyncExitStack() as stack:
                readers = [await stack.enter_async_context(torrent.open(file)) for _ in range(READERS)]
                await asyncio.gather(*map(ranges.read, readers))
        finally:
            faults.cancel()
            await asyncio.wait([faults])

    assert faults.cancelled()  # no fault was one of the rig's
    assert ranges.waited  # the film was not there before the faults were
    assert failed  # the liar was believed at first
