"""The life of torrents on disk, and of sessions nobody ends."""
# ruff: noqa: ARG001, ASYNC240  # fixtures are asked for by name; a test may wait for its own disk

import asyncio
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.engine import Engine, EngineSettings, SourceError, StorageError, TorrentGone, saving
from custom_components.torrent_cast.engine.storage import FILES, RESUME
from custom_components.torrent_cast.playback import Playback, Session, State
from custom_components.torrent_cast.playback import sessions as module
from custom_components.torrent_cast.playback.sessions import IDLE_SESSION, LOST_RECEIVER, UNCLAIMED_SESSION
from tests.conftest import (
    OPTIONS,
    Seed,
    Seeder,
    assert_nothing_left,
    settled,
    soon,
    torrents_in_libtorrent,
    until,
)

KEY = "0123456789abcdef0123456789abcdef01234567"


async def prepared(playback: Playback, seed: Seed, **fields: Any) -> Session:  # noqa: ANN401  # passed on as they are
    """Return a session that is ready to play."""
    session = playback.start_session(await playback.parse(seed.magnet), **fields)
    await soon(session.prepare())
    return session


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what sets the wall clock on."""
    start = dt_util.utcnow()

    def set_on(**span: float) -> None:
        monkeypatch.setattr(dt_util, "utcnow", lambda: start + timedelta(**span))

    return set_on


# --- what stays on disk ----------------------------------------------------------------------------------------------


async def test_a_film_that_is_not_to_be_kept_goes_with_its_session(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed, downloads: Path
) -> None:
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"keep_hours": 0})
    await hass.async_block_till_done()
    session = await prepared(playback, film)
    assert list((downloads / film.key / FILES).iterdir())
    session.end()
    await assert_nothing_left(playback, downloads)


async def test_a_film_is_kept_and_goes_when_its_time_is_over(
    playback: Playback,
    film: Seed,
    downloads: Path,
    later: Callable[..., None],
) -> None:
    (await prepared(playback, film)).end()
    await settled(playback)
    assert playback.torrents == ()
    later(hours=23, minutes=59)
    await playback.tidy()
    assert (downloads / film.key / FILES / film.content.name).exists()
    later(hours=24, minutes=1)
    await playback.tidy()
    await assert_nothing_left(playback, downloads)


@pytest.fixture
def saves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each look save what has come since the last one."""
    monkeypatch.setattr(saving, "SAVE_INTERVAL", 0)


async def downloaded(playback: Playback, seed: Seed) -> Session:
    """Return a session whose file is there; none of it was when the session was resolved."""
    session = playback.start_session(await playback.parse(seed.torrent.metainfo))
    await soon(session.resolve())
    seed.connect(playback)
    torrent, file = session.torrent, session.file
    assert torrent is not None
    assert file is not None
    await soon(torrent.wait_for_range(file, 0, file.size))
    return session


async def test_what_was_downloaded_is_there_after_a_crash(
    playback: Playback, noise: Seed, downloads: Path, tmp_path: Path, libtorrent: ModuleType, saves_at_once: None
) -> None:
    await downloaded(playback, noise)
    await playback.tidy()
    left = shutil.copytree(downloads, tmp_path / "left")
    handle: Any = noise.handle
    handle.pause()

    engine = await Engine.start(libtorrent, left, EngineSettings(dht=False, lsd=False, upnp=False))
    try:
        torrent = await soon(engine.add(await engine.source_of(noise.key)))
        await torrent.metadata(60)
        async with torrent.open(torrent.files[0]) as reader:
            assert await soon(reader.read_exactly(torrent.files[0].size)) == noise.content.read_bytes()
    finally:
        await soon(engine.stop())


async def test_what_is_on_disk_is_written_down_once(
    playback: Playback, noise: Seed, downloads: Path, saves_at_once: None
) -> None:
    await downloaded(playback, noise)
    await playback.tidy()
    before = (downloads / noise.key / RESUME).stat()
    await playback.tidy()
    assert (downloads / noise.key / RESUME).stat() == before


async def test_what_is_on_disk_is_not_written_down_all_the_time(
    playback: Playback, noise: Seed, downloads: Path
) -> None:
    await downloaded(playback, noise)
    before = (downloads / noise.key / RESUME).stat()
    await playback.tidy()
    assert (downloads / noise.key / RESUME).stat() == before


async def test_watching_again_starts_the_time_anew(
    playback: Playback, film: Seed, downloads: Path, later: Callable[..., None]
) -> None:
    (await prepared(playback, film)).end()
    await settled(playback)
    later(hours=20)
    (await prepared(playback, film)).end()
    await settled(playback)
    later(hours=30)
    await playback.tidy()
    assert (downloads / film.key).exists()
    assert len(playback.library.kept) == 1


async def test_a_film_in_use_is_not_due(
    playback: Playback, film: Seed, downloads: Path, later: Callable[..., None]
) -> None:
    session = await prepared(playback, film)
    later(hours=100)
    await playback.tidy()
    assert (downloads / film.key).exists()
    assert not session.is_over


