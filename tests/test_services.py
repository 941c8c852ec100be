"""The service actions: what plays, what is refused, and that nothing is left behind."""
# ruff: noqa: ARG001, ASYNC240  # fixtures are asked for by name; a test may wait for its own disk

import asyncio
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import pytest
import voluptuous as vol
from aiohttp import web
from aiohttp.test_utils import TestServer
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.torrent_cast import services
from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.engine import storage
from custom_components.torrent_cast.media import Reason
from custom_components.torrent_cast.playback import Playback, Session, State
from custom_components.torrent_cast.playback.session import MAX_TITLE
from tests.conftest import (
    LOOPBACK,
    OPTIONS,
    PIECE,
    Seed,
    Seeder,
    Television,
    Televisions,
    assert_nothing_left,
    random_bytes,
    settled,
    soon,
    torrents_in_libtorrent,
    until,
)
from tests.rig.torrents import Torrent, Version, make_torrent

pytestmark = pytest.mark.usefixtures("entry")

NOBODY = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567"


async def play(
    hass: HomeAssistant,
    target: str | list[str] | None,
    source: str,
    **fields: Any,  # noqa: ANN401  # good and bad ones
) -> dict[str, Any]:
    """Call the action and return its response."""
    data = {"source": source, **fields} | ({"entity_id": target} if target is not None else {})
    response = await soon(hass.services.async_call(DOMAIN, "play", data, blocking=True, return_response=True))
    assert isinstance(response, dict)
    return response


async def refusal(
    hass: HomeAssistant,
    target: str | list[str] | None,
    source: str,
    **fields: Any,  # noqa: ANN401  # good and bad ones
) -> HomeAssistantError:
    """Return the error of a call that is to fail."""
    with pytest.raises(HomeAssistantError) as caught:
        await play(hass, target, source, **fields)
    assert caught.value.translation_domain == DOMAIN
    text = str(caught.value)
    assert str(caught.value.translation_key) not in text, "not translated"
    assert "{" not in text
    return caught.value


@pytest.fixture
def impatient(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Give up on peers at once."""
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"metadata_timeout": 0.05})


@pytest.fixture
def share(tmp_path: Path, seeder: Callable[[Path], Seed]) -> Callable[[dict[str, int]], Seed]:
    """Return what seeds a folder of files, given their sizes."""

    def make(files: dict[str, int]) -> Seed:
        folder = tmp_path / "seeder" / "A folder"
        for number, (name, size) in enumerate(files.items()):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(random_bytes(size, number))
        return seeder(folder)

    return make


@pytest.fixture
def torrent_file(hass: HomeAssistant, film: Seed, tmp_path: Path) -> Path:
    """Return the path of the film's torrent file, in which no peer is named."""
    path = tmp_path / "allowed" / "film.torrent"
    path.parent.mkdir()
    path.write_bytes(film.torrent.metainfo)
    hass.config.allowlist_external_dirs = {str(path.parent)}
    return path


# --- what plays ------------------------------------------------------------------------------------------------------


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

    monkeypatch.setattr(services, "PLAYING_TIMEOUT", 0.01)
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


# --- not waiting -----------------------------------------------------------------------------------------------------


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


# --- bad sources -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("", "empty_source"),
        ("   ", "empty_source"),
        ("the film", "unknown_source"),
        ("ftp://example.org/film.torrent", "unknown_source"),
        ("file:///etc/passwd", "unknown_source"),
        ("relative.torrent", "unknown_source"),
        ("/etc/passwd", "unknown_source"),
        ("magnet:", "bad_magnet"),
        ("magnet:?dn=film", "bad_magnet"),
        ("magnet:?xt=urn:btih:", "bad_magnet"),
        ("magnet:?xt=urn:btih:123", "bad_magnet"),
        (f"{NOBODY}&dn={'x' * 40_000}", "magnet_too_long"),
        ("magnet:?xt=urn:btmh:1220caf1e1c30e81cb361b9ee167c4aa64228a7fa4fa9f6105232b28ad099f3a30", "bad_magnet"),
        (f"{NOBODY}&so=3-1", "bad_selection"),
    ],
)
async def test_a_bad_source_is_the_callers_fault(
    hass: HomeAssistant, tv: Television, playback: Playback, downloads: Path, source: str, reason: str
) -> None:
    error = await refusal(hass, tv.entity_id, source)
    assert error.translation_key == reason
    assert isinstance(error, ServiceValidationError)
    assert tv.played == []
    await assert_nothing_left(playback, downloads)


