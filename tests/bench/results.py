"""What a scenario of the engine found: one series of runs per player, and the limit that physics sets."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

type Note = float | int | str | None

# What every series has; the rest are notes, and columns of their own.
COMMON: Final = ("median", "p95", "best", "worst", "ratio", "runs", "skipped", "version")

# Significant digits of a figure: more would be noise.
DIGITS: Final = 4


@dataclass
class Series:
    """The runs of one player in one scenario, and what else was seen in them."""

    runs: list[float] = field(default_factory=list)
    notes: dict[str, Note] = field(default_factory=dict)
    skipped: str = ""
    seen: dict[str, list[float]] = field(default_factory=dict)

    def see(self, name: str, value: float) -> None:
        """Note what one run saw beside its figure; the median of all goes to the notes."""
        self.seen.setdefault(name, []).append(value)

    def count(self, name: str) -> None:
        """Count in the notes what happened once more."""
        self.notes[name] = int(self.notes.get(name) or 0) + 1

    def as_json(self, limit: float | None) -> dict[str, object]:
        """Return what the results file says of it; a ratio is the median by `limit`."""
        notes = self.notes | {name: median(values) for name, values in self.seen.items()}
        notes = {name: significant(note) if isinstance(note, float) else note for name, note in notes.items()}
        if not self.runs:
            return {"skipped": self.skipped or "no run", **notes}
        middle = median(self.runs)
        return {
            "median": significant(middle),
            "p95": significant(percentile(self.runs, 95)),
            "best": significant(min(self.runs)),
            "worst": significant(max(self.runs)),
            "ratio": significant(middle / limit) if limit else None,
            "runs": [significant(run) for run in self.runs],
            **notes,
        }


@dataclass
class Result:
    """One scenario: `limit` in `unit` is what no player could beat, None where there is none."""

    unit: str
    limit: float | None = None
    series: dict[str, Series] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)

    def of(self, name: str) -> Series:
        """Return the series of `name`, a new one if there is none yet."""
        return self.series.setdefault(name, Series())

    def as_json(self) -> dict[str, object]:
        """Return what the results file says of it."""
        return {
            "unit": self.unit,
            "limit": significant(self.limit) if self.limit is not None else None,
            "series": {name: series.as_json(self.limit) for name, series in self.series.items()},
            **self.notes,
        }


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` % of `values` do not exceed (nearest rank)."""
    ranked = sorted(values)
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
            lines.append(f"  {player:22}skipped: {data['skipped']}")
            continue
        ratio = "" if data["ratio"] is None else data["ratio"]
        notes = ", ".join(f"{note} {value}" for note, value in data.items() if note not in COMMON)
        figures = f"{data['median']:>10}{data['p95']:>10}{data['worst']:>10}{ratio:>8}"
        lines.append(f"  {player:22}{figures}{len(data['runs']):>6}  {notes}".rstrip())
    return lines
