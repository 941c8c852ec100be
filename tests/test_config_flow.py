"""The config flow, reconfiguration and the options."""
# ruff: noqa: ARG001, ASYNC240  # fixtures are asked for by name; a test may wait for its own disk

import errno
import os
import socket
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import voluptuous as vol
from aiohttp import web
from aiohttp.test_utils import TestClient
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState, ConfigFlowResult, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.torrent_cast import config_flow
from custom_components.torrent_cast.config_flow import is_base_url, is_stun_server
from custom_components.torrent_cast.const import (
    CONF_ALTERNATIVE,
    CONF_BASE_URL,
    CONF_DIRECTORY,
    CONF_KEEP_HOURS,
    CONF_METADATA_TIMEOUT,
    CONF_STUN_SERVER,
    CONF_WEBTORRENT,
    DEFAULT_ALTERNATIVE_DOWNLOAD,
    DEFAULT_ALTERNATIVE_UPLOAD,
    DEFAULT_KEEP_HOURS,
    DEFAULT_METADATA_TIMEOUT,
    DEFAULT_PORT,
    DEFAULT_UPLOAD_LIMIT,
    DOMAIN,
)
from custom_components.torrent_cast.engine import BindingError, binding
from custom_components.torrent_cast.media import Extra
from custom_components.torrent_cast.playback import Habits, Playback, Seeding, Show
from custom_components.torrent_cast.provider_flow import FolderFlow, ProviderFlow
from custom_components.torrent_cast.settings import DEFAULTS
from tests.conftest import OPTIONS
from tests.rig.hass import sectioned

NETWORK = {
    "download_limit": 0,
    "upload_limit": 200,
    "alternative_download_limit": 500,
    "alternative_upload_limit": 20,
    "port": 0,
    "dht": False,
    "lsd": False,
    "upnp": False,
}


@pytest.fixture(autouse=True)
def use_libtorrent_and_sockets(libtorrent: object, rig_sockets: None) -> None:
    """Load libtorrent once; creating the entry sets it up."""


def no_libtorrent(_cache: Path) -> None:
    raise BindingError("no_libtorrent", platform="Linux m68k", python="CPython 3.14", libc="glibc 2")


async def start(hass: HomeAssistant) -> ConfigFlowResult:
    """Open the form."""
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})


async def submit(
    hass: HomeAssistant, form: ConfigFlowResult, directory: Path | str, network: Mapping[str, Any] = NETWORK
) -> ConfigFlowResult:
    """Fill the user's form in."""
    return await hass.config_entries.flow.async_configure(
        form["flow_id"], {CONF_DIRECTORY: str(directory), "network": dict(network)}
    )


def defaults(form: ConfigFlowResult) -> dict[str, Any]:
    """Return what the form suggests, by field."""
    assert form["data_schema"] is not None
    return {
        str(field): field.description["suggested_value"] if field.description else field.default()
        for field in form["data_schema"].schema
        if str(field) != "network"
    }


def network_defaults(form: ConfigFlowResult) -> dict[str, Any]:
    """Return what the section suggests."""
    assert form["data_schema"] is not None
    section = form["data_schema"].schema["network"]
    return {str(field): field.default() for field in section.schema.schema}


async def test_the_user_gets_sensible_defaults(hass: HomeAssistant) -> None:
    form = await start(hass)
    assert form["type"] is FlowResultType.FORM
    assert form["errors"] == {}
    assert defaults(form) == {CONF_DIRECTORY: hass.config.cache_path(DOMAIN, "downloads")}
    assert network_defaults(form) == {
        "download_limit": 0,
        "upload_limit": DEFAULT_UPLOAD_LIMIT,
        "alternative_download_limit": DEFAULT_ALTERNATIVE_DOWNLOAD,
        "alternative_upload_limit": DEFAULT_ALTERNATIVE_UPLOAD,
        "port": DEFAULT_PORT,
        "dht": True,
        "lsd": True,
        "upnp": True,
    }


