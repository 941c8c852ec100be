"""From a torrent file that is given to a running player to the film's first byte."""

import time
from typing import Final

from tests.rig.swarm import Distance
from tests.rig.torrents import MIB

from .arena import arena
from .compare import Options, alternate
from .content import noise
from .limits import BURSTS, START_ROUND_TRIPS, SUPPLY, arrival
from .players import Ours, Player
from .results import Result, Series

# MiB; the one film of all comparisons
FILM: Final = 1024
# A player that has no byte by then does not start; s
PATIENCE: Final = 60.0
# To a neighbouring country: a round trip (s), and one chunk in 200 late.
FAR: Final = Distance(latency=0.05, loss=0.005)


async def start(options: Options) -> Result:
    """Measure on the rig's own network, whose round trips take no time."""
    return await _start(options, None)


async def start_far(options: Options) -> Result:
    """Measure with latency and loss between player and seeds."""
    return await _start(options, FAR)


async def _start(options: Options, distance: Distance | None) -> Result:
    async with arena(await noise(FILM), distance=distance) as place:
        result = Result("s", limits(distance)["runs"])
        await alternate(options, result, place, _measure, PATIENCE, races=True)
    return result


def limits(distance: Distance | None) -> dict[str, float]:
    """Return the least time (s) to the first piece, by figure."""
    latency = distance.latency if distance else 0.0
    least = arrival(1, MIB, SUPPLY, burst=BURSTS, round_trips=START_ROUND_TRIPS, latency=latency)
    return {"runs": least, "reader": least}


async def _measure(player: Player, series: Series, _: int) -> None:
    begin = time.monotonic()
    await player.give()
    stream = player.stream(0)
    await stream.read()
    taken = time.monotonic() - begin
    await stream.close()
    # What a program needs that cannot wait for a torrent is part of its start, and not counted here.
    series.runs.append(taken - (0.0 if player.process_before else player.process_start))
    if isinstance(player, Ours):
        inside = await player.inside()
        series.see("reader", inside["first_bytes"][0])
        series.see("engine_start", inside["engine_start"])
