"""A player that hangs holds up nobody."""

import os
from pathlib import Path
from typing import Any, override

import pytest

from tests.bench.arena import Arena
from tests.bench.compare import LOST, LOST_AFTER, Options, alternate
from tests.bench.players import Player, base
from tests.bench.players.base import FileStream, Stream
from tests.bench.results import Result, Series


class Quick(Player):
    """A player that needs no process."""

    name = "quick"

    @classmethod
    @override
    async def install(cls) -> str:
        return "1"

    @override
    async def launch(self) -> None:
        pass

    @override
    async def give(self) -> None:
        pass

    @override
    def stream(self, position: int) -> Stream:
        return FileStream(self.folder / "film", position)


class Hanging(Quick):
    """One whose file never gives a byte."""

    name = "hanging"

    @override
    async def give(self) -> None:
        os.mkfifo(self.folder / "film")


async def measure(player: Player, series: Series, _: int) -> None:
    await player.give()
    if isinstance(player, Hanging):
        try:
            await player.stream(0).read()
        finally:
            os.close(os.open(player.folder / "film", os.O_RDWR | os.O_NONBLOCK))  # lets the thread go that waits
    series.runs.append(1.0)


async def test_who_hangs_is_left_out_of_the_other_rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "HANGING", 0.05)
    nothing: Any = None
    arena = Arena(nothing, nothing, tmp_path, 0.0, 0.0)
    result = Result("s")
    said: list[str] = []

    await alternate(Options((Hanging, Quick), 3, said.append), result, arena, measure, patience=60.0)

    hanging, quick = (result.of(player.name).as_json(None) for player in (Hanging, Quick))
    assert hanging == {"skipped": "hung", "version": "1", "failed": 1}
    assert quick["runs"] == [1.0] * 3
    assert sum("hanging" in line for line in said) == 1


class Slow(Quick):
    """One that takes its time."""

    name = "slow"


@pytest.mark.parametrize(("races", "slow_runs"), [(True, LOST_AFTER), (False, LOST_AFTER + 1)])
async def test_who_has_lost_a_race_is_left_out_of_the_other_rounds(tmp_path: Path, races: bool, slow_runs: int) -> None:
    nothing: Any = None
    arena = Arena(nothing, nothing, tmp_path, 0.0, 0.0)
    result = Result("s")

    async def take(player: Player, series: Series, _: int) -> None:
        series.runs.append(2 * LOST if isinstance(player, Slow) else 1.0)

    options = Options((Slow, Quick), LOST_AFTER + 1, lambda _: None)
    await alternate(options, result, arena, take, patience=60.0, races=races)

    assert len(result.of("quick").runs) == LOST_AFTER + 1
    assert len(result.of("slow").runs) == slow_runs
    assert ("left_out" in result.of("slow").notes) is races


class Failing(Quick):
    """One whose stream ends too soon."""

    name = "failing"


@pytest.mark.parametrize("races", [True, False])
async def test_a_round_that_fails_counts_and_is_said(tmp_path: Path, races: bool) -> None:
    nothing: Any = None
    result = Result("s")
    said: list[str] = []

    async def fail_twice(player: Player, series: Series, number: int) -> None:
        if isinstance(player, Failing) and number < LOST_AFTER:
            raise EOFError
        series.runs.append(1.0)

    options = Options((Failing, Quick), LOST_AFTER + 1, said.append)
    await alternate(
        options, result, Arena(nothing, nothing, tmp_path, 0.0, 0.0), fail_twice, patience=60.0, races=races
    )

    assert result.of("failing").failed == LOST_AFTER
    assert result.of("failing").runs == ([] if races else [1.0])  # in a race it has lost by then
    assert sum("failing: failed (EOFError)" in line for line in said) == LOST_AFTER
    assert result.of("quick").runs == [1.0] * (LOST_AFTER + 1)
