"""How far a device can play and seek in a film without an index, and what becomes of jumps that do not get so far."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from unittest.mock import AsyncMock, Mock

import pytest

from custom_components.torrent_cast.media.growing import Growth
from custom_components.torrent_cast.media.hls import HOLD_BACK, Cut, Segment
from custom_components.torrent_cast.playback import Following, State, following
from custom_components.torrent_cast.playback.growing import Growing
from custom_components.torrent_cast.playback.playhead import Playhead
from tests.media.test_growing import growth, stretch

GROWN = 300.0
"""Seconds of a film that are known ..."""
TOLD = 280.0
"""... and those of which the device was told."""


def growing(found: Growth) -> Growing:
    """Return what tells of a film of which so much is known; nobody goes over it here."""
    return Growing(Mock(), Mock(), Mock(growth=found), Mock(), Mock())


def test_a_device_stays_away_from_the_end_of_what_is_known() -> None:
    found = growth()
    film = growing(found)
    assert film.until == 0
    found.take(stretch(0, 8, 16, until=20), 20 << 20)
    assert film.until == 16 - HOLD_BACK
    found.finish()
    assert film.until is None


@pytest.mark.parametrize(("seconds", "suffices"), [(0, True), (7, True), (8, False), (11, False)])
async def test_a_start_waits_for_two_segments_and_for_what_a_device_would_not_go_to(
    seconds: float, suffices: bool
) -> None:
    cuts = [Cut(time, int(time)) for time in (6.0, 12.0, 12.5, 13.0)]  # joints
    found = [Segment(number, None, cut, 1.0, 0, 1) for number, cut in enumerate(cuts)]
    film = growing(SimpleNamespace(is_complete=False, segments=found))  # type: ignore[arg-type]  # all that is read

    reaching = asyncio.create_task(film.reach(seconds))
    await asyncio.sleep(0)

    assert reaching.done() is suffices
    reaching.cancel()


@pytest.mark.parametrize(("known", "suffices"), [(5.0, False), (HOLD_BACK, True)])
async def test_short_segments_do_not_suffice_for_a_start(known: float, suffices: bool) -> None:
    found = [Segment(number, None, Cut(number + 1.0, number), 1.0, 0, 1) for number in range(int(known))]
    film = growing(SimpleNamespace(is_complete=False, segments=found))  # type: ignore[arg-type]  # all that is read

    reaching = asyncio.create_task(film.reach(0))
    await asyncio.sleep(0)

    assert reaching.done() is suffices
    reaching.cancel()


@pytest.fixture
def device() -> Mock:
    """Return a device that does what it is told."""
    return Mock(load=AsyncMock())


@pytest.fixture
async def followed(device: Mock) -> AsyncIterator[Following]:
    """Return who follows it while it plays a film of which `GROWN` s are known, at second 10."""
    film = Mock(holds=lambda seconds: seconds <= GROWN, is_ahead_of_device=lambda seconds: seconds > TOLD)
    session = Mock(growing=film)
    followed = Following(session, device, Playhead(Mock(position=0), growth(1 << 40).probe, 10.0))
    followed.on_status(State.PLAYING, 10.0)
    yield followed
    followed.close()


async def loaded(followed: Following, device: Mock) -> list[float]:
    """Return where the device was told to load the film by now, s."""
    if followed._reloading is not None:
        await followed._reloading
    return [call.args[0] for call in device.load.await_args_list]


async def test_a_jump_that_ends_where_the_device_takes_the_film_to_end_is_a_load_at_its_target(
    followed: Following, device: Mock
) -> None:
    followed.on_seek(250.0)
    followed.on_status(State.PLAYING, 10.5)  # was on its way
    followed.on_status(None, 250.0)  # where it was sent
    assert await loaded(followed, device) == []
    followed.on_status(None, 75.0)
    assert await loaded(followed, device) == [250.0]
    followed.on_status(State.PLAYING, 250.3)
    followed.on_status(State.PLAYING, 40.0)  # the viewer went back by the remote control
    assert await loaded(followed, device) == [250.0]


async def test_a_jump_to_what_the_device_was_not_told_of_is_a_load_at_once(followed: Following, device: Mock) -> None:
    followed.on_seek(290.0)
    followed.on_status(None, 290.0)
    assert await loaded(followed, device) == [290.0]


async def test_what_a_device_says_before_it_has_loaded_is_no_jump(followed: Following, device: Mock) -> None:
    has_loaded = asyncio.Event()

    async def load(_: float) -> None:
        await has_loaded.wait()

    device.load.side_effect = load
    followed.on_seek(290.0)
    followed.on_status(None, 290.0)
    await asyncio.sleep(0)
    before = followed.playhead.seconds
    followed.on_status(None, 0.0)
    assert followed.playhead.seconds == before
    followed.on_status(State.PLAYING, 291.0)
    assert followed.playhead.seconds == pytest.approx(291, abs=0.5)
    has_loaded.set()
    assert await loaded(followed, device) == [290.0]


async def test_a_device_that_does_not_move_at_all_is_at_its_end(
    followed: Following, device: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "CONFIRM_SECONDS", 0.0)
    followed.on_seek(250.0)
    followed.on_status(State.PLAYING, 10.5)
    assert await loaded(followed, device) == [250.0]


@pytest.mark.parametrize(("target", "landed"), [(250.0, 251.0), (GROWN + 1, 75.0)], ids=["there", "not known yet"])
async def test_other_jumps_are_left_to_the_device(
    followed: Following, device: Mock, target: float, landed: float
) -> None:
    followed.on_seek(target)
    followed.on_status(State.PLAYING, landed)
    assert await loaded(followed, device) == []
