"""scripts/bench report: writes docs/benchmarks.md and its plots from the results file beside it."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from .plots import plot
from .results import COMMON
from .targets import TARGETS, shown

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "benchmarks.md"
RESULTS: Final = PAGE.with_suffix(".json")
IMAGES: Final = "images"

# A heading and what was done, by scenario, in the order of the page.
CHAPTERS: Final[dict[str, tuple[str, str]]] = {
    "engine-start": (
        "Start",
        (
            "A player runs and is given a torrent file; the time to the film's first byte. Nobody is known yet but the "
            "tracker. The start of the process is a column of its own."
        ),
    ),
    "engine-start-far": ("Start, far away", "The same with a round trip of 50 ms and every 200th chunk late."),
    "engine-seek-saturated": (
        "Seek, links full",
        (
            "Somebody watches at the film's bitrate and seeks 2.5 s after the last jump to where the film is not yet: "
            "the old connection is closed, a new one opened, and its first byte awaited. `link_load` is how full the "
            "seeds' links were in the second before, 1 being full."
        ),
    ),
    "engine-seek-steady": ("Seek, enough in hand", "The same 8 s after the last jump."),
    "engine-seek-steady-far": (
        "Seek, enough in hand, far away",
        "The same with a round trip of 50 ms and every 200th chunk late.",
    ),
    "engine-hold": (
        "Hold",
        (
            "Supply of 1.2 times the bitrate: a third of the seeds slow, one sends wrong bytes, one leaves every 20 s. "
            "How long the picture stands still for somebody who takes the film at its bitrate and has no buffer."
        ),
    ),
    "engine-hold-honest": ("Hold, nobody lies", "The same without the seed that sends wrong bytes, ours alone."),
    "engine-outage": (
        "Outage",
        (
            "When 15 s of film were downloaded ahead, all seeds go, and come back 10 s later. How long the picture "
            "stands still, up to 20 s after that."
        ),
    ),
    "engine-serve": (
        "Serving a complete file",
        "A film that is complete, over HTTP on loopback to curl, against Debian's nginx with its own configuration.",
    ),
    "engine-download": (
        "Serving while downloading",
        (
            "Links that are not shaped; how much film one second of the player's CPU time delivers, from the first "
            "byte to the last."
        ),
    ),
    "engine-loop-lag": (
        "The event loop",
        (
            "How late a timer of 5 ms is (99th percentile of each run) while the engine downloads and serves 80 "
            "Mbit/s, and in the same process without a torrent while another process does that."
        ),
    ),
    "engine-idle": (
        "At rest",
        (
            "CPU time of a Home Assistant process, and packets, in one minute that begins 30 s after the last change. "
            "Nobody but a tracker and a seed can be reached: what the DHT would send is not in it."
        ),
    ),
    "engine-memory": (
        "Memory",
        "Growth of anonymous memory (RssAnon) over the engine without a torrent, 4 readers, the highest of each run.",
    ),
    "engine-growth": (
        "Growth",
        "CPU time of the scheduler, from what readers want to what libtorrent is told, per second of watching.",
    ),
}
METHOD: Final = """\
## How it is measured

- One film of 1 GiB in pieces of 1 MiB, taken to have 4 Mbit/s. 8 seeds of 4.2 Mbit/s each, every one in a network
  namespace of its own behind `tc tbf`; a tracker is the only way to find them. What differs is said below.
- Each player runs in a process of its own, from nothing, and is asked by the same client over its own HTTP server;
  btfs by its file system, aria2 (which has neither stream nor seek) for the bitfield of what it has verified. Ours is
  the engine behind the integration's HTTP view. `reader` is the same time at the engine's reader, without HTTP.
- The players take turns and each round begins with another one. Positions are random, the same for all. A seek to what
  is there already is not counted (`had`); one without a byte after 30 s counts 30 s (`given_up`). Who takes 8 times as
  long as the quickest in two rounds of start or seek has lost and is left out of the others (`left_out`).
- DHT and local discovery are off for everybody who can be told so; all else are each player's own defaults.
  libtorrent's sequential mode and its window of 16 deadlines use the integration's binding with default settings.
