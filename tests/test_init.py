"""The config entry: set-up, changes, unload, removal."""
# ruff: noqa: ARG001, ASYNC240  # fixtures are asked for by name; a test may wait for its own disk

import asyncio
import logging
import platform
import re
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util
from packaging.tags import parse_tag
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.torrent_cast.const import CONF_BASE_URL, CONF_DIRECTORY, CONF_KEEP_HOURS, CONF_PORT, DOMAIN
from custom_components.torrent_cast.engine import BindingError, StorageError, binding, storage
from custom_components.torrent_cast.engine.storage import FILES, RESUME
from custom_components.torrent_cast.issues import Issue
from custom_components.torrent_cast.playback import Playback, State
from tests.conftest import OPTIONS, Seed, libtorrent_session, settled, soon, torrents_in_libtorrent, until

KEY = "0123456789abcdef0123456789abcdef01234567"


def no_libtorrent(_cache: Path) -> None:
    raise BindingError("no_libtorrent", platform="Linux m68k", python="CPython 3.14", libc="glibc 2")


async def test_an_entry_is_set_up_and_unloaded(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert entry.state is ConfigEntryState.LOADED
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert not hass.config_entries.async_loaded_entries(DOMAIN)


async def test_a_directory_that_cannot_be_written_is_tried_again(hass: HomeAssistant, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    entry = MockConfigEntry(domain=DOMAIN, data={CONF_DIRECTORY: str(tmp_path / "file" / "below")}, options=OPTIONS)
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "not_writable"


async def test_the_log_does_not_name_the_directory(
    hass: HomeAssistant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "private").touch()
    entry = MockConfigEntry(domain=DOMAIN, data={CONF_DIRECTORY: str(tmp_path / "private" / "x")}, options=OPTIONS)
    entry.add_to_hass(hass)
    with caplog.at_level(logging.INFO):  # below it Home Assistant shows tracebacks to developers
        await hass.config_entries.async_setup(entry.entry_id)
    assert "The download directory cannot be written to" in caplog.text
    assert "private" not in caplog.text


async def test_without_libtorrent_set_up_fails_for_good(
    hass: HomeAssistant, new_entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binding, "load", no_libtorrent)
    assert not await hass.config_entries.async_setup(new_entry.entry_id)
    assert new_entry.state is ConfigEntryState.SETUP_ERROR
    assert new_entry.error_reason_translation_key == "no_libtorrent"
    assert new_entry.error_reason_translation_placeholders == {
        "platform": "Linux m68k",
        "python": "CPython 3.14",
        "libc": "glibc 2",
    }


async def test_without_libtorrent_an_issue_says_what_to_do_until_there_is_one(
    hass: HomeAssistant, new_entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(binding, "load", no_libtorrent)
        await hass.config_entries.async_setup(new_entry.entry_id)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, Issue.NO_LIBTORRENT)
    assert issue is not None
    assert issue.severity is ir.IssueSeverity.ERROR
    assert issue.translation_key == "no_libtorrent"
    assert issue.translation_placeholders == {"platform": "Linux m68k", "python": "CPython 3.14", "libc": "glibc 2"}

    assert await hass.config_entries.async_reload(new_entry.entry_id)

    assert ir.async_get(hass).async_get_issue(DOMAIN, Issue.NO_LIBTORRENT) is None
    await hass.config_entries.async_unload(new_entry.entry_id)


@pytest.mark.parametrize("interpreter", ["cp315-cp315-musllinux_1_2_x86_64", "cp314-cp314-musllinux_1_2_armv7l"])
async def test_a_machine_that_no_wheel_is_for_is_told_which_it_is_and_what_to_do(
    hass: HomeAssistant, new_entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch, interpreter: str
) -> None:
    monkeypatch.delitem(sys.modules, "libtorrent")
    monkeypatch.setattr(binding, "sys_tags", lambda: iter(parse_tag(interpreter)))
    assert not await hass.config_entries.async_setup(new_entry.entry_id)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, Issue.NO_LIBTORRENT)
    assert issue is not None
    texts = await async_get_translations(hass, "en", "issues", {DOMAIN})
    text = texts[f"component.{DOMAIN}.issues.no_libtorrent.fix_flow.step.confirm.description"]
    told = text.format(**(issue.translation_placeholders or {}))
    assert f"{platform.system()} {platform.machine()}, CPython {platform.python_version()}, " in told
    assert re.search(r", (glibc [\d.]+|musl.*)\. Torrent Cast brings it for CPython 3\.14 on 64-bit", told)
    assert "install libtorrent 2.0.11 or newer" in told


async def test_the_issue_goes_with_the_entry(
    hass: HomeAssistant, new_entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binding, "load", no_libtorrent)
    await hass.config_entries.async_setup(new_entry.entry_id)
    await hass.config_entries.async_remove(new_entry.entry_id)
    assert ir.async_get(hass).async_get_issue(DOMAIN, Issue.NO_LIBTORRENT) is None


async def test_what_another_version_unpacked_is_swept(hass: HomeAssistant, new_entry: MockConfigEntry) -> None:
    before = Path(hass.config.cache_path(DOMAIN), "libtorrent-0123456789abcdef")
    before.mkdir(parents=True)
    assert await hass.config_entries.async_setup(new_entry.entry_id)
    assert not before.exists()
    await hass.config_entries.async_unload(new_entry.entry_id)


async def test_live_options_are_applied_without_a_reload(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    playback: Playback = entry.runtime_data
    hass.config_entries.async_update_entry(
        entry, options=OPTIONS | {CONF_KEEP_HOURS: 1, CONF_BASE_URL: "http://192.168.1.10"}
    )
    await hass.async_block_till_done()
    assert entry.runtime_data is playback
    assert playback.settings.keep.total_seconds() == 3600
    assert playback.settings.base_url == "http://192.168.1.10"


async def test_live_options_reach_a_running_engine(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, noise: Seed
) -> None:
    await playback.parse(noise.magnet)
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"download_limit": 500, "upload_limit": 20})
    await hass.async_block_till_done()
    settings = libtorrent_session(playback).get_settings()
    assert (settings["download_rate_limit"], settings["upload_rate_limit"]) == (500_000, 20_000)


