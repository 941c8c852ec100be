"""What the event loop's lag is measured with: a timer that notes all lateness, and a taker that ends with a word."""

import asyncio
import time
from collections.abc import Sequence
from typing import override

import pytest

from tests.bench.drain import Drain
from tests.bench.players import Stream
from tests.bench.programs.loop_timer import TICK, Timer


class Portions(Stream):
    """A stream of portions, the last of which is an error or the end."""

    def __init__(self, portions: Sequence[int | Exception]) -> None:
        self._portions = iter(portions)
        self.is_closed = False
        self.is_over = asyncio.Event()

    @override
    async def read(self) -> int:
        portion = next(self._portions)
        if isinstance(portion, int) and portion:
            return portion
        self.is_over.set()
        if isinstance(portion, Exception):
            raise portion
        return 0

    @override
    async def close(self) -> None:
        self.is_closed = True


async def test_the_timer_is_as_late_as_the_loop_is_held_up() -> None:
    timer = Timer()
    watching = asyncio.create_task(timer.watch())
    await asyncio.sleep(0)

    time.sleep(0.05 + TICK)  # noqa: ASYNC251  # holding it up is the point
    late = await _first(timer)
    watching.cancel()

    assert max(late) >= 0.05


async def test_each_lateness_is_told_once() -> None:
    timer = Timer()
    watching = asyncio.create_task(timer.watch())
    await _first(timer)
    watching.cancel()

    assert timer.take() == []


async def _first(timer: Timer) -> list[float]:
    """Return what the timer notes first."""
    while not (late := timer.take()):  # noqa: ASYNC110  # it is asked, it does not tell
        await asyncio.sleep(TICK)
    return late


async def test_a_drain_counts_what_it_takes_and_closes_the_stream() -> None:
    stream = Portions([3, 4, 0])

    async with Drain(stream) as drain:
        await stream.is_over.wait()

    assert (drain.taken, stream.is_closed) == (7, True)


@pytest.mark.parametrize(("last", "error"), [(0, EOFError), (OSError("broken"), OSError)], ids=["over", "broken"])
async def test_a_stream_that_ends_too_early_is_no_measurement(last: int | Exception, error: type[Exception]) -> None:
    stream = Portions([3, last])

    async with Drain(stream) as drain:
        await stream.is_over.wait()
        await asyncio.sleep(0)
        with pytest.raises(error):
            drain.check()
