"""The first form, and the one that changes its directory."""
# ruff: noqa: ARG001, ASYNC240  # fixtures are asked for by name; a test may wait for its own disk

from pathlib import Path

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.const import (
    CONF_DIRECTORY,
    CONF_KEEP_HOURS,
    CONF_METADATA_TIMEOUT,
    DEFAULT_ALTERNATIVE_DOWNLOAD,
    DEFAULT_ALTERNATIVE_UPLOAD,
    DEFAULT_KEEP_HOURS,
    DEFAULT_METADATA_TIMEOUT,
    DEFAULT_PORT,
    DEFAULT_UPLOAD_LIMIT,
    DOMAIN,
)
from custom_components.torrent_cast.engine import binding
from custom_components.torrent_cast.settings import DEFAULTS
from tests.config_flow.conftest import NETWORK, defaults, network_defaults, no_libtorrent, start, submit
from tests.conftest import OPTIONS


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
