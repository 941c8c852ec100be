"""How late the event loop is while the engine works in it."""

import asyncio
from dataclasses import replace
from typing import Final

from .arena import Arena, arena
from .compare import Options
from .content import noise
from .players import Ours, Player
from .results import Result, Series

FILM: Final = 1024  # MiB
# 80 Mbit/s in all, and a film that has as much: it never gets far ahead.
RATES: Final = (10_000_000,) * 8
BITRATE: Final = 10_000_000  # bytes/s
# Connecting and the first pieces are left out; then the timer is watched for so long. s
WARM_UP: Final = 3.0
WATCHED: Final = 20.0


class Timed(Ours):
    """Ours, with a timer in its loop."""

    options = ("--timer",)


async def loop_lag(options: Options) -> Result:
    """Measure the timer's lateness with the engine at work, and idle while another process has the same work."""
    content = replace(await noise(FILM), bitrate=BITRATE)
    result = Result("ms", limits()["runs"])
    async with arena(content, rates=RATES) as place:
        for number in range(options.runs):
            async with Timed(place) as busy:
                await _watch(busy, busy, result.of("busy"))
            async with Timed(place) as idle, Ours(place) as other:
                await _watch(idle, other, result.of("idle"))
            last = ", ".join(f"{name} p99 {series.runs[-1]:.2f} ms" for name, series in result.series.items())
            options.say(f"  round {number + 1}: {last}")
    for series in result.series.values():
        series.notes["late_worst_of_all"] = max(series.seen["late_worst"])
    return result


def limits() -> dict[str, float]:
    """Return what the links carry at most, Mbit/s; a timer is never early, ms."""
    return {"runs": 0.0, "mbit_per_s": sum(RATES) / 1e6}


async def _watch(timed: Timed, working: Ours, series: Series) -> None:
    await working.give()
    taking = asyncio.create_task(_take(working))
    try:
        await asyncio.sleep(WARM_UP)
        await timed.inside()
        before = _carried(timed)
        await asyncio.sleep(WATCHED)
        found = await timed.inside()
        series.see("mbit_per_s", (_carried(timed) - before) * 8 / 1e6 / WATCHED)
    finally:
        taking.cancel()
        await asyncio.wait([taking])
    late = found["late_ms"]
    series.runs.append(late["p99"])
    series.see("late_p50", late["p50"])
    series.see("late_worst", late["p100"])


async def _take(player: Player) -> None:
    stream = player.stream(0)
    while await stream.read():
        pass


def _carried(player: Player) -> int:
    place: Arena = player.arena
    return place.swarm.carried()