async def test_nobody_has_it(
    hass: HomeAssistant, tv: Television, impatient: None, playback: Playback, downloads: Path
) -> None:
    error = await refusal(hass, tv.entity_id, NOBODY)
    assert error.translation_key == "no_metadata"
    assert not isinstance(error, ServiceValidationError)
    await assert_nothing_left(playback, downloads)


async def test_somebody_has_described_it_but_nobody_sends_it(
    hass: HomeAssistant,
    tv: Television,
    torrent_file: Path,
    entry: MockConfigEntry,
    playback: Playback,
    downloads: Path,
) -> None:
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"metadata_timeout": 0.05, "keep_hours": 0})
    error = await refusal(hass, tv.entity_id, str(torrent_file))
    assert error.translation_key == "no_data"
    await assert_nothing_left(playback, downloads)


@pytest.fixture
def described(
    hass: HomeAssistant, entry: MockConfigEntry, film_file: Path, libtorrent: ModuleType, tmp_path: Path
) -> Callable[[Torrent], str]:
    """Return what makes a magnet link whose peer has the metadata and nothing else; patience is short."""
    options = OPTIONS | {"metadata_timeout": 1, "keep_hours": 0}
    hass.config_entries.async_update_entry(entry, options=options)
    seeder = Seeder(libtorrent)
    return lambda torrent: f"{torrent.magnet}&x.pe={LOOPBACK}:{seeder.describe(torrent, tmp_path / 'nothing')}"


async def test_v2_layers_that_never_come(
    hass: HomeAssistant,
    tv: Television,
    described: Callable[[Torrent], str],
    film_file: Path,
    playback: Playback,
    downloads: Path,
) -> None:
    torrent = make_torrent(film_file, PIECE, version=Version.V2).without_layers()
    error = await refusal(hass, tv.entity_id, described(torrent))
    assert error.translation_key == "no_data"
    await assert_nothing_left(playback, downloads)


@pytest.mark.parametrize("answer", [web.Response(status=404), web.Response(status=206, body=bytes(PIECE))])
async def test_a_web_seed_without_the_film(
    hass: HomeAssistant,
    tv: Television,
    described: Callable[[Torrent], str],
    film_file: Path,
    playback: Playback,
    downloads: Path,
    answer: web.Response,
) -> None:
    asked: list[str] = []

    async def refuse(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=answer.status, body=answer.body)

    app = web.Application()
    app.router.add_get("/{path:.*}", refuse)
    async with TestServer(app) as server:
        magnet = described(make_torrent(film_file, PIECE))
        error = await refusal(hass, tv.entity_id, f"{magnet}&ws={quote(str(server.make_url('/film')), safe='')}")
        assert error.translation_key == "no_data"
        assert asked
    await assert_nothing_left(playback, downloads)


async def test_a_magnet_says_which_file(
    hass: HomeAssistant, tv: Television, film_file: Path, seeder: Callable[[Path], Seed], tmp_path: Path
) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(film_file, folder / name)
    (folder / "b.mp4").write_bytes(film_file.read_bytes() + bytes(PIECE))  # the largest one
    seed = seeder(folder)
    files = [name for name, _ in seed.torrent.files()]
    index = files.index("films/a.mp4")

    answer = await play(hass, tv.entity_id, f"{seed.magnet}&so={index}")
    assert answer["sessions"][0]["file"]["path"] == "films/a.mp4"
    answer = await play(hass, tv.entity_id, f"{seed.magnet}&so={index}", file="b.mp4")
    assert answer["sessions"][0]["file"]["path"] == "films/b.mp4"


async def test_a_magnet_that_says_a_file_that_is_not_there(
    hass: HomeAssistant, tv: Television, film: Seed, playback: Playback, downloads: Path
) -> None:
    error = await refusal(hass, tv.entity_id, f"{film.magnet}&so=7-9")
    assert error.translation_key == "no_such_file"
    assert error.translation_placeholders == {"index": "7", "last": "0"}
    await assert_nothing_left(playback, downloads)


