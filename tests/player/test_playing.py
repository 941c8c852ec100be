"""A player of our own: what it plays, and what comes after."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from homeassistant.components.media_player import MediaPlayerEntityFeature, MediaPlayerState
from homeassistant.core import Context, Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er

from custom_components.torrent_cast.events import EVENT
from custom_components.torrent_cast.playback import LoadRefused, Playback, Session, State
from custom_components.torrent_cast.playback.sessions import LOST_RECEIVER
from custom_components.torrent_cast.references import Choice
from tests.conftest import Seed, kept, soon, until
from tests.player.conftest import CAST, PLAYER, FakeCast, ask, play, shown
from tests.services.conftest import NOBODY

pytestmark = pytest.mark.usefixtures("subentry")


@pytest.fixture
def slow_choice(playback: Playback, film: Seed, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Have it take until the event to find out what is to be played."""
    found = asyncio.Event()

    async def read(*_: object) -> Choice:
        await found.wait()
        return Choice(await playback.parse(film.magnet))

    monkeypatch.setattr("custom_components.torrent_cast.program.choose_source", read)
    return found


def listened(hass: HomeAssistant) -> list[dict[str, Any]]:
    """Return the list that what becomes of plays is put into."""
    heard: list[dict[str, Any]] = []

    @callback
    def hear(event: Event) -> None:
        heard.append(dict(event.data))

    hass.bus.async_listen(EVENT, hear)
    return heard


