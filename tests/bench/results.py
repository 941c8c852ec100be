"""What a scenario of the engine found: one series of runs per player, and the limit that physics sets."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

type Note = float | int | str | None

# What every series has; the rest are notes, and columns of their own.
COMMON: Final = ("median", "p95", "best", "worst", "ratio", "runs", "failed", "failure", "skipped", "version")
# Units of which more is better; of all others it is less.
MORE_IS_BETTER: Final = frozenset({"MB/s", "MB per CPU second"})

# Significant digits of a figure: more would be noise.
DIGITS: Final = 4


@dataclass
class Series:
    """The runs of one player in one scenario, and what else was seen in them; `failed` are rounds, not in `runs`."""

    runs: list[float] = field(default_factory=list)
    notes: dict[str, Note] = field(default_factory=dict)
    skipped: str = ""
    failed: int = 0
    seen: dict[str, list[float]] = field(default_factory=dict)

    def see(self, name: str, value: float) -> None:
        """Note what one run saw beside its figure; the median of all goes to the notes."""
        self.seen.setdefault(name, []).append(value)

    def count(self, name: str) -> None:
        """Count in the notes what happened once more."""
        self.notes[name] = int(self.notes.get(name) or 0) + 1

    def fail(self, reason: str) -> None:
        """Note a round that failed."""
        self.failed += 1
        self.skipped = reason

    def as_json(self, limit: float | None, *, per_round: int = 1, more_is_better: bool = False) -> dict[str, object]:
        """Return what the results file says of it; a ratio is the median by `limit`."""
        notes = self.notes | {name: median(values) for name, values in self.seen.items()}
        notes = {name: significant(note) if isinstance(note, float) else note for name, note in notes.items()}
        failed: dict[str, Note] = {"failed": self.failed} if self.failed else {}
        if not self.runs:
            return {"skipped": self.skipped or "no run", **failed, **notes}
        if self.failed:
            failed["failure"] = self.skipped
        found = figures(self.runs, self.failed * per_round, more_is_better=more_is_better)
        return {
            **{name: None if value is None else significant(value) for name, value in found.items()},
            "ratio": ratio(found["median"], limit),
            "runs": [significant(run) for run in self.runs],
            **failed,
            **notes,
        }


@dataclass
class Result:
    """One scenario: `limit` in `unit` is what no player could beat, None where there is none.

    `per_round` is how many figures a round brings.
    """

    unit: str
    limit: float | None = None
    per_round: int = 1
    series: dict[str, Series] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)

    def of(self, name: str) -> Series:
        """Return the series of `name`, a new one if there is none yet."""
        return self.series.setdefault(name, Series())

    def as_json(self) -> dict[str, object]:
        """Return what the results file says of it."""
        more = self.unit in MORE_IS_BETTER
        return {
            "unit": self.unit,
            "limit": significant(self.limit) if self.limit is not None else None,
            "series": {
                name: series.as_json(self.limit, per_round=self.per_round, more_is_better=more)
                for name, series in self.series.items()
            },
            **self.notes,
        }


def figures(runs: Sequence[float], failed: int = 0, *, more_is_better: bool = False) -> dict[str, float | None]:
    """Return median, 95th percentile, best and worst of `runs` and of `failed` more, each worse than any other.

    None says that a figure is a failed run's: a median of those that did not fail would be none.
    """
    ranked = [*sorted(runs, reverse=more_is_better), *[math.inf] * failed]
    number = len(ranked)
    found = {
        "median": (ranked[(number - 1) // 2] + ranked[number // 2]) / 2,
        "p95": percentile_of_ranked(ranked, 95),
        "best": ranked[0],
        "worst": ranked[-1],
    }
    return {name: value if math.isfinite(value) else None for name, value in found.items()}


def counted_anew(result: dict[str, Any], limit: float | None, per_round: int) -> dict[str, Any]:
    """Return one scenario's JSON with its figures counted from its runs, failed ones included, and with this limit.

    What was measured before failed runs counted, or before a limit was mended, is shown as if it were measured now.
    """
    more = result["unit"] in MORE_IS_BETTER

    def counted(data: dict[str, Any]) -> dict[str, Any]:
        if not data.get("runs"):
            return data
        found = figures(data["runs"], data.get("failed", 0) * per_round, more_is_better=more)
        return data | found | {"ratio": ratio(found["median"], limit)}

    series = {name: counted(data) for name, data in result["series"].items()}
    return result | {"limit": None if limit is None else significant(limit), "series": series}


def ratio(value: float | None, limit: float | None) -> float | None:
    """Return how many times the limit a figure is; None where there is no limit, or one of 0."""
    return significant(value / limit) if value is not None and limit else None


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` % of `values` do not exceed (nearest rank)."""
    return percentile_of_ranked(sorted(values), percent)


def percentile_of_ranked(ranked: Sequence[float], percent: float) -> float:
    """Return the first of `ranked`, best first, that is no better than `percent` % of them (nearest rank)."""
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


def significant(value: float) -> float:
    """Return `value` rounded to the digits that mean something."""
    return float(f"{value:.{DIGITS}g}")


def table(name: str, result: dict[str, Any]) -> list[str]:
    """Return the lines a person reads of one scenario's JSON."""
    series: dict[str, dict[str, Any]] = result["series"]
    limit = "" if result["limit"] is None else f", limit {result['limit']}"
    lines = [f"{name} ({result['unit']}{limit})"]
    lines.append(f"  {'':22}{'median':>10}{'p95':>10}{'worst':>10}{'ratio':>8}{'runs':>6}")
    for player, data in series.items():
        if "skipped" in data:
            failed = f"{data['failed']} failed" if "failed" in data else "skipped"
            lines.append(f"  {player:22}{failed}: {data['skipped']}")
            continue
        times = "" if data["ratio"] is None else data["ratio"]
        notes = ", ".join(f"{note} {value}" for note, value in data.items() if note not in COMMON)
        shown = "".join(f"{_or_failed(data[figure]):>10}" for figure in ("median", "p95", "worst"))
        failed = f"  {data['failed']} failed: {data['failure']}" if "failed" in data else ""
        lines.append(f"  {player:22}{shown}{times:>8}{len(data['runs']):>6}{failed}  {notes}".rstrip())
    return lines


def _or_failed(value: float | None) -> float | str:
    return "failed" if value is None else value
