"""From the entry to the settings."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.const import CONF_AV1, CONF_HEVC, DOMAIN
from custom_components.torrent_cast.engine import EngineSettings
from custom_components.torrent_cast.media import Extra
from custom_components.torrent_cast.playback import Playback
from custom_components.torrent_cast.settings import from_entry, needs_restart


def asking(**options: object) -> MockConfigEntry:
    return MockConfigEntry(domain=DOMAIN, data={"download_directory": "/films"}, options=options)


def test_an_entry_without_options_has_the_defaults() -> None:
    settings = from_entry(asking())
    assert settings.directory == Path("/films")
    assert settings.engine == EngineSettings(6881, 0, 500_000, dht=True, lsd=True, upnp=True)
    assert settings.keep == timedelta(hours=24)
    assert settings.metadata_timeout == 60
    assert settings.base_url is None


def test_the_users_numbers_come_as_floats_and_in_kilobytes() -> None:
    settings = from_entry(asking(download_limit=1250.0, upload_limit=0.0, port=7000.0, dht=False, keep_hours=0.0))
    assert settings.engine == EngineSettings(7000, 1_250_000, 0, dht=False, lsd=True, upnp=True)
    assert isinstance(settings.engine.listen_port, int)
    assert settings.keep == timedelta(0)


def test_webtorrent_takes_a_stun_server_or_none() -> None:
    assert from_entry(asking(webtorrent=True)).engine.stun_server == ""
    engine = from_entry(asking(webtorrent=True, stun_server="stun.example.org:3478")).engine
    assert (engine.webtorrent, engine.stun_server) == (True, "stun.example.org:3478")


def test_only_directory_and_port_need_a_restart() -> None:
    old = from_entry(asking())
    assert not needs_restart(
        old, from_entry(asking(keep_hours=1, base_url="http://10.0.0.1", upload_limit=1, dht=False, webtorrent=True))
    )
    assert needs_restart(old, from_entry(asking(port=7000)))
    assert needs_restart(old, replace(old, directory=Path("/elsewhere")))


def two_devices(hass: HomeAssistant) -> er.EntityRegistry:
    registry = er.async_get(hass)
    for name in ("tv", "bedroom"):
        registry.async_get_or_create("media_player", "cast", name, suggested_object_id=name)
    return registry


@pytest.mark.parametrize("is_loaded", [True, False])
async def test_options_follow_a_device_that_is_renamed(
    hass: HomeAssistant, entry: MockConfigEntry, is_loaded: bool
) -> None:
    registry = two_devices(hass)
    devices = {CONF_HEVC: ["media_player.tv", "media_player.bedroom"], CONF_AV1: ["media_player.bedroom"]}
    hass.config_entries.async_update_entry(entry, options=dict(entry.options) | devices)
    if not is_loaded:
        await hass.config_entries.async_unload(entry.entry_id)
    before = dict(entry.options)
    registry.async_update_entity("media_player.tv", new_entity_id="media_player.cinema")
    await hass.async_block_till_done()
    assert entry.options == before | {CONF_HEVC: ["media_player.cinema", "media_player.bedroom"]}
    assert entry.state is (ConfigEntryState.LOADED if is_loaded else ConfigEntryState.NOT_LOADED)
    if is_loaded:
        playback: Playback = entry.runtime_data
        assert playback.settings.extras_of("media_player.cinema") == {Extra.HEVC}
        assert playback.settings.extras_of("media_player.bedroom") == {Extra.HEVC, Extra.AV1}
