"""Who is told, how often, and that one who fails disturbs nobody."""

import asyncio
import logging

import pytest

from custom_components.torrent_cast.playback.listeners import Listeners, Pulse
from tests.conftest import soon


def test_all_are_told_until_they_go() -> None:
    heard: list[tuple[str, int]] = []
    listeners: Listeners[[int]] = Listeners()
    remove = listeners.add(lambda number: heard.append(("first", number)))
    listeners.add(lambda number: heard.append(("second", number)))
    listeners.tell(1)
    remove()
    remove()
    listeners.tell(2)
    assert heard == [("first", 1), ("second", 1), ("second", 2)]


def test_one_that_fails_is_logged_and_the_others_hear(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[int] = []
    listeners: Listeners[[int]] = Listeners()
    listeners.add(lambda number: print(number // 0))
    listeners.add(heard.append)
    listeners.tell(1)
    assert heard == [1]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_many_beats_are_one_call_at_once_and_one_later() -> None:
    loop = asyncio.get_running_loop()
    told: list[float] = []
    again = asyncio.Event()
    pulse = Pulse(0.05)
    pulse.add(lambda: told.append(loop.time()))
    pulse.add(lambda: again.set() if len(told) == 2 else None)
    begin = loop.time()
    for _ in range(100):
        pulse.beat()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(told) == 1
    for _ in range(100):
        pulse.beat()
    await soon(again.wait())
    assert told[0] >= begin
    assert told[1] - told[0] >= 0.05
    pulse.close()


async def test_a_closed_pulse_leaves_no_timer() -> None:
    told: list[int] = []
    pulse = Pulse(0.0)
    pulse.add(lambda: told.append(1))
    pulse.beat()
    pulse.close()
    pulse.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert told == []
