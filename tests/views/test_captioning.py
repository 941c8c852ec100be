"""The script that shows subtitles in the browser, and who is told of it."""
# ruff: noqa: ARG001  # fixtures are asked for by name

from http import HTTPStatus
from pathlib import Path

from homeassistant.components.frontend import DATA_EXTRA_MODULE_URL
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.views import captioning
from custom_components.torrent_cast.views.captioning import ScriptView
from tests.views.conftest import Client


async def test_the_frontend_loads_the_script_as_long_as_the_entry_is_loaded(
    hass: HomeAssistant, new_entry: MockConfigEntry, rig_sockets: None
) -> None:
    assert await async_setup_component(hass, "frontend", {})
    assert ScriptView.url not in hass.data[DATA_EXTRA_MODULE_URL].urls
    assert await hass.config_entries.async_setup(new_entry.entry_id)
    assert ScriptView.url in hass.data[DATA_EXTRA_MODULE_URL].urls
    await hass.config_entries.async_unload(new_entry.entry_id)
    assert ScriptView.url not in hass.data[DATA_EXTRA_MODULE_URL].urls


async def test_the_script_comes_to_whoever_asks(client: Client) -> None:
    async with client.get(ScriptView.url) as response:
        assert response.status == HTTPStatus.OK
        assert response.content_type in {"text/javascript", "application/javascript"}
        assert response.headers["Cache-Control"] == "no-cache"
        assert await response.text() == Path(captioning.__file__).with_suffix(".js").read_text("utf-8")  # its own disk
