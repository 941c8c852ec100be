"""Sensors, buttons and the switch: what they show, and what they do to libtorrent."""
# ruff: noqa: ARG001, ASYNC240  # fixtures are asked for by name; a test may wait for its own disk

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, STATE_UNKNOWN, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.engine import storage
from custom_components.torrent_cast.playback import Playback, Session, SessionEnded, State, playable_seconds
from tests.conftest import PIECE, Seed, Television, libtorrent_session, settled, soon, torrents_in_libtorrent, until

NOISY = {"download_rate", "upload_rate", "peers"}


def entity_id(hass: HomeAssistant, entry: MockConfigEntry, platform: str, key: str) -> str:
    found = er.async_get(hass).async_get_entity_id(platform, DOMAIN, f"{entry.entry_id}_{key}")
    assert found is not None, key
    return found


def value(hass: HomeAssistant, entry: MockConfigEntry, key: str) -> str:
    state = hass.states.get(entity_id(hass, entry, "sensor", key))
    assert state is not None, key
    return state.state


async def shows(hass: HomeAssistant, entry: MockConfigEntry, key: str, expected: str) -> None:
    await until(lambda: value(hass, entry, key) == expected)


@pytest.fixture
def all_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the noisy sensors too."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", property(lambda _: True))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Push at once: how often is tested elsewhere."""
    monkeypatch.setattr("custom_components.torrent_cast.playback.playback.PUSH_INTERVAL", 0.0)


async def test_there_is_one_service_device(hass: HomeAssistant, entry: MockConfigEntry, playback: Playback) -> None:
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert device.entry_type is dr.DeviceEntryType.SERVICE
    assert device.identifiers == {(DOMAIN, entry.entry_id)}
    assert device.sw_version == f"libtorrent {playback.libtorrent_version}"
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    assert {one.device_id for one in entities} == {device.id}
    assert all(one.has_entity_name and one.translation_key for one in entities)


async def test_what_changes_all_the_time_is_disabled_at_first(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    disabled = {one.unique_id.removeprefix(f"{entry.entry_id}_") for one in entities if one.disabled_by}
    assert disabled == NOISY


async def test_units_classes_and_categories(hass: HomeAssistant, all_enabled: None, entry: MockConfigEntry) -> None:
    registry = er.async_get(hass)
    found = {}
    for one in er.async_entries_for_config_entry(registry, entry.entry_id):
        state = hass.states.get(one.entity_id)
        assert state is not None
        key = one.unique_id.removeprefix(f"{entry.entry_id}_")
        unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
        found[key] = (one.original_device_class, unit, one.entity_category)
    assert found == {
        "activity": (SensorDeviceClass.ENUM, None, None),
        "torrents": (None, None, None),
        "download_rate": (SensorDeviceClass.DATA_RATE, "MB/s", None),
        "upload_rate": (SensorDeviceClass.DATA_RATE, "MB/s", None),
        "peers": (None, None, EntityCategory.DIAGNOSTIC),
        "disk_used": (SensorDeviceClass.DATA_SIZE, "GB", EntityCategory.DIAGNOSTIC),
        "disk_free": (SensorDeviceClass.DATA_SIZE, "GB", EntityCategory.DIAGNOSTIC),
        "alternative_limits": (None, None, EntityCategory.CONFIG),
        "pause_all": (None, None, None),
        "resume_all": (None, None, None),
    }


async def test_without_a_film_all_is_quiet(hass: HomeAssistant, all_enabled: None, entry: MockConfigEntry) -> None:
    await until(lambda: value(hass, entry, "disk_free") != STATE_UNKNOWN)
    shown = {key: value(hass, entry, key) for key in ("activity", "torrents", "peers", "download_rate", "disk_used")}
    assert shown == {"activity": "idle", "torrents": "0", "peers": "0", "download_rate": "0.0", "disk_used": "0.0"}
    assert float(value(hass, entry, "disk_free")) > 0


async def test_a_play_is_shown_from_its_begin_to_its_end(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed
) -> None:
    session = playback.start_session(await playback.parse(film.magnet), target="media_player.tv")
    await until(lambda: value(hass, entry, "activity") == "preparing")
    await soon(session.prepare())
    for state, shown in ((State.PLAYING, "playing"), (State.PAUSED, "paused"), (State.STALLED, "stalled")):
        session.set_state(state)
        await shows(hass, entry, "activity", shown)
    await until(lambda: value(hass, entry, "torrents") == "1")
    session.end()
    await until(lambda: value(hass, entry, "activity") == "idle")
    await until(lambda: value(hass, entry, "torrents") == "0")
    await until(lambda: float(value(hass, entry, "disk_used")) > 0)


async def test_rates_and_peers_are_libtorrents_own(
    hass: HomeAssistant, all_enabled: None, entry: MockConfigEntry, playback: Playback, noise: Seed
) -> None:
    noise.handle.set_upload_limit(2 * PIECE)  # long enough to be seen
    session = playback.start_session(await playback.parse(noise.magnet))
    await soon(session.resolve())
    await until(lambda: value(hass, entry, "peers") == "1")
    await until(lambda: 0 < float(value(hass, entry, "download_rate")) < 1)


async def test_the_disk_is_measured_by_what_is_on_it(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed, downloads: Path
) -> None:
    session = playback.start_session(await playback.parse(film.magnet))
    await soon(session.resolve())
    torrent, file = session.torrent, session.file
    assert torrent is not None
    assert file is not None
    await until(lambda: torrent.missing_bytes(file) == 0)
    session.end()
    await settled(playback)
    assert playback.disk is not None
    assert film.content.stat().st_size <= playback.disk.used < 2 * film.content.stat().st_size
    assert playback.disk.used == storage.usage(downloads).used


async def test_a_directory_that_has_gone_makes_the_figures_unknown(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, downloads: Path
) -> None:
    await until(lambda: value(hass, entry, "disk_free") != STATE_UNKNOWN)
    downloads.rmdir()
    await playback.tidy()
    await until(lambda: value(hass, entry, "disk_free") == STATE_UNKNOWN)


# --- what a Cast device has in hand ----------------------------------------------------------------------------------


@pytest.fixture
async def playing(playback: Playback, film: Seed, tv: Television) -> Session:
    """Return a session that is prepared for a Cast device."""
    session = playback.start_session(await playback.parse(film.magnet), target=tv.entity_id)
    await soon(session.prepare())
    return session


def playable(hass: HomeAssistant, entry: MockConfigEntry, tv: Television) -> er.RegistryEntry | None:
    registry = er.async_get(hass)
    device = registry.async_get(tv.entity_id)
    unique_id = f"{entry.entry_id}_playable_{device.id}" if device else ""
    found = registry.async_get_entity_id("sensor", DOMAIN, unique_id)
    return registry.async_get(found) if found else None


async def playable_soon(hass: HomeAssistant, entry: MockConfigEntry, tv: Television) -> er.RegistryEntry:
    """Return the sensor once it is there."""
    await until(lambda: playable(hass, entry, tv))
    found = playable(hass, entry, tv)
    assert found is not None
    return found


async def test_a_cast_device_gets_a_sensor_of_what_is_in_hand(
    hass: HomeAssistant, all_enabled: None, entry: MockConfigEntry, playing: Session, tv: Television
) -> None:
    found = await playable_soon(hass, entry, tv)

    def shown() -> Any:  # noqa: ANN401  # a state that will change
        state = hass.states.get(found.entity_id)
        return state and state.state

    seconds = playable_seconds(playing)
    assert seconds is not None
    assert 0 < seconds <= 12.1
    await until(lambda: shown() == "12")  # all of the film
    state = hass.states.get(found.entity_id)
    assert state is not None
    assert state.name == "Torrent Cast tv playable"
    playing.end()
    await until(lambda: shown() == STATE_UNKNOWN)


async def test_the_sensor_is_disabled_at_first_and_survives_a_reload(
    hass: HomeAssistant, entry: MockConfigEntry, playing: Session, tv: Television
) -> None:
    before = await playable_soon(hass, entry, tv)
    assert before.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    after = playable(hass, entry, tv)
    assert after is not None
    assert after.entity_id == before.entity_id


async def test_the_sensor_goes_with_its_device(
    hass: HomeAssistant, entry: MockConfigEntry, playing: Session, tv: Television
) -> None:
    found = await playable_soon(hass, entry, tv)
    er.async_get(hass).async_remove(tv.entity_id)
    await hass.async_block_till_done()
    assert er.async_get(hass).async_get(found.entity_id) is None


async def test_the_sensor_goes_also_when_its_device_went_while_nobody_looked(
    hass: HomeAssistant, entry: MockConfigEntry, playing: Session, tv: Television
) -> None:
    found = await playable_soon(hass, entry, tv)
    assert await hass.config_entries.async_unload(entry.entry_id)
    er.async_get(hass).async_remove(tv.entity_id)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert er.async_get(hass).async_get(found.entity_id) is None


# --- what they do ----------------------------------------------------------------------------------------------------


async def press(hass: HomeAssistant, entry: MockConfigEntry, key: str) -> None:
    data = {"entity_id": entity_id(hass, entry, "button", key)}
    await hass.services.async_call("button", "press", data, blocking=True)


async def test_pause_all_stops_libtorrent_and_resume_all_lets_it_go_on(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, noise: Seed, libtorrent: ModuleType
) -> None:
    await press(hass, entry, "pause_all")  # with nothing there
    session = playback.start_session(await playback.parse(noise.magnet))
    await soon(session.resolve())

    def is_paused() -> bool:
        (handle,) = torrents_in_libtorrent(playback)
        return bool(handle.flags() & libtorrent.torrent_flags.paused)

    await press(hass, entry, "pause_all")
    await until(is_paused)
    await press(hass, entry, "resume_all")
    await until(lambda: not is_paused())


async def test_what_pause_all_has_stopped_is_shown_as_paused(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed, noise: Seed
) -> None:
    noise.handle.set_upload_limit(2 * PIECE)  # long enough to be seen
    await soon(playback.download(await playback.parse(noise.magnet)))
    await shows(hass, entry, "activity", "downloading")
    await press(hass, entry, "pause_all")
    await shows(hass, entry, "activity", "paused")
    session = playback.start_session(await playback.parse(film.magnet), target="media_player.tv")
    await shows(hass, entry, "activity", "preparing")
    await soon(session.prepare())
    session.set_state(State.PLAYING)
    await press(hass, entry, "pause_all")
    await shows(hass, entry, "activity", "playing")
    session.end()
    await shows(hass, entry, "activity", "paused")
    await press(hass, entry, "resume_all")
    await shows(hass, entry, "activity", "downloading")


async def test_who_waits_for_a_paused_torrent_is_shown_as_paused(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed
) -> None:
    session = playback.start_session(await playback.parse(film.lonely_magnet), target="media_player.tv")
    work = hass.async_create_task(session.prepare())
    await until(lambda: "torrent_cast metadata" in {task.get_name() for task in playback._background._tasks})
    await shows(hass, entry, "activity", "preparing")
    await press(hass, entry, "pause_all")
    await shows(hass, entry, "activity", "paused")
    session.end()
    with pytest.raises(SessionEnded):
        await soon(work)


async def test_who_plays_a_paused_torrent_lets_it_go_on(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed
) -> None:
    session = playback.start_session(await playback.parse(film.lonely_magnet))
    work = hass.async_create_task(session.prepare())
    await until(lambda: playback.torrents)
    await press(hass, entry, "pause_all")
    assert playback.torrents[0].is_halted
    await soon(playback.start_session(await playback.parse(film.magnet)).prepare())
    await soon(work)


async def test_the_switch_puts_the_other_limits_in_force(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed
) -> None:
    options = {"download_limit": 0, "alternative_download_limit": 700, "alternative_upload_limit": 30}
    hass.config_entries.async_update_entry(entry, options={**entry.options, **options})
    await hass.async_block_till_done()
    session = playback.start_session(await playback.parse(film.magnet))
    await soon(session.resolve())
    switch = {"entity_id": entity_id(hass, entry, "switch", "alternative_limits")}

    def limits() -> tuple[int, int]:
        found = libtorrent_session(playback).get_settings()
        return found["download_rate_limit"], found["upload_rate_limit"]

    assert limits() == (0, 500_000)
    await hass.services.async_call("switch", "turn_on", switch, blocking=True)
    await hass.async_block_till_done()
    assert limits() == (700_000, 30_000)
    state = hass.states.get(switch["entity_id"])
    assert state is not None
    assert state.state == "on"
    await hass.services.async_call("switch", "turn_off", switch, blocking=True)
    await hass.async_block_till_done()
    assert limits() == (0, 500_000)
    assert not session.is_over


async def test_the_switch_shows_what_an_action_has_set(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback
) -> None:
    switch = entity_id(hass, entry, "switch", "alternative_limits")
    await hass.services.async_call(DOMAIN, "set_limits", {"alternative_limits": True}, blocking=True)
    await until(lambda: hass.states.is_state(switch, "on"))