async def test_a_hybrid_named_by_v2_is_the_film_that_plays_already(
    hass: HomeAssistant,
    televisions: Televisions,
    film_file: Path,
    shared_seeder: Seeder,
    playback: Playback,
    entry: MockConfigEntry,
    downloads: Path,
) -> None:
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"keep_hours": 0})
    seed = shared_seeder.seed(film_file, version=Version.HYBRID)
    peer = f"&x.pe={LOOPBACK}:{seed.port}"
    for name, magnet in (("one", seed.torrent.v2_magnet), ("two", seed.torrent.v1_magnet)):
        answer = await play(hass, televisions.add(name).entity_id, magnet + peer)
        assert answer["sessions"][0]["info_hash"] == seed.torrent.v1
    assert playback._users == {seed.torrent.v1: 2}
    assert len(playback.torrents) == 1

    for session in playback.sessions:
        session.end()

    await assert_nothing_left(playback, downloads)
    shared_seeder.forget(seed)


async def test_a_torrent_without_video(
    hass: HomeAssistant, tv: Television, share: Callable[[dict[str, int]], Seed], playback: Playback, downloads: Path
) -> None:
    seed = share({"book.pdf": 100, "song.mp3": PIECE})
    error = await refusal(hass, tv.entity_id, seed.magnet)
    assert error.translation_key == "no_video"
    assert error.translation_placeholders == {"files": "2"}
    assert isinstance(error, ServiceValidationError)
    await assert_nothing_left(playback, downloads)


@pytest.mark.parametrize(
    ("file", "reason", "placeholders"),
    [
        (2, "no_such_file", {"index": "2", "last": "1"}),
        (-1, "no_such_file", {"index": "-1", "last": "1"}),
        ("-1", "no_such_file", {"index": "-1", "last": "1"}),
        (999_999_999, "no_such_file", {"index": "999999999", "last": "1"}),
        ("9" * 5000, "no_match", {"pattern": "9" * 5000}),
        ("*S02*", "no_match", {"pattern": "*S02*"}),
        ("[", "no_match", {"pattern": "["}),
        ("\x1b[31m*", "no_match", {"pattern": "[31m*"}),
        ("*.nfo", "empty_file", {"name": "empty.nfo"}),
    ],
)
async def test_a_file_that_is_not_there(
    hass: HomeAssistant,
    tv: Television,
    share: Callable[[dict[str, int]], Seed],
    playback: Playback,
    downloads: Path,
    file: int | str,
    reason: str,
    placeholders: dict[str, str],
) -> None:
    seed = share({"empty.nfo": 0, "film.mp4": PIECE})
    error = await refusal(hass, tv.entity_id, seed.magnet, file=file)
    assert (error.translation_key, error.translation_placeholders) == (reason, placeholders)
    assert isinstance(error, ServiceValidationError)
    await assert_nothing_left(playback, downloads)


async def test_an_empty_choice_is_none(hass: HomeAssistant, tv: Television, film: Seed) -> None:
    answer = await play(hass, tv.entity_id, film.magnet, file="")
    assert answer["sessions"][0]["file"]["index"] == 0


async def test_what_is_no_film_inside(
    hass: HomeAssistant, tv: Television, noise: Seed, entry: MockConfigEntry, playback: Playback, downloads: Path
) -> None:
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"keep_hours": 0})
    error = await refusal(hass, tv.entity_id, noise.magnet)
    assert error.translation_key == Reason.NOT_MEDIA
    await assert_nothing_left(playback, downloads)


async def test_a_film_larger_than_the_free_space_is_refused_with_the_numbers(
    hass: HomeAssistant,
    tv: Television,
    torrent_file: Path,
    film: Seed,
    playback: Playback,
    downloads: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free = storage.RESERVE_BYTES + film.content.stat().st_size - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(0, 0, free))
    error = await refusal(hass, tv.entity_id, str(torrent_file))
    assert error.translation_key == "not_enough_space"
    assert error.translation_placeholders == {"needed": "2 MB", "free": "271 MB", "reserve": "269 MB"}
    await assert_nothing_left(playback, downloads)


async def test_a_film_that_just_fits_is_played(
    hass: HomeAssistant, tv: Television, film: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = storage.RESERVE_BYTES + film.content.stat().st_size
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(0, 0, free))
    await play(hass, tv.entity_id, film.magnet)


