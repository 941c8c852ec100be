"""One film after another by the device's own queue."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import asyncio
import math
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from homeassistant.components.media_player import ATTR_MEDIA_CONTENT_ID
from homeassistant.core import HomeAssistant
from pychromecast.const import CAST_TYPE_AUDIO

from custom_components.torrent_cast import queueing
from custom_components.torrent_cast.engine import Source
from custom_components.torrent_cast.playback import (
    Activity,
    Enqueue,
    Following,
    LoadRefused,
    Playback,
    Queued,
    Session,
    State,
    following,
)
from custom_components.torrent_cast.playback.health import Health
from custom_components.torrent_cast.playback.sessions import UNCLAIMED_SESSION
from custom_components.torrent_cast.playing import stop_on
from tests.conftest import FILM_SECONDS, PATIENCE, Seed, Television, settled, soon, until
from tests.loading.conftest import HERE, TAKEN, Answer, FakeChromecast
from tests.media.conftest import ffmpeg


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


# --- long before the end ---------------------------------------------------------------------------------------------

ALL_THERE = Health(math.inf, 0.0, None)
SCARCE = Health(queueing.TOO_LITTLE - 1, 2.0, None)


class Supply:
    """What is in hand of the films that play, as the test says; `look` has it seen to."""

    def __init__(self, hass: HomeAssistant, playback: Playback) -> None:
        self.health: Health | None = ALL_THERE
        self._hass = hass
        self._playback = playback

    async def look(self, health: Health | None = None) -> None:
        """Have it looked at what is to be made ready, and wait until that is."""
        self.health = health or self.health
        self._playback.changes.tell()
        await self._hass.async_block_till_done(wait_background_tasks=True)


@pytest.fixture
def supply(hass: HomeAssistant, playback: Playback, monkeypatch: pytest.MonkeyPatch) -> Supply:
    """Return what is in hand of films whose end is never near."""
    supply = Supply(hass, playback)
    monkeypatch.setattr(queueing, "AHEAD", -math.inf)
    monkeypatch.setattr(Following, "health", property(lambda _: supply.health))
    return supply


@pytest.fixture
async def playing(supply: Supply, hass: HomeAssistant, play: Callable[..., Any]) -> tuple[FakeChromecast, Session]:
    """Return a device and the film that plays on it, far from its end."""
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    device.tells("PLAYING")
    await hass.async_block_till_done()
    assert session.state is State.PLAYING
    return device, session


def told(device: FakeChromecast) -> list[str]:
    """Return what a device was told about its own queue."""
    return [message["type"] for message in device.sent]


def inserted(device: FakeChromecast) -> list[str]:
    """Return what a device was given into its own queue."""
    return [item["media"]["contentId"] for message in device.sent for item in message.get("items", ())]


@pytest.mark.parametrize(
    "scarce",
    [None, Health(queueing.TO_SPARE - 1, 2.0, None), Health(600.0, 0.9, 6000.0)],
    ids=["nothing is known", "little in hand", "too little comes in"],
)
async def test_the_next_film_is_in_the_queue_once_the_one_that_plays_has_something_to_spare(
    playback: Playback, tv: Television, supply: Supply, playing: tuple[FakeChromecast, Session], scarce: Health | None
) -> None:
    device, session = playing
    supply.health = scarce
    playback.queue(tv.entity_id).put([Queued(session.source)], Enqueue.ADD)
    await supply.look()
    assert (told(device), playback.queue(tv.entity_id).ready) == ([], None)
    await supply.look(Health(queueing.TO_SPARE, 1.0, None))
    queued = playback.queue(tv.entity_id).ready
    assert queued is not None
    assert inserted(device) == [queued.content_id]
    await supply.look(ALL_THERE)
    assert len(device.sent) == 1, "once"


async def test_the_next_film_of_the_torrent_takes_nothing_until_its_turn_comes(
    hass: HomeAssistant,
    playback: Playback,
    tv: Television,
    supply: Supply,
    playing: tuple[FakeChromecast, Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device, session = playing
    torrent = session.torrent
    assert torrent is not None
    playback.queue(tv.entity_id).put([Queued(session.source)], Enqueue.ADD)
    await supply.look()
    queued = playback.queue(tv.entity_id).ready
    assert queued is not None
    assert (queued.rests, torrent._readers, torrent._selection.wanted_by) == (True, {session._ahead}, {0: 1})
    monkeypatch.setattr(queueing, "AHEAD", math.inf)
    await supply.look()
    wanted = queued.rests, torrent._readers, torrent._selection.wanted_by
    assert wanted == (False, {session._ahead, queued._ahead}, {0: 2}), "the end is near"
    device.tells("PLAYING", content_id=queued.content_id, at=0.0)
    await hass.async_block_till_done(wait_background_tasks=True)
    await settled(playback)
    assert (session.state, queued.state, queued.target) == (State.STOPPED, State.PLAYING, tv.entity_id)
    assert torrent._selection.wanted_by == {0: 1}


async def test_who_skips_to_a_film_that_rests_wakes_it(
    hass: HomeAssistant, playback: Playback, tv: Television, supply: Supply, playing: tuple[FakeChromecast, Session]
) -> None:
    device, session = playing
    playback.queue(tv.entity_id).put([Queued(session.source)], Enqueue.ADD)
    await supply.look()
    queued = playback.queue(tv.entity_id).ready
    assert queued is not None
    device.tells("PLAYING", content_id=queued.content_id, at=0.0)
    await hass.async_block_till_done(wait_background_tasks=True)
    await settled(playback)
    assert (queued.rests, queued.waits, queued.state) == (False, False, State.PLAYING)
    assert queued.torrent is not None
    assert (queued.torrent._readers, queued.torrent._selection.wanted_by) == ({queued._ahead}, {0: 1})


async def test_a_film_that_rests_lets_go_of_nothing_twice(
    playback: Playback, tv: Television, supply: Supply, playing: tuple[FakeChromecast, Session]
) -> None:
    device, session = playing
    playback.queue(tv.entity_id).put([Queued(session.source)], Enqueue.ADD)
    await supply.look()
    playback.queue(tv.entity_id).clear()
    await supply.look()
    await settled(playback)
    assert told(device) == ["QUEUE_INSERT", "QUEUE_REMOVE"]
    assert session.torrent is not None
    assert (session.torrent._readers, session.torrent._selection.wanted_by) == ({session._ahead}, {0: 1})


async def test_a_film_of_another_torrent_waits_until_all_of_this_one_is_there(
    playback: Playback,
    tv: Television,
    supply: Supply,
    playing: tuple[FakeChromecast, Session],
    tmp_path: Path,
    film_file: Path,
    seeder: Callable[[Path], Seed],
) -> None:
    device, _ = playing
    folder = tmp_path / "seeder" / "Another"
    folder.mkdir(parents=True)
    shutil.copy(film_file, folder)
    source = await playback.parse(seeder(folder).magnet)
    playback.queue(tv.entity_id).put([Queued(source)], Enqueue.ADD)
    await supply.look(Health(600.0, 2.0, None))
    assert told(device) == []
    await supply.look(ALL_THERE)
    queued = playback.queue(tv.entity_id).ready
    assert queued is not None
    assert (inserted(device), queued.rests) == ([queued.content_id], False)
    await supply.look(SCARCE)
    assert (queued.is_over, told(device)) == (True, ["QUEUE_INSERT", "QUEUE_REMOVE"]), "a jump back"
    await supply.look(ALL_THERE)
    assert told(device)[2:] == ["QUEUE_INSERT"]


async def test_what_is_put_before_the_next_film_takes_its_place_in_the_queue(
    playback: Playback, tv: Television, supply: Supply, playing: tuple[FakeChromecast, Session]
) -> None:
    device, session = playing
    queue = playback.queue(tv.entity_id)
    queue.put([Queued(session.source)], Enqueue.ADD)
    await supply.look()
    first = queue.ready
    assert first is not None
    queue.put([Queued(session.source, title="Before it")], Enqueue.NEXT)
    await supply.look()
    assert (first.is_over, told(device)) == (True, ["QUEUE_INSERT", "QUEUE_REMOVE", "QUEUE_INSERT"])
    second = queue.ready
    assert second is not None
    assert (second.title, inserted(device)[-1], len(queue.items)) == ("Before it", second.content_id, 2)


async def test_what_is_put_behind_the_next_film_leaves_the_queue_alone(
    hass: HomeAssistant, playback: Playback, tv: Television, supply: Supply, playing: tuple[FakeChromecast, Session]
) -> None:
    device, session = playing
    queue = playback.queue(tv.entity_id)
    queue.put([Queued(session.source)], Enqueue.ADD)
    await supply.look()
    first = queue.ready
    assert first is not None
    queue.put([Queued(session.source, title="Behind it")], Enqueue.ADD)
    await supply.look()
    assert (first.is_over, told(device)) == (False, ["QUEUE_INSERT"])
    device.tells("PLAYING", content_id=first.content_id, at=0.0)
    await hass.async_block_till_done()
    await supply.look()
    second = queue.ready
    assert second is not None
    assert (second.title, inserted(device)) == ("Behind it", [first.content_id, second.content_id])


async def test_a_next_film_that_is_none_leaves_the_one_that_plays_alone_and_is_not_tried_again_and_again(
    playback: Playback, tv: Television, supply: Supply, playing: tuple[FakeChromecast, Session], noise: Seed
) -> None:
    device, session = playing
    queue = playback.queue(tv.entity_id)
    queue.put([Queued(await playback.parse(noise.magnet))], Enqueue.ADD)
    await supply.look()
    refused = queue.ready
    assert refused is not None
    assert refused.state is State.FAILED
    await supply.look()
    assert (queue.ready, told(device), session.state) == (refused, [], State.PLAYING)
    assert len(queue.items) == 1, "it is said when its turn comes"


async def test_what_is_being_made_ready_gives_way_to_the_film_that_plays(
    playback: Playback,
    tv: Television,
    supply: Supply,
    playing: tuple[FakeChromecast, Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device, session = playing
    queue = playback.queue(tv.entity_id)

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(Session, "_first_seconds", hang)
        queue.put([Queued(session.source)], Enqueue.ADD)
        playback.changes.tell()
        await until(lambda: queue.ready is not None and queue.ready.state is State.BUFFERING)
        await supply.look(SCARCE)
    assert (queue.ready, told(device)) == (None, [])
    await supply.look(ALL_THERE)
    assert told(device) == ["QUEUE_INSERT"], "once there is enough again"


async def test_the_next_film_gives_way_where_the_viewer_jumps_back_although_its_turn_had_come(
    playback: Playback,
    tv: Television,
    supply: Supply,
    playing: tuple[FakeChromecast, Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device, session = playing
    playback.queue(tv.entity_id).put([Queued(session.source)], Enqueue.ADD)
    monkeypatch.setattr(queueing, "AHEAD", math.inf)
    await supply.look()
    queued = playback.queue(tv.entity_id).ready
    assert queued is not None
    assert not queued.rests
    with monkeypatch.context() as patch:
        patch.setattr(queueing, "AHEAD", -math.inf)
        await supply.look(SCARCE)
        assert (queued.rests, queued.is_over) == (True, False)
    await supply.look(ALL_THERE)
    assert (queued.rests, told(device)) == (False, ["QUEUE_INSERT"]), "the end is near again"


async def test_near_the_end_too_nothing_is_fetched_that_the_film_that_plays_would_miss(
    playback: Playback,
    tv: Television,
    supply: Supply,
    playing: tuple[FakeChromecast, Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device, session = playing
    playback.queue(tv.entity_id).put([Queued(session.source)], Enqueue.ADD)
    monkeypatch.setattr(queueing, "AHEAD", math.inf)
    await supply.look(SCARCE)
    assert (told(device), playback.queue(tv.entity_id).ready) == ([], None)
    await supply.look(ALL_THERE)
    assert told(device) == ["QUEUE_INSERT"]


async def test_a_torrent_that_is_paused_stays_so(
    playback: Playback, tv: Television, supply: Supply, playing: tuple[FakeChromecast, Session]
) -> None:
    device, session = playing
    assert session.torrent is not None
    playback.halt(halts=True)
    playback.queue(tv.entity_id).put([Queued(session.source)], Enqueue.ADD)
    await supply.look()
    assert (told(device), session.torrent.is_halted) == ([], True)
    playback.halt(halts=False)
    await supply.look()
    assert told(device) == ["QUEUE_INSERT"]


async def test_what_is_being_made_ready_ends_with_a_stop(
    playback: Playback,
    tv: Television,
    supply: Supply,
    playing: tuple[FakeChromecast, Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device, session = playing
    queue, released = playback.queue(tv.entity_id), asyncio.Event()
    seconds = Session._first_seconds

    async def late(*what: Any) -> None:  # noqa: ANN401  # of a session
        await released.wait()
        await seconds(*what)

    monkeypatch.setattr(Session, "_first_seconds", late)
    queue.put([Queued(session.source)], Enqueue.ADD)
    playback.changes.tell()
    await until(lambda: queue.ready is not None and queue.ready.state is State.BUFFERING)
    session.end()
    released.set()
    await supply.look()
    assert (queue.ready, queue.items, told(device), playback.sessions) == (None, (), [], ())


async def test_what_comes_next_is_queued_again_where_a_stream_broke_off(
    hass: HomeAssistant, playback: Playback, tv: Television, supply: Supply, playing: tuple[FakeChromecast, Session]
) -> None:
    device, session = playing
    playback.queue(tv.entity_id).put([Queued(session.source)], Enqueue.ADD)
    await supply.look()
    queued = playback.queue(tv.entity_id).ready
    assert queued is not None
    assert session.following is not None
    device._answers.append(Answer(TAKEN))
    session.following.on_error(LoadRefused("load_refused", detail="ERROR"))
    await until(lambda: len(device.loads) > 1)
    device.tells("PLAYING")
    await hass.async_block_till_done()
    await supply.look()
    assert inserted(device) == [queued.content_id] * 2


async def test_what_waits_in_a_queue_is_neither_given_up_nor_something_that_goes_on(
    hass: HomeAssistant, playback: Playback, tv: Television, supply: Supply, playing: tuple[FakeChromecast, Session]
) -> None:
    device, session = playing
    playback.queue(tv.entity_id).put([Queued(session.source)], Enqueue.ADD)
    await supply.look()
    queued = playback.queue(tv.entity_id).ready
    assert queued is not None
    queued.last_used -= 2 * UNCLAIMED_SESSION
    await playback.tidy()
    assert not queued.is_over
    device.tells("PAUSED")
    await hass.async_block_till_done()
    assert playback.status.activity is Activity.PAUSED


@pytest.fixture
def show(tmp_path: Path, film_file: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return a torrent of two episodes."""
    folder = tmp_path / "seeder" / "Some Show"
    folder.mkdir(parents=True)
    for name in ("Some Show S01E01.mp4", "Some Show S01E02.mp4"):
        shutil.copy(film_file, folder / name)
    return seeder(folder)


