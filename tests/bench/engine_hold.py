"""A swarm that hardly keeps up: slow seeds, a lying one, one that leaves; does the picture stand still."""

import asyncio
import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.rig.network import BURST
from tests.rig.torrents import MIB

from .arena import PAYLOAD, Arena, arena
from .compare import Options, alternate
from .content import BITRATE, noise
from .limits import arrival, shortage
from .players import Ours, Player
from .results import Result, Series
from .viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

FILM: Final = 256  # MiB
# What comes together from the honest seeds that are there, in bitrates of the film.
SUPPLY: Final = 1.2
# A third of the seeds has so much of the others' rate.
SLOW: Final = 0.25
SLOW_SEEDS: Final = 3
# The first of the others sends wrong bytes, the rest takes turns to be away; one always is.
FAST_SEEDS: Final = 6
CORRUPT: Final = SLOW_SEEDS
LEAVING: Final = FAST_SEEDS - 1
# What a fast seed has, bit/s: the corrupt one and the one that is away bring nothing.
FAST_RATE: Final = round(SUPPLY * BITRATE * 8 / (FAST_SEEDS - 2 + SLOW_SEEDS * SLOW))
RATES: Final = (round(FAST_RATE * SLOW),) * SLOW_SEEDS + (FAST_RATE,) * FAST_SEEDS
# How often another seed leaves, and the one before it comes back; s
CHANGE: Final = 20.0
# How long is watched; each of those that leave is away once. s
WATCHED: Final = LEAVING * CHANGE
# The head that a session awaits before a device is told to play, s of film
HEAD: Final = 2.0
# Who has no head by then begins to watch without; s
HEAD_PATIENCE: Final = 30.0
PATIENCE: Final = WATCHED + 90.0


async def hold(options: Options) -> Result:
    """Measure how long the picture stands still while each of the seeds is away once."""
    return await _hold(options, RATES, [CORRUPT])


async def hold_honest(options: Options) -> Result:
    """Measure ours where nobody lies, which tells what lies cost; what a lying seed would have is nobody's."""
    ours = replace(options, players=tuple(player for player in options.players if issubclass(player, Ours)))
    return await _hold(ours, RATES[:CORRUPT] + RATES[CORRUPT + 1 :], [])


async def _hold(options: Options, rates: Sequence[int], corrupt: Collection[int]) -> Result:
    async with arena(await noise(FILM), rates=rates, corrupt=corrupt) as place:
        result = Result("s stalled", limits()["runs"])
        seeking = Options(options.players_that_seek, options.runs, options.say)
        await alternate(seeking, result, place, _measure, PATIENCE)
    return result


def limits() -> dict[str, float]:
    """Return the least stalled time (s), and the least time (s) to the head, by figure."""
    bursts = (SLOW_SEEDS + FAST_SEEDS - 2) * BURST  # of those that bring something
    head = arrival(-(-round(HEAD * BITRATE) // MIB), MIB, SUPPLY * BITRATE, burst=bursts)
    return {"runs": shortage(SUPPLY, 1.0, WATCHED), "head": head}


async def _measure(player: Player, series: Series, _: int) -> None:
    async with _coming_and_going(player.arena):
        begin = time.monotonic()
        await player.give()
        viewer = Viewer(player.stream(0), player.arena.content.bitrate)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEAD_PATIENCE):
                await viewer.until(round(HEAD * player.arena.content.bitrate))
        series.see("head", time.monotonic() - begin)
        before, begin = player.arena.swarm.carried(), time.monotonic()
        await viewer.watch(WATCHED)
        carried = (player.arena.swarm.carried() - before) / (time.monotonic() - begin)
        series.see("carried_per_bitrate", carried * PAYLOAD / player.arena.content.bitrate)
        await viewer.stream.close()
    series.runs.append(viewer.stalled)


@contextlib.asynccontextmanager
async def _coming_and_going(place: Arena) -> AsyncIterator[None]:
    """Let the seeds take turns to be away; all are back at the end."""
    away: list[int] = []

    async def change() -> None:
        while True:
            for seed in leaving:
                back, away[:] = list(away), [seed]
                await place.swarm.stop_seeder(seed)
                for other in back:
                    await place.swarm.start_seeder(other)
                await asyncio.sleep(CHANGE)

    leaving = range(len(place.swarm.peers))[-LEAVING:]
    changing = asyncio.create_task(change())
    try:
        yield
    finally:
        changing.cancel()
        await asyncio.wait([changing])
        for seed in leaving:
            await place.swarm.start_seeder(seed)
