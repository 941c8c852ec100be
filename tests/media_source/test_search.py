"""What the media browser's search finds in the library, and what comes of what is pasted into it."""
# ruff: noqa: ARG001  # fixtures are asked for by name; a test may wait for its own disk

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from homeassistant.core import HomeAssistant

from custom_components.torrent_cast.playback import Playback
from tests.conftest import LOOPBACK, Seed
from tests.media_source.conftest import ROOT, Ask, found, supplied


async def test_titles_files_and_folders_are_found(ask: Ask, show: Seed, album: Seed) -> None:
    assert (await found(ask, "some show"))[0] == "Some Show"
    assert await found(ask, "pilot") == ["Some Show S01E01 · Pilot"]
    assert (await found(ask, "extras"))[0] == "Extras"
    assert (await found(ask, "album"))[0] == "An Album"
    assert await found(ask, "10 song") == ["10 Song"]


async def test_an_episode_is_found_by_number(ask: Ask, show: Seed) -> None:
    assert await found(ask, "some show s02e09") == ["Some Show S02E09"]
    assert await found(ask, "s01e02") == ["Some Show S01E02"]
    assert await found(ask, "episode 10") == ["Some Show S02E10"]


async def test_a_search_in_a_torrent_or_season_stays_there(ask: Ask, show: Seed, album: Seed) -> None:
    assert await found(ask, "song", f"{ROOT}/{show.key}") == []
    assert await found(ask, "episode 1", f"{ROOT}/{show.key}/season/2") == ["Some Show S02E01"]
    assert await found(ask, "interview", f"{ROOT}/{show.key}/folder/Some.Show.COMPLETE.720p/Extras") == ["Interview"]


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (["music"], {"An Album", "1 Song", "2 Song", "10 Song"}),
        (["album"], {"An Album"}),
        (["movie"], set()),
        (["tv_show"], set()),
        (["image"], set()),
    ],
)
async def test_media_filter_classes_are_honoured(
    ask: Ask, show: Seed, album: Seed, classes: list[str], expected: set[str]
) -> None:
    assert (
        set(await found(ask, "song", media_filter_classes=classes))
        | (set(await found(ask, "album", media_filter_classes=classes)))
        == expected
    )


async def test_a_show_is_no_movie(ask: Ask, show: Seed) -> None:
    assert (await found(ask, "some show", media_filter_classes=["tv_show"]))[0] == "Some Show"
    assert await found(ask, "some show s01e01", media_filter_classes=["movie"]) == []


async def test_the_first_result_plays(ask: Ask, show: Seed, playback: Playback) -> None:
    await supplied(playback, show)
    answer = await ask("search_media", search_query="some show")
    result = answer["result"][0]
    assert result["can_play"]
    resolved = await ask("resolve_media", result["media_content_id"])
    assert resolved["mime_type"] == "application/x-mpegURL"
    session = playback.sessions[-1]
    assert session.file is not None
    assert session.file.name == "Some.Show.S01E01.Pilot.720p.mkv"


async def test_a_pasted_magnet_is_one_result_that_plays(ask: Ask, playback: Playback, film: Seed) -> None:
    answer = await ask("search_media", search_query=f"  {film.magnet}&dn=The.film.2026.1080p ")
    (result,) = answer["result"]
    assert result["title"] == "The film (2026)"
    assert (result["can_play"], result["can_expand"]) == (True, False)
    resolved = await ask("resolve_media", result["media_content_id"])
    assert resolved["mime_type"] == "video/mp4"
    assert [session.source.key for session in playback.sessions] == [film.key]


async def test_a_search_starts_no_engine(ask: Ask, playback: Playback, film: Seed) -> None:
    await ask("search_media", search_query=film.magnet)
    assert not playback.is_engine_running


async def test_a_pasted_info_hash_is_one_result(ask: Ask, film: Seed) -> None:
    assert await found(ask, film.key) == [film.key]


async def test_a_pasted_magnet_that_is_none_is_said_so(ask: Ask) -> None:
    error = await ask("search_media", search_query="magnet:?xt=nothing")
    assert "magnet link is not valid" in error["message"]


async def test_a_pasted_magnet_is_found_below_any_node(ask: Ask, show: Seed, film: Seed) -> None:
    assert await found(ask, film.key, f"{ROOT}/{show.key}") == [film.key]


@pytest.fixture
async def indexer(film: Seed, rig_sockets: None) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """Return a server that has the torrent file of the film."""

    async def torrent(request: web.Request) -> web.Response:
        if "film" not in request.path:
            raise web.HTTPNotFound
        return web.Response(body=film.torrent.metainfo, content_type="application/x-bittorrent")

    app = web.Application()
    app.router.add_get("/{name}", torrent)
    async with TestClient(TestServer(app, host=LOOPBACK)) as client:
        yield client


async def test_a_pasted_address_of_a_torrent_file_plays(
    ask: Ask, playback: Playback, film: Seed, indexer: TestClient[web.Request, web.Application]
) -> None:
    await supplied(playback, film)
    answer = await ask("search_media", search_query=str(indexer.make_url("/The.film.2026.torrent")))
    (result,) = answer["result"]
    assert result["title"] == "The film (2026)"
    assert (await ask("resolve_media", result["media_content_id"]))["mime_type"] == "video/mp4"
    assert [session.source.key for session in playback.sessions] == [film.key] * 2


async def test_an_address_that_has_no_torrent_says_so_when_it_is_played(
    ask: Ask, indexer: TestClient[web.Request, web.Application]
) -> None:
    answer = await ask("search_media", search_query=str(indexer.make_url("/other")))
    error = await ask("resolve_media", answer["result"][0]["media_content_id"])
    assert (error["code"], "HTTP 404" in error["message"]) == ("resolve_media_failed", True)


async def test_a_torrent_file_in_local_media_plays(
    hass: HomeAssistant, ask: Ask, playback: Playback, film: Seed, tmp_path: Path
) -> None:
    await supplied(playback, film)
    hass.config.media_dirs["local"] = str(tmp_path)
    (tmp_path / "A film.torrent").write_bytes(film.torrent.metainfo)
    answer = await ask("search_media", search_query="media-source://media_source/local/A film.torrent")
    (result,) = answer["result"]
    await ask("resolve_media", result["media_content_id"])
    assert [session.source.key for session in playback.sessions] == [film.key] * 2
