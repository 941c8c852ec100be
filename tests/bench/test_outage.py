"""An outage is as long as it says, and players are watched through it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tests.bench import engine_outage
from tests.bench.engine_outage import GAP, WATCHED
from tests.bench.results import Series

GONE = 1000.0  # when the seeds went; s
STARTING = 1.0  # what a seed takes to start; s


async def test_no_seed_is_started_before_the_gap_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = GONE + 0.25
    started: dict[int, float] = {}

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    async def start_seeder(seed: int) -> None:
        started[seed] = now
        await sleep(STARTING)

    monkeypatch.setattr(engine_outage, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(engine_outage, "asyncio", SimpleNamespace(gather=asyncio.gather, sleep=sleep))
    swarm = SimpleNamespace(peers=["a", "b"], start_seeder=start_seeder)
    player: Any = SimpleNamespace(arena=SimpleNamespace(swarm=swarm))
    series = Series()

    await engine_outage._return(player, GONE, series)

    assert len(started) == len(swarm.peers)
    assert min(started.values()) >= GONE + GAP
    assert series.seen["gap_first"] == [GAP + STARTING]
    assert series.seen["gap"] == [GAP + 2 * STARTING]


def test_players_are_watched_for_longer_than_the_gap() -> None:
    assert WATCHED > GAP + STARTING