async def test_what_is_kept_is_in_the_store(playback: Playback, film: Seed, hass_storage: dict[str, Any]) -> None:
    (await prepared(playback, film)).end()
    await settled(playback)
    (kept,) = hass_storage[DOMAIN]["data"]["torrents"]
    assert (kept["key"], kept["name"]) == (film.key, film.content.name)
    assert film.port not in kept.values()
    assert "magnet" not in str(hass_storage[DOMAIN])


async def test_what_was_deleted_by_hand_is_forgotten(playback: Playback, film: Seed, downloads: Path) -> None:
    (await prepared(playback, film)).end()
    await settled(playback)
    for path in sorted((downloads / film.key).rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (downloads / film.key).rmdir()
    await playback.tidy()
    assert playback.library.kept == ()


async def test_nothing_is_deleted_that_is_not_ours(
    playback: Playback, film: Seed, downloads: Path, later: Callable[..., None]
) -> None:
    foreign = [
        downloads / "film.mkv",
        downloads / "My films" / "film.mkv",
        downloads / KEY / "without our mark.txt",
        downloads / KEY.upper() / RESUME,
        downloads / f"{KEY}0" / RESUME,
    ]
    for path in foreign:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("somebody's")
    (await prepared(playback, film)).end()
    await settled(playback)
    within = downloads / film.key / FILES / "subtitle.srt"
    within.write_text("put there by somebody")
    later(days=2)
    await playback.tidy()
    assert [path for path in (*foreign, within) if not path.exists()] == []
    assert not (downloads / film.key / FILES / film.content.name).exists()


async def test_a_link_in_the_place_of_our_folder_is_not_followed(
    playback: Playback, downloads: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere" / FILES).mkdir(parents=True)
    (tmp_path / "elsewhere" / RESUME).touch()
    (downloads / KEY).symlink_to(tmp_path / "elsewhere")
    await playback.tidy()
    assert (tmp_path / "elsewhere" / RESUME).exists()
    assert (downloads / KEY).is_symlink()


async def test_what_a_crash_leaves_can_be_deleted_by_name(
    hass: HomeAssistant, playback: Playback, film: Seed, downloads: Path, libtorrent: ModuleType
) -> None:
    """Before the first byte is there the resume data name the files."""
    session = playback.start_session(await playback.parse(film.torrent.metainfo))
    await soon(session.resolve())
    info = libtorrent.read_resume_data((downloads / film.key / RESUME).read_bytes()).ti
    assert info.files().file_path(0) == film.content.name


async def test_housekeeping_does_nothing_once_stopped(playback: Playback, downloads: Path) -> None:
    """Its successor may be at work in the same directory."""
    await playback.stop()
    (downloads / KEY).mkdir()
    (downloads / KEY / RESUME).touch()
    await playback.tidy()
    assert (downloads / KEY / RESUME).exists()


async def test_what_cannot_be_deleted_at_a_sessions_end_is_left_to_housekeeping(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    playback: Playback,
    film: Seed,
    downloads: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise StorageError("not_writable", directory="/private", error="Read-only file system")

    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"keep_hours": 0})
    session = await prepared(playback, film)
    with monkeypatch.context() as patch:
        patch.setattr(playback._torrents.engine.running, "remove", refuse)
        session.end()
        await settled(playback)
    assert "cannot be deleted: Read-only file system" in caplog.text
    assert "/private" not in caplog.text


# --- from what is kept -----------------------------------------------------------------------------------------------


async def test_a_kept_film_plays_without_peers(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    playback: Playback,
    film_file: Path,
    shared_seeder: Seeder,
) -> None:
    seed = shared_seeder.seed(film_file)
    session = await prepared(playback, seed)
    assert session.torrent is not None
    assert session.file is not None
    torrent, file = session.torrent, session.file
    await soon(torrent.wait_for_range(file, 0, file.size))
    shared_seeder.forget(seed)
    assert await hass.config_entries.async_reload(entry.entry_id)
    reloaded: Playback = entry.runtime_data
    again = reloaded.start_session(await reloaded.kept_source(seed.key))
    await soon(again.prepare())
    assert again.torrent is not None
    async with again.torrent.open(file) as reader:
        assert await soon(reader.read_exactly(file.size)) == film_file.read_bytes()


async def test_a_torrent_in_use_is_a_source_too(playback: Playback, film: Seed) -> None:
    first = await prepared(playback, film)
    second = playback.start_session(await playback.kept_source(film.key))
    await soon(second.prepare())
    assert second.torrent is first.torrent


async def test_an_unknown_torrent_is_no_source(playback: Playback) -> None:
    with pytest.raises(SourceError) as caught:
        await playback.kept_source(KEY)
    assert caught.value.reason == "unknown_torrent"


# --- several sessions ------------------------------------------------------------------------------------------------


async def test_one_of_two_sessions_ends_and_the_other_goes_on(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, noise: Seed, downloads: Path
) -> None:
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"keep_hours": 0})
    source = await playback.parse(noise.magnet)
    one, two = playback.start_session(source), playback.start_session(source)
    await soon(asyncio.gather(one.resolve(), two.resolve()))
    one.end()
    await settled(playback)
    assert two.torrent is not None
    assert two.file is not None
    async with two.torrent.open(two.file) as reader:
        assert await soon(reader.read_exactly(two.file.size)) == noise.content.read_bytes()
    two.end()
    await assert_nothing_left(playback, downloads)


