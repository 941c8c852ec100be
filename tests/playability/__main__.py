"""scripts/playability: judges a matrix of films, plays some of them."""

import argparse
import asyncio
import contextlib
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from custom_components.torrent_cast.media import BROWSER, Worker, profile_of

from .choice import CHOICES, real
from .costs import costs
from .films import films, make
from .judging import Judge
from .playing import play_all
from .report import PAGE, PLAYED_PAGE, page, played_page, with_costs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .judging import Verdict
    from .playing import Found

# Films judged at once: a core decodes while another one makes segments.
TASKS: Final = 4
DEVICES: Final = {
    "Chromecast": profile_of("Chromecast"),
    "Chromecast Ultra": profile_of("Chromecast Ultra"),
    "Google TV Streamer": profile_of("Google TV Streamer"),
    "Browser": BROWSER,
}


type Verdicts = dict[tuple[str, str, str, str], Verdict | None]


async def judge_all(folder: Path, clips: list[Path], only: str) -> int:
    """Judge all films, write the page unless only some were wanted; return how many are wrong."""
    began = time.monotonic()
    left = await asyncio.to_thread(films, folder, only)
    found: Verdicts = {}
    async with asyncio.TaskGroup() as group:
        for _ in range(TASKS):
            group.create_task(_judge(folder, left, found))
    results = {key: found[key] for key in sorted(found, key=lambda key: list(DEVICES).index(key[0]))}
    real: dict[tuple[str, str], Verdict] = {}
    async with Worker() as worker:
        for path in clips:
            judge = Judge(worker, path, has_clock=False)
            real |= {(device, path.name): await judge.judge(profile) for device, profile in DEVICES.items()}
    text = page(results, real, time.monotonic() - began, PAGE.read_text())
    if only:
        print(text)
    else:
        PAGE.write_text(text)
    return sum(1 for verdict in (*results.values(), *real.values()) if verdict and verdict.wrong)


async def watch_all(folder: Path, clips: list[Path], only: str) -> int:
    """Play the chosen films, write the page, where only some were wanted their rows; return how many are wrong."""
    choices = (*CHOICES, *await asyncio.to_thread(real, clips))
    names = [choice.name for choice in choices]
    chosen = [choice for choice in choices if re.search(only, choice.name)]
    before = PLAYED_PAGE.read_text() if only else ""
    played: Found = {}
    async with contextlib.aclosing(play_all(folder, chosen, clips)) as batches:
        async for some in batches:  # an hour or two in all: what is known is kept
            played |= some
            PLAYED_PAGE.write_text(played_page(played, names, before))
    wrong = {key: one for key, one in played.items() if one.wrong}
    for (device, name), one in wrong.items():
        print(f"{name} played on {device}: {one.wrong}", file=sys.stderr, flush=True)
    return len(wrong)


async def run(folder: Path, clips: list[Path], arguments: argparse.Namespace) -> int:
    """Do what the command line says; return how many films are wrong."""
    if arguments.costs:
        found = await costs(folder)
        PAGE.write_text(with_costs(PAGE.read_text(), found, os.process_cpu_count() or 1))
        for cost in found:
            print(f"{cost.what}: {cost.figure}")
        return 0
    if arguments.play:
        return await watch_all(folder, clips, arguments.only)
    wrong = await judge_all(folder, clips, arguments.only)
    return wrong if arguments.only or arguments.judge else wrong + await watch_all(folder, clips, "")


async def _judge(folder: Path, left: Iterator[tuple[str, str, str]], found: Verdicts) -> None:
    """Make and judge films until none is left."""
    async with Worker() as worker:
        for film in left:
            path = await asyncio.to_thread(make, folder, *film)
            judge = Judge(worker, path) if path else None
            for device, profile in DEVICES.items():
                found[device, *film] = verdict = await judge.judge(profile) if judge else None
                if verdict and verdict.wrong:
                    what = f"{', '.join(film)} on {device}: {verdict.how}: {verdict.wrong}"
                    print(what, file=sys.stderr, flush=True)
            if path:
                path.unlink()


def main() -> None:
    """Read the command line; the exit code tells whether anything is wrong."""
    parser = argparse.ArgumentParser(prog="scripts/playability", description=__doc__)
    parser.add_argument("--clips", type=Path, help="a directory of real films (*.mp4)")
    parser.add_argument("--only", default="", help="films in containers of this pattern; prints the page")
    parser.add_argument("--judge", action="store_true", help="play no films")
    again = "only play films; with --only those of this pattern, whose rows of the page are written anew"
    parser.add_argument("--play", action="store_true", help=again)
    parser.add_argument(
        "--costs", action="store_true", help="only measure what it costs, and write that part of the page"
    )
    arguments = parser.parse_args()
    clips = sorted(arguments.clips.rglob("*.mp4")) if arguments.clips else []
    with tempfile.TemporaryDirectory(prefix="torrent-cast-playability-") as folder:
        sys.exit(min(1, asyncio.run(run(Path(folder), clips, arguments))))


if __name__ == "__main__":
    main()
