"""The actions for torrents that nobody has to watch, and the ways to name one that is here."""
# ruff: noqa: ARG001  # fixtures are asked for by name; a test may wait for its own disk

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.engine import StorageError
from custom_components.torrent_cast.playback import Playback, Session, State
from tests.conftest import (
    OPTIONS,
    Seed,
    Television,
    Televisions,
    assert_nothing_left,
    settled,
    soon,
    torrents_in_libtorrent,
    until,
)
from tests.services.conftest import act, do, refusal_key, refused

pytestmark = pytest.mark.usefixtures("entry")


def file_of(downloads: Path, seed: Seed) -> Path:
    return downloads / seed.key / "files" / seed.content.name


# --- add -------------------------------------------------------------------------------------------------------------


async def test_add_downloads_all_of_a_film_and_keeps_it(
    hass: HomeAssistant, playback: Playback, film: Seed, downloads: Path
) -> None:
    answer = await act(hass, "add", source=film.magnet)
    assert (answer["info_hash"], answer["title"], answer["entity_id"]) == (film.key, film.content.name, None)
    await until(lambda: not playback.sessions)
    await settled(playback)
    assert file_of(downloads, film).read_bytes() == film.content.read_bytes()
    assert [kept.key for kept in playback.library.kept] == [film.key]


async def test_add_twice_is_one_download(hass: HomeAssistant, playback: Playback, film: Seed) -> None:
    film.handle.set_upload_limit(64 * 1024)  # long enough to be added twice
    first = await act(hass, "add", source=film.magnet)
    second = await act(hass, "add", source=film.magnet)
    assert first["session_id"] == second["session_id"]
    assert len(playback.sessions) == 1
    film.handle.set_upload_limit(0)
    await until(lambda: not playback.sessions)


async def test_what_nobody_sends_is_an_error_and_leaves_nothing(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed, downloads: Path
) -> None:
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"metadata_timeout": 0.05})
    assert await refusal_key(hass, "add", source=film.lonely_magnet) == "no_metadata"
    await assert_nothing_left(playback, downloads)


async def test_a_cancelled_add_leaves_nothing(
    hass: HomeAssistant, playback: Playback, film: Seed, downloads: Path
) -> None:
    call = asyncio.create_task(do(hass, "add", source=film.lonely_magnet))
    await until(lambda: playback.torrents)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until(lambda: not playback.sessions)
    await assert_nothing_left(playback, downloads)


async def test_add_where_nothing_is_kept_says_so(hass: HomeAssistant, entry: MockConfigEntry, film: Seed) -> None:
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"keep_hours": 0})
    await hass.async_block_till_done()
    assert await refusal_key(hass, "add", source=film.magnet) == "nothing_kept"


async def test_a_download_ends_with_the_entry(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed
) -> None:
    film.handle.set_upload_limit(64 * 1024)
    await act(hass, "add", source=film.magnet)
    await soon(hass.config_entries.async_unload(entry.entry_id))
    assert playback.sessions == ()


async def started_again(hass: HomeAssistant, entry: MockConfigEntry) -> Playback:
    """Restart; return what plays from then on."""
    assert await soon(hass.config_entries.async_reload(entry.entry_id))
    playback: Playback = entry.runtime_data
    return playback


async def begin(hass: HomeAssistant, film: Seed) -> None:
    """Have a film downloaded, too slowly to be there soon."""
    film.handle.set_upload_limit(64 * 1024)
    await act(hass, "add", source=film.magnet)


async def test_a_download_goes_on_after_a_restart(
    hass: HomeAssistant, entry: MockConfigEntry, film: Seed, downloads: Path
) -> None:
    await begin(hass, film)
    playback = await started_again(hass, entry)
    await until(lambda: [session.file for session in playback.sessions if session.downloads and session.file])
    film.handle.set_upload_limit(0)
    film.connect(playback)
    await until(lambda: not playback.sessions)
    await settled(playback)
    assert file_of(downloads, film).read_bytes() == film.content.read_bytes()
    playback = await started_again(hass, entry)
    assert playback.library.unfinished == []


