"""What the engine is to reach, and whether a results file says that it does."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

OURS: Final = "torrent-cast"
NODE: Final = ("peerflix", "webtorrent")
# A player counts as beaten when we take no more than this part of its time.
BEATEN: Final = 0.8

type Data = dict[str, Any]
# The measured value and the greatest one allowed (for `at_least`: the least); None: not measured.
type Found = tuple[float, float] | None

# What is said of a missed figure: why, and what was tried (docs/engine.md, which has the circumstances).
UNTRIED: Final = "It was met when it was last measured before. Why it is not now is not known, and nothing was tried."
START: Final = (
    "What is above the limit is lost packets: libtorrent asks a seed for two blocks with each that comes, and more "
    "than 64 KiB outstanding is more than its line buffers (52 KB). libtorrent's own sequential mode, which has the "
    "same requests, takes as long. Tried: to want the first MiB alone until three quarters of it are there; median "
    "0.28 instead of 0.39 s, but three of 12 starts took 0.51 s (worst 0.44 s otherwise), as packets that are lost "
    "behind a peer's last block are missed late. Released at a quarter (0.40 s), or with two pieces wanted (0.42 s), "
    "it gains nothing. All three were left out."
)
SEEK_SATURATED: Final = (
    "What a peer was asked for before a jump still arrives, and the first jump, some seconds after the start, finds "
    "most of it: libtorrent's slow start. Tried and kept: queues of two blocks (0.40 instead of 1.33 s, 95th "
    "percentile 1.03 instead of 1.81 s), and to take what is asked for from peers with long queues 0.3 s after a jump "
    "(0.80 instead of 1.37 s, 3 s after the start). Tried without effect: `max_out_request_queue` 8, 16 and 32, and "
    "0.8 and 0.9 times the rate for a moment."
)
HOLD: Final = (
    "Tried and kept: to compare blocks, which finds the liar (4.1 s stalled without), and to begin pieces anew (76 s "
    "without, and with three tries of a lost peer). 0, 0 and 0.16 s in three rounds: the median is 0 s."
)
HOLD_HONEST: Final = (
    "Who watches here begins after 3.3 s with 2 s in hand, and where somebody lies after 9.4 s. Tried and kept: what "
    "is missing nearest comes first, and who left is tried until it is back (0, 3.5, 4.4, 0 and 2.6 s in five rounds "
    "without). What is left comes in the first 5 s, from libtorrent's slow start: by then each quick seed has up to 26 "
    "requests to answer, 3 s of its line, and the third piece waits behind them. No setting bounds that queue where a "
    "peer offers a longer one."
)
SERVE_RATE: Final = (
    "Before: 0.79 times nginx to 8 clients in two runs at two times, more than nginx to one client. One event loop "
    "hands all of it to the kernel by `sendfile`; nginx has a process per core. `sendfile` itself was what was tried, "
    "and kept: 0.18 instead of 0.54 s of CPU for 256 MiB. To send from several threads or processes was not tried."
)
SERVE_CPU: Final = (
    "Before: 1.2 to 1.8 times nginx. Of 0.26 to 0.36 s per GB all but 0.04 to 0.09 s are spent in the kernel, within "
    "258 calls of `sendfile`; nginx takes 0.14 to 0.29 s. Tried: `sendfile` itself (0.18 instead of 0.54 s of CPU for "
    "256 MiB, kept); `TCP_CORK`, Nagle's algorithm on, a send buffer of 4 MB and `TCP_NOTSENT_LOWAT`, none of which "
    "takes less (0.21 to 0.23 s per GB, each alone and at 2.6 to 3.4 GB/s; all of them 0.11 to 0.16 s in runs at half "
    "that rate beside other work: over loopback the sender's process does the receiver's part of TCP, too)."
)
DOWNLOAD: Final = (
    "Nearly all of it is libtorrent and the kernel: the event loop, with the view and the scheduler, has 1.4 of 7.6 s "
    "of CPU time, 56 % are the kernel's, most of that writing. libtorrent alone with our settings, nothing read, "
    "delivers 142 to 426 MB per CPU second (5 runs), with its defaults 157 and 187, peerflix 197: three times "
    "peerflix is not to be had with libtorrent. Tried: 1 and 2 `aio_threads` (cost no less, 121 to 151), mapped files "
    "(0.45 instead of 0.44 s for 64 MiB)."
)
MEMORY: Final = "Pieces of 4 MiB take it; the medians of five runs are 73.1 and 74.6 MB. Nothing was tried."


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the table: `find` returns what was measured and the bound.

    `figure` is the one of the scenario's limits that the value can be held against, `missed` says why it is missed,
    where it is, and what was tried.
    """

    scenario: str
    text: str
    unit: str
    find: Callable[[Data], Found]
    at_least: bool = False
    figure: str = ""
    missed: str = UNTRIED

    def judge(self, results: Data) -> tuple[Found, bool | None]:
        """Return what was found and whether the target is met; None where it was not measured.

        A target is not met where one of our own runs failed, whatever the others say.
        """
        if self.scenario not in results:
            return None, None
        series = results[self.scenario]["series"]
        try:
            found = self.find(series)
        except KeyError:  # a player or a part was left out
            return None, None
        if found is None:
            return None, None
        value, bound = found
        has_failed = any(data.get("failed") for name, data in series.items() if name.startswith(OURS))
        return found, not has_failed and (value >= bound if self.at_least else value <= bound)


