"""What the action `play` plays, and what it answers."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, Unauthorized
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.torrent_cast import playing
from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.playback import Playback, Session, State
from custom_components.torrent_cast.playback.session import MAX_TITLE
from tests.conftest import (
    PIECE,
    Seed,
    Television,
    Televisions,
    assert_nothing_left,
    settled,
    soon,
    torrents_in_libtorrent,
    until,
)
from tests.services.conftest import NOBODY, play

pytestmark = pytest.mark.usefixtures("entry")


async def test_a_magnet_plays_on_a_cast_device(
    hass: HomeAssistant, tv: Television, film: Seed, playback: Playback
) -> None:
    answer = await play(hass, tv.entity_id, film.magnet)
    (session,) = playback.sessions
    assert tv.played == [f"torrent-cast:{session.id}"]
    assert answer == {
        "sessions": [
            {
                "session_id": session.id,
                "entity_id": tv.entity_id,
                "state": "playing",
                "title": "The film (2026).mp4",
                "info_hash": film.key,
                "file": {"index": 0, "path": "The film (2026).mp4", "size": film.content.stat().st_size},
                "content_type": "video/mp4",
                "duration": pytest.approx(12, abs=0.2),
                "audio_language": "und",
                "subtitles": [],
            }
        ]
    }
    assert session.token not in str(answer)


async def test_without_a_response_nothing_is_returned(hass: HomeAssistant, tv: Television, film: Seed) -> None:
    data = {"source": film.magnet, "entity_id": tv.entity_id}
    assert await soon(hass.services.async_call(DOMAIN, "play", data, blocking=True)) is None


async def test_title_file_and_position_are_taken(
    hass: HomeAssistant, tv: Television, film: Seed, playback: Playback
) -> None:
    answer = await play(hass, tv.entity_id, film.magnet, title="My film\n\x00\u202e", file="*film*", start_position=5.5)
    assert answer["sessions"][0]["title"] == "My film"
    assert playback.sessions[0].start_position == 5.5


async def test_it_goes_on_where_the_file_was_left(
    hass: HomeAssistant, tv: Television, film: Seed, playback: Playback
) -> None:
    await play(hass, tv.entity_id, film.magnet, start_position="resume")
    assert playback.sessions[0].start_position == 0
    await playback.library.watched(film.key, 0, 7.5, 12)
    await play(hass, tv.entity_id, film.magnet, file="*film*", start_position="Resume")
    assert playback.sessions[-1].start_position == 7.5


async def test_a_crash_costs_no_more_than_the_time_since_the_last_look(
    hass: HomeAssistant, tv: Television, film: Seed, playback: Playback
) -> None:
    await play(hass, tv.entity_id, film.magnet, start_position=11)
    await playback.tidy()
    assert playback.library.position(film.key, 0) == pytest.approx(11, abs=0.3)


async def test_a_huge_title_is_cut(hass: HomeAssistant, tv: Television, film: Seed) -> None:
    answer = await play(hass, tv.entity_id, film.magnet, title="x" * 100_000)
    assert answer["sessions"][0]["title"] == "x" * (MAX_TITLE - 1) + "…"


@pytest.mark.parametrize("file", [1, "1", "*E02*", "a folder/show.s01e02.mp4"])
async def test_a_file_is_chosen_by_number_or_pattern(
    hass: HomeAssistant,
    tv: Television,
    playback: Playback,
    share: Callable[[dict[str, int]], Seed],
    file: str | int,
) -> None:
    seed = share({"Show.S01E01.mp4": 3 * PIECE, "Show.S01E02.mp4": PIECE, "notes.txt": 9 * PIECE})
    resolved: list[Any] = []

    async def resolve(session: Session) -> None:
        await session.resolve()
        resolved.append(session.file.name if session.file else None)
        session.set_state(State.PLAYING)

    tv.how = resolve
    await play(hass, tv.entity_id, seed.magnet, file=file)
    assert resolved == ["Show.S01E02.mp4"]


@pytest.fixture
def resolved(tv: Television) -> list[tuple[str, float]]:
    """Return what gets onto the device's screen, which shows anything: its path without that of the torrent, and s."""
    found: list[tuple[str, float]] = []

    async def resolve(session: Session) -> None:
        await session.resolve()
        assert session.file is not None
        found.append((session.file.path.partition("/")[2], session.start_position))
        session.set_state(State.PLAYING)

    tv.how = resolve
    return found


