"""What a device says after it has loaded a film, and what becomes of its session."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest.mock import Mock

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from pychromecast.error import PyChromecastError

from custom_components.torrent_cast.playback import Playback, Session, State, TargetUnavailable, Track
from custom_components.torrent_cast.playback.sessions import LOST_RECEIVER
from custom_components.torrent_cast.playing import stop_on
from tests.conftest import FILM_SECONDS, Television, settled, soon, until
from tests.loading.conftest import TAKEN, Answer, FakeChromecast, Playing, SlowLine


async def test_a_session_follows_its_device(hass: HomeAssistant, play: Callable[..., Any]) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    for said, state in (
        ("PLAYING", State.PLAYING),
        ("PAUSED", State.PAUSED),
        ("PLAYING", State.PLAYING),
        ("BUFFERING", State.STALLED),
        ("IDLE", State.STALLED),  # without a reason it is between two things
    ):
        device.tells(said)
        await hass.async_block_till_done()
        assert session.state is state
    device.watcher.load_media_failed(1, 104)  # the reply to LOAD tells it
    device.watcher.new_cast_status(Mock(app_id="CC1AD845"))
    await hass.async_block_till_done()
    assert not session.is_over


@pytest.mark.parametrize(("reason", "state"), [("FINISHED", State.FINISHED), ("CANCELLED", State.STOPPED)])
async def test_a_session_ends_with_the_film(
    hass: HomeAssistant, play: Callable[..., Any], reason: str, state: State
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    device.tells("PLAYING")
    device.tells("IDLE", idle=reason)
    await hass.async_block_till_done()
    assert session.state is state


async def test_another_film_and_another_app_end_a_session(hass: HomeAssistant, play: Callable[..., Any]) -> None:
    device = FakeChromecast(hass, Answer(TAKEN), Answer(TAKEN))
    first = await play(device)
    device.tells("PLAYING", content_id="http://other.example/film.mp4")
    await hass.async_block_till_done()
    assert first.state is State.STOPPED
    second = await play(device)
    device.watcher.new_cast_status(Mock(app_id="E8C28D3C"))
    await hass.async_block_till_done()
    assert second.state is State.STOPPED


def _has_loaded(device: FakeChromecast, session: Session, loads: int) -> bool:
    return len(device.loads) == loads and session.was_loaded


async def test_a_stream_that_breaks_off_is_loaded_again_three_times(
    hass: HomeAssistant, play: Callable[..., Any]
) -> None:
    device = FakeChromecast(hass, *[Answer(TAKEN)] * 4)
    session = await play(device)
    for loads in (2, 3, 4):
        device.tells("PLAYING", at=3.0)
        device.tells("IDLE", idle="ERROR")
        await until(partial(_has_loaded, device, session, loads))
    device.tells("PLAYING", at=3.0)
    device.tells("IDLE", idle="ERROR")
    await until(lambda: session.is_over)
    assert session.state is State.FAILED


async def test_a_device_that_is_out_of_reach_is_waited_for(hass: HomeAssistant, play: Callable[..., Any]) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    device.watcher.new_connection_status(Mock(status="LOST"))
    await until(lambda: session.disconnected_since is not None)
    device.watcher.new_connection_status(Mock(status="CONNECTED"))
    await until(lambda: session.disconnected_since is None)


async def out_of_reach(play: Callable[..., Any], device: FakeChromecast) -> Session:
    """Return what plays on a device whose connection is lost."""
    session: Session = await play(device)
    device.tells("PLAYING")
    device.watcher.new_connection_status(Mock(status="LOST"))
    await until(lambda: session.disconnected_since is not None)
    return session


@pytest.mark.parametrize("is_told_by_entity", [False, True])
async def test_a_film_whose_device_has_lost_its_power_was_left_there(
    hass: HomeAssistant, play: Callable[..., Any], playback: Playback, tv: Television, *, is_told_by_entity: bool
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    now = session.playhead._clock()
    session.playhead._clock = lambda: now
    device.tells("PLAYING", at=4.0)
    await until(lambda: session.playhead.seconds == 4)
    device.watcher.new_connection_status(Mock(status="LOST"))
    await until(lambda: session.disconnected_since)
    if is_told_by_entity:  # it has a new connection
        attributes = {"media_content_id": session.content_id, "media_position": 4.0}
        hass.states.async_set(tv.entity_id, "playing", attributes)
        hass.states.async_set(tv.entity_id, "unavailable")
        await hass.async_block_till_done()
    now += 300
    session.disconnected_since -= 2 * LOST_RECEIVER
    await playback.tidy()
    await settled(playback)
    (seen,) = playback.library.seen(session.source.key)
    assert (session.state, seen.position, seen.is_watched) == (State.STOPPED, 4.0, False)


async def test_where_the_device_has_a_new_connection_its_entity_tells(
    hass: HomeAssistant, play: Callable[..., Any], tv: Television
) -> None:
    session = await out_of_reach(play, FakeChromecast(hass, Answer(TAKEN)))
    hass.states.async_set(tv.entity_id, "unavailable")
    await hass.async_block_till_done()
    assert session.disconnected_since is not None
    hass.states.async_set(tv.entity_id, "idle")
    await hass.async_block_till_done()
    assert not session.is_over, "nothing is known of it yet"
    hass.states.async_set(tv.entity_id, "paused", {"media_content_id": session.content_id, "media_position": 4})
    await until(lambda: session.disconnected_since is None)
    assert session.state is State.PAUSED
    hass.states.async_set(tv.entity_id, "off")
    await until(lambda: session.is_over)


@pytest.mark.parametrize(("position", "state"), [(FILM_SECONDS - 1, State.FINISHED), (4, State.STOPPED)])
async def test_a_film_that_ends_on_a_new_connection_was_watched_to_its_end(
    hass: HomeAssistant, play: Callable[..., Any], tv: Television, position: float, state: State
) -> None:
    session = await out_of_reach(play, FakeChromecast(hass, Answer(TAKEN)))
    attributes: dict[str, Any] = {"media_content_id": session.content_id, "media_position": position}
    hass.states.async_set(tv.entity_id, "playing", attributes)
    await until(lambda: session.disconnected_since is None)
    hass.states.async_set(tv.entity_id, "idle", attributes)
    await until(lambda: session.is_over)
    assert session.state is state


async def test_what_is_wanted_of_a_device_reaches_it(hass: HomeAssistant, play: Callable[..., Any]) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    at_work = session.following._device
    await at_work.pause()
    await at_work.play()
    await session.following.show_subtitles(Track(3, "German", "de"))
    await session.following.show_subtitles(None)
    assert device.sent == [
        {"type": "PAUSE", "mediaSessionId": 1},
        {"type": "PLAY", "mediaSessionId": 1},
        {"type": "EDIT_TRACKS_INFO", "activeTrackIds": [3], "mediaSessionId": 1},
        {"type": "EDIT_TRACKS_INFO", "activeTrackIds": [], "mediaSessionId": 1},
    ]
    device.media_controller.send_message_nocheck = Mock(side_effect=PyChromecastError("gone"))
    with pytest.raises(TargetUnavailable, match="device_unavailable"):
        await at_work.pause()


async def test_a_device_that_shows_nothing_is_asked_for_nothing(hass: HomeAssistant, play: Callable[..., Any]) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    device.media_controller.status.media_session_id = None
    with pytest.raises(TargetUnavailable, match="device_unavailable"):
        await session.following._device.pause()
    assert device.sent == []


async def test_a_device_that_owes_an_answer_is_stopped_at_once(
    hass: HomeAssistant, play: Callable[..., Any], tv: Television
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    device.is_slow = True
    session = await play(device)
    switching = asyncio.create_task(session.following.show_subtitles(None))
    await until(lambda: device.sent)
    assert await soon(stop_on(hass, None, tv.entity_id, [session]))
    assert (tv.stopped, switching.done()) == (1, False)
    device.answers_at_last()
    await soon(switching)


async def test_a_device_is_not_stopped_while_what_was_given_up_is_written(
    hass: HomeAssistant, playing: Playing, tv: Television, slow_line: Callable[[FakeChromecast], SlowLine]
) -> None:
    device, session = playing
    line = slow_line(device)
    assert session.following is not None
    pausing = asyncio.create_task(session.following._device.pause())
    await soon(line.begun.wait())
    pausing.cancel()
    stop = asyncio.create_task(stop_on(hass, None, tv.entity_id, [session]))
    await until(lambda: pausing.cancelled() and session.is_over)
    line.goes.set()
    assert await soon(stop)
    assert line.told == ["PAUSE", "STOP"]


async def test_who_goes_away_while_a_device_loads_ends_it(hass: HomeAssistant, play: Callable[..., Any]) -> None:
    device = FakeChromecast(hass, Answer(TAKEN, asks=False))
    work = asyncio.create_task(play(device))
    await until(lambda: device.loads)
    assert device.session is not None
    device.session.end()
    with pytest.raises(HomeAssistantError):
        await soon(work)
