"""One film after another by the device's own queue."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import asyncio
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from homeassistant.core import HomeAssistant
from pychromecast.const import CAST_TYPE_AUDIO
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast import cast, loading, watcher
from custom_components.torrent_cast.playback import (
    Enqueue,
    LoadRefused,
    Playback,
    Queue,
    Queued,
    State,
    following,
)
from custom_components.torrent_cast.playing import stop_on
from custom_components.torrent_cast.views import stream_path
from tests.conftest import FILM_SECONDS, Television, soon, until
from tests.loading.conftest import HERE, TAKEN, Answer, FakeChromecast, Handed, Playing, SlowLine, ready_in

OTHER = "http://other.example/film.mp4"
OUT_OF_DATE = "torrent-cast:0123456789abcdef"
FOR_EVER = 3600.0  # s


@pytest.fixture
async def handed(hass: HomeAssistant, playback: Playback, queue: Queue, playing: Playing) -> Handed:
    """Return a device that has the film, which plays on it, in its queue once more."""
    device, session = playing
    queue.put([Queued(session.source)], Enqueue.ADD)
    await looked(hass, playback)
    return device, session, ready_in(queue)


async def looked(hass: HomeAssistant, playback: Playback) -> None:
    """Have it looked at what is to be made ready, and wait until that is."""
    playback.changes.tell()
    await hass.async_block_till_done(wait_background_tasks=True)


def looks() -> int:
    """Return how many look after a device that plays."""
    return sum(task.get_name() == "torrent_cast look" and not task.cancelling() for task in asyncio.all_tasks())


async def test_a_device_has_the_next_film_in_its_own_queue(handed: Handed) -> None:
    device, _, queued = handed
    (message,) = device.sent
    (item,) = message["items"]
    assert (message["type"], item["media"]["contentId"]) == ("QUEUE_INSERT", queued.content_id)
    assert item["media"]["contentUrl"].startswith(f"{HERE}/api/torrent_cast/{queued.token}/")
    assert item["media"]["metadata"]["title"]
    assert (item["startTime"], item["preloadTime"], item["activeTrackIds"]) == (0.0, 10.0, [])


async def test_a_speaker_does_not_get_a_film_into_its_queue(
    hass: HomeAssistant, playback: Playback, queue: Queue, playing: Playing
) -> None:
    device, session = playing
    device.cast_type = CAST_TYPE_AUDIO
    queue.put([Queued(session.source)], Enqueue.ADD)
    await looked(hass, playback)
    assert (ready_in(queue).playhead is not None, device.sent) == (True, [])


# --- going on --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("says_so", [True, False])
async def test_a_device_goes_on_by_itself(
    hass: HomeAssistant, tv: Television, queue: Queue, handed: Handed, *, says_so: bool
) -> None:
    device, session, queued = handed
    device.tells("PLAYING", at=11.9)
    if says_so:
        device.tells("IDLE", idle="FINISHED")
    device.tells("IDLE", content_id=queued.content_id)
    device.tells("PLAYING", content_id=queued.content_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (session.state, queued.state) == (State.FINISHED, State.PLAYING)
    assert (queued.target, len(device.loads), tv.played, queue.items) == (tv.entity_id, 1, [], ())
    queued.end(State.FINISHED)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(device.sent) == 1, "nothing is left in its queue to be taken out"


@pytest.mark.parametrize("says_so", [True, False])
async def test_who_skips_to_the_next_film_has_stopped_this_one(
    hass: HomeAssistant, handed: Handed, *, says_so: bool
) -> None:
    device, session, queued = handed
    if says_so:
        device.tells("IDLE", idle="INTERRUPTED")
        await hass.async_block_till_done()
    device.tells("PLAYING", content_id=queued.content_id, at=0.0)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (session.state, queued.state, device.told) == (State.STOPPED, State.PLAYING, ["QUEUE_INSERT"])


async def test_a_film_that_is_interrupted_and_not_followed_has_been_stopped(
    handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "GAP", 0.05)
    device, session, queued = handed
    device.tells("IDLE", idle="INTERRUPTED")
    await until(lambda: queued.is_over)
    assert session.state is State.STOPPED


async def test_a_film_that_is_interrupted_and_plays_after_all_goes_on(
    hass: HomeAssistant, handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "GAP", 0.05)
    device, session, _ = handed
    device.tells("IDLE", idle="INTERRUPTED")
    device.tells("PLAYING")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert session.state is State.PLAYING


@pytest.mark.parametrize("has_queue", [True, False])
async def test_a_device_that_does_not_go_on_is_given_the_next_film(
    playback: Playback,
    tv: Television,
    queue: Queue,
    playing: Playing,
    monkeypatch: pytest.MonkeyPatch,
    *,
    has_queue: bool,
) -> None:
    monkeypatch.setattr(following, "GAP", 0.05)
    device, session = playing
    device.has_queue = has_queue
    queue.put([Queued(session.source)], Enqueue.ADD)
    playback.changes.tell()
    await until(lambda: device.sent)
    device.tells("IDLE", idle="FINISHED")
    await until(lambda: tv.played)
    assert len(tv.played) == 1


async def test_what_the_device_has_no_more_in_its_queue_is_not_waited_for(
    tv: Television, queue: Queue, handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "GAP", FOR_EVER)
    device, _, queued = handed
    queued.end(State.FAILED, LoadRefused("load_refused"))  # its disk is full, say
    device.tells("IDLE", idle="FINISHED")
    await until(lambda: tv.played)
    assert queue.items == ()


async def test_a_stop_between_two_films_holds(
    hass: HomeAssistant, tv: Television, queue: Queue, handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "GAP", FOR_EVER)
    device, session, queued = handed
    device.tells("IDLE", idle="FINISHED")
    await until(lambda: session.is_over)
    queue.give_up()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (queued.state, tv.played, device.told) == (State.STOPPED, [], ["QUEUE_INSERT", "QUEUE_REMOVE"])


async def test_what_a_device_has_begun_with_and_cannot_play_does_not_keep_the_others_from_their_turn(
    playback: Playback, tv: Television, queue: Queue, handed: Handed
) -> None:
    device, session, queued = handed
    queue.put([Queued(session.source, title="Behind it")], Enqueue.ADD)
    device.tells("IDLE", content_id=queued.content_id)
    await until(lambda: queued.target)
    queued.end(State.FAILED, LoadRefused("load_refused"))
    await until(lambda: tv.played)
    assert [one.title for one in playback.for_target(tv.entity_id)] == ["Behind it"]


async def test_what_failed_after_it_has_played_ends_the_queue(
    hass: HomeAssistant, tv: Television, queue: Queue, handed: Handed
) -> None:
    device, session, queued = handed
    queue.put([Queued(session.source)], Enqueue.ADD)
    device.tells("PLAYING", content_id=queued.content_id)
    await until(lambda: queued.state is State.PLAYING)
    queued.end(State.FAILED, LoadRefused("load_refused"))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (queue.items, tv.played) == ((), [])


async def test_what_was_paused_meanwhile_comes_in_again_when_a_device_begins_with_it(
    hass: HomeAssistant, playback: Playback, handed: Handed
) -> None:
    device, _, queued = handed
    playback.halt(halts=True)
    device.tells("PLAYING", content_id=queued.content_id)
    await hass.async_block_till_done()
    assert queued.torrent is not None
    assert not queued.torrent.is_halted


async def test_what_a_device_begins_with_that_has_not_said_that_it_has_it_is_followed(
    hass: HomeAssistant, playback: Playback, queue: Queue, playing: Playing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "REQUEST_TIMEOUT", 0.05)
    device, session = playing
    device.is_slow = True
    queue.put([Queued(session.source)], Enqueue.ADD)
    await looked(hass, playback)
    queued = ready_in(queue)
    device.tells("PLAYING", content_id=queued.content_id, at=0.0)
    await hass.async_block_till_done()
    assert (session.state, queued.state, queue.items) == (State.STOPPED, State.PLAYING, ())


async def test_what_another_sender_puts_on_near_the_end_is_left_alone(
    hass: HomeAssistant, tv: Television, queue: Queue, handed: Handed
) -> None:
    device, session, _ = handed
    device.tells("PLAYING", at=FILM_SECONDS - 0.1)
    device.tells("PLAYING", content_id=OTHER)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (session.state, queue.items, tv.played) == (State.STOPPED, (), [])


async def test_what_comes_next_is_queued_again_where_the_film_was_loaded_anew(
    hass: HomeAssistant, playback: Playback, tv: Television, play: Callable[..., Any], queue: Queue, handed: Handed
) -> None:
    device, session, _ = handed
    device._answers.append(Answer(TAKEN))
    again = await play(device, target=tv.entity_id)
    device.tells("PLAYING")
    await until(lambda: session.is_over)
    await looked(hass, playback)
    assert (session.state, again.state) == (State.STOPPED, State.PLAYING)
    assert device.items[-1]["media"]["contentId"] == ready_in(queue).content_id


async def test_what_is_played_once_more_is_looked_after_once(
    hass: HomeAssistant, tv: Television, playing: Playing
) -> None:
    device, session = playing
    device._answers.append(Answer(TAKEN))
    assert await soon(cast.async_play_media(hass, tv.entity_id, device, "video", session.content_id))  # type: ignore[arg-type]  # what is used of it
    assert looks() == 1


# --- something else --------------------------------------------------------------------------------------------------


async def test_what_is_to_be_played_at_once_comes_before_what_the_device_has_in_its_queue(
    hass: HomeAssistant, playback: Playback, tv: Television, queue: Queue, handed: Handed
) -> None:
    device, session, queued = handed
    other = playback.start_session(session.source, target=tv.entity_id)
    await looked(hass, playback)
    assert (queued.is_over, device.told, len(queue.items)) == (True, ["QUEUE_INSERT", "QUEUE_REMOVE"], 1)
    other.end(State.FAILED, LoadRefused("load_refused"))
    await looked(hass, playback)
    assert device.told[2:] == ["QUEUE_INSERT"], "it comes next all the same"


async def test_what_is_on_its_way_gets_there_although_the_device_goes_on_by_itself(
    hass: HomeAssistant, playback: Playback, tv: Television, handed: Handed
) -> None:
    device, session, queued = handed
    other = playback.start_session(session.source, target=tv.entity_id)
    device.tells("PLAYING", content_id=queued.content_id)
    await until(lambda: queued.state is State.PLAYING)
    assert not other.is_over


async def test_what_is_no_longer_next_is_taken_out_of_its_queue(
    hass: HomeAssistant, queue: Queue, handed: Handed
) -> None:
    device, session, queued = handed
    queue.clear()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert queued.is_over
    assert device.sent[-1] == {"type": "QUEUE_REMOVE", "itemIds": [7], "mediaSessionId": 1}
    assert not session.is_over


async def test_nothing_is_left_in_its_queue_when_the_entry_is_unloaded(
    hass: HomeAssistant, entry: MockConfigEntry, handed: Handed
) -> None:
    device, session, queued = handed
    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (session.is_over, queued.is_over, device.told[-1]) == (True, True, "QUEUE_REMOVE")


async def test_what_did_not_reach_the_device_is_taken_out_of_its_queue_after_a_reconnect(
    queue: Queue, handed: Handed
) -> None:
    device, _, _ = handed
    device.loses = 1
    queue.clear()

    def is_taken_out() -> bool:
        device.tells("PLAYING")  # as it does now and then
        return len(device.told) > 1

    await until(is_taken_out)
    assert device.told == ["QUEUE_INSERT", "QUEUE_REMOVE"]


async def test_what_did_not_reach_the_device_is_put_into_its_queue_after_a_reconnect(
    hass: HomeAssistant, playback: Playback, queue: Queue, playing: Playing
) -> None:
    device, session = playing
    device.loses = 1
    queue.put([Queued(session.source)], Enqueue.ADD)
    await looked(hass, playback)
    assert (device.loses, device.told) == (0, [])
    for status in ("DISCONNECTED", "CONNECTED"):
        device.watcher.new_connection_status(Mock(status=status))
        if status == "CONNECTED":
            device.tells_of_itself()
        await hass.async_block_till_done()
        await looked(hass, playback)
    assert device.inserted == [ready_in(queue).content_id]


async def test_what_is_out_of_date_is_taken_out_of_its_queue_with_the_next_film(
    hass: HomeAssistant, playback: Playback, queue: Queue, playing: Playing
) -> None:
    device, session = playing
    kept = [device.item(OUT_OF_DATE), *device.items, device.item(OTHER)]  # gone by, or another sender's
    gone = [device.item(OUT_OF_DATE), device.item(f"{HERE}/api/torrent_cast/another-token/stream.mp4")]
    device.items = [*kept, *gone]
    queue.put([Queued(session.source)], Enqueue.ADD)
    await looked(hass, playback)
    assert device.items[:-1] == kept
    assert device.items[-1]["media"]["contentId"] == ready_in(queue).content_id


async def test_a_film_at_whose_end_the_device_goes_on_with_what_is_out_of_date_is_followed_by_the_next(
    tv: Television, handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "GAP", 0.05)
    device, session, _ = handed
    device.tells("PLAYING", at=FILM_SECONDS - 0.1)
    device.tells("IDLE", content_id=OUT_OF_DATE)
    await until(lambda: tv.played)
    assert session.state is State.FINISHED


async def test_nobody_loads_again_what_has_ended(hass: HomeAssistant, queue: Queue, handed: Handed) -> None:
    device, session, queued = handed
    queue.clear()
    device.tells("BUFFERING", content_id=queued.content_id)  # it could not be taken out in time
    device.tells("IDLE", content_id=queued.content_id, idle="ERROR")
    device.tells("IDLE", content_id=session.content_id, idle="ERROR")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (session.is_over, len(device.loads)) == (True, 1)


@pytest.mark.parametrize("is_media", [True, False])
async def test_another_app_is_told_nothing_of_what_was_queued(
    hass: HomeAssistant, handed: Handed, monkeypatch: pytest.MonkeyPatch, *, is_media: bool
) -> None:
    monkeypatch.setattr(loading, "RECONNECT_TIMEOUT", 0.05)
    device, session, queued = handed
    if is_media:
        device.socket_client.session_id = "YouTube's"
    else:
        device.media_controller.is_active = False
    device.watcher.new_cast_status(Mock(app_id="E8C28D3C"))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (session.is_over, queued.is_over, device.told) == (True, True, ["QUEUE_INSERT"])


async def test_nothing_is_taken_out_of_the_queue_of_another_sender(hass: HomeAssistant, handed: Handed) -> None:
    device, _, _ = handed
    device.media_controller.status.media_session_id = 2
    device.tells("PLAYING", content_id=OTHER)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert [(one["type"], one["mediaSessionId"]) for one in device.sent] == [("QUEUE_INSERT", 1), ("QUEUE_REMOVE", 1)]


async def test_what_gives_way_before_the_device_has_it_is_taken_out_all_the_same(
    hass: HomeAssistant, playback: Playback, queue: Queue, playing: Playing
) -> None:
    device, session = playing
    device.is_slow = True
    queue.put([Queued(session.source)], Enqueue.ADD)
    playback.changes.tell()
    await until(lambda: device.sent)
    queued = ready_in(queue)
    queue.clear()
    assert queued.is_over
    device.is_slow = False
    device.answers_at_last()
    await until(lambda: len(device.sent) > 1)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (device.sent[-1]["type"], device.sent[-1]["itemIds"]) == ("QUEUE_REMOVE", [7])


async def test_what_a_device_begins_with_although_it_was_taken_out_is_not_followed(
    hass: HomeAssistant, queue: Queue, handed: Handed
) -> None:
    device, session, queued = handed
    queue.clear()
    device.tells("PLAYING", content_id=queued.content_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (session.state, queued.state, looks()) == (State.STOPPED, State.STOPPED, 0)


async def test_what_ends_while_the_next_film_is_described_leaves_the_queue_alone(
    hass: HomeAssistant, playback: Playback, queue: Queue, playing: Playing, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, session = playing
    assert session.following is not None
    ended = asyncio.Event()

    async def describe(*_: object) -> dict[str, Any]:
        device.tells("PLAYING", content_id=OTHER)
        await until(lambda: session.is_over)
        ended.set()
        return {}

    monkeypatch.setattr(session.following._device, "_describe", describe)
    queue.put([Queued(session.source)], Enqueue.ADD)
    playback.changes.tell()
    await soon(ended.wait())
    await hass.async_block_till_done(wait_background_tasks=True)
    assert device.sent == []


# --- back ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plain", [False, True])
async def test_who_goes_back_has_the_film_before_it_played_again(
    hass: HomeAssistant, playback: Playback, tv: Television, queue: Queue, handed: Handed, *, plain: bool
) -> None:
    device, session, queued = handed
    (item,) = queue.items
    device.tells("PLAYING", content_id=queued.content_id, at=0.0)
    await hass.async_block_till_done()
    device.tells("IDLE", content_id=f"{HERE}{stream_path(session)}" if plain else session.content_id)
    await until(lambda: tv.played)
    assert queued.state is State.STOPPED
    (again,) = playback.for_target(tv.entity_id)
    assert again.content_id == tv.played[0]
    assert session.file is not None
    assert (again.source.key, again.wanted) == (session.source.key, session.file.index)
    assert queue.items == (item,), "what was left comes next once more"


async def test_who_goes_back_out_of_our_sight_has_the_film_before_it_played_again(
    hass: HomeAssistant, tv: Television, handed: Handed
) -> None:
    device, session, queued = handed
    device.tells("PLAYING", content_id=queued.content_id, at=0.0)
    await hass.async_block_till_done()
    device.watcher.new_connection_status(Mock(status="DISCONNECTED"))  # the Cast integration was reloaded
    await hass.async_block_till_done()
    hass.states.async_set(tv.entity_id, "playing", {"media_content_id": session.content_id})
    await until(lambda: tv.played)
    assert queued.state is State.STOPPED


# --- what is on its way to the device --------------------------------------------------------------------------------


async def test_a_device_is_stopped_when_nothing_else_is_on_its_way(
    hass: HomeAssistant, tv: Television, queue: Queue, handed: Handed, slow_line: Callable[[FakeChromecast], SlowLine]
) -> None:
    device, session, _ = handed
    line = slow_line(device)
    queue.give_up()  # takes the next film out
    await soon(line.begun.wait())
    stop = asyncio.create_task(stop_on(hass, None, tv.entity_id, [session]))
    await until(lambda: session.is_over)
    line.goes.set()
    assert await soon(stop)
    assert line.told == ["QUEUE_REMOVE", "STOP"]