@pytest.mark.parametrize(
    ("files", "begins"),
    [
        (["Show.S01E01.mp4", "Show.S01E02.mp4", "Show.S01E10.mp4", "Show.S01E01.sample.mp4"], "Show.S01E01.mp4"),
        (["Specials/Show.S00E01.mp4", "Show.S01E01.mp4", "Show.S02E01.mp4"], "Show.S01E01.mp4"),
        (["Extras/01 - Making of.mp4", "Extras/02 - Interview.mp4", "Film.2010.mp4"], "Film.2010.mp4"),
        (["10 - Song.mp3", "9 - Song.mp3"], "9 - Song.mp3"),
    ],
)
async def test_a_torrent_begins_with_its_first_episode_or_its_film(
    hass: HomeAssistant,
    tv: Television,
    resolved: list[tuple[str, float]],
    share: Callable[[dict[str, int]], Seed],
    files: list[str],
    begins: str,
) -> None:
    seed = share({name: size * PIECE for size, name in enumerate(files, 1)})
    await play(hass, tv.entity_id, seed.magnet)
    assert resolved == [(begins, 0)]


BEGUN, WATCHED = (600.0, 1200.0), (1200.0, 1200.0)


@pytest.mark.parametrize(
    ("seen", "goes_on"),
    [
        ([], ("Show.S01E01.mp4", 0)),
        ([(0, WATCHED), (1, BEGUN)], ("Show.S01E02.mp4", 600)),
        ([(1, BEGUN), (0, WATCHED)], ("Show.S01E02.mp4", 600)),
        ([(1, WATCHED)], ("Show.S01E03.mp4", 0)),
        ([(1, WATCHED), (1, BEGUN)], ("Show.S01E02.mp4", 600)),
        ([(1, (5.0, 1200.0))], ("Show.S01E02.mp4", 5)),
        ([(2, WATCHED)], ("Show.S01E01.mp4", 0)),
    ],
)
async def test_a_show_goes_on_where_it_was_left(
    hass: HomeAssistant,
    tv: Television,
    playback: Playback,
    resolved: list[tuple[str, float]],
    share: Callable[[dict[str, int]], Seed],
    seen: list[tuple[int, tuple[float, float]]],
    goes_on: tuple[str, float],
) -> None:
    seed = share({"Show.S01E01.mp4": PIECE, "Show.S01E02.mp4": 2 * PIECE, "Show.S01E03.mp4": 3 * PIECE})
    await playback.library.used(seed.key, "Show")
    for file, (position, duration) in seen:
        await playback.library.watched(seed.key, file, position, duration)
    await play(hass, tv.entity_id, seed.magnet, start_position="resume")
    assert resolved == [goes_on]


async def test_the_play_is_the_callers(
    hass: HomeAssistant, tv: Television, televisions: Televisions, film: Seed, hass_admin_user: MockUser
) -> None:
    context = Context(user_id=hass_admin_user.id)
    data = {"source": film.magnet, "entity_id": tv.entity_id}
    await soon(hass.services.async_call(DOMAIN, "play", data, blocking=True, context=context))
    assert televisions.contexts == [context]


@pytest.mark.parametrize("action", ["play", "stop"])
async def test_who_may_not_control_the_device_may_not_play_or_stop_on_it(
    hass: HomeAssistant, tv: Television, film: Seed, playback: Playback, hass_read_only_user: MockUser, action: str
) -> None:
    await play(hass, tv.entity_id, film.magnet)
    data = {"entity_id": tv.entity_id} | ({"source": film.magnet} if action == "play" else {})
    context = Context(user_id=hass_read_only_user.id)
    with pytest.raises(Unauthorized):
        await hass.services.async_call(DOMAIN, action, data, blocking=True, context=context)
    assert [session.target for session in playback.sessions] == [tv.entity_id]


async def test_without_the_right_to_the_device_nothing_is_left(
    hass: HomeAssistant, tv: Television, film: Seed, playback: Playback, downloads: Path
) -> None:
    tv.error = Unauthorized()
    with pytest.raises(Unauthorized):
        await play(hass, tv.entity_id, film.magnet)
    await assert_nothing_left(playback, downloads)


