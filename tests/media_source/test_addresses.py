"""The addresses that nodes resolve to: whose they are, and who is sent what."""
# ruff: noqa: ARG001  # fixtures are asked for by name; a test may wait for its own disk

import io
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import av
import pytest
from aiohttp.test_utils import TestClient, TestServer
from homeassistant.components.media_source import async_resolve_media
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.torrent_cast.playback import Playback, Session
from custom_components.torrent_cast.views import token_in
from tests.conftest import PIECE, Seed, kept, soon
from tests.media.conftest import ffmpeg
from tests.media_source.conftest import KEY, ROOT, Ask, supplied


async def token(ask: Ask, media_content_id: str) -> str | None:
    """Return the token of the stream that a node resolves to."""
    return token_in((await ask("resolve_media", media_content_id))["url"])


async def test_a_user_has_one_session_for_a_file(ask: Ask, playback: Playback, album: Seed) -> None:
    file = f"{ROOT}/{album.key}/0"
    first = await token(ask, file)
    assert await token(ask, file) == first
    (session,) = playback.sessions
    session.was_used = True
    assert await token(ask, file) == first
    assert await token(ask, f"{ROOT}/{album.key}/1") != first
    assert len(playback.sessions) == 2


async def test_another_user_has_another_session(
    hass: HomeAssistant,
    ask: Ask,
    playback: Playback,
    album: Seed,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_access_token: str,
) -> None:
    file = f"{ROOT}/{album.key}/0"
    first = await token(ask, file)
    client = await hass_ws_client(hass, hass_read_only_access_token)
    await client.send_json_auto_id({"type": "media_source/resolve_media", "media_content_id": file})
    answer = await soon(client.receive_json())
    assert token_in(answer["result"]["url"]) != first
    assert len({session.holder for session in playback.sessions}) == 2


async def test_what_has_ended_is_resolved_anew(ask: Ask, playback: Playback, album: Seed) -> None:
    file = f"{ROOT}/{album.key}/0"
    first = await token(ask, file)
    playback.sessions[0].end()
    assert await token(ask, file) not in {None, first}


async def test_the_address_plays_in_a_browser(hass: HomeAssistant, ask: Ask, session: Session, film: Seed) -> None:
    resolved = await ask("resolve_media", f"{ROOT}/{film.key}/0")
    async with TestClient(TestServer(hass.http.app)) as client, client.get(resolved["url"]) as response:
        assert response.status == HTTPStatus.OK
        assert response.content_type == resolved["mime_type"] == "video/mp4"
        assert await soon(response.read()) == film.content.read_bytes()


async def test_a_film_that_a_browser_does_not_take_comes_in_segments(
    hass: HomeAssistant, ask: Ask, playback: Playback, show: Seed
) -> None:
    await supplied(playback, show)
    resolved = await ask("resolve_media", f"{ROOT}/{show.key}/0")
    assert resolved["mime_type"] == "application/x-mpegURL", "the frontend has its HLS player for that to the letter"
    playlist = resolved["url"].partition("?")[0]
    assert playlist.endswith("/film.m3u8"), "the frontend finds nothing from a playlist above it"
    async with TestClient(TestServer(hass.http.app)) as client:
        parts = []
        for name in ("film.m3u8", "init.mp4", "0.m4s"):
            async with client.get(playlist.replace("film.m3u8", name)) as response:
                assert response.status == HTTPStatus.OK
                parts.append(await soon(response.read()))
    assert b"0.m4s" in parts[0]
    with av.open(io.BytesIO(parts[1] + parts[2]), "r") as film:
        assert (film.streams.video[0].name, film.streams.audio[0].name) == ("h264", "aac")
        assert len(list(film.decode(video=0))) == 25
    session = playback.sessions[-1]
    assert session.playhead is None, "nobody tells where a browser is"


async def test_any_other_player_gets_the_file(hass: HomeAssistant, playback: Playback, show: Seed, clip: bytes) -> None:
    await supplied(playback, show)
    resolved = await soon(async_resolve_media(hass, f"{ROOT}/{show.key}/0", "media_player.dlna"))
    assert resolved.mime_type == "video/x-matroska"
    async with TestClient(TestServer(hass.http.app)) as client, client.get(resolved.url) as response:
        assert await soon(response.read()) == clip


async def test_what_a_browser_cannot_play_is_said_so(
    ask: Ask, playback: Playback, tmp_path: Path, seeder: Callable[[Path], Seed]
) -> None:
    path = tmp_path / "seeder" / "Old film.avi"
    path.parent.mkdir()
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x36:duration=1", "-c:v", "mpeg4", path)
    seed = seeder(path)
    await kept(playback, seed)
    await supplied(playback, seed)
    error = await ask("resolve_media", f"{ROOT}/{seed.key}/0")
    assert (error["code"], "MPEG-4 ASP" in error["message"]) == ("resolve_media_failed", True)
    assert [session.holder for session in playback.sessions] == ["who connects"]


@pytest.mark.parametrize("where", [KEY, f"{KEY}/0", "x", "", "source/"])
async def test_what_cannot_be_resolved_is_said_so(ask: Ask, where: str) -> None:
    error = await ask("resolve_media", f"{ROOT}/{where}".rstrip("/"))
    assert error["code"] == "resolve_media_failed"
    assert error["message"]


async def test_a_folder_without_anything_to_play_is_said_so(ask: Ask, show: Seed) -> None:
    error = await ask("resolve_media", f"{ROOT}/{show.key}/season/7")
    assert "Nothing in there" in error["message"]


async def test_who_says_no_name_does_not_get_what_is_only_downloaded(
    hass: HomeAssistant, playback: Playback, film: Seed
) -> None:
    film.handle.set_upload_limit(2 * PIECE)  # long enough to be asked for
    download = await soon(playback.download(await playback.parse(film.magnet), 0))
    resolved = await soon(async_resolve_media(hass, f"{ROOT}/{film.key}/0", None))
    assert token_in(resolved.url) not in {None, download.token}
