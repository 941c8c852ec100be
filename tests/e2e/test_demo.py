"""The demo's check passes, and fails for every part that is broken on purpose."""

import asyncio
import json
import sys
from typing import Any

import pytest

from tests.rig.demo import FILMS, MUTANTS


async def run_check(*arguments: str) -> tuple[int | None, dict[str, Any]]:
    """Return the exit code and the JSON line of the demo's check."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.rig.demo", "--check", *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return process.returncode, json.loads(output)


@pytest.mark.parametrize("film", FILMS)
async def test_a_magnet_plays_and_a_seek_lands(film: str) -> None:
    code, report = await run_check("--film", film)
    assert report["error"] is None
    assert code == 0
    assert report["played"]
    assert report["seeked"]
    assert report["wrong_ranges"] == 0


@pytest.mark.parametrize(
    ("mutant", "error"),
    [
        ("seeders-off", "No peer sent the torrent's description"),
        ("player-off", "never asked"),
        ("zeros", "The device refused the film"),
        ("flipped", "ranges differ from the film"),
    ],
)
async def test_a_broken_part_fails_the_check(mutant: str, error: str) -> None:
    assert mutant in MUTANTS
    code, report = await run_check("--mutant", mutant)
    assert code == 1
    assert error in report["error"]