async def test_a_disk_that_goes_away(
    hass: HomeAssistant,
    tv: Television,
    noise: Seed,
    playback: Playback,
    downloads: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(_path: Path) -> None:
        raise OSError(5, "Input/output error", "/private")

    monkeypatch.setattr(shutil, "disk_usage", gone)
    error = await refusal(hass, tv.entity_id, noise.magnet)
    assert error.translation_placeholders is not None
    assert error.translation_placeholders["error"] == "Input/output error"
    assert "private" not in str(error)
    await assert_nothing_left(playback, downloads)


async def test_a_directory_that_cannot_be_written_any_more(
    hass: HomeAssistant, tv: Television, noise: Seed, playback: Playback, downloads: Path
) -> None:
    downloads.rmdir()
    downloads.touch()
    error = await refusal(hass, tv.entity_id, noise.magnet)
    assert error.translation_key == "not_writable"
    assert playback.sessions == ()
    assert playback.torrents == ()


@pytest.mark.parametrize("position", [float("nan"), float("inf"), float("-inf"), -1, 604_801, "soon", None])
async def test_a_position_that_is_none(
    hass: HomeAssistant, tv: Television, playback: Playback, downloads: Path, position: object
) -> None:
    with pytest.raises(vol.Invalid):
        await play(hass, tv.entity_id, NOBODY, start_position=position)
    await assert_nothing_left(playback, downloads)


async def test_a_position_beyond_the_end(
    hass: HomeAssistant, tv: Television, film: Seed, entry: MockConfigEntry, playback: Playback, downloads: Path
) -> None:
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"keep_hours": 0})
    error = await refusal(hass, tv.entity_id, film.magnet, start_position=3600)
    assert error.translation_key == "beyond_end"
    assert error.translation_placeholders == {"position": "3600", "duration": "12"}
    assert isinstance(error, ServiceValidationError)
    await assert_nothing_left(playback, downloads)


@pytest.mark.parametrize(
    "name", [b"../../escaped.mp4", b"/etc/escaped.mp4", b"a\x00b\x1b[31m\n\xe2\x80\xae.mp4", b"con.mp4", b"\xff.mp4"]
)
async def test_hostile_names_stay_in_the_directory_and_out_of_the_title(
    hass: HomeAssistant,
    tv: Television,
    playback: Playback,
    downloads: Path,
    tmp_path: Path,
    libtorrent: ModuleType,
    entry: MockConfigEntry,
    name: bytes,
) -> None:
    info = {b"name": name, b"piece length": PIECE, b"pieces": bytes(20), b"length": 1000}
    path = tmp_path / "hostile.torrent"
    path.write_bytes(libtorrent.bencode({b"info": info}))
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"metadata_timeout": 0.05, "keep_hours": 0})
    before = set(tmp_path.rglob("*"))
    titles: list[str] = []

    async def prepare(session: Session) -> None:
        await session.resolve()
        titles.append(session.title)
        session.set_state(State.PLAYING)

    tv.how = prepare
    await play(hass, tv.entity_id, str(path), file=0)
    (title,) = titles
    assert title.isprintable()
    assert "/" not in title
    assert all(created.is_relative_to(downloads) for created in set(tmp_path.rglob("*")) - before)
    for session in playback.sessions:
        session.end()
    await assert_nothing_left(playback, downloads)


# --- bad targets -----------------------------------------------------------------------------------------------------


async def test_a_target_that_is_no_cast_device(hass: HomeAssistant, playback: Playback) -> None:
    other = er.async_get(hass).async_get_or_create("media_player", "sonos", "x").entity_id
    light = er.async_get(hass).async_get_or_create("light", "cast", "x").entity_id
    for target in (other, light, "media_player.not_there"):
        error = await refusal(hass, target, NOBODY)
        assert (error.translation_key, error.translation_placeholders) == ("not_cast", {"device": target})
        assert isinstance(error, ServiceValidationError)
    assert playback.sessions == ()


async def test_one_bad_target_is_enough_to_refuse(hass: HomeAssistant, tv: Television, playback: Playback) -> None:
    error = await refusal(hass, [tv.entity_id, "media_player.not_there"], NOBODY)
    assert error.translation_key == "not_cast"
    assert playback.sessions == ()


