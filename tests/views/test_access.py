"""Who may have a stream, at which address."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import logging
from http import HTTPStatus

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.diagnostics import async_get_config_entry_diagnostics
from custom_components.torrent_cast.engine import TorrentFile
from custom_components.torrent_cast.playback import Playback, Session
from custom_components.torrent_cast.views import access, stream_path, token_in
from tests.conftest import Seed
from tests.views.conftest import Client, fetch


@pytest.mark.parametrize("token", ["wrong", "x" * 5000, "%00", "..%2f..", "a%20b"])
async def test_a_wrong_token_is_not_found_and_never_unauthorized(client: Client, lonely: Session, token: str) -> None:
    for method in ("get", "head"):
        async with client.request(method, f"/api/torrent_cast/{token}/stream.mp4") as response:
            assert response.status in {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}
    async with client.get("/api/torrent_cast/wrong/stream.mp4") as response:
        assert response.status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("name", ["stream", "other.mkv", "%F0%9F%8E%AC", "a%20b;c=d", "x" * 300])
async def test_the_name_does_not_matter(client: Client, lonely: Session, name: str) -> None:
    async with client.head(f"/api/torrent_cast/{lonely.token}/{name}") as response:
        assert response.status == HTTPStatus.OK


@pytest.mark.parametrize("tail", ["", "/", "/a/b"])
async def test_other_paths_are_not_found(client: Client, lonely: Session, tail: str) -> None:
    async with client.get(f"/api/torrent_cast/{lonely.token}{tail}") as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_only_reading_is_allowed(client: Client, lonely: Session) -> None:
    for method in ("post", "put", "delete", "patch"):
        async with client.request(method, stream_path(lonely)) as response:
            assert response.status == HTTPStatus.METHOD_NOT_ALLOWED


async def test_the_token_ends_with_the_session(client: Client, lonely: Session) -> None:
    path = stream_path(lonely)
    lonely.end()
    async with client.get(path) as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_nothing_is_found_while_the_entry_is_not_loaded(
    hass: HomeAssistant, client: Client, lonely: Session, entry: MockConfigEntry
) -> None:
    path = stream_path(lonely)
    await hass.config_entries.async_unload(entry.entry_id)
    async with client.get(path) as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_stopping_is_said_so(client: Client, lonely: Session, playback: Playback) -> None:
    playback._torrents.engine.stopping = True
    async with client.get(stream_path(lonely)) as response:
        assert response.status == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        ("192.168.1.20", HTTPStatus.OK),
        ("fe80::1", HTTPStatus.OK),
        ("8.8.8.8", HTTPStatus.NOT_FOUND),
        ("2001:4860:4860::8888", HTTPStatus.NOT_FOUND),
    ],
)
async def test_only_local_peers_are_served(
    hass: HomeAssistant, new_entry: MockConfigEntry, noise: Seed, rig_sockets: None, peer: str, status: HTTPStatus
) -> None:
    proxied = {"use_x_forwarded_for": True, "trusted_proxies": ["127.0.0.1"]}
    assert await async_setup_component(hass, "http", {"http": proxied})
    assert await hass.config_entries.async_setup(new_entry.entry_id)
    playback: Playback = new_entry.runtime_data
    session = playback.start_session(await playback.parse(noise.torrent.metainfo))
    async with (
        TestClient(TestServer(hass.http.app)) as client,
        client.head(stream_path(session), headers={"X-Forwarded-For": peer}) as response,
    ):
        assert response.status == status


async def test_a_peer_without_an_address_is_not_served(
    client: Client, lonely: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web.Request, "remote", "unix:")
    async with client.get(stream_path(lonely)) as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_the_cloud_is_not_served(client: Client, lonely: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "is_cloud_connection", lambda _hass: True)
    async with client.get(stream_path(lonely)) as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_the_token_is_nowhere_but_in_the_address(
    hass: HomeAssistant,
    client: Client,
    playback: Playback,
    noise: Seed,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    session = playback.start_session(await playback.parse(noise.magnet), target="media_player.tv")
    await fetch(client, session, Range="bytes=0-99")
    session.end()
    diagnostics = str(await async_get_config_entry_diagnostics(hass, entry))
    ours = [record for record in caplog.records if "torrent_cast" in record.name]
    # Home Assistant silences the access log, and names paths at the debug level only.
    loud = [r for r in caplog.records if r.levelno >= logging.INFO and r.name != "aiohttp.access"]
    logged = "".join(record.getMessage() for record in ours + loud)
    assert f"Session {session.id}" in logged
    states = str([state.as_dict() for state in hass.states.async_all()])
    assert session.token not in logged + states + diagnostics
    assert "magnet:" not in logged + states + diagnostics


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("film.MP4", "stream.mp4"),
        ("film", "stream"),
        ("film.<script>", "stream"),
        ("film.m p", "stream"),
        ("film.mpé", "stream"),
        ("../../etc/passwd.mkv", "stream.mkv"),
    ],
)
async def test_the_address_has_nothing_of_the_torrents_name_but_a_plain_suffix(
    lonely: Session, name: str, last: str
) -> None:
    lonely.file = TorrentFile(0, name, 1, 0)
    assert stream_path(lonely) == f"/api/torrent_cast/{lonely.token}/{last}"


async def test_the_address_before_the_torrent_is_known(playback: Playback, noise: Seed) -> None:
    session = playback.start_session(await playback.parse(noise.magnet))
    assert stream_path(session) == f"/api/torrent_cast/{session.token}/stream"


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("/api/torrent_cast/abc/stream.mp4", "abc"),
        ("http://192.168.1.10:8123/api/torrent_cast/abc/stream", "abc"),
        ("/api/torrent_cast/abc", None),
        ("/api/torrent_cast//stream", None),
        ("http://example.org/film.mp4", None),
        ("", None),
    ],
)
def test_the_token_in_an_address(text: str, token: str | None) -> None:
    assert token_in(text) == token
