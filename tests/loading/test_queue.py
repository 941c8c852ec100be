"""One film after another by the device's own queue."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from pychromecast.const import CAST_TYPE_AUDIO

from custom_components.torrent_cast.playback import (
    Enqueue,
    Playback,
    Queued,
    Session,
    State,
    following,
)
from custom_components.torrent_cast.playing import stop_on
from tests.conftest import FILM_SECONDS, PATIENCE, Television, soon, until
from tests.loading.conftest import HERE, TAKEN, Answer, FakeChromecast


@pytest.fixture
async def followed(
    hass: HomeAssistant, playback: Playback, play: Callable[..., Any], tv: Television
) -> tuple[FakeChromecast, Session, Session]:
    """Return a device, the film that plays on it, and the one that it has in its queue."""
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    await enqueue(hass, playback, tv, device, session)
    await until(lambda: device.sent)
    queued = playback.queue(tv.entity_id).ready
    assert queued is not None
    return device, session, queued


async def enqueue(
    hass: HomeAssistant, playback: Playback, tv: Television, device: FakeChromecast, session: Session
) -> None:
    """Queue the film once more, and have it made ready."""
    playback.queue(tv.entity_id).put([Queued(session.source)], Enqueue.ADD)
    device.tells("PLAYING")
    await hass.async_block_till_done()
    assert session.state is State.PLAYING


async def test_a_device_has_the_next_film_in_its_own_queue(followed: tuple[FakeChromecast, Session, Session]) -> None:
    device, _, queued = followed
    (message,) = device.sent
    (item,) = message["items"]
    assert (message["type"], item["media"]["contentId"]) == ("QUEUE_INSERT", queued.content_id)
    assert item["media"]["contentUrl"].startswith(f"{HERE}/api/torrent_cast/{queued.token}/")
    assert item["media"]["metadata"]["title"]
    assert (item["startTime"], item["preloadTime"], item["activeTrackIds"]) == (0.0, 10.0, [])


async def test_a_speaker_does_not_get_a_film_into_its_queue(
    hass: HomeAssistant, playback: Playback, play: Callable[..., Any], tv: Television
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    device.cast_type = CAST_TYPE_AUDIO
    await enqueue(hass, playback, tv, device, session)
    queue = playback.queue(tv.entity_id)
    await until(lambda: queue.ready is not None and queue.ready.playhead is not None)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert device.sent == []


@pytest.mark.parametrize("says_so", [True, False])
async def test_a_device_goes_on_by_itself(
    hass: HomeAssistant,
    playback: Playback,
    tv: Television,
    followed: tuple[FakeChromecast, Session, Session],
    *,
    says_so: bool,
) -> None:
    device, session, queued = followed
    device.tells("PLAYING", at=11.9)
    if says_so:
        device.tells("IDLE", idle="FINISHED")
    device.tells("IDLE", content_id=queued.content_id)
    device.tells("PLAYING", content_id=queued.content_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (session.state, queued.state) == (State.FINISHED, State.PLAYING)
    assert (queued.target, len(device.loads), tv.played) == (tv.entity_id, 1, [])
    assert playback.queue(tv.entity_id).items == ()
    queued.end(State.FINISHED)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(device.sent) == 1, "nothing is left in its queue to be taken out"


async def test_who_skips_to_the_next_film_has_stopped_this_one(
    hass: HomeAssistant, followed: tuple[FakeChromecast, Session, Session]
) -> None:
    device, session, queued = followed
    device.tells("PLAYING", content_id=queued.content_id, at=0.0)
    await hass.async_block_till_done()
    assert (session.state, queued.state) == (State.STOPPED, State.PLAYING)


async def test_what_is_no_longer_next_is_taken_out_of_its_queue(
    hass: HomeAssistant, playback: Playback, tv: Television, followed: tuple[FakeChromecast, Session, Session]
) -> None:
    device, session, queued = followed
    playback.queue(tv.entity_id).clear()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert queued.is_over
    assert device.sent[-1] == {"type": "QUEUE_REMOVE", "itemIds": [7], "mediaSessionId": 1}
    assert not session.is_over


async def test_a_device_is_stopped_when_nothing_else_is_on_its_way(
    hass: HomeAssistant, playback: Playback, tv: Television, followed: tuple[FakeChromecast, Session, Session]
) -> None:
    device, session, _ = followed
    sends, writes = device.media_controller.send_message, threading.Event()

    def write(message: dict[str, Any], **how: Any) -> None:  # noqa: ANN401  # pychromecast's
        assert writes.wait(PATIENCE)
        sends(message, **how)

    device.media_controller.send_message = write
    playback.queue(tv.entity_id).give_up()  # takes the next film out
    stop = asyncio.create_task(stop_on(hass, None, tv.entity_id, [session]))
    for _ in range(100):  # turns of the loop: many more than a stop takes that does not wait
        await asyncio.sleep(0)
    assert (session.is_over, tv.stopped) == (True, 0)
    writes.set()
    assert await soon(stop)
    assert (tv.stopped, device.sent[-1]["type"]) == (1, "QUEUE_REMOVE")


async def test_nothing_is_taken_out_of_the_queue_of_another_sender(
    hass: HomeAssistant, playback: Playback, play: Callable[..., Any], tv: Television
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    device.media_controller.status.media_session_id = 1
    await enqueue(hass, playback, tv, device, session)
    await until(lambda: device.sent)
    device.media_controller.status.media_session_id = 2
    device.tells("PLAYING", content_id="http://other.example/film.mp4")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert [(one["type"], one["mediaSessionId"]) for one in device.sent] == [("QUEUE_INSERT", 1), ("QUEUE_REMOVE", 1)]


async def test_what_gives_way_before_the_device_has_it_is_taken_out_all_the_same(
    hass: HomeAssistant, playback: Playback, play: Callable[..., Any], tv: Television
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    device.is_slow = True
    session = await play(device)
    await enqueue(hass, playback, tv, device, session)
    await until(lambda: device.sent)
    queued = playback.queue(tv.entity_id).ready
    assert queued is not None
    playback.queue(tv.entity_id).clear()
    assert queued.is_over
    device.is_slow = False
    device.answers_at_last()
    await until(lambda: len(device.sent) > 1)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (device.sent[-1]["type"], device.sent[-1]["itemIds"]) == ("QUEUE_REMOVE", [7])


async def test_what_a_device_begins_with_although_it_was_taken_out_is_not_followed(
    hass: HomeAssistant, playback: Playback, tv: Television, followed: tuple[FakeChromecast, Session, Session]
) -> None:
    device, session, queued = followed
    playback.queue(tv.entity_id).clear()
    device.tells("PLAYING", content_id=queued.content_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (session.state, queued.state) == (State.STOPPED, State.STOPPED)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "torrent_cast look"]


async def test_what_ends_while_the_next_film_is_described_leaves_the_queue_alone(
    hass: HomeAssistant,
    playback: Playback,
    play: Callable[..., Any],
    tv: Television,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    assert session.following is not None
    ended = asyncio.Event()

    async def describe(*_: object) -> dict[str, Any]:
        device.tells("PLAYING", content_id="http://other.example/film.mp4")
        await until(lambda: session.is_over)
        ended.set()
        return {}

    monkeypatch.setattr(session.following._device, "_describe", describe)
    await enqueue(hass, playback, tv, device, session)
    await ended.wait()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert device.sent == []


@pytest.mark.parametrize("has_queue", [True, False])
async def test_a_device_that_does_not_go_on_is_given_the_next_film(
    hass: HomeAssistant,
    playback: Playback,
    play: Callable[..., Any],
    tv: Television,
    monkeypatch: pytest.MonkeyPatch,
    *,
    has_queue: bool,
) -> None:
    monkeypatch.setattr(following, "GAP", 0.05)
    device = FakeChromecast(hass, Answer(TAKEN))
    device.has_queue = has_queue
    session = await play(device)
    await enqueue(hass, playback, tv, device, session)
    await until(lambda: device.sent)
    device.tells("IDLE", idle="FINISHED")
    await until(lambda: tv.played)
    assert len(tv.played) == 1


async def test_who_goes_back_has_the_film_before_it_played_again(
    hass: HomeAssistant, playback: Playback, tv: Television, followed: tuple[FakeChromecast, Session, Session]
) -> None:
    device, session, queued = followed
    device.tells("PLAYING", content_id=queued.content_id, at=0.0)
    await hass.async_block_till_done()
    device.tells("IDLE", content_id=session.content_id)
    await until(lambda: tv.played)
    assert queued.state is State.STOPPED
    (again,) = (one for one in playback.sessions if one.target == tv.entity_id)
    assert again.content_id == tv.played[0]
    assert session.file is not None
    assert (again.source.key, again.wanted) == (session.source.key, session.file.index)


async def test_what_another_sender_puts_on_near_the_end_is_left_alone(
    hass: HomeAssistant, playback: Playback, tv: Television, followed: tuple[FakeChromecast, Session, Session]
) -> None:
    device, session, _ = followed
    device.tells("PLAYING", at=FILM_SECONDS - 0.1)
    device.tells("PLAYING", content_id="http://other.example/film.mp4")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (session.state, playback.queue(tv.entity_id).items, tv.played) == (State.STOPPED, (), [])


async def test_what_comes_next_is_queued_again_where_the_film_was_loaded_anew(
    hass: HomeAssistant,
    playback: Playback,
    tv: Television,
    play: Callable[..., Any],
    followed: tuple[FakeChromecast, Session, Session],
) -> None:
    device, session, queued = followed
    device._answers.append(Answer(TAKEN))
    again = await play(device, target=tv.entity_id)
    device.tells("PLAYING")
    await until(lambda: len(device.sent) > 1)
    assert (session.state, again.state) == (State.STOPPED, State.PLAYING)
    assert device.sent[-1]["items"][0]["media"]["contentId"] == queued.content_id
    assert playback.queue(tv.entity_id).has_ready(queued)