async def test_an_entry_is_made(hass: HomeAssistant, downloads: Path) -> None:
    done = await submit(hass, await start(hass), downloads)
    await hass.async_block_till_done()
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert done["title"] == "Torrent Cast"
    assert done["data"] == {CONF_DIRECTORY: str(downloads)}
    assert done["options"] == DEFAULTS | NETWORK
    assert done["options"][CONF_KEEP_HOURS] == DEFAULT_KEEP_HOURS
    assert done["options"][CONF_METADATA_TIMEOUT] == DEFAULT_METADATA_TIMEOUT
    assert done["result"].state is ConfigEntryState.LOADED
    assert downloads.is_dir()


@pytest.mark.parametrize(
    ("directory", "reason"),
    [
        ("relative/path", "not_absolute"),
        ("", "not_absolute"),
        ("/proc/a\0b", "not_absolute"),
        ("/proc/torrent_cast", "not_writable"),
        (f"/proc/{'x' * 300}", "not_writable"),
    ],
)
async def test_a_bad_directory_is_an_error_of_its_field(hass: HomeAssistant, directory: str, reason: str) -> None:
    form = await submit(hass, await start(hass), directory)
    assert form["type"] is FlowResultType.FORM
    assert form["errors"] == {CONF_DIRECTORY: reason}


async def test_an_error_says_which_directory_and_keeps_what_was_typed(
    hass: HomeAssistant, tmp_path: Path, downloads: Path
) -> None:
    (tmp_path / "file").touch()
    below = tmp_path / "file" / "below"
    form = await submit(hass, await start(hass), below)
    assert form["errors"] == {CONF_DIRECTORY: "not_writable"}
    assert form["description_placeholders"] == {"directory": str(below), "error": "Not a directory"}
    assert defaults(form) == {CONF_DIRECTORY: str(below)}
    assert network_defaults(form) == NETWORK
    done = await submit(hass, form, downloads)
    assert done["type"] is FlowResultType.CREATE_ENTRY