async def test_a_new_port_takes_a_reload(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    before: Playback = entry.runtime_data
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {CONF_PORT: 40123})
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert entry.runtime_data is not before
    assert before.stopping


async def test_what_is_kept_survives_a_reload_right_after_the_play(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed, downloads: Path
) -> None:
    session = playback.start_session(await playback.parse(film.magnet))
    await soon(session.prepare())
    assert await hass.config_entries.async_reload(entry.entry_id)
    reloaded: Playback = entry.runtime_data
    assert [kept.key for kept in reloaded.library.kept] == [film.key]
    assert (downloads / film.key / RESUME).is_file()
    assert list((downloads / film.key / FILES).iterdir())


async def test_a_new_directory_leaves_nothing_in_the_old_one(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed, downloads: Path, tmp_path: Path
) -> None:
    session = playback.start_session(await playback.parse(film.magnet))
    await soon(session.prepare())
    (downloads / "mine.txt").write_text("not the integration's")
    await playback.library.watched(film.key, 0, 7.5, 12)
    hass.config_entries.async_update_entry(entry, data={CONF_DIRECTORY: str(tmp_path / "elsewhere")})
    await hass.async_block_till_done()
    assert entry.runtime_data.settings.directory == tmp_path / "elsewhere"
    assert [path.name for path in downloads.iterdir()] == ["mine.txt"]
    assert entry.runtime_data.library.kept == ()
    assert entry.runtime_data.library.position(film.key, 0) == 7.5, "where it was left is remembered"


async def test_unloading_ends_sessions_and_leaves_no_task_thread_process_or_descriptor(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed
) -> None:
    def descriptors() -> set[str]:
        """Return what is open, by its target: sockets and pipes have numbers of their own."""
        fd = Path("/proc/self/fd")
        return {str(path.readlink()) for path in fd.iterdir() if path.is_symlink()}

    tasks, threads, open_before = asyncio.all_tasks(), set(threading.enumerate()), descriptors()
    session = playback.start_session(await playback.parse(film.magnet))
    await soon(session.prepare())
    link = playback.worker._link
    assert link is not None
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert session.is_over
    assert playback.by_token(session.token) is None
    assert link.process.returncode is not None
    assert {task for task in asyncio.all_tasks() - tasks if not task.done()} == set()
    await until(lambda: not [t for t in set(threading.enumerate()) - threads if t.name.startswith("torrent_cast")])
    # The seeder is in this process, and lets go of its own when it pleases.
    await until(lambda: descriptors() - open_before <= {str(film.content)})


async def test_unloading_in_the_middle_of_everything(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, noise: Seed, film: Seed
) -> None:
    resolving = playback.start_session(await playback.parse(noise.lonely_magnet))
    buffering = playback.start_session(await playback.parse(film.torrent.metainfo))
    work = asyncio.gather(resolving.resolve(), buffering.prepare(), return_exceptions=True)
    await until(lambda: buffering.state is State.BUFFERING)
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert [type(error).__name__ for error in await soon(work)] == ["SessionEnded", "SessionEnded"]
    assert torrents_in_libtorrent(playback) == []


