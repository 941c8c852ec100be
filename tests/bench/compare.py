"""Runs players against each other: in turn, the order of each round another, each run from nothing."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import aiohttp

from .arena import Arena
from .players import Hung, Player, Unavailable
from .results import Result, Series, figures

# Where players race, who takes so many times as long as the quickest in so many rounds has lost: more rounds tell
# nothing, and take the longest.
LOST: Final = 8.0
LOST_AFTER: Final = 2

type Progress = Callable[[str], None]
type Measure = Callable[[Player, Series, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line chose: who, how often, and whom to tell how it goes."""

    players: tuple[type[Player], ...]
    runs: int
    say: Progress

    @property
    def players_that_seek(self) -> tuple[type[Player], ...]:
        """Return those that stream: a player without seek only downloads."""
        return tuple(player for player in self.players if player.can_seek)


async def alternate(
    options: Options, result: Result, arena: Arena, measure: Measure, patience: float, *, races: bool = False
) -> None:
    """Run `measure` for every player in every round; a run that takes `patience` s or fails is noted as failed.

    A player that hangs is noted so and left out of the rounds to come; so is, where the players race, who has lost.
    """
    players = [player for player in options.players if await _is_there(player, result)]
    for number in range(options.runs):
        turn = number % max(1, len(players))
        for kind in players[turn:] + players[:turn]:
            series = result.of(kind.name)
            said = f"  round {number + 1} of {options.runs}, {kind.name}"
            try:
                async with asyncio.timeout(patience), kind(arena) as player:
                    await measure(player, series, number)
                    series.see("process_start", player.process_start)
            except Hung as err:
                series.fail(str(err))
                players.remove(kind)  # it would take as long in each round
            except (TimeoutError, EOFError, OSError, Unavailable, aiohttp.ClientError) as err:
                series.fail(f"{type(err).__name__} {err}".strip())
            else:
                last = f"{series.runs[-1]:.3f} {result.unit}" if series.runs else "nothing to count"
                options.say(f"{said}: {last}")
                continue
            options.say(f"{said}: failed ({series.skipped})")
        if races and number + 1 >= LOST_AFTER:
            players = _in_the_race(players, result)


async def _is_there(player: type[Player], result: Result) -> bool:
    series = result.of(player.name)
    try:
        series.notes["version"] = await player.install()
    except Unavailable as err:
        series.skipped = str(err)
    return not series.skipped


def _in_the_race(players: list[type[Player]], result: Result) -> list[type[Player]]:
    """Return the players without those that have lost, which their notes say; who fails takes for ever."""
    times = {player: time for player in players if (time := _median(result.of(player.name), result.per_round))}
    slow = {player for player in times if times[player] > LOST * min(times.values())}
    for player in slow:
        result.of(player.name).notes["left_out"] = "lost"
    return [player for player in players if player not in slow]


def _median(series: Series, per_round: int) -> float:
    """Return the median of its runs, infinite where that is a failed one's; 0 where none counted."""
    if not series.runs and not series.failed:
        return 0.0
    found = figures(series.runs, series.failed * per_round)["median"]
    return math.inf if found is None else found