async def test_without_libtorrent_the_form_says_what_is_missing(
    hass: HomeAssistant, downloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(binding, "load", no_libtorrent)
        form = await submit(hass, await start(hass), downloads)
    assert form["errors"] == {"base": "no_libtorrent"}
    placeholders = form["description_placeholders"]
    assert placeholders is not None
    assert placeholders["platform"] == "Linux m68k"
    assert not downloads.exists()
    done = await submit(hass, form, downloads)
    assert done["type"] is FlowResultType.CREATE_ENTRY


async def test_there_is_one_entry(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    refused = await start(hass)
    assert refused["type"] is FlowResultType.ABORT
    assert refused["reason"] == "single_instance_allowed"


# --- reconfiguration -------------------------------------------------------------------------------------------------


async def test_the_directory_is_changed(hass: HomeAssistant, entry: MockConfigEntry, tmp_path: Path) -> None:
    form = await entry.start_reconfigure_flow(hass)
    assert form["step_id"] == "reconfigure"
    assert defaults(form) == {CONF_DIRECTORY: entry.data[CONF_DIRECTORY]}
    new = str(tmp_path / "new")
    done = await hass.config_entries.flow.async_configure(form["flow_id"], {CONF_DIRECTORY: new})
    await hass.async_block_till_done()
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert entry.state is ConfigEntryState.LOADED
    assert str(entry.runtime_data.settings.directory) == new


async def test_a_bad_new_directory_is_an_error_and_the_old_one_stays(
    hass: HomeAssistant, entry: MockConfigEntry, tmp_path: Path
) -> None:
    old = entry.data[CONF_DIRECTORY]
    form = await entry.start_reconfigure_flow(hass)
    form = await hass.config_entries.flow.async_configure(form["flow_id"], {CONF_DIRECTORY: "here"})
    assert form["errors"] == {CONF_DIRECTORY: "not_absolute"}
    assert defaults(form) == {CONF_DIRECTORY: "here"}
    assert entry.data[CONF_DIRECTORY] == old
    good = str(tmp_path / "new")
    done = await hass.config_entries.flow.async_configure(form["flow_id"], {CONF_DIRECTORY: good})
    await hass.async_block_till_done()
    assert done["reason"] == "reconfigure_successful"


async def test_an_entry_that_did_not_start_does_so_with_its_new_directory(hass: HomeAssistant, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    entry = MockConfigEntry(domain=DOMAIN, data={CONF_DIRECTORY: str(tmp_path / "file" / "x")}, options=OPTIONS)
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    form = await entry.start_reconfigure_flow(hass)
    await hass.config_entries.flow.async_configure(form["flow_id"], {CONF_DIRECTORY: str(tmp_path / "new")})
    await hass.async_block_till_done()
    assert entry.state.value == ConfigEntryState.LOADED.value


# --- options ---------------------------------------------------------------------------------------------------------


PLAYBACK = {
    "keep_hours": 48,
    "metadata_timeout": 30,
    "whole_film": True,
    "seeding": "ratio",
    "seed_ratio": 1.5,
    "next_episode": False,
    "convert_video": True,
    "subtitles": "never",
}
LANGUAGES = {"audio_language": "de", "subtitle_language": "fr"}
EMPTY = dict.fromkeys((CONF_BASE_URL, *LANGUAGES), "")
DEVICES = {
    "dolby_devices": ["media_player.cinema"],
    "hevc_devices": [],
    "h264_devices": [],
    "vp9_devices": [],
    "av1_devices": [],
}


def options_input(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  # as the user interface sends them
    found: dict[str, Any] = sectioned(PLAYBACK | NETWORK | DEVICES | changes)
    return found


def shown(form: ConfigFlowResult) -> dict[str, Any]:
    """Return what the sections suggest, by field."""
    assert form["data_schema"] is not None
    return {
        str(field): field.description["suggested_value"] if field.description else field.default()
        for section in form["data_schema"].schema.values()
        for field in section.schema.schema
    }


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


async def shown_to_frontend(
    client: TestClient[web.Request, web.Application], flow: str, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Begin a flow as the frontend does, and return its form as the frontend gets it."""
    response = await client.post(f"/api/config/config_entries/{flow}", json=asked)
    assert response.status == HTTPStatus.OK
    form: dict[str, Any] = await response.json()
    return form


@pytest.mark.parametrize("kind", ["player", "folder", "feed", "torznab"])
async def test_every_form_of_a_subentry_can_be_shown(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client: ClientSessionGenerator, kind: str
) -> None:
    er.async_get(hass).async_get_or_create("media_player", "cast", "tv", suggested_object_id="tv")
    assert await async_setup_component(hass, "config", {})
    form = await shown_to_frontend(await hass_client(), "subentries/flow", {"handler": [entry.entry_id, kind]})
    assert (form["type"], form["step_id"]) == ("form", "user")
    assert all("selector" in field for field in form["data_schema"])


@pytest.mark.parametrize("kind", ["player", "folder", "feed", "torznab"])
async def test_every_form_that_changes_a_subentry_can_be_shown(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client: ClientSessionGenerator, kind: str
) -> None:
    tv = er.async_get(hass).async_get_or_create("media_player", "cast", "tv", suggested_object_id="tv")
    given = {"entity": tv.id, "voice": True, "folder": "/nowhere", "url": "http://127.0.0.1:1/", "api_key": "x"}
    subentry = ConfigSubentry(data=MappingProxyType(given), subentry_type=kind, title="One", unique_id=None)
    hass.config_entries.async_add_subentry(entry, subentry)
    assert await async_setup_component(hass, "config", {})
    asked = {"handler": [entry.entry_id, kind], "subentry_id": subentry.subentry_id}
    form = await shown_to_frontend(await hass_client(), "subentries/flow", asked)
    assert (form["type"], form["step_id"]) == ("form", "reconfigure")
    assert all("selector" in field for field in form["data_schema"])


async def test_options_and_directory_can_be_shown(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    assert await async_setup_component(hass, "config", {})
    client = await hass_client()
    form = await shown_to_frontend(client, "options/flow", {"handler": entry.entry_id})
    assert form["step_id"] == "init"
    assert {section["type"] for section in form["data_schema"]} == {"expandable"}
    assert all("selector" in field for section in form["data_schema"] for field in section["schema"])
    form = await shown_to_frontend(client, "flow", {"handler": DOMAIN, "entry_id": entry.entry_id})
    assert form["step_id"] == "reconfigure"
    assert all("selector" in field for field in form["data_schema"])


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


# --- WebTorrent ------------------------------------------------------------------------------------------------------

STUN = "stun.example.org:3478"


@pytest.fixture
def has_webtorrent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the libtorrent in use know WebTorrent; the bundled one does not."""
    monkeypatch.setattr(Playback, "has_webtorrent", True)


def webtorrent_input(**chosen: Any) -> dict[str, Any]:  # noqa: ANN401  # as the user interface sends them
    given = options_input()
    return given | {"privacy": given["privacy"] | chosen}


async def test_webtorrent_is_off_at_first_and_asks_nobody(
    hass: HomeAssistant, entry: MockConfigEntry, has_webtorrent: None
) -> None:
    values = shown(await hass.config_entries.options.async_init(entry.entry_id))
    assert (values[CONF_WEBTORRENT], values[CONF_STUN_SERVER]) == (False, "")
    engine = entry.runtime_data.settings.engine
    assert (engine.webtorrent, engine.stun_server) == (False, "")


async def test_webtorrent_is_switched_on_and_its_stun_server_named(
    hass: HomeAssistant, entry: MockConfigEntry, has_webtorrent: None
) -> None:
    form = await hass.config_entries.options.async_init(entry.entry_id)
    await hass.config_entries.options.async_configure(
        form["flow_id"], webtorrent_input(webtorrent=True, stun_server=STUN)
    )
    await hass.async_block_till_done()
    engine = entry.runtime_data.settings.engine
    assert (engine.webtorrent, engine.stun_server) == (True, STUN)


async def test_the_stun_server_can_be_cleared(
    hass: HomeAssistant, entry: MockConfigEntry, has_webtorrent: None
) -> None:
    options = {**entry.options, CONF_WEBTORRENT: True, CONF_STUN_SERVER: STUN}
    hass.config_entries.async_update_entry(entry, options=options)
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert shown(form)[CONF_STUN_SERVER] == STUN
    # The frontend leaves out what was emptied.
    await hass.config_entries.options.async_configure(form["flow_id"], webtorrent_input(webtorrent=True))
    await hass.async_block_till_done()
    engine = entry.runtime_data.settings.engine
    assert (engine.webtorrent, engine.stun_server) == (True, "")


@pytest.mark.parametrize(
    "server",
    [
        "stun.example.org",
        "stun.example.org:",
        "stun.example.org:0",
        "stun.example.org:65536",
        "stun.example.org:+3478",
        ":3478",
        "stun:stun.example.org:3478",
        "user@stun.example.org:3478",
        "stun.example.org:3478/path",
        "fd00::1:3478",
        "[fd00::1]:3478",
        "stun example.org:3478",
        "-:3478",
    ],
)
async def test_a_bad_stun_server_is_an_error_and_can_be_mended(
    hass: HomeAssistant, entry: MockConfigEntry, has_webtorrent: None, server: str
) -> None:
    form = await hass.config_entries.options.async_init(entry.entry_id)
    form = await hass.config_entries.options.async_configure(
        form["flow_id"], webtorrent_input(webtorrent=True, stun_server=server)
    )
    assert form["errors"] == {"base": "bad_stun_server"}
    assert shown(form)[CONF_STUN_SERVER] == server
    done = await hass.config_entries.options.async_configure(
        form["flow_id"], webtorrent_input(webtorrent=True, stun_server=STUN)
    )
    assert done["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("server", ["192.168.1.10:3478", "nas:3478", "my_nas.local:19302", "stun.example.org:65535"])
def test_what_has_host_and_port_is_a_stun_server(server: str) -> None:
    assert is_stun_server(server)


async def test_what_was_said_of_webtorrent_stays_while_libtorrent_has_none(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    said = {CONF_WEBTORRENT: True, CONF_STUN_SERVER: STUN}
    hass.config_entries.async_update_entry(entry, options={**entry.options, **said})
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert not said.keys() & shown(form).keys()
    await hass.config_entries.options.async_configure(form["flow_id"], options_input())
    await hass.async_block_till_done()
    assert entry.options.items() >= said.items()


# --- an entry that goes while a form is open -------------------------------------------------------------------------

SUBENTRIES = [
    ("player", {"entity": "media_player.tv", "voice": True}),
    ("folder", {"name": "One", "folder": "/nowhere", "add": False, "words": ""}),
    ("feed", {"name": "One", "url": "http://127.0.0.1:1/", "add": True, "words": ""}),
    ("torznab", {"name": "One", "url": "http://127.0.0.1:1/", "api_key": "", "add": True, "words": ""}),
]


async def ended(
    client: TestClient[web.Request, web.Application], flow: str, form: Mapping[str, Any], answer: Mapping[str, Any]
) -> str:
    """Submit a form as the frontend does; return why the flow has ended."""
    response = await client.post(f"/api/config/config_entries/{flow}/{form['flow_id']}", json=answer)
    assert response.status == HTTPStatus.OK
    result = await response.json()
    assert result["type"] == "abort"
    return str(result["reason"])


@pytest.mark.parametrize(("kind", "answer"), SUBENTRIES)
async def test_a_subentry_of_an_entry_that_went_is_not_made(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_client: ClientSessionGenerator,
    kind: str,
    answer: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nothing_wrong(_flow: ProviderFlow, _given: dict[str, Any]) -> None:
        """Find the provider well: what is looked at is what happens then."""

    monkeypatch.setattr(ProviderFlow, "_check", nothing_wrong)
    monkeypatch.setattr(FolderFlow, "_check", nothing_wrong)
    er.async_get(hass).async_get_or_create("media_player", "cast", "tv", suggested_object_id="tv")
    assert await async_setup_component(hass, "config", {})
    client = await hass_client()
    form = await shown_to_frontend(client, "subentries/flow", {"handler": [entry.entry_id, kind]})
    await hass.config_entries.async_remove(entry.entry_id)
    assert await ended(client, "subentries/flow", form, answer) == "gone"


@pytest.mark.parametrize(("kind", "answer"), SUBENTRIES)
async def test_a_subentry_that_went_is_not_changed(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_client: ClientSessionGenerator,
    kind: str,
    answer: dict[str, Any],
) -> None:
    tv = er.async_get(hass).async_get_or_create("media_player", "cast", "tv", suggested_object_id="tv")
    data = MappingProxyType(answer | {"entity": tv.id})
    subentry = ConfigSubentry(data=data, subentry_type=kind, title="One", unique_id=None)
    hass.config_entries.async_add_subentry(entry, subentry)
    assert await async_setup_component(hass, "config", {})
    client = await hass_client()
    asked = {"handler": [entry.entry_id, kind], "subentry_id": subentry.subentry_id}
    form = await shown_to_frontend(client, "subentries/flow", asked)
    hass.config_entries.async_remove_subentry(entry, subentry.subentry_id)
    given = {"voice": False} if kind == "player" else answer
    assert await ended(client, "subentries/flow", form, given) == "gone"


async def test_options_and_directory_of_an_entry_that_went_are_not_changed(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client: ClientSessionGenerator, downloads: Path
) -> None:
    assert await async_setup_component(hass, "config", {})
    client = await hass_client()
    options = await shown_to_frontend(client, "options/flow", {"handler": entry.entry_id})
    directory = await shown_to_frontend(client, "flow", {"handler": DOMAIN, "entry_id": entry.entry_id})
    await hass.config_entries.async_remove(entry.entry_id)
    assert await ended(client, "options/flow", options, options_input()) == "gone"
    assert await ended(client, "flow", directory, {CONF_DIRECTORY: str(downloads)}) == "gone"


async def test_an_entry_that_goes_while_its_new_directory_is_tried_is_not_changed(
    hass: HomeAssistant, entry: MockConfigEntry, downloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone_meanwhile(hass: HomeAssistant, _directory: str) -> tuple[dict[str, str], dict[str, str]]:
        await hass.config_entries.async_remove(entry.entry_id)
        return {}, {}

    form = await entry.start_reconfigure_flow(hass)
    monkeypatch.setattr(config_flow, "directory_errors", gone_meanwhile)
    done = await hass.config_entries.flow.async_configure(form["flow_id"], {CONF_DIRECTORY: str(downloads)})
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "gone")