- `process_start` of ours contains Home Assistant's modules, which a running Home Assistant has loaded long ago.
- The limit is what nobody could beat: whole pieces over the nominal supply, and round trips. `ratio` is to it.
"""


def main(arguments: Sequence[str]) -> None:
    """Write the page that the command line asks for."""
    parser = argparse.ArgumentParser(prog="scripts/bench report", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=RESULTS, help="what --save wrote")
    parser.add_argument("--output", type=Path, default=PAGE, help="the page; its plots go beside it into images/")
    options = parser.parse_args(arguments)
    write(json.loads(options.file.read_text()), options.output)


def write(results: dict[str, Any], output: Path) -> None:
    """Write the page and its plots; what was not measured is not mentioned."""
    (output.parent / IMAGES).mkdir(parents=True, exist_ok=True)
    output.write_text("\n".join(page(results, output.parent)) + "\n")


def page(results: dict[str, Any], folder: Path) -> Iterator[str]:
    """Yield the lines of the page, and draw its plots below `folder`."""
    yield "# Benchmarks"
    yield ""
    yield "Written by `scripts/bench report` from [benchmarks.json](benchmarks.json), which `scripts/bench NAME"
    yield "--save FILE` wrote, part by part. What is compared was measured in one run."
    yield ""
    yield from _targets(results)
    yield METHOD
    for name, (heading, text) in CHAPTERS.items():
        if name in results:
            yield from _chapter(name, heading, text, results[name], folder)
    yield from _circumstances(results)


def _targets(results: dict[str, Any]) -> Iterator[str]:
    yield "## Targets"
    yield ""
    yield "| | target | measured | met |"
    yield "|---|---|---|---|"
    for target in TARGETS:
        found, is_met = target.judge(results)
        if found is None:
            continue
        value, bound = found
        sign = "≥" if target.at_least else "≤"
        verdict = "yes" if is_met else "**no**"
        yield f"| {target.text} | {sign} {shown(bound)} {target.unit} | {shown(value)} {target.unit} | {verdict} |"
    yield ""


def _chapter(name: str, heading: str, text: str, result: dict[str, Any], folder: Path) -> Iterator[str]:
    yield f"## {heading}"
    yield ""
    yield f"{text} (`{name}`)"
    yield ""
    if "code" in result:
        yield f"Measured with {result['code']} in {result['took']} s."
        yield ""
    image = f"{IMAGES}/bench-{name}.svg"
    if plot(f"{heading} ({result['unit']})", result, folder / image):
        yield f"![{heading}]({image})"
        yield ""
    yield from _table(result)
    yield ""


def _table(result: dict[str, Any]) -> Iterator[str]:
    series: dict[str, dict[str, Any]] = result["series"]
    figures = ["median", "p95", "worst"]
    if result["limit"]:
        yield f"Limit: {result['limit']} {result['unit']}."
        yield ""
        figures.append("ratio")
    notes = sorted({note for data in series.values() for note in data if note not in COMMON})
    columns = ["", *figures, "runs", *(f"`{note}`" for note in notes)]
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for name, data in series.items():
        cells = [_cell(data.get(figure)) for figure in figures]
        cells.append(str(len(data.get("runs", ()))))
        cells += [_cell(data.get(note)) for note in notes]
        yield f"| {' | '.join([name, *cells])} |"
    skipped = {name: data["skipped"] for name, data in series.items() if "skipped" in data}
    if skipped:
        yield ""
        yield from (f"Not measured: {name} ({reason})." for name, reason in skipped.items())


def _cell(value: float | str | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else shown(value)


def _circumstances(results: dict[str, Any]) -> Iterator[str]:
    yield "## Where and with what"
    yield ""
    machine = {name: value for name, value in results.get("machine", {}).items() if name != "kernel"}
    versions: dict[str, list[str]] = {name: [found] for name, found in results.get("versions", {}).items()}
    for name in CHAPTERS:
        for player, data in results.get(name, {}).get("series", {}).items():
            if "version" in data:
                versions.setdefault(player, []).append(data["version"])
    loads = [results[name]["load_before"] for name in CHAPTERS if "load_before" in results.get(name, {})]
    yield "| | |"
    yield "|---|---|"
    for name, value in machine.items():
        yield f"| {name} | {value} |"
    for name, found in versions.items():
        yield f"| {name} | {'; '.join(dict.fromkeys(found))} |"
    if loads:
        yield f"| load of the machine before each scenario | {min(loads)} to {max(loads)} |"
