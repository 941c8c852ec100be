"""scripts/bench NAME... [--json]: run measurements on the rig and print them."""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from tests.rig.torrents import libtorrent

from .measures import MEASURES, Measurement, table


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


async def run(names: list[str]) -> dict[str, Measurement]:
    """Run the measurements one after the other."""
    return {name: await MEASURES[name](say) for name in names}


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="+", choices=MEASURES, metavar="NAME", help=", ".join(MEASURES))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    measured = asyncio.run(run(list(dict.fromkeys(arguments.names))))
    if not arguments.json:
        print("\n".join(table(measured)))
        return
    data: dict[str, object] = {name: measurement.as_json() for name, measurement in measured.items()}
    print(json.dumps(data | {"versions": versions(), "machine": machine()}))


if __name__ == "__main__":
    main()
