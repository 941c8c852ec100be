"""The next film is in the device's own queue long before the end of the one that plays, and takes nothing from it."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import asyncio
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from homeassistant.components.media_player import ATTR_MEDIA_CONTENT_ID
from homeassistant.core import HomeAssistant

from custom_components.torrent_cast import queueing
from custom_components.torrent_cast.engine import Source
from custom_components.torrent_cast.playback import (
    Activity,
    Enqueue,
    Following,
    LoadRefused,
    Playback,
    Queue,
    Queued,
    Session,
    State,
)
from custom_components.torrent_cast.playback.health import Health
from custom_components.torrent_cast.playback.sessions import UNCLAIMED_SESSION
from tests.conftest import Seed, Television, settled, soon, until
from tests.loading.conftest import TAKEN, Answer, FakeChromecast, Handed, Playing, ready_in
from tests.media.conftest import ffmpeg

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
def near_its_end(supply: Supply, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what plays near its end all the time."""
    monkeypatch.setattr(queueing, "AHEAD", math.inf)


@pytest.fixture
async def handed(supply: Supply, queue: Queue, playing: Playing) -> Handed:
    """Return a device that has the film, which plays on it, in its queue once more."""
    device, session = playing
    queue.put([Queued(session.source)], Enqueue.ADD)
    await supply.look()
    return device, session, ready_in(queue)


@pytest.fixture
async def another(playback: Playback, tmp_path: Path, film_file: Path, seeder: Callable[[Path], Seed]) -> Source:
    """Return another torrent with a film."""
    folder = tmp_path / "seeder" / "Another"
    folder.mkdir(parents=True)
    shutil.copy(film_file, folder)
    return await playback.parse(seeder(folder).magnet)


def wanted_of(session: Session) -> tuple[set[Any], dict[int, int]]:
    """Return what reads from a session's torrent, and how often which file is wanted."""
    assert session.torrent is not None
    return session.torrent._readers, session.torrent._selection.wanted_by


@pytest.mark.parametrize(
    "scarce",
    [None, Health(queueing.TO_SPARE - 1, 2.0, None), Health(600.0, 0.9, 6000.0)],
    ids=["nothing is known", "little in hand", "too little comes in"],
)
async def test_the_next_film_is_in_the_queue_once_the_one_that_plays_has_something_to_spare(
    queue: Queue, supply: Supply, playing: Playing, scarce: Health | None
) -> None:
    device, session = playing
    supply.health = scarce
    queue.put([Queued(session.source)], Enqueue.ADD)
    await supply.look()
    assert (device.told, queue.ready) == ([], None)
    await supply.look(Health(queueing.TO_SPARE, 1.0, None))
    assert device.inserted == [ready_in(queue).content_id]
    await supply.look(ALL_THERE)
    assert len(device.sent) == 1, "once"


