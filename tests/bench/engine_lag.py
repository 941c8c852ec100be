"""How late Home Assistant's event loop is while the engine works in it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from tests.rig.films import MOOV_FIRST, film
from tests.rig.torrents import MIB, make_torrent

from .arena import Arena, arena
from .compare import Options
from .content import Content
from .drain import Drain
from .home import Home
from .players import Ours
from .results import Result, Series, percentile

# 80 Mbit/s in all, for a film that has as much, so that nobody slows down: it lasts for 31 s.
RATES: Final = (10_000_000,) * 8
BITRATE: Final = 10_000_000  # bytes/s
# Connecting and the first pieces are left out; then the timer is watched for so long. s
WARM_UP: Final = 3.0
WATCHED: Final = 20.0
MS: Final = 1000.0


async def loop_lag(options: Options) -> Result:
    """Measure a timer's lateness in a Home Assistant that plays, and in the same one while another process does."""
    path = await film(MOOV_FIRST)
    content = Content(path, await asyncio.to_thread(make_torrent, path, MIB), MIB, BITRATE)
    result = Result("ms", limits()["runs"])
    async with arena(content, rates=RATES) as place, Home(place) as home:
        states: dict[str, Callable[[], AbstractAsyncContextManager[Drain]]] = {
            "busy": home.playing,
            "idle": lambda: _elsewhere(place),
        }
        for number in range(options.runs):
            for name in sorted(states, reverse=bool(number % 2)):
                async with states[name]() as drain:
                    await _watch(home, place, drain, result.of(name))
            last = ", ".join(f"{name} p99 {series.runs[-1]:.2f} ms" for name, series in result.series.items())
            options.say(f"  round {number + 1}: {last}")
    for series in result.series.values():
        series.notes["late_worst_of_all"] = max(series.seen["late_worst"])
    return result


def limits() -> dict[str, float]:
    """Return what the links carry at most, Mbit/s; a timer is never early, ms."""
    return {"runs": 0.0, "mbit_per_s": sum(RATES) / 1e6}


@asynccontextmanager
async def _elsewhere(place: Arena) -> AsyncIterator[Drain]:
    """Have a process of its own download and serve the film."""
    async with Ours(place) as other:
        await other.give()
        async with Drain(other.stream(0)) as drain:
            yield drain


async def _watch(home: Home, place: Arena, drain: Drain, series: Series) -> None:
    await asyncio.sleep(WARM_UP)
    await home.lateness()
    carried, taken = place.swarm.carried(), drain.taken
    await asyncio.sleep(WATCHED)
    late = await home.lateness()
    drain.check()
    series.see("mbit_per_s", _rate(place.swarm.carried() - carried))
    series.see("mbit_per_s_out", _rate(drain.taken - taken))
    series.runs.append(percentile(late, 99) * MS)
    series.see("late_p50", percentile(late, 50) * MS)
    series.see("late_worst", max(late) * MS)


def _rate(count: int) -> float:
    """Return the Mbit/s at which so many bytes came."""
    return count * 8 / 1e6 / WATCHED
