"""Work that is done once for all who ask."""

import asyncio

import pytest

from custom_components.torrent_cast.playback.shared import Shared
from tests.basics import soon, until


class Work:
    """Something to do: how often it was begun, and how it ended."""

    def __init__(self) -> None:
        self.begun = 0
        self.broken_off = 0
        self.goes = asyncio.Event()

    async def do(self) -> None:
        """Do it, once it `goes`."""
        self.begun += 1
        try:
            await self.goes.wait()
        except asyncio.CancelledError:
            self.broken_off += 1
            raise


async def asking(shared: Shared[str], work: Work, many: int) -> list[asyncio.Task[None]]:
    """Return so many who wait for the same."""
    tasks = [asyncio.create_task(shared.once("it", work.do)) for _ in range(many)]
    await until(lambda: sum(shared._waiting.values()) == many)
    return tasks


async def test_work_goes_on_as_long_as_somebody_waits() -> None:
    shared, work = Shared[str](), Work()
    first, second = await asking(shared, work, 2)
    first.cancel()
    await asyncio.wait([first])
    work.goes.set()
    await soon(second)
    assert (work.begun, work.broken_off) == (1, 0)


async def test_work_that_nobody_waits_for_is_broken_off_and_begun_anew() -> None:
    shared, work = Shared[str](), Work()
    (only,) = await asking(shared, work, 1)
    only.cancel()
    await asyncio.wait([only])
    (again,) = await asking(shared, work, 1)
    work.goes.set()
    await soon(again)
    assert (work.begun, work.broken_off) == (2, 1)


async def test_all_who_wait_hear_of_an_error() -> None:
    shared, begun = Shared[str](), asyncio.Event()

    async def fail() -> None:
        await begun.wait()
        raise ValueError("none")

    tasks = [asyncio.create_task(shared.once("it", fail)) for _ in range(2)]
    await until(lambda: sum(shared._waiting.values()) == len(tasks))
    begun.set()
    for task in tasks:
        with pytest.raises(ValueError, match="none"):
            await soon(task)


async def test_a_stop_breaks_off_everything() -> None:
    shared, work = Shared[str](), Work()
    tasks = await asking(shared, work, 2)
    await soon(shared.stop())
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)
    assert (work.begun, work.broken_off) == (1, 1)
