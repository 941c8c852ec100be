"""scripts/bench report: writes docs/benchmarks.md and its plots from the results file beside it."""

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from .plots import plot
from .results import COMMON, counted_anew
from .scenarios import LIMITS, PER_ROUND
from .targets import TARGETS, Target, shown

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "benchmarks.md"
RESULTS: Final = PAGE.with_suffix(".json")
IMAGES: Final = "images"
# The figures of a series that a table has.
FIGURES: Final = ("median", "p95", "worst")

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
            "When 15 s of film were downloaded ahead, all seeds go, and are started anew 10 s later. How long the "
            "picture stands still within 30 s from when they went. `gap_first` and `gap` are the seconds until the "
            "tracker knew the first and the last of them again."
        ),
    ),
    "engine-upload": (
        "Uploads on a slow line out",
        (
            "A line of 16 Mbit/s in and 1 Mbit/s out with a buffer of half a second; a film of 8 Mbit/s, and four "
            "leechers who want what comes and have nothing. How long the picture stands still within 40 s from the "
            "first byte. `mbit_per_s_in` is what came meanwhile, `jump` the time to the first byte of a jump "
            "afterwards (median of 4). The second row is ours without leechers."
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
            "How late a timer of 5 ms in Home Assistant's event loop is (99th percentile of each run): `busy` while "
            "`torrent_cast.play` downloads a film at 80 Mbit/s and a Cast device takes it as fast as it comes "
            "(`mbit_per_s_out`), `idle` in the same Home Assistant while another process downloads and serves it from "
            "the same seeds."
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
# How often each scenario was measured and who was, where it is not what the results say, and why nobody else.
COMPARED: Final[dict[str, tuple[str, str, str]]] = {
    "engine-start": ("", "", "All that can be had here."),
    "engine-start-far": ("", "", "All that can be had here."),
    **dict.fromkeys(
        ("engine-seek-saturated", "engine-seek-steady"),
        ("", "", "All that stream: aria2 has neither stream nor seek. A round is 4 seeks."),
    ),
    "engine-seek-steady-far": (
        "",
        "",
        "All that stream. A round is 4 seeks; fewer rounds, as the order of the players is known from nearby.",
    ),
    "engine-hold": (
        "",
        "",
        "All that stream. A round takes two minutes for each of them.",
    ),
    "engine-hold-honest": ("", "", "Ours alone: it tells what the seed that lies costs us."),
    "engine-outage": (
        "",
        "",
        "Ours is held against the target. Of others it is only known what the links carried, not what was in hand.",
    ),
    "engine-upload": ("", "", "All that stream, and ours without leechers."),
    "engine-serve": (
        "",
        "torrent-cast, nginx",
        "nginx is the measure. How the other players serve a complete file was not measured.",
    ),
    "engine-download": ("", "", "All that stream: aria2 has no stream whose bytes could be counted."),
    "engine-loop-lag": ("", "Home Assistant", "It is about Home Assistant's event loop; no other player runs in it."),
    "engine-idle": ("1", "Home Assistant", "It is about Home Assistant's process; no other player runs in it."),
    "engine-memory": ("", "torrent-cast", "Held against a bound. The others were not measured."),
    "engine-growth": (
        "1 of 5 samples for each shape",
        "torrent-cast",
        "The scheduler's own time, which no other player tells.",
    ),
}
# Why a scenario has no limit.
UNLIMITED: Final = {
    "engine-serve": "over loopback nothing but the processor sets a limit; nginx is what it is held against",
    "engine-download": "the links are not shaped: nothing but the processor sets one",
    "engine-idle": "what Home Assistant takes without the integration is the row to compare with",
    "engine-memory": "what a player has to keep in memory nobody can compute",
    "engine-growth": "how little time a plan could take nobody can compute",
}
# Why a player failed in a scenario, where that is known.
FAILURES: Final = {
    ("engine-start", "libtorrent-deadlines"): (
        "libtorrent-deadlines failed whenever it followed libtorrent-sequential, until each had a port of its own: "
        "seeds that still had the first one's uTP connections took the second for a duplicate (docs/engine.md, Faults)."
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
- `process_start` of ours contains Home Assistant's modules, which a running Home Assistant has loaded long ago, and
  `engine_start`, which is libtorrent's session alone.
- A round that ends with an error, or that takes longer than a player is given (start: 60 s), has failed. It counts as
  worse than all others: a figure that is a failed round's is `failed`, not a figure of those that are left. Who failed
  once is nobody's best other player, and a target of ours is missed with the first round that fails.
- The limit is what nobody could beat: whole pieces over the nominal supply (headers left out), less what idle links
  let through at once (16 KB each), and round trips. A start has two: TCP's handshake, and one for handshake, interest
  and requests, which may all be sent at once; players wait to be unchoked, and need one or two more. A seek has one.
  In brackets: how many times the limit a figure is. There is nothing in brackets where the limit is 0.
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
    results = {name: _counted(name, result) for name, result in results.items()}
    yield from _targets(results)
    yield METHOD
    yield from _comparisons(results)
    for name, (heading, text) in CHAPTERS.items():
        if name in results:
            yield from _chapter(name, heading, text, results[name], folder)
    yield from _circumstances(results)


def _counted(name: str, result: dict[str, Any]) -> dict[str, Any]:
    """Return a scenario's results with failed rounds counted and the limit there is; what else the file holds as is."""
    if name not in CHAPTERS:
        return result
    return counted_anew(result, LIMITS.get(name, {}).get("runs"), PER_ROUND.get(name, 1))


def _targets(results: dict[str, Any]) -> Iterator[str]:
    yield "## Targets"
    yield ""
    yield "| | target | measured | times the limit | met |"
    yield "|---|---|---|---|---|"
    missed: list[str] = []
    for target in TARGETS:
        found, is_met = target.judge(results)
        if found is None:
            continue
        value, bound = found
        sign = "≥" if target.at_least else "≤"
        verdict = "yes" if is_met else "**no**"
        limit = LIMITS.get(target.scenario, {}).get(target.figure)
        cells = f"{sign} {shown(bound)} {target.unit} | {_with_unit(value, target.unit)} | {_times(value, limit)}"
        yield f"| {target.text} | {cells} | {verdict} |"
        if not is_met:
            missed.append(_missed(target, value, bound))
    yield ""
    if missed:
        yield "### What is missed"
        yield ""
        yield "By how much, why, and what was tried; [engine.md](engine.md) has the circumstances of older figures."
        yield ""
        yield from missed
        yield ""


def _missed(target: Target, value: float, bound: float) -> str:
    if not math.isfinite(value):
        by = "a round failed"
    elif value == bound or (value > bound) == target.at_least:
        by = f"{_with_unit(value, target.unit)}, but a round failed"
    else:
        asked = "at least" if target.at_least else "at most"
        by = f"{_with_unit(value, target.unit)} instead of {asked} {_with_unit(bound, target.unit)}"
        if bound:
            by += f", {shown(abs(value - bound) / bound * 100)} % {'less' if target.at_least else 'more'}"
    return f"- **{target.text}**: {by}. {target.missed}"


def _with_unit(value: float, unit: str) -> str:
    return f"{shown(value)} {unit}" if math.isfinite(value) else shown(value)


def _times(value: float, limit: float | None) -> str:
    return shown(value / limit) if limit and math.isfinite(value) else ""


def _comparisons(results: dict[str, Any]) -> Iterator[str]:
    yield "## How often, and against whom"
    yield ""
    yield "| | rounds | measured | why these |"
    yield "|---|---|---|---|"
    for name, (heading, _) in CHAPTERS.items():
        if name in results:
            often, who, why = COMPARED[name]
            series: dict[str, dict[str, Any]] = results[name]["series"]
            rounds = max((_rounds(name, data) for data in series.values()), default=0)
            players = ", ".join(player for player, data in series.items() if "runs" in data or "failed" in data)
            yield f"| {heading} | {often or rounds} | {who or players} | {why} |"
    yield ""


def _rounds(name: str, data: dict[str, Any]) -> int:
    """Return how many rounds a player had; of some rounds not all figures count (`had`)."""
    figures = len(data.get("runs", ())) + (data.get("had") or 0)
    return math.ceil(figures / PER_ROUND.get(name, 1)) + int(data.get("failed", 0))


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
    yield from _table(name, result)
    yield ""


def _table(name: str, result: dict[str, Any]) -> Iterator[str]:
    series: dict[str, dict[str, Any]] = result["series"]
    limits = LIMITS.get(name, {})
    yield _limit(name, result["unit"])
    yield ""
    notes = sorted({note for data in series.values() for note in data if note not in COMMON})
    columns = ["", *FIGURES, "runs", *(f"`{note}`" for note in notes)]
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for player, data in series.items():
        cells = [_figure(data, figure, limits.get("runs")) for figure in FIGURES]
        cells.append(_runs(name, data))
        cells += [_cell(data.get(note), limits.get(note)) for note in notes]
        yield f"| {' | '.join([player, *cells])} |"
    absent = {player: data["skipped"] for player, data in series.items() if "skipped" in data}
    if absent:
        yield ""
        for player, reason in absent.items():
            yield f"{'Failed' if series[player].get('failed') else 'Not measured'}: {player} ({reason})."
    for player, data in series.items():
        if data.get("failed") and (name, player) in FAILURES:
            yield ""
            yield FAILURES[name, player]


def _limit(name: str, unit: str) -> str:
    limits = LIMITS.get(name)
    if limits is None:
        return f"No limit: {UNLIMITED[name]}."
    others = [f"`{note}` {shown(limit)}" for note, limit in limits.items() if note != "runs"]
    own = f"{shown(limits['runs'])} {unit}"
    return f"Limit: {'; '.join([own, *others])}."


def _figure(data: dict[str, Any], figure: str, limit: float | None) -> str:
    value = data.get(figure)
    return "failed" if value is None and data.get("failed") else _cell(value, limit)


def _runs(name: str, data: dict[str, Any]) -> str:
    runs = str(len(data.get("runs", ())))
    return f"{runs} ({data['failed']} of {_rounds(name, data)} rounds failed)" if data.get("failed") else runs


def _cell(value: float | str | None, limit: float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    times = _times(value, limit)
    return f"{shown(value)} ({times})" if times else shown(value)


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