async def test_home_assistant_stopping_ends_everything(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed
) -> None:
    session = playback.start_session(await playback.parse(film.magnet))
    await soon(session.resolve())
    await hass.async_stop(force=True)
    assert playback.stopping
    assert session.is_over
    assert playback.torrents == ()


async def test_removing_the_entry_deletes_downloads_and_memory(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    playback: Playback,
    film: Seed,
    downloads: Path,
    hass_storage: dict[str, Any],
) -> None:
    session = playback.start_session(await playback.parse(film.magnet))
    await soon(session.prepare())
    (downloads / "mine.txt").write_text("not the integration's")
    assert hass_storage[DOMAIN]["data"]["torrents"]
    await hass.config_entries.async_remove(entry.entry_id)
    assert [path.name for path in downloads.iterdir()] == ["mine.txt"]
    assert DOMAIN not in hass_storage


async def test_removing_an_entry_whose_libtorrent_is_gone_deletes_downloads_all_the_same(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    playback: Playback,
    film: Seed,
    downloads: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = playback.start_session(await playback.parse(film.magnet))
    await soon(session.prepare())
    await hass.config_entries.async_unload(entry.entry_id)
    assert any(downloads.rglob(film.content.name))
    mine = downloads / film.key / "files" / "mine.srt"
    mine.write_text("not the integration's")
    monkeypatch.setattr(binding, "load", no_libtorrent)
    await hass.config_entries.async_remove(entry.entry_id)
    assert [path for path in downloads.rglob("*") if path.is_file()] == [mine]


@pytest.mark.parametrize("foreign", [False, True])
async def test_removing_the_entry_leaves_nothing_of_ours_in_the_cache(
    hass: HomeAssistant, entry: MockConfigEntry, foreign: bool
) -> None:
    cache = Path(hass.config.cache_path(DOMAIN))
    for folder in ("downloads", "libtorrent-0123456789abcdef/info", "libtorrent-0123456789abcdef.half"):
        (cache / folder).mkdir(parents=True)
    if foreign:
        (cache / "downloads" / "mine.txt").write_text("not the integration's")
    await hass.config_entries.async_remove(entry.entry_id)
    assert [path.name for path in cache.rglob("*")] == (["downloads", "mine.txt"] if foreign else [])
    assert cache.exists() == foreign


async def test_removing_an_entry_without_libtorrent(
    hass: HomeAssistant, new_entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch, hass_storage: dict[str, Any]
) -> None:
    hass_storage[DOMAIN] = {"version": 1, "minor_version": 1, "key": DOMAIN, "data": {"torrents": []}}
    monkeypatch.setattr(binding, "load", no_libtorrent)
    await hass.config_entries.async_setup(new_entry.entry_id)
    await hass.config_entries.async_remove(new_entry.entry_id)
    assert DOMAIN not in hass_storage


async def test_leftovers_of_a_crash_go_at_the_start(
    hass: HomeAssistant, new_entry: MockConfigEntry, downloads: Path
) -> None:
    (downloads / KEY / FILES).mkdir(parents=True)
    (downloads / KEY / RESUME).touch()
    assert await hass.config_entries.async_setup(new_entry.entry_id)
    assert list(downloads.iterdir()) == []


async def test_what_cannot_be_deleted_does_not_stop_set_up(
    hass: HomeAssistant,
    new_entry: MockConfigEntry,
    downloads: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_lt: object, directory: Path, _key: str) -> None:
        raise StorageError("not_writable", directory=str(directory), error="Read-only file system")

    monkeypatch.setattr(storage, "delete_torrent", refuse)  # root may delete anything
    (downloads / KEY).mkdir(parents=True)
    (downloads / KEY / RESUME).touch()
    assert await hass.config_entries.async_setup(new_entry.entry_id)
    assert "cannot be deleted: Read-only file system" in caplog.text
    assert str(downloads) not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("custom_components")
    )


async def test_housekeeping_runs_while_the_entry_is_loaded(
    hass: HomeAssistant, playback: Playback, film: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = playback.start_session(await playback.parse(film.magnet))
    await soon(session.resolve())
    session.end()
    await settled(playback)
    assert playback.library.kept
    tomorrow = dt_util.utcnow() + timedelta(hours=25)
    monkeypatch.setattr(dt_util, "utcnow", lambda: tomorrow)
    async_fire_time_changed(hass, tomorrow)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert playback.library.kept == ()