async def test_a_magnet_link_plays_in_the_caller_s_name(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    context = Context()
    await play(hass, film.magnet, context=context)
    (session,) = playback.sessions
    await until(lambda: session.state is State.PLAYING)
    assert session.target == CAST
    assert cast.asked == [("play_media", session.content_id)]
    assert cast.contexts == [context]
    await ask(hass, "media_stop")
    assert session.is_over
    assert cast.asked[1:] == [("media_stop",)]


async def test_a_torrent_of_the_library_plays_by_its_id(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    await kept(playback, film)
    playing = asyncio.create_task(play(hass, f"media-source://torrent_cast/{film.key}"))
    await until(lambda: playback.torrents)
    film.connect(playback)
    await playing
    await until(lambda: [session.state for session in playback.sessions] == [State.PLAYING])


async def test_a_film_outlives_the_connection_of_the_cast_integration(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    await play(hass, film.magnet)
    (session,) = playback.sessions
    await until(lambda: session.state is State.PLAYING)
    session.disconnected_since = time.monotonic() - 2 * LOST_RECEIVER  # the old one tells of nothing more
    cast.show(MediaPlayerState.PAUSED)
    await hass.async_block_till_done()
    await playback.tidy()
    assert session.state.value == "paused"
    cast.show(MediaPlayerState.PAUSED, available=False)
    await hass.async_block_till_done()
    assert session.disconnected_since is not None
    assert not session.is_over
    cast.show(MediaPlayerState.PLAYING, available=True)
    await hass.async_block_till_done()
    assert not session.disconnected_since
    cast.show(MediaPlayerState.IDLE, media_content_id=None)
    await hass.async_block_till_done()
    assert session.state is State.STOPPED


async def test_what_cannot_be_read_leaves_what_is_queued(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    await play(hass, film.magnet)
    await play(hass, film.magnet, enqueue="add")
    with pytest.raises(ServiceValidationError, match="not valid"):
        await play(hass, "magnet:?xt=urn:btih:zz")
    assert [item.source.key for item in playback.queue(CAST).items] == [film.key]
    await play(hass, film.magnet, enqueue="replace")
    assert playback.queue(CAST).items == ()


async def test_a_device_that_is_renamed_keeps_what_plays_and_what_is_queued(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    await play(hass, film.magnet)
    await play(hass, film.magnet, enqueue="add")
    (session,) = playback.sessions
    await until(lambda: session.state is State.PLAYING)
    er.async_get(hass).async_update_entity(CAST, new_entity_id="media_player.renamed")
    await hass.async_block_till_done()
    assert session.target == "media_player.renamed"
    assert len(playback.queue("media_player.renamed").items) == 1
    assert shown(hass).attributes["upcoming"] == 1
    await ask(hass, "media_stop")
    assert session.is_over
    assert (playback.queue("media_player.renamed").items, playback.queue(CAST).items) == ((), ())


async def test_a_device_that_is_renamed_while_a_film_is_chosen_is_not_busy_afterwards(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed, slow_choice: asyncio.Event
) -> None:
    starting = asyncio.create_task(play(hass, film.magnet))
    await until(lambda: playback.queue(CAST).is_overtaken)
    er.async_get(hass).async_update_entity(CAST, new_entity_id="media_player.renamed")
    await hass.async_block_till_done()
    slow_choice.set()
    await starting
    await until(lambda: [session.target for session in playback.sessions] == ["media_player.renamed"])
    assert not playback.is_busy(CAST)


async def test_a_device_is_turned_off_when_nothing_else_is_on_its_way(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    await play(hass, film.magnet)
    await until(lambda: [session.state for session in playback.sessions] == [State.PLAYING])
    (session,) = playback.sessions
    settled = asyncio.Event()
    session.following = Mock(settled=settled.wait)
    turning = asyncio.create_task(ask(hass, "turn_off"))
    await until(lambda: session.is_over)
    for _ in range(100):  # turns of the loop: many more than it takes that does not wait
        await asyncio.sleep(0)
    assert ("turn_off",) not in cast.asked
    settled.set()
    await soon(turning)
    assert cast.asked[-1] == ("turn_off",)


async def test_the_action_stop_ends_what_is_only_being_chosen(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed, slow_choice: asyncio.Event
) -> None:
    starting = asyncio.create_task(play(hass, film.magnet))
    await until(lambda: playback.queue(CAST).is_overtaken)
    await hass.services.async_call("torrent_cast", "stop", {"entity_id": CAST}, blocking=True)
    slow_choice.set()
    with pytest.raises(HomeAssistantError) as caught:
        await soon(starting)
    assert caught.value.translation_key == "session_ended"
    assert (playback.sessions, cast.asked) == ((), [])


async def test_what_fails_at_once_is_said_at_once_and_what_fails_later_is_an_event_and_a_state(
    hass: HomeAssistant, cast: FakeCast, film: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = listened(hass)
    with pytest.raises(ServiceValidationError, match="not valid"):
        await play(hass, "magnet:?xt=urn:btih:zz")
    await until(lambda: "not valid" in (shown(hass).attributes["error"] or ""))
    assert [(one["type"], one["entity_id"]) for one in heard] == [("failed", CAST)]

    refused = asyncio.Event()

    async def refuse(session: Session) -> None:
        await refused.wait()
        raise LoadRefused("load_refused", detail="x")

    cast.how = refuse
    monkeypatch.setattr("custom_components.torrent_cast.program.ANSWER", 0.01)
    await play(hass, film.magnet)  # comes back
    assert shown(hass).state == "buffering"
    assert shown(hass).attributes["error"] is None
    refused.set()
    await until(lambda: "refused" in (shown(hass).attributes["error"] or ""))
    assert [one["type"] for one in heard] == ["failed", "failed"]
    assert shown(hass).state == "off"


async def test_another_film_takes_the_place_of_one_that_gets_ready(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    first = asyncio.create_task(play(hass, NOBODY))
    await until(lambda: playback.sessions)
    await play(hass, film.magnet)
    with pytest.raises(HomeAssistantError):
        await first
    assert [session.source.key for session in playback.sessions] == [film.key]
    assert shown(hass).state == "playing"


async def test_a_queue_goes_on_after_the_end_and_ends_when_somebody_stops_it(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    await play(hass, film.magnet)
    await play(hass, film.magnet, enqueue="add")
    await play(hass, NOBODY, enqueue="next")
    await play(hass, film.magnet, enqueue="add")
    assert shown(hass).attributes["upcoming"] == 3
    assert len(playback.sessions) == 1
    playback.sessions[0].end(State.FINISHED)
    await until(lambda: [session.source.key for session in playback.sessions] == [NOBODY[-40:]])
    await ask(hass, "media_next_track")
    await until(lambda: [session.state for session in playback.sessions] == [State.PLAYING])
    assert shown(hass).attributes["upcoming"] == 1
    playback.sessions[0].end(State.STOPPED)
    await until(lambda: shown(hass).attributes["upcoming"] == 0)
    assert not playback.sessions


async def test_the_action_and_the_player_have_one_queue(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    await play(hass, film.magnet)
    data = {"entity_id": CAST, "source": film.magnet, "title": "Another", "enqueue": "add"}
    await hass.services.async_call("torrent_cast", "play", data, blocking=True)
    await play(hass, NOBODY, enqueue="add")
    await until(lambda: shown(hass).attributes["upcoming"] == 2)
    assert [item.source.key for item in playback.queue(CAST).items] == [film.key, NOBODY[-40:]]
    await ask(hass, "media_next_track")
    another = [("Another", State.PLAYING)]
    await until(lambda: [(session.title, session.state) for session in playback.sessions] == another)
    assert len(cast.asked) == 2
    playback.sessions[0].end(State.FINISHED)
    await until(lambda: [session.source.key for session in playback.sessions] == [NOBODY[-40:]])
    assert len(cast.asked) == 3  # one step for one end


@pytest.fixture
def show(tmp_path: Path, film_file: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return a torrent of two episodes."""
    folder = tmp_path / "seeder" / "Some Show"
    folder.mkdir(parents=True)
    for name in ("Some Show S01E01.mp4", "Some Show S01E02.mp4"):
        shutil.copy(film_file, folder / name)
    return seeder(folder)


def has_next(hass: HomeAssistant) -> bool:
    """Tell whether our player offers to go on with something else."""
    return bool(shown(hass).attributes["supported_features"] & MediaPlayerEntityFeature.NEXT_TRACK)


async def test_the_next_episode_can_be_skipped_to_on_a_device_that_knows_of_none(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, show: Seed
) -> None:
    await play(hass, show.magnet)
    await until(lambda: has_next(hass))
    ready = playback.queue(CAST).ready
    assert not shown(hass).attributes["supported_features"] & MediaPlayerEntityFeature.CLEAR_PLAYLIST
    await ask(hass, "media_next_track")
    await until(lambda: [session.state for session in playback.for_target(CAST)] == [State.PLAYING])
    (session,) = playback.sessions
    assert session is ready
    assert session.title == "Some Show S01E02.mp4"
    await until(lambda: not has_next(hass))


async def test_a_device_goes_to_the_next_episode_by_itself_where_it_can(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, show: Seed
) -> None:
    cast._attr_supported_features |= MediaPlayerEntityFeature.NEXT_TRACK
    await play(hass, show.magnet)
    await until(lambda: playback.queue(CAST).ready)
    await ask(hass, "media_next_track")
    assert cast.asked[-1] == ("media_next_track",)
    assert playback.queue(CAST).ready is not None


async def test_what_takes_the_place_of_a_film_that_gets_ready_leaves_the_queue(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    first = asyncio.create_task(play(hass, NOBODY))
    await until(lambda: playback.sessions)
    for _ in range(2):
        await play(hass, film.magnet, enqueue="add")
    await ask(hass, "media_next_track")
    with pytest.raises(HomeAssistantError):
        await first
    await until(lambda: [session.state for session in playback.sessions] == [State.PLAYING])
    assert shown(hass).attributes["upcoming"] == 1


async def test_what_cannot_be_read_is_not_queued(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    await play(hass, film.magnet)
    with pytest.raises(ServiceValidationError, match="not valid"):
        await play(hass, "magnet:?xt=urn:btih:zz", enqueue="add")
    assert shown(hass).attributes["upcoming"] == 0
    await until(lambda: [session.state for session in playback.sessions] == [State.PLAYING])


async def test_clearing_the_queue_leaves_what_plays(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    await play(hass, film.magnet)
    await play(hass, film.magnet, enqueue="add")
    await ask(hass, "clear_playlist")
    assert shown(hass).attributes["upcoming"] == 0
    await until(lambda: [session.state for session in playback.sessions] == [State.PLAYING])


async def test_our_action_takes_the_player_for_its_device(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    data = {"entity_id": PLAYER, "source": film.magnet}
    await soon(hass.services.async_call("torrent_cast", "play", data, blocking=True))
    assert [session.target for session in playback.sessions] == [CAST]
    await hass.services.async_call("torrent_cast", "stop", {"entity_id": PLAYER}, blocking=True)
    assert cast.asked[1:] == [("media_stop",)]
