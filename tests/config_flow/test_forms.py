"""What the frontend is shown of the forms, also of an entry that goes while they are open."""
# fixtures are asked for by name; a test may wait for its own disk

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.torrent_cast import config_flow
from custom_components.torrent_cast.const import (
    CONF_DIRECTORY,
    DOMAIN,
)
from custom_components.torrent_cast.provider_flow import FolderFlow, ProviderFlow
from tests.config_flow.conftest import options_input


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