async def test_a_paused_download_stays_paused_over_a_restart(
    hass: HomeAssistant, entry: MockConfigEntry, film: Seed, downloads: Path
) -> None:
    await begin(hass, film)
    await do(hass, "pause", torrent=film.key)
    playback = await started_again(hass, entry)
    await until(lambda: [session.file for session in playback.sessions if session.file])
    assert [listed["state"] for listed in (await act(hass, "list"))["torrents"]] == ["paused"]
    film.handle.set_upload_limit(0)
    await do(hass, "resume")
    film.connect(playback)
    await until(lambda: not playback.sessions)
    assert [kept.is_paused for kept in playback.library.kept] == [False]


async def test_a_download_that_was_removed_does_not_go_on(
    hass: HomeAssistant, entry: MockConfigEntry, film: Seed, downloads: Path
) -> None:
    await begin(hass, film)
    await act(hass, "remove", torrent=film.key)
    playback = await started_again(hass, entry)
    assert playback.library.unfinished == []
    await assert_nothing_left(playback, downloads)


async def test_a_download_that_cannot_go_on_is_said_so_once(
    hass: HomeAssistant, entry: MockConfigEntry, film: Seed, downloads: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await begin(hass, film)
    assert await soon(hass.config_entries.async_unload(entry.entry_id))
    (downloads / film.key / "resume").write_bytes(b"damaged")
    assert await soon(hass.config_entries.async_setup(entry.entry_id))
    await until(lambda: not entry.runtime_data.library.unfinished)
    assert "A download cannot go on: unknown_torrent" in caplog.text


async def test_a_download_without_room_is_tried_again_at_the_next_start(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    film: Seed,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await begin(hass, film)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(0, 0, 0))
        playback = await started_again(hass, entry)
        await until(lambda: "A download cannot go on: not_enough_space" in caplog.text)
        assert playback.library.unfinished

    playback = await started_again(hass, entry)

    await until(lambda: [session.file for session in playback.sessions if session.downloads and session.file])


async def test_a_download_that_a_full_disk_ends_is_tried_again_at_the_next_start(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed
) -> None:
    await begin(hass, film)
    (torrent,) = playback.torrents
    torrent.fail(StorageError("disk_error", error="No space left on device"))
    await until(lambda: not playback.sessions)
    await settled(playback)
    assert playback.library.unfinished

    playback = await started_again(hass, entry)

    await until(lambda: [session.file for session in playback.sessions if session.downloads and session.file])
    film.handle.set_upload_limit(0)
    film.connect(playback)
    await until(lambda: not playback.sessions)
    await settled(playback)
    assert playback.library.unfinished == []


# --- remove ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["key", "upper", "magnet", "media_id"])
async def test_remove_ends_what_plays_and_deletes(
    hass: HomeAssistant, playback: Playback, film: Seed, downloads: Path, session: Session, name: str
) -> None:
    names = {
        "key": film.key,
        "upper": film.key.upper(),
        "magnet": film.lonely_magnet,
        "media_id": f"media-source://{DOMAIN}/{film.key}/0",
    }
    assert await act(hass, "remove", torrent=names[name]) == {"info_hash": film.key, "directory": None}
    assert session.state is State.STOPPED
    await assert_nothing_left(playback, downloads)


async def test_remove_without_data_leaves_the_film_to_its_owner_for_ever(
    hass: HomeAssistant, playback: Playback, film: Seed, downloads: Path
) -> None:
    await act(hass, "add", source=film.magnet)
    await until(lambda: not playback.sessions)
    await settled(playback)
    answer = await act(hass, "remove", torrent=film.key, delete_files=False)
    assert Path(answer["directory"]) == file_of(downloads, film).parent
    assert playback.library.kept == ()
    await playback.tidy()
    await playback.erase()
    assert file_of(downloads, film).read_bytes() == film.content.read_bytes()


async def test_remove_without_data_also_while_it_plays(
    hass: HomeAssistant, playback: Playback, film: Seed, downloads: Path, session: Session
) -> None:
    assert session.torrent is not None
    await soon(session.torrent.wait_for_piece(0))  # else there may be no file yet
    await act(hass, "remove", torrent=film.key, delete_files=False)
    await settled(playback)
    assert session.is_over
    assert torrents_in_libtorrent(playback) == []
    assert not (downloads / film.key / "resume").exists()
    assert file_of(downloads, film).exists()


@pytest.mark.parametrize("name", ["", "the film", "1" * 40, f"media-source://{DOMAIN}/nonsense", "last"])
async def test_remove_of_what_is_not_here_says_so(hass: HomeAssistant, name: str) -> None:
    expected = "nothing_watched" if name == "last" else "unknown_torrent"
    assert await refusal_key(hass, "remove", torrent=name) == expected


# --- pause, resume, list, limits -------------------------------------------------------------------------------------


async def test_pause_and_resume_one_or_all(
    hass: HomeAssistant, playback: Playback, film: Seed, session: Session, libtorrent: ModuleType
) -> None:
    def is_paused() -> bool:
        (handle,) = torrents_in_libtorrent(playback)
        return bool(handle.flags() & libtorrent.torrent_flags.paused)

    for fields in ({}, {"torrent": film.key}):
        await do(hass, "pause", **fields)
        await until(is_paused)
        (listed,) = (await act(hass, "list"))["torrents"]
        assert listed["state"] == "paused"
        await do(hass, "resume", **fields)
        await until(lambda: not is_paused())
    assert await refusal_key(hass, "pause", torrent="1" * 40) == "unknown_torrent"


async def test_list_tells_what_is_in_use_and_on_disk(
    hass: HomeAssistant, playback: Playback, film: Seed, session: Session
) -> None:
    (listed,) = (await act(hass, "list"))["torrents"]
    assert listed["info_hash"] == film.key
    assert listed["media_content_id"] == f"media-source://{DOMAIN}/{film.key}"
    assert (listed["state"], listed["title"]) == ("streaming", film.content.name)
    assert listed["size"] == film.content.stat().st_size
    assert [one["session_id"] for one in listed["sessions"]] == [session.id]
    assert session.token not in str(listed)
    session.end()
    await settled(playback)
    (listed,) = (await act(hass, "list"))["torrents"]
    assert (listed["state"], listed["sessions"]) == ("kept", [])
    await act(hass, "remove", torrent=film.key)
    assert await act(hass, "list") == {"torrents": []}


async def test_changing_a_limit_never_interrupts_a_film(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed, tv: Television
) -> None:
    await do(hass, "play", entity_id=tv.entity_id, source=film.magnet)
    (session,) = playback.sessions
    aborted: list[int] = []
    size = film.content.stat().st_size
    got = bytearray()
    limits = ({"download_limit": 5000}, {"upload_limit": 10}, {"alternative_limits": True}, {"download_limit": 0})
    async with session.stream(0, size, lambda: aborted.append(1)) as reader:
        for change in limits:
            got += await soon(reader.read_exactly(size // len(limits)))
            await do(hass, "set_limits", **change)
            await hass.async_block_till_done()
        got += await soon(reader.read_exactly(size - len(got)))
    assert bytes(got) == film.content.read_bytes()
    assert (session.state, aborted) == (State.PLAYING, [])
    assert entry.runtime_data is playback
    assert {key: entry.options[key] for change in limits for key in change} == {
        "download_limit": 0,
        "upload_limit": 10,
        "alternative_limits": True,
    }


@pytest.mark.parametrize("fields", [{}, {"download_limit": -1}, {"upload_limit": 1e12}, {"upload_limit": "much"}])
async def test_bad_limits_are_refused(hass: HomeAssistant, entry: MockConfigEntry, fields: dict[str, Any]) -> None:
    before = dict(entry.options)
    with pytest.raises(vol.Invalid):
        await do(hass, "set_limits", **fields)
    assert entry.options == before


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("add", {"source": "1" * 40}),
        ("remove", {"torrent": "1" * 40}),
        ("pause", {}),
        ("resume", {}),
        ("set_limits", {"upload_limit": 1}),
    ],
)
async def test_what_holds_for_everybody_is_an_administrators(
    hass: HomeAssistant, hass_read_only_user: MockUser, action: str, fields: dict[str, Any]
) -> None:
    context = Context(user_id=hass_read_only_user.id)
    with pytest.raises(Unauthorized):
        await hass.services.async_call(DOMAIN, action, fields, blocking=True, context=context)


async def test_without_an_entry_all_say_so(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert await hass.config_entries.async_unload(entry.entry_id)
    for action, fields in (("add", {"source": "x"}), ("remove", {"torrent": "x"}), ("pause", {}), ("resume", {})):
        assert await refusal_key(hass, action, **fields) == "not_loaded"
    assert await refusal_key(hass, "set_limits", upload_limit=1) == "not_loaded"
    with pytest.raises(HomeAssistantError):
        await act(hass, "list")


# --- play by what is here --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["play", "add"])
async def test_a_media_id_of_a_place_that_was_removed_is_the_callers_fault(
    hass: HomeAssistant, tv: Television, action: str
) -> None:
    fields = {"entity_id": tv.entity_id} if action == "play" else {}
    source = "media-source://torrent_cast/provider/gone/0123456789abcdef"
    error = await refused(do(hass, action, source=source, **fields))
    assert isinstance(error, ServiceValidationError)
    assert error.translation_key == "unknown_provider"


async def test_a_media_id_plays(hass: HomeAssistant, tv: Television, playback: Playback, film: Seed) -> None:
    await do(hass, "play", entity_id=tv.entity_id, source=film.magnet)
    media_id = f"media-source://{DOMAIN}/{film.key}/0"
    answer = await act(hass, "play", entity_id=tv.entity_id, source=media_id)
    assert answer["sessions"][0]["info_hash"] == film.key


async def test_last_goes_on_where_it_was_left(
    hass: HomeAssistant, tv: Television, televisions: Televisions, playback: Playback, film: Seed
) -> None:
    assert await refusal_key(hass, "play", entity_id=tv.entity_id, source="last") == "nothing_watched"
    await do(hass, "play", entity_id=tv.entity_id, source=film.magnet, start_position=5)
    playback.sessions[0].end()
    await settled(playback)
    await do(hass, "play", entity_id=televisions.add("kitchen").entity_id, source="Last")
    (session,) = playback.sessions
    assert session.start_position == pytest.approx(5, abs=1)
    session.end(State.FINISHED)
    await settled(playback)
    await do(hass, "play", entity_id=tv.entity_id, source="last")
    assert playback.sessions[0].start_position == 0


async def test_last_goes_on_with_what_is_gone_from_disk(
    hass: HomeAssistant, tv: Television, playback: Playback, film: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await do(hass, "play", entity_id=tv.entity_id, source=film.magnet, start_position=5)
    playback.sessions[0].end()
    await settled(playback)
    tomorrow = dt_util.utcnow() + timedelta(hours=25)
    monkeypatch.setattr(dt_util, "utcnow", lambda: tomorrow)
    await playback.tidy()
    assert playback.library.kept == ()
    await do(hass, "play", entity_id=tv.entity_id, source="last", wait=False)  # nobody is found by its info-hash here
    (session,) = playback.sessions
    assert (session.source.key, session.wanted) == (film.key, 0)
    assert session.start_position == pytest.approx(5, abs=1)


async def test_a_film_goes_on_where_it_was_left_when_it_comes_again(
    hass: HomeAssistant, tv: Television, playback: Playback, film: Seed
) -> None:
    await do(hass, "play", entity_id=tv.entity_id, source=film.magnet, start_position=5)
    playback.sessions[0].end()
    await settled(playback)
    await playback.free()
    await do(hass, "play", entity_id=tv.entity_id, source=film.magnet, start_position="resume")
    assert playback.sessions[0].start_position == pytest.approx(5, abs=1)


async def test_remove_forgets_where_a_film_was_left(
    hass: HomeAssistant, tv: Television, playback: Playback, film: Seed
) -> None:
    await do(hass, "play", entity_id=tv.entity_id, source=film.magnet, start_position=5)
    await act(hass, "remove", torrent=film.key)
    await settled(playback)
    assert (playback.library.last_watched, playback.library.position(film.key, 0)) == (None, 0)


async def test_an_area_plays_on_what_is_there_in_it(
    hass: HomeAssistant, tv: Television, televisions: Televisions, playback: Playback, film: Seed
) -> None:
    area = ar.async_get(hass).async_create("Living room")
    for television in (tv, televisions.add("off")):
        er.async_get(hass).async_update_entity(television.entity_id, area_id=area.id)
    hass.states.async_set("media_player.off", "unavailable")
    await do(hass, "play", area_id=area.id, source=film.magnet)
    assert [session.target for session in playback.sessions] == [tv.entity_id]
    hass.states.async_set(tv.entity_id, "unavailable")
    assert await refusal_key(hass, "play", area_id=area.id, source=film.magnet) == "device_unavailable"
