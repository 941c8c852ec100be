"""Diagnostics: figures, and nothing that tells what is watched or where."""

import json
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.const import CONF_BASE_URL, CONF_DOLBY, CONF_STUN_SERVER
from custom_components.torrent_cast.diagnostics import async_get_config_entry_diagnostics
from custom_components.torrent_cast.engine import BindingError, binding
from custom_components.torrent_cast.playback import Playback
from tests.conftest import LOOPBACK, OPTIONS, Seed, soon


async def test_without_a_session(hass: HomeAssistant, entry: MockConfigEntry, playback: Playback) -> None:
    assert await async_get_config_entry_diagnostics(hass, entry) == {
        "state": "loaded",
        "options": OPTIONS,
        "libtorrent": playback.libtorrent_version,
        "has_webtorrent": False,
        "kept": 0,
        "sessions": [],
        "port": None,
        "torrents": [],
    }


async def test_of_an_entry_that_did_not_start_say_why(
    hass: HomeAssistant, new_entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_cache: Path) -> None:
        raise BindingError("damaged_libtorrent", wheel="libtorrent.whl")

    monkeypatch.setattr(binding, "load", damaged)
    assert not await hass.config_entries.async_setup(new_entry.entry_id)
    assert await async_get_config_entry_diagnostics(hass, new_entry) == {
        "state": "setup_error",
        "options": OPTIONS,
        "why": "damaged_libtorrent",
    }


async def test_of_an_entry_that_was_unloaded(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    found = await async_get_config_entry_diagnostics(hass, entry)
    assert (found["state"], found["why"]) == ("not_loaded", None)


async def test_with_sessions_in_every_stage(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed
) -> None:
    playback.start_session(await playback.parse(film.magnet))
    session = playback.start_session(await playback.parse(film.magnet), target="media_player.tv", title="My title")
    await soon(session.prepare())
    found = await async_get_config_entry_diagnostics(hass, entry)
    assert [data["state"] for data in found["sessions"]] == ["resolving", "buffering"]
    assert [data["has_target"] for data in found["sessions"]] == [False, True]
    ready = found["sessions"][1]
    assert ready["container"] == "mp4"
    assert ready["size"] == film.content.stat().st_size
    assert 0 < ready["pieces_had"] <= ready["pieces_total"]
    assert ready["verified"][0][0] == 0
    port = found["port"]
    assert port.pop("listening") > 0
    assert port == {"wanted": 0, "opened_by_router": None, "was_reached": False}
    (torrent,) = found["torrents"]
    assert torrent["has_metadata"]
    assert torrent["files"] == 1
    assert set(torrent["peers_from"].values()) <= {1}  # a seeder leaves once there is nothing left to give


async def test_nothing_private_is_told(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed
) -> None:
    options = OPTIONS | {
        CONF_BASE_URL: "http://192.168.77.10:8123",
        CONF_STUN_SERVER: "192.168.77.10:3478",
        CONF_DOLBY: ["media_player.bedroom"],
    }
    hass.config_entries.async_update_entry(entry, options=options)
    session = playback.start_session(await playback.parse(film.magnet), target="media_player.bedroom", title="Secret")
    await soon(session.prepare())
    text = json.dumps(await async_get_config_entry_diagnostics(hass, entry))
    private = (
        session.token,
        film.key,
        film.content.name,
        "Secret",
        "bedroom",
        "192.168.77.10",
        LOOPBACK,
        str(film.port),
        str(playback.settings.directory),
        "magnet",
    )
    assert [word for word in private if word in text] == []


async def test_planted_secrets_do_not_come_out(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed
) -> None:
    planted = {name: f"secret-{name}" for name in ("passkey", "name", "webseed", "title", "device", "host", "path")}
    magnet = (
        f"{film.magnet}&dn={planted['name']}&tr=http://127.0.0.1:9/{planted['passkey']}/announce"
        f"&ws=http://127.0.0.1:9/{planted['webseed']}"
    )
    options = OPTIONS | {CONF_BASE_URL: f"http://{planted['host']}:8123"}
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "note": planted["path"]}, options=options, title=planted["name"]
    )
    session = playback.start_session(
        await playback.parse(magnet), title=planted["title"], target=f"media_player.{planted['device']}"
    )
    await soon(session.prepare())
    session.was_loaded = True
    await playback.library.watched(film.key, 0, 5.0)
    text = json.dumps(await async_get_config_entry_diagnostics(hass, entry))
    assert len(text) > 500
    assert [name for name, secret in planted.items() if secret in text] == []
    assert session.token not in text
    assert film.key not in text
