"""A line of 16 Mbit/s in and 1 out, and others who want what comes; does the picture stand still, is a jump quick."""

import asyncio
import time
from dataclasses import replace
from statistics import median
from typing import ClassVar, Final

from .arena import arena
from .compare import Options, alternate
from .content import noise
from .engine_seek import positions
from .limits import shortage
from .players import Ours, Player
from .results import Result, Series
from .viewer import Viewer

FILM: Final = 256  # MiB
# The line in, which is the seeds' lines together, and the line out, as those of many homes; bit/s
SEEDS: Final = 8
DOWN: Final = 16_000_000
UP: Final = 1_000_000
# More than two fill the line out as well; each has a connection that does.
LEECHERS: Final = 4
# The film takes half of what comes in: there is room for what an imperfect order costs. bytes/s
BITRATE: Final = DOWN // 8 // 2
WATCHED: Final = 40.0  # s
# What is watched between jumps: enough is in hand after 10 s, and the links are idle. s
BETWEEN: Final = 5.0
# A jump that takes so long counts as taking so long; s
HUNG: Final = 20.0
PATIENCE: Final = 240.0


class Alone(Ours):
    """Ours where nobody wants anything: what there would be without uploads."""

    name: ClassVar[str] = f"{Ours.name}, nobody leeches"


async def upload(options: Options) -> Result:
    """Measure how long the picture stands still, and how long jumps take, while others want what comes."""
    content = replace(await noise(FILM), bitrate=BITRATE)
    async with arena(content, rates=(DOWN // SEEDS,) * SEEDS, leechers=LEECHERS, uplink=UP) as place:
        result = Result("s stalled", limits()["runs"])
        alone = (Alone,) if Ours in options.players else ()
        players = Options((*options.players_that_seek, *alone), options.runs, options.say)
        await alternate(players, result, place, _measure, PATIENCE)
    return result


def limits() -> dict[str, float]:
    """Return the least stalled time (s), by figure."""
    return {"runs": shortage(DOWN / 8, BITRATE, WATCHED)}


async def _measure(player: Player, series: Series, number: int) -> None:
    swarm = player.arena.swarm
    for leecher in swarm.leechers:  # each time anew: what one has it could give
        await (swarm.stop_seeder(leecher) if isinstance(player, Alone) else swarm.start_seeder(leecher))
    await player.give()
    viewer = Viewer(player.stream(0), BITRATE)
    await viewer.until(1)
    before = swarm.carried()
    await viewer.watch(WATCHED)
    series.see("mbit_per_s_in", (swarm.carried() - before) * 8 / 1e6 / WATCHED)
    await viewer.stream.close()
    jumps = [await _jump(player, position) for position in positions(player.arena.content.size, number)]
    series.see("jump", median(jumps))
    series.runs.append(viewer.stalled)


async def _jump(player: Player, position: int) -> float:
    """Return the time (s) to the first byte of a jump, and watch on."""
    begin = time.monotonic()
    viewer = Viewer(player.stream(position), BITRATE)
    first = HUNG
    try:
        async with asyncio.timeout(HUNG):
            await viewer.until(1)
            first = time.monotonic() - begin
    except TimeoutError:
        pass
    else:
        await viewer.watch(BETWEEN)
    await viewer.stream.close()
    return first
