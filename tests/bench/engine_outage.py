"""All seeds go for 10 s; does the picture stand still."""

import asyncio
import time
from typing import Final

from .arena import PAYLOAD, arena
from .compare import Options, alternate
from .content import noise
from .limits import outage as least_stall
from .players import Ours, Player
from .results import Result, Series
from .viewer import Viewer

FILM: Final = 1024  # MiB
# How long nobody is there at least, and how much film has come ahead before; s
GAP: Final = 10.0
IN_HAND: Final = 15.0
# How long is watched from when the seeds went, s: all that was in hand is played, and what comes must be new.
WATCHED: Final = 30.0
POLL: Final = 0.1  # s of film between two looks at what has come
PATIENCE: Final = 120.0


async def outage(options: Options) -> Result:
    """Measure how long the picture stands still from the outage on."""
    async with arena(await noise(FILM)) as place:
        result = Result("s stalled", limits()["runs"])
        seeking = Options(options.players_that_seek, options.runs, options.say)
        await alternate(seeking, result, place, _measure, PATIENCE)
    return result


def limits() -> dict[str, float]:
    """Return the least stalled time (s), by figure."""
    return {"runs": least_stall(IN_HAND, GAP)}


async def _measure(player: Player, series: Series, _: int) -> None:
    swarm, bitrate = player.arena.swarm, player.arena.content.bitrate
    before = swarm.carried()
    await player.give()
    viewer = Viewer(player.stream(0), bitrate)
    await viewer.until(1)
    while await _ahead(player, before) / bitrate - viewer.played < IN_HAND:
        await viewer.watch(POLL)
    series.see("carried_s", (swarm.carried() - before) * PAYLOAD / bitrate - viewer.played)
    viewer.stalled = 0.0
    await swarm.stop_seeders()
    gone = time.monotonic()
    returning = asyncio.create_task(_return(player, gone, series))
    try:
        await viewer.watch(WATCHED)
    finally:
        await returning
        await viewer.stream.close()
    series.runs.append(viewer.stalled)


async def _ahead(player: Player, before: int) -> float:
    """Return how many bytes of the film's begin are there.

    Ours tells. Of the others it is only known what the links have carried since `before`; for one that does not fetch
    in order not all of that is in hand.
    """
    if isinstance(player, Ours):
        return float((await player.inside())["head"])
    return (player.arena.swarm.carried() - before) * PAYLOAD


async def _return(player: Player, gone: float, series: Series) -> None:
    """Start the seeds when the gap has been long enough; note when the tracker knew the first and the last of them."""
    swarm = player.arena.swarm
    back: list[float] = []

    async def start(seed: int) -> None:
        await swarm.start_seeder(seed)
        back.append(time.monotonic() - gone)

    await asyncio.sleep(GAP - (time.monotonic() - gone))
    await asyncio.gather(*(start(seed) for seed in range(len(swarm.peers))))
    series.see("gap_first", min(back))
    series.see("gap", max(back))