async def test_the_same_magnet_twice_is_one_torrent_with_two_sessions(
    hass: HomeAssistant, tv: Television, televisions: Televisions, film: Seed, playback: Playback
) -> None:
    await play(hass, [tv.entity_id, televisions.add("kitchen").entity_id], film.magnet)
    await play(hass, televisions.add("attic").entity_id, film.lonely_magnet)
    assert len(playback.sessions) == 3
    assert len(playback.torrents) == len(torrents_in_libtorrent(playback)) == 1
    assert len({session.token for session in playback.sessions}) == 3
    assert {session.torrent for session in playback.sessions} == set(playback.torrents)


async def test_one_of_two_targets_fails_and_the_other_plays(
    hass: HomeAssistant, tv: Television, televisions: Televisions, film: Seed, playback: Playback
) -> None:
    broken = televisions.add("broken")
    broken.error = HomeAssistantError("no such luck")
    with pytest.raises(HomeAssistantError, match="no such luck"):
        await play(hass, [tv.entity_id, broken.entity_id], film.magnet)
    (session,) = playback.sessions
    assert (session.target, session.state) == (tv.entity_id, State.PLAYING)


async def test_a_slow_device_is_no_error(
    hass: HomeAssistant,
    tv: Television,
    film: Seed,
    playback: Playback,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never_says_it_plays(session: Session) -> None:
        await session.prepare()

    monkeypatch.setattr(playing, "PLAYING_TIMEOUT", 0.01)
    tv.how = never_says_it_plays
    answer = await play(hass, tv.entity_id, film.magnet)
    assert answer["sessions"][0]["state"] == "buffering"
    assert len(playback.sessions) == 1


async def test_a_timeout_of_the_device_is_an_error(
    hass: HomeAssistant, tv: Television, film: Seed, playback: Playback, downloads: Path
) -> None:
    tv.error = TimeoutError("the device")
    with pytest.raises(TimeoutError):
        await play(hass, tv.entity_id, film.magnet)
    await assert_nothing_left(playback, downloads)


async def test_a_film_that_ends_at_once_is_no_error(hass: HomeAssistant, tv: Television, film: Seed) -> None:
    async def flash(session: Session) -> None:
        await session.prepare()
        session.set_state(State.PLAYING)
        session.end(State.FINISHED)

    tv.how = flash
    answer = await play(hass, tv.entity_id, film.magnet)
    assert answer["sessions"][0]["state"] == "finished"


async def test_a_cancelled_call_ends_its_sessions(
    hass: HomeAssistant, tv: Television, playback: Playback, downloads: Path
) -> None:
    call = asyncio.create_task(
        hass.services.async_call(DOMAIN, "play", {"source": NOBODY, "entity_id": tv.entity_id}, blocking=True)
    )
    await until(lambda: playback.torrents)
    (session,) = playback.sessions
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until(lambda: session.is_over)
    assert session.state is State.STOPPED
    await assert_nothing_left(playback, downloads)


async def test_not_waiting_answers_before_it_plays(
    hass: HomeAssistant, tv: Television, film: Seed, playback: Playback
) -> None:
    answer = await play(hass, tv.entity_id, film.magnet, wait=False)
    assert answer["sessions"][0]["state"] == "resolving"
    assert answer["sessions"][0]["file"] is None
    (session,) = playback.sessions
    await soon(session.wait_for(State.PLAYING))


async def test_not_waiting_logs_what_goes_wrong(
    hass: HomeAssistant, tv: Television, impatient: None, playback: Playback, caplog: pytest.LogCaptureFixture
) -> None:
    await play(hass, tv.entity_id, NOBODY, wait=False)
    (session,) = playback.sessions
    await until(lambda: session.is_over)
    await hass.async_block_till_done()
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.getMessage() == (
        "Cannot play on media_player.tv: No peer sent the torrent's description within 0 s (0 connected). "
        "Try a torrent with more seeders, or later"
    )
    assert record.exc_info is None


async def test_not_waiting_logs_also_what_nobody_thought_of(
    hass: HomeAssistant, tv: Television, film: Seed, playback: Playback, caplog: pytest.LogCaptureFixture
) -> None:
    tv.error = RuntimeError("a bug in the Cast integration")
    await play(hass, tv.entity_id, film.magnet, wait=False)
    await hass.async_block_till_done()
    await settled(playback)
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info is not None
    assert record.getMessage() == "Cannot play on media_player.tv"
    assert playback.sessions == ()
