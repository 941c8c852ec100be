"""scripts/bench NAME...: run measurements on the rig and print them; scripts/bench report: write them down."""

import argparse
import asyncio
import json
import logging
import os
import platform
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from tests.rig.torrents import libtorrent

from . import results
from .compare import Options
from .measures import MEASURES, table
from .players import PLAYERS, Ours
from .scenarios import SCENARIOS, SETS

_LOGGER = logging.getLogger(__name__)

# Alternating runs of each player in a comparison.
RUNS: Final = 5
# Reads of files that appear as they are read hang for as long as the swarm takes: each needs a thread.
THREADS: Final = 32

type Json = dict[str, Any]


def say(text: str) -> None:
    """Tell the person at the terminal how it goes."""
    print(text, file=sys.stderr, flush=True)


def versions() -> dict[str, str]:
    """Return the versions that bear on the figures."""
    browser = subprocess.run(["chromium", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    return {
        "homeassistant": version("homeassistant"),
        "libtorrent": libtorrent().__version__,
        "pychromecast": version("pychromecast"),
        "browser": browser,
        "python": platform.python_version(),
    }


def machine() -> dict[str, str | int | float]:
    """Return the machine's shape."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count() or 0,
        "memory_gib": round(memory / 2**30, 1),
        "cpu": models[0].partition(":")[2].strip() if models else platform.machine(),
        "kernel": platform.release(),
    }


async def run(names: list[str], options: Options, save: Path | None) -> Json:
    """Run the measurements one after the other and return what they found; each goes to `save` when it is done.

    One that fails is told and left out of what is returned.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    found: Json = {}
    for name in names:
        say(f"{name} ...")
        begin = time.monotonic()
        load = os.getloadavg()[0]
        try:
            if name in MEASURES:
                found[name] = (await MEASURES[name](say)).as_json()
            else:
                result = await SCENARIOS[name](options)
                took = round(time.monotonic() - begin)
                result.notes |= {"code": await Ours.install(), "took": took, "load_before": round(load, 2)}
                found[name] = result.as_json()
        except Exception:  # nobody may be there to start the rest
            _LOGGER.exception("%s failed after %.0f s", name, time.monotonic() - begin)
            continue
        say(f"{name}: {time.monotonic() - begin:.0f} s")
        if save:
            merge(save, {name: found[name]})
    return found


def merge(file: Path, found: Json) -> None:
    """Put measurements into a results file; what else it holds of other names stays."""
    before = json.loads(file.read_text()) if file.exists() else {}
    data = before | found | {"versions": versions(), "machine": machine()}
    file.write_text(json.dumps(data, indent=1) + "\n")


def lines(found: Json) -> list[str]:
    """Return what a person reads."""
    whole = {name: data for name, data in found.items() if name in MEASURES}
    printed = list(table(whole)) if whole else []
    for name, data in found.items():
        if name not in MEASURES:
            printed += results.table(name, data)
    return printed


def main() -> None:
    """Read the command line, measure, print."""
    if sys.argv[1:2] == ["report"]:
        from .report import main as report  # noqa: PLC0415  # brings in the plots' library

        report(sys.argv[2:])
        return
    arguments = _arguments()
    names = [part for name in arguments.names for part in SETS.get(name, (name,))]
    options = Options(tuple(PLAYERS[name] for name in arguments.players), arguments.runs, say)
    names = list(dict.fromkeys(names))
    found = asyncio.run(run(names, options, arguments.save))
    if arguments.json:
        print(json.dumps(found | {"versions": versions(), "machine": machine()}))
    else:
        print("\n".join(lines(found)))
    if missing := [name for name in names if name not in found]:
        sys.exit(f"not measured: {', '.join(missing)}")


def _arguments() -> argparse.Namespace:
    names = [*MEASURES, *SCENARIOS, *SETS]
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--save", type=Path, metavar="FILE", help="put the results into this JSON file, too")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"of each player in a comparison (default: {RUNS})")
    parser.add_argument("--players", type=_players, default=list(PLAYERS), metavar="A,B", help=", ".join(PLAYERS))
    return parser.parse_args()


def _players(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - PLAYERS.keys():
        raise argparse.ArgumentTypeError(f"no such player: {', '.join(sorted(unknown))}")
    return names


if __name__ == "__main__":
    main()
