"""The options on WebTorrent, where libtorrent knows it."""
# ruff: noqa: ARG001  # fixtures are asked for by name; a test may wait for its own disk

from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.config_flow import is_stun_server
from custom_components.torrent_cast.const import (
    CONF_STUN_SERVER,
    CONF_WEBTORRENT,
)
from custom_components.torrent_cast.playback import Playback
from tests.config_flow.conftest import options_input, shown

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
