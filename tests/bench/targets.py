"""What the engine is to reach, and whether a results file says that it does."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

OURS: Final = "torrent-cast"
NODE: Final = ("peerflix", "webtorrent")
# A player counts as beaten when we take no more than this part of its time.
BEATEN: Final = 0.8

type Data = dict[str, Any]
# The measured value and the greatest one allowed (for `at_least`: the least); None: not measured.
type Found = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the table: `find` returns what was measured and the bound."""

    scenario: str
    text: str
    unit: str
    find: Callable[[Data], Found]
    at_least: bool = False

    def judge(self, results: Data) -> tuple[Found, bool | None]:
        """Return what was found and whether the target is met; None where it was not measured."""
        if self.scenario not in results:
            return None, None
        try:
            found = self.find(results[self.scenario]["series"])
        except KeyError:  # a player or a part was left out
            return None, None
        if found is None:
            return None, None
        value, bound = found
        return found, value >= bound if self.at_least else value <= bound


def best_of_others(series: Data) -> float:
    """Return the least median of the other players. Raises KeyError when none was measured."""
    medians = [data["median"] for name, data in series.items() if name != OURS and "median" in data]
    if not medians:
        raise KeyError("other players")
    return float(min(medians))


def _at_most(bound: float, figure: str = "median") -> Callable[[Data], Found]:
    return lambda series: (series[OURS][figure], bound)


def _beaten(series: Data) -> Found:
    return series[OURS]["median"], BEATEN * best_of_others(series)


def _ratio(figure: str, one: str, other: str, bound: float) -> Callable[[Data], Found]:
    return lambda series: (series[one][figure] / series[other][figure], bound)


def _ratio_to_node(series: Data) -> Found:
    fastest = max(series[name]["median"] for name in NODE if "median" in series.get(name, {}))
    return series[OURS]["median"] / fastest, 3.0


def _lag(figure: str, idle: str, bound: float) -> Callable[[Data], Found]:
    return lambda series: (series["busy"][figure] - series["idle"][idle], bound)


def _memory(pieces_of: tuple[int, ...], bound: float) -> Callable[[Data], Found]:
    def find(series: Data) -> Found:
        names = [name for name in series if any(f", {size} MiB pieces" in name for size in pieces_of)]
        return (max(series[name]["worst"] for name in names), bound) if names else None

    return find


def _flat_memory(series: Data) -> Found:
    growth = [
        series[f"8 GiB, {size} MiB pieces"]["median"] - series[f"1 GiB, {size} MiB pieces"]["median"]
        for size in (1, 4, 16)
    ]
    return max(growth), 16.0


TARGETS: Final = (
    Target("engine-start", "Start: torrent file to first byte", "s", _at_most(0.4)),
    Target("engine-start", "Start: 0.8 of the best other player", "s", _beaten),
    Target("engine-seek-steady", "Seek, enough in hand: first byte", "s", _at_most(0.45)),
    Target("engine-seek-steady", "Seek, enough in hand: 0.8 of the best other player", "s", _beaten),
    Target("engine-seek-saturated", "Seek, links full: first byte", "s", _at_most(1.0)),
    Target("engine-seek-saturated", "Seek, links full: 95th percentile", "s", _at_most(1.5, "p95")),
    Target("engine-hold", "Hold at 1.2 x the bitrate: stalled", "s", _at_most(0.0, "worst")),
    Target("engine-outage", "10 s without peers, 15 s in hand: stalled", "s", _at_most(0.0, "worst")),
    *(
        target
        for clients in ("1 client", "8 clients")
        for target in (
            Target(
                "engine-serve",
                f"A complete file to {clients}: rate against nginx",
                "x",
                _ratio("median", f"{OURS}, {clients}", f"nginx, {clients}", 0.8),
                at_least=True,
            ),
            Target(
                "engine-serve",
                f"A complete file to {clients}: CPU time per GB against nginx",
                "x",
                _ratio("cpu_per_gb", f"{OURS}, {clients}", f"nginx, {clients}", 1.5),
            ),
        )
    ),
    Target(
        "engine-download", "While downloading: MB per CPU second against the best of Node", "x", _ratio_to_node,
        at_least=True,
    ),
    Target(
        "engine-loop-lag", "Event loop at 80 Mbit/s: 99th percentile above idle", "ms",
        _lag("median", "median", 5.0),
    ),
    Target(
        "engine-loop-lag", "Event loop at 80 Mbit/s: worst above idle", "ms",
        _lag("late_worst_of_all", "late_worst", 50.0),
    ),
    Target("engine-memory", "Memory, 4 readers, pieces up to 4 MiB", "MB", _memory((1, 4), 80.0)),
    Target("engine-memory", "Memory, 4 readers, pieces of 16 MiB", "MB", _memory((16,), 64 + 4 * 3 * 16 * 1.048576)),
    Target("engine-memory", "Memory: 8 GiB above 1 GiB", "MB", _flat_memory),
    Target(
        "engine-growth", "Scheduler: CPU time with 10,000 pieces against 100", "x",
        _ratio("median", "10000 pieces", "100 pieces", 1.5),
    ),
)  # fmt: skip


def shown(value: float) -> str:
    """Return a figure for a table."""
    if not math.isfinite(value):
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
