"""The options."""
# ruff: noqa: ARG001  # fixtures are asked for by name; a test may wait for its own disk

import errno
import os
import socket
from pathlib import Path
from types import MappingProxyType

import pytest
import voluptuous as vol
from homeassistant.config_entries import SOURCE_USER, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.config_flow import is_base_url
from custom_components.torrent_cast.const import (
    CONF_ALTERNATIVE,
    CONF_BASE_URL,
    CONF_WEBTORRENT,
)
from custom_components.torrent_cast.media import Extra
from custom_components.torrent_cast.playback import Habits, Seeding, Show
from custom_components.torrent_cast.settings import DEFAULTS
from tests.config_flow.conftest import DEVICES, EMPTY, LANGUAGES, NETWORK, PLAYBACK, options_input, shown, start, submit
from tests.conftest import OPTIONS
from tests.rig.hass import sectioned


async def test_the_options_show_what_holds(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert form["step_id"] == "init"
    holds = DEFAULTS | OPTIONS
    assert shown(form) == {name: holds[name] for name in (*PLAYBACK, *NETWORK, *DEVICES)} | EMPTY


async def test_no_section_has_a_default_in_place_of_its_fields(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert form["data_schema"] is not None
    assert [field.default for field in form["data_schema"].schema] == [vol.UNDEFINED] * 5


async def test_the_options_are_stored_flat(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    form = await hass.config_entries.options.async_init(entry.entry_id)
    done = await hass.config_entries.options.async_configure(
        form["flow_id"], options_input(base_url="http://192.168.1.10:8123", **LANGUAGES)
    )
    await hass.async_block_till_done()
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == PLAYBACK | NETWORK | DEVICES | LANGUAGES | {
        CONF_BASE_URL: "http://192.168.1.10:8123",
        CONF_ALTERNATIVE: False,
        CONF_WEBTORRENT: False,
    }
    settings = entry.runtime_data.settings
    assert settings.engine.upload_limit == 200_000
    assert (settings.whole_film, settings.seeding, settings.seed_ratio) == (True, Seeding.RATIO, 1.5)
    assert (settings.next_episode, settings.habits) == (False, Habits("de", "fr", Show.NEVER))
    assert settings.ffmpeg == "ffmpeg"
    assert settings.extras_of("media_player.cinema") == {Extra.DOLBY}
    assert settings.extras_of("media_player.kitchen") == frozenset()


async def test_lists_of_devices_can_be_emptied_again(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    hass.config_entries.async_update_entry(entry, options={**entry.options, **DEVICES})
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert form["data_schema"] is not None
    fields = form["data_schema"].schema["casting"].schema.schema
    assert {name: shown(form)[name] for name in DEVICES} == DEVICES
    assert not any(isinstance(key, vol.Required) for key in fields)
    # The frontend leaves out what was emptied.
    done = await hass.config_entries.options.async_configure(form["flow_id"], options_input() | {"casting": {}})
    await hass.async_block_till_done()
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options["dolby_devices"] == []


async def test_the_options_leave_the_switch_alone(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    hass.config_entries.async_update_entry(entry, options={**entry.options, CONF_ALTERNATIVE: True})
    form = await hass.config_entries.options.async_init(entry.entry_id)
    await hass.config_entries.options.async_configure(form["flow_id"], options_input())
    await hass.async_block_till_done()
    assert entry.options[CONF_ALTERNATIVE] is True
    engine = entry.runtime_data.settings.engine
    assert (engine.download_limit, engine.upload_limit) == (500_000, 20_000)


@pytest.mark.parametrize(
    "address",
    [
        "192.168.1.10:8123",
        "ftp://192.168.1.10",
        "http://",
        "http://192.168.1.10/path",
        "http://192.168.1.10?x=1",
        "http://192.168.1.10#x",
        "http://user:password@192.168.1.10",
        "http://192.168.1.10:99999",
        "http://192.168.1.10:0",
        "http://192.168.1.300",
        "http://[::1",
        "http://living room:8123",
        "http://home..local:8123",
        "http://xn--/",
        "/",
    ],
)
async def test_a_bad_address_is_an_error_and_can_be_mended(
    hass: HomeAssistant, entry: MockConfigEntry, address: str
) -> None:
    form = await hass.config_entries.options.async_init(entry.entry_id)
    form = await hass.config_entries.options.async_configure(form["flow_id"], options_input(base_url=address))
    assert form["type"] is FlowResultType.FORM
    assert form["errors"] == {"base": "bad_base_url"}
    assert shown(form) == PLAYBACK | NETWORK | DEVICES | EMPTY | {CONF_BASE_URL: address}
    done = await hass.config_entries.options.async_configure(
        form["flow_id"], options_input(base_url="https://cast.example.org/")
    )
    assert done["type"] is FlowResultType.CREATE_ENTRY


async def test_a_port_that_another_program_has_is_refused_before_saving(
    hass: HomeAssistant, entry: MockConfigEntry, downloads: Path
) -> None:
    with socket.create_server(("", 0)) as other:
        port = other.getsockname()[1]
        form = await hass.config_entries.options.async_init(entry.entry_id)
        wanted = sectioned(DEFAULTS | OPTIONS | {"port": port})
        form = await hass.config_entries.options.async_configure(form["flow_id"], wanted)
        assert form["errors"] == {"base": "port_taken"}
        assert form["description_placeholders"] == {"tried": str(port), "error": os.strerror(errno.EADDRINUSE)}
    done = await hass.config_entries.options.async_configure(form["flow_id"], wanted)
    assert done["type"] is FlowResultType.CREATE_ENTRY


async def test_a_taken_port_is_refused_at_the_first_set_up(hass: HomeAssistant, downloads: Path) -> None:
    with socket.create_server(("", 0)) as other:
        taken = NETWORK | {"port": other.getsockname()[1]}
        form = await submit(hass, await start(hass), downloads, taken)
        assert form["errors"] == {"base": "port_taken"}
    assert (await submit(hass, form, downloads, taken))["type"] is FlowResultType.CREATE_ENTRY


async def test_no_player_is_made_for_what_is_no_cast_device(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    registry = er.async_get(hass)
    for platform in ("cast", "other"):
        registry.async_get_or_create("media_player", platform, platform, suggested_object_id=platform)
    flows = hass.config_entries.subentries
    form = await flows.async_init((entry.entry_id, "player"), context={"source": SOURCE_USER})
    with pytest.raises(InvalidData):
        await flows.async_configure(form["flow_id"], {"entity": "media_player.other", "voice": False})


async def test_a_cast_device_that_is_taken_while_the_form_is_open_can_be_chosen_no_more(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    registry = er.async_get(hass)
    tv = registry.async_get_or_create("media_player", "cast", "tv", suggested_object_id="tv")
    registry.async_get_or_create("media_player", "cast", "radio", suggested_object_id="radio")
    flows = hass.config_entries.subentries
    first, second = [
        await flows.async_init((entry.entry_id, "player"), context={"source": SOURCE_USER}) for _ in range(2)
    ]
    done = await flows.async_configure(first["flow_id"], {"entity": tv.entity_id, "voice": False})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    # Home Assistant's selector takes a registry's id as well, any.
    for gone in (tv.entity_id, tv.id):
        form = await flows.async_configure(second["flow_id"], {"entity": gone, "voice": False})
        assert form["errors"] == {"entity": "not_free"}
    done = await flows.async_configure(second["flow_id"], {"entity": "media_player.radio", "voice": False})
    assert done["type"] is FlowResultType.CREATE_ENTRY


async def test_what_is_added_by_itself_has_to_be_kept(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    data = MappingProxyType({"folder": "/nowhere", "add": True})
    subentry = ConfigSubentry(data=data, subentry_type="folder", title="Folder", unique_id=None)
    hass.config_entries.async_add_subentry(entry, subentry)
    await hass.async_block_till_done()
    form = await hass.config_entries.options.async_init(entry.entry_id)
    form = await hass.config_entries.options.async_configure(form["flow_id"], options_input(keep_hours=0))
    assert form["errors"] == {"base": "needed_for_adding"}
    hass.config_entries.async_remove_subentry(entry, subentry.subentry_id)
    done = await hass.config_entries.options.async_configure(form["flow_id"], options_input(keep_hours=0))
    assert done["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    "address",
    ["http://home_assistant:8123", "http://homeassistant.local.", "http://[fd00::1]:8123", "https://küche.example.org"],
)
def test_what_leads_to_a_machine_is_an_address(address: str) -> None:
    assert is_base_url(address)


@pytest.mark.parametrize("field", ["port", "keep_hours", "seed_ratio"])
async def test_what_is_no_number_is_refused(hass: HomeAssistant, entry: MockConfigEntry, field: str) -> None:
    form = await hass.config_entries.options.async_init(entry.entry_id)
    with pytest.raises(InvalidData):
        await hass.config_entries.options.async_configure(form["flow_id"], options_input(**{field: "nan"}))
    assert entry.options == OPTIONS


async def test_the_address_can_be_cleared(hass: HomeAssistant, new_entry: MockConfigEntry) -> None:
    hass.config_entries.async_update_entry(new_entry, options=OPTIONS | {CONF_BASE_URL: "http://192.168.1.10"})
    assert await hass.config_entries.async_setup(new_entry.entry_id)
    form = await hass.config_entries.options.async_init(new_entry.entry_id)
    assert shown(form)[CONF_BASE_URL] == "http://192.168.1.10"
    await hass.config_entries.options.async_configure(form["flow_id"], options_input())
    await hass.async_block_till_done()
    assert CONF_BASE_URL not in new_entry.options
    assert new_entry.runtime_data.settings.base_url is None