async def test_the_next_film_of_the_torrent_takes_nothing_until_its_turn_comes(
    hass: HomeAssistant,
    playback: Playback,
    tv: Television,
    supply: Supply,
    handed: Handed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device, session, queued = handed
    assert (queued.rests, *wanted_of(session)) == (True, {session._ahead}, {0: 1})
    monkeypatch.setattr(queueing, "AHEAD", math.inf)
    await supply.look()
    assert (queued.rests, *wanted_of(session)) == (False, {session._ahead, queued._ahead}, {0: 2}), "the end is near"
    device.tells("PLAYING", content_id=queued.content_id, at=0.0)
    await hass.async_block_till_done(wait_background_tasks=True)
    await settled(playback)
    assert (session.state, queued.state, queued.target) == (State.STOPPED, State.PLAYING, tv.entity_id)
    assert wanted_of(queued)[1] == {0: 1}


async def test_who_skips_to_a_film_that_rests_wakes_it(hass: HomeAssistant, playback: Playback, handed: Handed) -> None:
    device, _, queued = handed
    device.tells("PLAYING", content_id=queued.content_id, at=0.0)
    await hass.async_block_till_done(wait_background_tasks=True)
    await settled(playback)
    assert (queued.rests, queued.waits, queued.state) == (False, False, State.PLAYING)
    assert wanted_of(queued) == ({queued._ahead}, {0: 1})


async def test_a_film_that_rests_lets_go_of_nothing_twice(
    playback: Playback, queue: Queue, supply: Supply, handed: Handed
) -> None:
    device, session, _ = handed
    queue.clear()
    await supply.look()
    await settled(playback)
    assert device.told == ["QUEUE_INSERT", "QUEUE_REMOVE"]
    assert wanted_of(session) == ({session._ahead}, {0: 1})


async def test_a_film_of_another_torrent_waits_until_all_of_this_one_is_there(
    queue: Queue, supply: Supply, playing: Playing, another: Source
) -> None:
    device, _ = playing
    queue.put([Queued(another)], Enqueue.ADD)
    await supply.look(Health(600.0, 2.0, None))
    assert device.told == []
    await supply.look(ALL_THERE)
    queued = ready_in(queue)
    assert (device.inserted, queued.rests) == ([queued.content_id], False)
    await supply.look(SCARCE)
    assert (queued.is_over, device.told) == (True, ["QUEUE_INSERT", "QUEUE_REMOVE"]), "a jump back"
    await supply.look(ALL_THERE)
    assert device.told[2:] == ["QUEUE_INSERT"]


async def test_a_film_whose_torrent_is_removed_leaves_the_queue(
    playback: Playback, queue: Queue, supply: Supply, playing: Playing, another: Source
) -> None:
    device, session = playing
    queue.put([Queued(another), Queued(session.source, title="Behind it")], Enqueue.ADD)
    await supply.look()
    removed = ready_in(queue)
    await soon(playback.remove(another.key, delete_files=True))
    await supply.look()
    assert (removed.is_over, session.state) == (True, State.PLAYING)
    assert device.told == ["QUEUE_INSERT", "QUEUE_REMOVE", "QUEUE_INSERT"]
    assert (len(queue.items), ready_in(queue).title) == (1, "Behind it")


async def test_what_is_put_before_the_next_film_takes_its_place_in_the_queue(
    queue: Queue, supply: Supply, handed: Handed
) -> None:
    device, session, first = handed
    queue.put([Queued(session.source, title="Before it")], Enqueue.NEXT)
    await supply.look()
    assert (first.is_over, device.told) == (True, ["QUEUE_INSERT", "QUEUE_REMOVE", "QUEUE_INSERT"])
    second = ready_in(queue)
    assert (second.title, device.inserted[-1], len(queue.items)) == ("Before it", second.content_id, 2)


async def test_what_is_put_behind_the_next_film_leaves_the_queue_alone(
    hass: HomeAssistant, queue: Queue, supply: Supply, handed: Handed
) -> None:
    device, session, first = handed
    queue.put([Queued(session.source, title="Behind it")], Enqueue.ADD)
    await supply.look()
    assert (first.is_over, device.told) == (False, ["QUEUE_INSERT"])
    device.tells("PLAYING", content_id=first.content_id, at=0.0)
    await hass.async_block_till_done()
    await supply.look()
    second = ready_in(queue)
    assert (second.title, device.inserted) == ("Behind it", [first.content_id, second.content_id])


async def test_a_next_film_that_is_none_leaves_the_one_that_plays_alone_and_is_not_tried_again_and_again(
    playback: Playback, queue: Queue, supply: Supply, playing: Playing, noise: Seed
) -> None:
    device, session = playing
    queue.put([Queued(await playback.parse(noise.magnet))], Enqueue.ADD)
    await supply.look()
    refused = ready_in(queue)
    assert refused.state is State.FAILED
    await supply.look()
    assert (queue.ready, device.told, session.state) == (refused, [], State.PLAYING)
    assert len(queue.items) == 1, "it is said when its turn comes"


async def test_what_is_being_made_ready_gives_way_to_the_film_that_plays(
    playback: Playback, queue: Queue, supply: Supply, playing: Playing, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, session = playing

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(Session, "_first_seconds", hang)
        queue.put([Queued(session.source)], Enqueue.ADD)
        playback.changes.tell()
        await until(lambda: queue.ready is not None and queue.ready.state is State.BUFFERING)
        await supply.look(SCARCE)
    assert (queue.ready, device.told) == (None, [])
    await supply.look(ALL_THERE)
    assert device.told == ["QUEUE_INSERT"], "once there is enough again"


async def test_the_next_film_gives_way_where_the_viewer_jumps_back_although_its_turn_had_come(
    supply: Supply, near_its_end: None, handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, _, queued = handed
    assert not queued.rests
    with monkeypatch.context() as patch:
        patch.setattr(queueing, "AHEAD", -math.inf)
        await supply.look(SCARCE)
        assert (queued.rests, queued.is_over) == (True, False)
    await supply.look(ALL_THERE)
    assert (queued.rests, device.told) == (False, ["QUEUE_INSERT"]), "the end is near again"


async def test_near_the_end_too_nothing_is_fetched_that_the_film_that_plays_would_miss(
    queue: Queue, supply: Supply, near_its_end: None, playing: Playing
) -> None:
    device, session = playing
    supply.health = SCARCE
    queue.put([Queued(session.source)], Enqueue.ADD)
    await supply.look()
    assert (device.told, queue.ready) == ([], None)
    await supply.look(ALL_THERE)
    assert device.told == ["QUEUE_INSERT"]


async def test_a_torrent_that_is_paused_stays_so(
    playback: Playback, queue: Queue, supply: Supply, playing: Playing
) -> None:
    device, session = playing
    assert session.torrent is not None
    playback.halt(halts=True)
    queue.put([Queued(session.source)], Enqueue.ADD)
    await supply.look()
    assert (device.told, session.torrent.is_halted) == ([], True)
    playback.halt(halts=False)
    await supply.look()
    assert device.told == ["QUEUE_INSERT"]


async def test_what_is_being_made_ready_ends_with_a_stop(
    playback: Playback, queue: Queue, supply: Supply, playing: Playing, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, session = playing
    released = asyncio.Event()
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
    assert (queue.ready, queue.items, device.told, playback.sessions) == (None, (), [], ())


async def test_what_comes_next_is_queued_again_where_a_stream_broke_off(
    hass: HomeAssistant, supply: Supply, handed: Handed
) -> None:
    device, session, queued = handed
    assert session.following is not None
    device._answers.append(Answer(TAKEN))
    session.following.on_error(LoadRefused("load_refused", detail="ERROR"))
    await until(lambda: len(device.loads) > 1)
    device.tells("PLAYING")
    await hass.async_block_till_done()
    await supply.look()
    assert device.inserted == [queued.content_id] * 2


async def test_what_waits_in_a_queue_is_neither_given_up_nor_something_that_goes_on(
    hass: HomeAssistant, playback: Playback, handed: Handed
) -> None:
    device, _, queued = handed
    queued.last_used -= 2 * UNCLAIMED_SESSION
    await playback.tidy()
    assert not queued.is_over
    device.tells("PAUSED")
    await hass.async_block_till_done()
    assert playback.status.activity is Activity.PAUSED


# --- episodes --------------------------------------------------------------------------------------------------------


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
def begin(supply: Supply, hass: HomeAssistant, play: Callable[..., Any]) -> Callable[..., Any]:
    """Return what plays the first episode of a show on a device, and has it looked at what comes next."""

    async def begin(device: FakeChromecast, show: Seed, **asked: Any) -> Session:  # noqa: ANN401  # a session's
        session: Session = await play(device, source=show, wanted="*E01*", **asked)
        device.tells("PLAYING")
        await hass.async_block_till_done()
        await supply.look()
        return session

    return begin


@pytest.fixture
async def watched(hass: HomeAssistant, queue: Queue, begin: Callable[..., Any], show: Seed) -> Handed:
    """Return a device, the first episode that plays on it, and the second, which it has in its queue."""
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await begin(device, show)
    queued = ready_in(queue)
    assert device.inserted == [queued.content_id]
    return device, session, queued


async def test_the_next_episode_leaves_the_queue_when_nobody_wants_it_any_more(
    playback: Playback, supply: Supply, watched: Handed
) -> None:
    device, _, queued = watched
    playback.apply(replace(playback.settings, next_episode=False))
    await supply.look()
    assert (queued.is_over, device.told) == (True, ["QUEUE_INSERT", "QUEUE_REMOVE"])


async def test_the_next_episode_is_shown_as_the_one_that_plays_is_by_now(
    queue: Queue, supply: Supply, watched: Handed
) -> None:
    device, session, queued = watched
    await session.show_subtitles("off")
    await supply.look()
    again = ready_in(queue)
    assert (queued.is_over, again.wishes.subtitles, device.inserted[-1]) == (True, "off", again.content_id)
    await supply.look()
    assert ready_in(queue) is again, "once"


async def test_an_episode_that_nobody_wants_by_the_time_it_is_found_is_not_made_ready(
    playback: Playback, queue: Queue, supply: Supply, watched: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, _, _ = watched
    asked, released = asyncio.Event(), asyncio.Event()
    kept_source = playback.kept_source

    async def late(key: str) -> Source:
        asked.set()
        await released.wait()
        return await kept_source(key)

    monkeypatch.setattr(playback, "kept_source", late)
    queue.clear()
    playback.changes.tell()
    await soon(asked.wait())
    playback.apply(replace(playback.settings, next_episode=False))
    playback.changes.tell()
    released.set()
    await supply.look()
    assert (queue.ready, device.told) == (None, ["QUEUE_INSERT", "QUEUE_REMOVE"])


async def test_nothing_follows_the_last_episode(
    hass: HomeAssistant, queue: Queue, supply: Supply, watched: Handed
) -> None:
    device, _, queued = watched
    device.tells("PLAYING", content_id=queued.content_id, at=0.0)
    await hass.async_block_till_done()
    await supply.look()
    assert (queued.state, queue.ready, device.told) == (State.PLAYING, None, ["QUEUE_INSERT"])


async def test_an_episode_without_an_index_waits_until_its_turn_comes(
    hass: HomeAssistant,
    queue: Queue,
    supply: Supply,
    begin: Callable[..., Any],
    recorded_show: Seed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    await begin(device, recorded_show)
    tried = ready_in(queue)
    assert (tried.is_over, device.told) == (True, [])
    await supply.look()
    assert queue.ready is tried, "once"
    monkeypatch.setattr(queueing, "AHEAD", math.inf)
    await supply.look()
    assert device.told == ["QUEUE_INSERT"]


async def test_what_follows_an_episode_is_found_anew_where_that_is_played_anew(
    tv: Television, queue: Queue, begin: Callable[..., Any], show: Seed, watched: Handed
) -> None:
    device, _, queued = watched
    device._answers.append(Answer(TAKEN))
    await begin(device, show, target=tv.entity_id)  # in another language, say
    again = ready_in(queue)
    assert (queued.is_over, again is not queued, device.inserted[-1]) == (True, True, again.content_id)


async def test_a_device_that_went_on_out_of_our_sight_is_followed_by_its_entity(
    hass: HomeAssistant, tv: Television, queue: Queue, watched: Handed
) -> None:
    device, session, queued = watched
    device.watcher.new_connection_status(Mock(status="DISCONNECTED"))  # the Cast integration was reloaded
    await hass.async_block_till_done()
    hass.states.async_set(tv.entity_id, "playing", {ATTR_MEDIA_CONTENT_ID: queued.content_id})
    await hass.async_block_till_done()
    assert (session.state, queued.state, queued.target) == (State.STOPPED, State.PLAYING, tv.entity_id)
    assert queue.ready is not queued
