"""One film after another on a device."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.errors import translate_errors
from custom_components.torrent_cast.playback import NoScreen, Playback, Session, State
from tests.conftest import OPTIONS, Seed, Television, Televisions, settled, until
from tests.services.conftest import do, play


@pytest.fixture
def show(tmp_path: Path, film_file: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return a torrent of three episodes, the tenth among them, and a sample."""
    folder = tmp_path / "seeder" / "Some Show"
    folder.mkdir(parents=True)
    for name in ("Some Show S01E10.mp4", "Some Show S01E09.mp4", "Some Show S01E08.mp4", "Sample S01E11.mp4"):
        shutil.copy(film_file, folder / name)
    return seeder(folder)


async def plays(playback: Playback, name: str) -> Session:
    """Return the session that plays a file, once it does."""

    def found() -> list[Session]:
        return [
            session
            for session in playback.sessions
            if session.file is not None and name in session.file.name and session.state is State.PLAYING
        ]

    await until(found)
    return found()[0]


async def test_the_next_episode_follows_by_itself(
    hass: HomeAssistant, tv: Television, playback: Playback, show: Seed
) -> None:
    await play(hass, tv.entity_id, show.magnet, file="*E08*")
    for episode in ("E08", "E09", "E10"):
        session = await plays(playback, episode)
        assert session.target == tv.entity_id
        session.end(State.FINISHED)
    await hass.async_block_till_done(wait_background_tasks=True)
    await settled(playback)
    assert playback.sessions == ()
    assert len(tv.played) == 3


async def test_head_and_index_of_the_next_one_are_there_before_the_end(
    hass: HomeAssistant, tv: Television, playback: Playback, show: Seed
) -> None:
    await play(hass, tv.entity_id, show.magnet, file="*E08*")
    queue = playback.queue(tv.entity_id)
    await until(lambda: queue.ready is not None and queue.ready.playhead is not None)
    ready = queue.ready
    assert ready is not None
    assert ready.file is not None
    assert "E09" in ready.file.name
    (await plays(playback, "E08")).end(State.FINISHED)
    assert await plays(playback, "E09") is ready


async def test_it_does_not_where_nobody_wants_it(
    hass: HomeAssistant, entry: MockConfigEntry, tv: Television, playback: Playback, show: Seed
) -> None:
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"next_episode": False})
    await play(hass, tv.entity_id, show.magnet, file="*E08*")
    (await plays(playback, "E08")).end(State.FINISHED)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert playback.sessions == ()


async def test_what_is_queued_comes_first_and_in_order(
    hass: HomeAssistant, tv: Television, playback: Playback, show: Seed, film: Seed
) -> None:
    await play(hass, tv.entity_id, film.magnet, enqueue="add")  # nothing plays: at once
    for file, where in (("*E10*", "add"), ("*E09*", "next")):
        answer = await play(hass, tv.entity_id, show.magnet, file=file, enqueue=where)
        assert answer["sessions"] == []
    for name in ("The film", "E09", "E10"):
        (await plays(playback, name)).end(State.FINISHED)
    assert playback.queue(tv.entity_id).items == ()


async def test_a_stop_forgets_what_is_queued(
    hass: HomeAssistant, tv: Television, playback: Playback, show: Seed, film: Seed
) -> None:
    await play(hass, tv.entity_id, show.magnet, file="*E08*")
    await play(hass, tv.entity_id, film.magnet, enqueue="add")
    queue = playback.queue(tv.entity_id)
    await until(lambda: queue.ready)
    (await plays(playback, "E08")).end()
    await hass.async_block_till_done(wait_background_tasks=True)
    await settled(playback)
    assert (queue.items, queue.ready, playback.sessions) == ((), None, ())


async def test_what_cannot_be_played_does_not_keep_the_others_from_their_turn(
    hass: HomeAssistant, tv: Television, playback: Playback, show: Seed, film: Seed, noise: Seed
) -> None:
    await play(hass, tv.entity_id, show.magnet, file="*E08*")
    for one in (noise, noise, film, film):
        await play(hass, tv.entity_id, one.magnet, enqueue="add")
    (await plays(playback, "E08")).end(State.FINISHED)
    await plays(playback, "The film")
    assert len(playback.queue(tv.entity_id).items) == 1


