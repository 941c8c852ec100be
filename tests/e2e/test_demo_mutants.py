"""The demo's check fails for every part that is broken on purpose."""

import pytest

from tests.e2e.check import run_check
from tests.rig.stage import WRONG_BYTES


@pytest.mark.parametrize(
    ("mutant", "error"),
    [
        ("seeders-off", "No peer sent the torrent's description"),
        ("player-off", "never asked"),
    ],
)
async def test_a_broken_part_fails_the_check(mutant: str, error: str) -> None:
    code, report = await run_check("--mutant", mutant)
    assert code == 1
    assert error in report["error"]


@pytest.mark.parametrize("mutant", WRONG_BYTES)
async def test_wrong_bytes_fail_the_check(mutant: str) -> None:
    code, report = await run_check("--mutant", mutant)
    assert code == 1
    assert report["wrong_ranges"] > 0