async def test_a_session_that_starts_while_the_last_one_lets_go(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, noise: Seed, downloads: Path
) -> None:
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"keep_hours": 0})
    one = playback.start_session(await playback.parse(noise.magnet))
    await soon(one.resolve())
    one.end()
    two = playback.start_session(await playback.parse(noise.magnet))
    await soon(two.resolve())
    assert two.torrent is not None
    assert two.file is not None
    async with two.torrent.open(two.file) as reader:
        assert await soon(reader.read_exactly(100)) == noise.content.read_bytes()[:100]
    two.end()
    await assert_nothing_left(playback, downloads)


async def test_many_starts_and_stops_leave_nothing(playback: Playback, noise: Seed, downloads: Path) -> None:
    for turns in range(12):
        session = playback.start_session(await playback.parse(noise.lonely_magnet))
        task = asyncio.create_task(session.resolve())
        for _ in range(turns):
            await asyncio.sleep(0)
        session.end()
        with pytest.raises(Exception, match="session_ended"):
            await soon(task)
    await assert_nothing_left(playback, downloads)


async def test_stop_while_buffering(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, noise: Seed, downloads: Path
) -> None:
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"keep_hours": 0})
    session = playback.start_session(await playback.parse(noise.torrent.metainfo))
    task = asyncio.create_task(session.prepare())
    await until(lambda: session.state is State.BUFFERING)
    session.end()
    with pytest.raises(Exception, match="session_ended"):
        await soon(task)
    await assert_nothing_left(playback, downloads)


# --- sessions nobody ends --------------------------------------------------------------------------------------------


@pytest.fixture
def wait_for(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return what sets on the clock that sessions are measured by."""

    def set_on(seconds: float) -> None:
        now = time.monotonic() + seconds
        monkeypatch.setattr(module, "time", type("Time", (), {"monotonic": staticmethod(lambda: now)}))

    return set_on


async def test_a_session_without_a_receiver_ends_when_nobody_asks_any_more(
    playback: Playback,
    session: Session,
    wait_for: Callable[[float], None],
) -> None:
    with session.connected(lambda: None):
        pass
    wait_for(IDLE_SESSION - 60)
    await playback.tidy()
    assert not session.is_over
    wait_for(IDLE_SESSION + 60)
    with session.connected(lambda: None):
        await playback.tidy()
        assert not session.is_over
    session.last_used -= 2 * IDLE_SESSION
    await playback.tidy()
    assert session.is_over


async def test_an_address_that_nobody_used_is_given_up_soon(
    playback: Playback, session: Session, wait_for: Callable[[float], None]
) -> None:
    wait_for(UNCLAIMED_SESSION - 60)
    await playback.tidy()
    assert not session.is_over
    wait_for(UNCLAIMED_SESSION + 60)
    await playback.tidy()
    assert session.is_over


async def test_a_device_given_to_a_session_is_taken_from_those_that_wait(
    playback: Playback, session: Session, film: Seed
) -> None:
    source = await playback.parse(film.magnet)
    waiting, loaded = playback.start_session(source), playback.start_session(source)
    waiting.target = loaded.target = "media_player.tv"
    loaded.was_loaded = True
    playback.claim(session, "media_player.tv")
    assert [waiting.is_over, loaded.is_over, session.is_over] == [True, False, False]
    assert session.target == "media_player.tv"


async def test_a_session_whose_device_never_loaded_it_ends_too(
    playback: Playback, session: Session, wait_for: Callable[[float], None]
) -> None:
    session.target = "media_player.tv"
    wait_for(IDLE_SESSION + 60)
    await playback.tidy()
    assert session.is_over


async def test_a_session_on_a_receiver_stays_while_it_can_be_reached(
    playback: Playback,
    session: Session,
    wait_for: Callable[[float], None],
) -> None:
    session.target, session.was_loaded = "media_player.tv", True
    wait_for(10 * IDLE_SESSION)
    await playback.tidy()
    assert not session.is_over
    session.disconnected_since = time.monotonic() + 10 * IDLE_SESSION - LOST_RECEIVER - 60
    await playback.tidy()
    assert session.is_over


# --- stop ------------------------------------------------------------------------------------------------------------


async def test_stop_twice_and_nothing_starts_afterwards(playback: Playback, film: Seed) -> None:
    await prepared(playback, film)
    await soon(asyncio.gather(playback.stop(), playback.stop()))
    assert playback.sessions == ()
    assert torrents_in_libtorrent(playback) == []
    with pytest.raises(TorrentGone):
        await playback.parse(film.magnet)


async def test_settings_before_the_engine_runs(playback: Playback) -> None:
    playback.apply(playback.settings)
    assert playback.torrents == ()
    await playback.stop()