@pytest.fixture
def recorded_show(tmp_path: Path, film_file: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return a torrent of two episodes, the second of which has no index."""
    folder = tmp_path / "seeder" / "Recorded Show"
    folder.mkdir(parents=True)
    shutil.copy(film_file, folder / "Recorded Show S01E01.mp4")
    ffmpeg("-i", film_file, "-c", "copy", folder / "Recorded Show S01E02.ts")
    return seeder(folder)


@pytest.fixture
async def watched(
    supply: Supply, hass: HomeAssistant, playback: Playback, play: Callable[..., Any], show: Seed, tv: Television
) -> tuple[FakeChromecast, Session, Session]:
    """Return a device, the first episode that plays on it, and the second, which it has in its queue."""
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device, source=show, wanted="*E01*")
    device.tells("PLAYING")
    await hass.async_block_till_done()
    await supply.look()
    queued = playback.queue(tv.entity_id).ready
    assert queued is not None
    assert inserted(device) == [queued.content_id]
    return device, session, queued


async def test_the_next_episode_leaves_the_queue_when_nobody_wants_it_any_more(
    playback: Playback, supply: Supply, watched: tuple[FakeChromecast, Session, Session]
) -> None:
    device, _, queued = watched
    playback.apply(replace(playback.settings, next_episode=False))
    await supply.look()
    assert (queued.is_over, told(device)) == (True, ["QUEUE_INSERT", "QUEUE_REMOVE"])


async def test_an_episode_that_nobody_wants_by_the_time_it_is_found_is_not_made_ready(
    playback: Playback,
    tv: Television,
    supply: Supply,
    watched: tuple[FakeChromecast, Session, Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device, _, _ = watched
    asked, released = asyncio.Event(), asyncio.Event()
    kept_source = playback.kept_source

    async def late(key: str) -> Source:
        asked.set()
        await released.wait()
        return await kept_source(key)

    monkeypatch.setattr(playback, "kept_source", late)
    playback.queue(tv.entity_id).clear()
    playback.changes.tell()
    await soon(asked.wait())
    playback.apply(replace(playback.settings, next_episode=False))
    playback.changes.tell()
    released.set()
    await supply.look()
    assert (playback.queue(tv.entity_id).ready, told(device)) == (None, ["QUEUE_INSERT", "QUEUE_REMOVE"])


async def test_nothing_follows_the_last_episode(
    hass: HomeAssistant,
    playback: Playback,
    tv: Television,
    supply: Supply,
    watched: tuple[FakeChromecast, Session, Session],
) -> None:
    device, _, queued = watched
    device.tells("PLAYING", content_id=queued.content_id, at=0.0)
    await hass.async_block_till_done()
    await supply.look()
    assert (queued.state, playback.queue(tv.entity_id).ready, told(device)) == (State.PLAYING, None, ["QUEUE_INSERT"])


async def test_an_episode_without_an_index_waits_until_its_turn_comes(
    hass: HomeAssistant,
    playback: Playback,
    tv: Television,
    supply: Supply,
    play: Callable[..., Any],
    recorded_show: Seed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    await play(device, source=recorded_show, wanted="*E01*")
    device.tells("PLAYING")
    await hass.async_block_till_done()
    await supply.look()
    tried = playback.queue(tv.entity_id).ready
    assert tried is not None
    assert (tried.is_over, told(device)) == (True, [])
    await supply.look()
    assert playback.queue(tv.entity_id).ready is tried, "once"
    monkeypatch.setattr(queueing, "AHEAD", math.inf)
    await supply.look()
    assert told(device) == ["QUEUE_INSERT"]


async def test_what_follows_an_episode_is_found_anew_where_that_is_played_anew(
    hass: HomeAssistant,
    playback: Playback,
    tv: Television,
    supply: Supply,
    play: Callable[..., Any],
    show: Seed,
    watched: tuple[FakeChromecast, Session, Session],
) -> None:
    device, _, queued = watched
    device._answers.append(Answer(TAKEN))
    await play(device, source=show, wanted="*E01*", target=tv.entity_id)  # in another language, say
    device.tells("PLAYING")
    await hass.async_block_till_done()
    await supply.look()
    again = playback.queue(tv.entity_id).ready
    assert again is not None
    assert (queued.is_over, again is not queued, inserted(device)[-1]) == (True, True, again.content_id)


async def test_a_device_that_went_on_out_of_our_sight_is_followed_by_its_entity(
    hass: HomeAssistant, playback: Playback, tv: Television, watched: tuple[FakeChromecast, Session, Session]
) -> None:
    device, session, queued = watched
    device.watcher.new_connection_status(Mock(status="DISCONNECTED"))  # the Cast integration was reloaded
    await hass.async_block_till_done()
    hass.states.async_set(tv.entity_id, "playing", {ATTR_MEDIA_CONTENT_ID: queued.content_id})
    await hass.async_block_till_done()
    assert (session.state, queued.state, queued.target) == (State.STOPPED, State.PLAYING, tv.entity_id)
    assert playback.queue(tv.entity_id).ready is not queued
