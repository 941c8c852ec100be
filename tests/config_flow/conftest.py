"""What the forms are filled in with, and what they show."""
# fixtures are asked for by name; a test may wait for its own disk

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult
from homeassistant.core import HomeAssistant

from custom_components.torrent_cast.const import (
    CONF_BASE_URL,
    CONF_DIRECTORY,
    DOMAIN,
)
from custom_components.torrent_cast.engine import BindingError
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