@pytest.mark.parametrize("state", ["unavailable", None])
async def test_an_unavailable_target(
    hass: HomeAssistant, tv: Television, playback: Playback, state: str | None
) -> None:
    if state is None:
        hass.states.async_remove(tv.entity_id)
    else:
        hass.states.async_set(tv.entity_id, state)
    error = await refusal(hass, tv.entity_id, NOBODY)
    assert (error.translation_key, error.translation_placeholders) == ("device_unavailable", {"device": tv.entity_id})
    assert not isinstance(error, ServiceValidationError)
    assert playback.sessions == ()


async def test_no_target(hass: HomeAssistant) -> None:
    nothing: str | list[str]
    for nothing in ("none", "all", []):  # "all" means services of entities, which this is not
        assert (await refusal(hass, nothing, NOBODY)).translation_key == "no_target"
    with pytest.raises(vol.Invalid):
        await play(hass, None, NOBODY)


async def test_a_target_by_area_takes_its_cast_devices_only(
    hass: HomeAssistant, tv: Television, film: Seed, playback: Playback
) -> None:
    registry = er.async_get(hass)
    area = ar.async_get(hass).async_create("Den").id
    other = registry.async_get_or_create("media_player", "sonos", "x").entity_id
    for entity_id in (tv.entity_id, other):
        registry.async_update_entity(entity_id, area_id=area)
    data = {"source": film.magnet, "area_id": area}
    await soon(hass.services.async_call(DOMAIN, "play", data, blocking=True))
    assert [session.target for session in playback.sessions] == [tv.entity_id]


async def test_nothing_plays_while_the_entry_is_not_loaded(
    hass: HomeAssistant, tv: Television, entry: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    error = await refusal(hass, tv.entity_id, NOBODY)
    assert error.translation_key == "not_loaded"
    assert isinstance(error, ServiceValidationError)


async def test_nothing_plays_while_the_engine_stops(hass: HomeAssistant, tv: Television, playback: Playback) -> None:
    await playback.stop()
    assert (await refusal(hass, tv.entity_id, NOBODY)).translation_key == "engine_stopped"
    with pytest.raises(Exception, match="engine_stopped"):
        playback.start_session(None)  # type: ignore[arg-type]  # not looked at


# --- stop ------------------------------------------------------------------------------------------------------------


async def stop(hass: HomeAssistant, *targets: str) -> None:
    await soon(hass.services.async_call(DOMAIN, "stop", {"entity_id": list(targets)}, blocking=True))


async def test_stop_ends_what_plays_and_stops_the_device(
    hass: HomeAssistant, tv: Television, televisions: Televisions, film: Seed, playback: Playback
) -> None:
    kitchen = televisions.add("kitchen")
    await play(hass, [tv.entity_id, kitchen.entity_id], film.magnet)
    await stop(hass, tv.entity_id)
    assert (tv.stopped, kitchen.stopped) == (1, 0)
    assert [session.target for session in playback.sessions] == [kitchen.entity_id]


async def test_stop_while_it_gets_ready(
    hass: HomeAssistant, tv: Television, playback: Playback, downloads: Path
) -> None:
    call = asyncio.create_task(refusal(hass, tv.entity_id, NOBODY))
    await until(lambda: playback.torrents)
    await stop(hass, tv.entity_id)
    assert (await soon(call)).translation_key == "session_ended"
    assert tv.stopped == 0
    await assert_nothing_left(playback, downloads)


async def test_stop_without_anything_to_stop(hass: HomeAssistant, tv: Television) -> None:
    await stop(hass, tv.entity_id)
    assert tv.stopped == 0


async def test_stop_reaches_an_unavailable_device_too(
    hass: HomeAssistant, tv: Television, film: Seed, playback: Playback
) -> None:
    await play(hass, tv.entity_id, film.magnet)
    hass.states.async_set(tv.entity_id, "unavailable")
    await stop(hass, tv.entity_id)
    assert playback.sessions == ()


async def test_stop_wants_a_cast_device(hass: HomeAssistant) -> None:
    with pytest.raises(ServiceValidationError) as caught:
        await stop(hass, "media_player.other")
    assert caught.value.translation_key == "not_cast"
