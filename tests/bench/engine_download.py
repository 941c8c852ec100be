"""How much film a second of CPU time delivers while it comes down as fast as the player can take it."""

import time
from dataclasses import replace
from typing import Final

from .arena import arena
from .compare import Options, alternate
from .content import noise
from .players import Player
from .results import Result, Series

FILM: Final = 512  # MiB
# Links as they are: the work of shaping them is done, and counted, in whatever process runs just then.
RATES: Final = (0,) * 8
# All of the film is taken: of a part of it nobody could tell what had come down beside it. The slowest of the players
# had 8 MB/s. s
PATIENCE: Final = 150.0
MB: Final = 1e6


async def download(options: Options) -> Result:
    """Measure what players deliver per second of CPU time, with no film's bitrate to keep to."""
    content = replace(await noise(FILM), bitrate=0)
    async with arena(content, rates=RATES) as place:
        result = Result("MB per CPU second")
        seeking = Options(options.players_that_seek, options.runs, options.say)
        await alternate(seeking, result, place, _measure, PATIENCE)
    return result


async def _measure(player: Player, series: Series, _: int) -> None:
    await player.give()
    stream = player.stream(0)
    await stream.read()
    begin, before, taken = time.monotonic(), player.cpu, 0
    while count := await stream.read():
        taken += count
    seconds, cpu = time.monotonic() - begin, player.cpu - before
    await stream.close()
    series.runs.append(taken / MB / cpu)
    series.see("mb_per_s", taken / MB / seconds)