async def test_a_film_on_a_speaker_does_not_keep_the_others_from_their_turn(
    hass: HomeAssistant, tv: Television, playback: Playback, show: Seed, film: Seed, caplog: pytest.LogCaptureFixture
) -> None:
    plays_it = tv.how

    async def hear(session: Session) -> None:
        with translate_errors(), session.ends_with():
            await session.resolve()
            if session.file is not None and "E09" in session.file.name:
                raise NoScreen("speaker", device="The speaker")
        await plays_it(session)

    tv.how = hear
    await play(hass, tv.entity_id, show.magnet, file="*E08*")
    await play(hass, tv.entity_id, show.magnet, file="*E09*", enqueue="add")
    await play(hass, tv.entity_id, film.magnet, enqueue="add")
    (await plays(playback, "E08")).end(State.FINISHED)
    await plays(playback, "The film")
    assert "The speaker has no screen" in caplog.text


async def test_a_device_that_is_away_ends_the_queue(
    hass: HomeAssistant, tv: Television, playback: Playback, show: Seed, film: Seed
) -> None:
    await play(hass, tv.entity_id, show.magnet, file="*E08*")
    await play(hass, tv.entity_id, film.magnet, enqueue="add")
    await play(hass, tv.entity_id, film.magnet, enqueue="add")
    hass.states.async_set(tv.entity_id, "unavailable")
    (await plays(playback, "E08")).end(State.FINISHED)
    await hass.async_block_till_done(wait_background_tasks=True)
    await settled(playback)
    assert (playback.sessions, playback.queue(tv.entity_id).items) == ((), ())
    assert len(tv.played) == 1


async def test_a_transfer_takes_the_queue_along(
    hass: HomeAssistant, tv: Television, televisions: Televisions, playback: Playback, show: Seed, film: Seed
) -> None:
    kitchen = televisions.add("kitchen")
    await play(hass, tv.entity_id, film.magnet)
    await play(hass, tv.entity_id, show.magnet, file="*E09*", enqueue="add")
    hass.services.async_register("media_player", "media_pause", lambda _call: None)
    await do(hass, "transfer", entity_id=kitchen.entity_id)
    assert playback.queue(tv.entity_id).items == ()
    (await plays(playback, "The film")).end(State.FINISHED)
    assert (await plays(playback, "E09")).target == kitchen.entity_id


@pytest.mark.parametrize(("where", "left"), [("play", 1), ("replace", 0)])
async def test_a_play_at_once_keeps_or_replaces_what_is_queued(
    hass: HomeAssistant, tv: Television, playback: Playback, show: Seed, film: Seed, where: str, left: int
) -> None:
    await play(hass, tv.entity_id, film.magnet)
    await play(hass, tv.entity_id, show.magnet, file="*E08*", enqueue="add")
    before = await plays(playback, "The film")
    await play(hass, tv.entity_id, show.magnet, file="*E09*", enqueue=where)
    before.end()  # as its device tells
    assert len(playback.queue(tv.entity_id).items) == left
    await plays(playback, "E09")


async def test_what_was_ready_to_follow_one_film_does_not_follow_another(
    hass: HomeAssistant, tv: Television, playback: Playback, show: Seed, film: Seed
) -> None:
    await play(hass, tv.entity_id, show.magnet, file="*E08*")
    queue = playback.queue(tv.entity_id)
    await until(lambda: queue.ready)
    before = await plays(playback, "E08")
    await play(hass, tv.entity_id, film.magnet, enqueue="play")
    before.end()  # as its device tells
    (await plays(playback, "The film")).end(State.FINISHED)
    await hass.async_block_till_done(wait_background_tasks=True)
    await settled(playback)
    assert (queue.ready, playback.sessions) == (None, ())
