"""From a jump to somewhere the film is not there yet to the first byte of it, as somebody watches."""

import asyncio
import random
import time
from functools import partial
from statistics import median
from typing import Final

from tests.rig.swarm import Distance
from tests.rig.torrents import MIB

from .arena import Arena, arena
from .compare import Options, alternate
from .content import SEED, noise
from .engine_start import FAR, FILM
from .limits import BURSTS, SEEK_ROUND_TRIPS, SUPPLY, arrival
from .players import Ours, Player
from .results import Result, Series
from .viewer import Viewer

# Seeks of one run: with five runs 20 positions.
SEEKS: Final = 4
# Where seeks go, in parts of the film: its begin is there already for players that fetch in order.
SPAN: Final = (0.2, 0.98)
# What is watched between seeks, s. Shortly after a seek everybody still fetches ahead as fast as the links are; by the
# longer time we have 20 s in hand, which takes 3 s to come, and keep to the film's pace; `link_load` tells.
SATURATED: Final = 2.5
STEADY: Final = 8.0
# Rounds where everybody is far away: the order of the players is known from nearby.
FAR_ROUNDS: Final = 2
# The last stretch before a seek, over which the links' load is taken; s
BEFORE: Final = 1.0
# A seek that takes so long counts as taking so long; s
PATIENCE: Final = 30.0
# What a player wants before it shows a picture again; bytes
ENOUGH: Final = 2 * MIB
# The pieces it lies in: a seek goes to somewhere within one.
ENOUGH_PIECES: Final = ENOUGH // MIB + 1


async def saturated(options: Options) -> Result:
    """Seek while the links are full of what is fetched ahead."""
    return await _seek(options, SATURATED, None)


async def steady(options: Options) -> Result:
    """Seek when enough is in hand."""
    return await _seek(options, STEADY, None)


async def steady_far(options: Options) -> Result:
    """Seek when enough is in hand, with latency and loss between player and seeds."""
    return await _seek(options, STEADY, FAR)


async def _seek(options: Options, watched: float, distance: Distance | None) -> Result:
    async with arena(await noise(FILM), distance=distance) as place:
        result = Result("s", limits(distance)["runs"], per_round=SEEKS)
        runs = min(options.runs, FAR_ROUNDS) if distance else options.runs
        seeking = Options(options.players_that_seek, runs, options.say)
        patience = (SEEKS + 1) * (PATIENCE + watched)
        measure = partial(_measure, watched, limits(distance)["runs"])
        await alternate(seeking, result, place, measure, patience, races=True)
    return result


def limits(distance: Distance | None) -> dict[str, float]:
    """Return the least time (s) to the target's piece and to all pieces of what is enough, by figure.

    It is that of somebody whose links are idle: nobody has to fetch ahead.
    """
    latency = distance.latency if distance else 0.0
    first, enough = (
        arrival(pieces, MIB, SUPPLY, burst=BURSTS, round_trips=SEEK_ROUND_TRIPS, latency=latency)
        for pieces in (1, ENOUGH_PIECES)
    )
    return {"runs": first, "reader": first, "two_mib": enough}


def positions(size: int, number: int) -> list[int]:
    """Return where run `number` seeks in a film of `size` bytes: one place in each quarter of the span, shuffled."""
    pick = random.Random(SEED + number)
    begin, end = (part * size for part in SPAN)
    step = (end - begin) / SEEKS
    places = [int(begin + step * (quarter + pick.random())) for quarter in range(SEEKS)]
    pick.shuffle(places)
    return places


async def _measure(watched: float, least: float, player: Player, series: Series, number: int) -> None:
    place = player.arena
    await player.give()
    viewer = Viewer(player.stream(0), place.content.bitrate)
    await viewer.until(1)
    for position in positions(place.content.size, number):
        await viewer.watch(watched - BEFORE)
        series.see("link_load", await _load(viewer, place))
        begin = time.monotonic()
        await viewer.stream.close()
        viewer = Viewer(player.stream(position), place.content.bitrate)
        await _jump(viewer, begin, series, least)
    await viewer.stream.close()
    if isinstance(player, Ours):
        series.see("reader", median((await player.inside())["first_bytes"][1:]))


async def _load(viewer: Viewer, place: Arena) -> float:
    """Watch for a moment and return how full the links were, 0 to 1."""
    begin, before = time.monotonic(), place.swarm.carried()
    await viewer.watch(BEFORE)
    return (place.swarm.carried() - before) / (time.monotonic() - begin) / place.supply


async def _jump(viewer: Viewer, begin: float, series: Series, least: float) -> None:
    first = PATIENCE
    try:
        async with asyncio.timeout(PATIENCE):
            await viewer.until(1)
            first = time.monotonic() - begin
            await viewer.until(ENOUGH)
    except TimeoutError:
        series.count("given_up")
    if first < least / 2:  # its piece was there before the jump
        series.count("had")
        return
    series.runs.append(first)
    series.see("two_mib", time.monotonic() - begin)