def measured(series: Data, name: str, figure: str) -> float:
    """Return a figure of a series, infinite where it is a failed run's. Raises KeyError when it was not measured."""
    data = series[name]
    if data.get("failed") and data.get(figure) is None:
        return math.inf
    return float(data[figure])


def rivals(series: Data, names: Iterable[str]) -> dict[str, float]:
    """Return the medians of those players of `names` that finished all of their rounds: others are no measure."""
    there = {name: series[name] for name in names if name in series}
    return {name: float(data["median"]) for name, data in there.items() if "median" in data and not data.get("failed")}


def best_of_others(series: Data) -> float:
    """Return the least median of the other players. Raises KeyError when none was measured."""
    medians = rivals(series, (name for name in series if name != OURS))
    if not medians:
        raise KeyError("other players")
    return min(medians.values())


def _at_most(bound: float, figure: str = "median") -> Callable[[Data], Found]:
    return lambda series: (measured(series, OURS, figure), bound)


def _beaten(series: Data) -> Found:
    return measured(series, OURS, "median"), BEATEN * best_of_others(series)


def _ratio(figure: str, one: str, other: str, bound: float) -> Callable[[Data], Found]:
    return lambda series: (measured(series, one, figure) / measured(series, other, figure), bound)


def _ratio_to_node(series: Data) -> Found:
    medians = rivals(series, NODE)
    if not medians:
        raise KeyError("Node's players")
    return measured(series, OURS, "median") / max(medians.values()), 3.0


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
    Target("engine-start", "Start: torrent file to first byte", "s", _at_most(0.4), figure="runs", missed=START),
    Target("engine-start", "Start: 0.8 of the best other player", "s", _beaten, figure="runs", missed=START),
    Target("engine-seek-steady", "Seek, enough in hand: first byte", "s", _at_most(0.45), figure="runs"),
    Target("engine-seek-steady", "Seek, enough in hand: 0.8 of the best other player", "s", _beaten, figure="runs"),
    Target(
        "engine-seek-saturated", "Seek, links full: first byte", "s", _at_most(1.0), figure="runs",
        missed=SEEK_SATURATED,
    ),
    Target(
        "engine-seek-saturated", "Seek, links full: 95th percentile", "s", _at_most(1.5, "p95"), figure="runs",
        missed=SEEK_SATURATED,
    ),
    Target(
        "engine-hold", "Hold at 1.2 x the bitrate: stalled", "s", _at_most(0.0, "worst"), figure="runs", missed=HOLD
    ),
    Target(
        "engine-hold-honest", "Hold, nobody lies: stalled", "s", _at_most(0.0, "worst"), figure="runs",
        missed=HOLD_HONEST,
    ),
    Target("engine-outage", "10 s without peers, 15 s in hand: stalled", "s", _at_most(0.0, "worst"), figure="runs"),
    Target(
        "engine-upload", "A line of 16 Mbit/s in and 1 out, others want what comes: stalled in 40 s", "s",
        _at_most(1.0, "worst"), figure="runs",
    ),
    Target(
        "engine-upload", "The same: first byte of a jump against without leechers", "x",
        _ratio("jump", OURS, f"{OURS}, nobody leeches", 1.5),
    ),
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
                missed=SERVE_RATE,
            ),
            Target(
                "engine-serve",
                f"A complete file to {clients}: CPU time per GB against nginx",
                "x",
                _ratio("cpu_per_gb", f"{OURS}, {clients}", f"nginx, {clients}", 1.5),
                missed=SERVE_CPU,
            ),
        )
    ),
    Target(
        "engine-download", "While downloading: MB per CPU second against the best of Node", "x", _ratio_to_node,
        at_least=True, missed=DOWNLOAD,
    ),
    Target(
        "engine-loop-lag", "Event loop at 80 Mbit/s: 99th percentile above idle", "ms",
        _lag("median", "median", 5.0),
    ),
    Target(
        "engine-loop-lag", "Event loop at 80 Mbit/s: worst above idle", "ms",
        _lag("late_worst_of_all", "late_worst", 50.0),
    ),
    Target("engine-memory", "Memory, 4 readers, pieces up to 4 MiB", "MB", _memory((1, 4), 80.0), missed=MEMORY),
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
        return "failed"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
