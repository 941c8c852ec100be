"""Plots of results, as SVG that is the same for the same results."""

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

OURS: Final = "torrent-cast"
# Matplotlib names parts of an SVG by random numbers unless it is given salt; text stays text.
SETTINGS: Final[dict[Any, Any]] = {"svg.hashsalt": "torrent-cast", "svg.fonttype": "none", "font.family": "sans-serif"}
COLOURS: Final = {True: "#0b6e99", False: "#8a8f98"}
LIMIT_COLOUR: Final = "#b3261e"
# From this ratio of the greatest to the least figure on an axis is logarithmic.
LOGARITHMIC: Final = 20
WIDTH: Final = 8.0  # inches
ROW: Final = 0.42  # inches
HALF: Final = 0.3  # of a median's line, rows


def plot(title: str, result: dict[str, Any], file: Path) -> bool:
    """Draw every run as a dot and the median as a line, a row per series; tell whether there was something to draw."""
    series = {name: data for name, data in result["series"].items() if data.get("runs")}
    if not series:
        return False
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(WIDTH, 1.2 + ROW * len(series)), layout="constrained")
        axes = figure.subplots()
        for row, (name, data) in enumerate(reversed(series.items())):
            colour = COLOURS[name.startswith(OURS)]
            if data["median"] is not None:
                axes.vlines(data["median"], row - HALF, row + HALF, color=colour)
            axes.scatter(data["runs"], [row] * len(data["runs"]), s=14, color=colour, zorder=3)
        axes.set_yticks(range(len(series)), [_label(name, data) for name, data in reversed(series.items())])
        if result.get("limit") is not None:
            axes.axvline(result["limit"], color=LIMIT_COLOUR, linestyle="--", label=f"limit {result['limit']}")
            axes.legend(loc="lower right", frameon=False)
        runs = [run for data in series.values() for run in data["runs"]]
        if min(runs) > 0 and max(runs) / min(runs) > LOGARITHMIC and result.get("limit") != 0:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:g}")
        else:
            axes.set_xlim(left=min(0, *runs))
        axes.set_title(title, loc="left")
        axes.set_xlabel(result["unit"])
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(file, format="svg", metadata={"Date": None})
    return True


def _label(name: str, data: dict[str, Any]) -> str:
    return f"{name} ({data['failed']} failed)" if data.get("failed") else name
