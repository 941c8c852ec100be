"""The media browser, as the frontend uses it: by Home Assistant's websocket commands, on real torrents."""
# ruff: noqa: ARG001  # fixtures are asked for by name; a test may wait for its own disk

import io
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import av
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from homeassistant.components import media_source
from homeassistant.components.media_player import MediaClass
from homeassistant.components.media_source import async_resolve_media
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.torrent_cast import tree
from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.engine import TorrentFile
from custom_components.torrent_cast.media_source import async_get_media_source
from custom_components.torrent_cast.playback import Playback, Session
from custom_components.torrent_cast.views import token_in
from tests.conftest import LOOPBACK, PIECE, Seed, kept, random_bytes, settled, soon
from tests.media.conftest import ffmpeg

ROOT = "media-source://torrent_cast"
KEY = "0123456789abcdef0123456789abcdef01234567"

type Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
async def ask(hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator) -> Ask:
    """Return what sends a command of the media source and returns its result."""
    client = await hass_ws_client(hass)

    async def command(name: str, media_content_id: str = ROOT, **fields: Any) -> Any:  # noqa: ANN401  # JSON
        await client.send_json_auto_id({"type": f"media_source/{name}", "media_content_id": media_content_id, **fields})
        answer = await soon(client.receive_json())
        return answer["result"] if answer["success"] else answer["error"]

    return command


async def titles(ask: Ask, media_content_id: str = ROOT) -> list[str]:
    """Return what a node shows."""
    return [child["title"] for child in (await ask("browse_media", media_content_id))["children"]]


async def found(ask: Ask, text: str, media_content_id: str = ROOT, **fields: Any) -> list[str]:  # noqa: ANN401  # JSON
    """Return the titles that a search finds."""
    answer = await ask("search_media", media_content_id, search_query=text, **fields)
    return [item["title"] for item in answer["result"]]


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a second of film in Matroska, with sound that browsers do not decode."""
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=64x36:duration=1", "-f", "lavfi", "-i", "sine=duration=1"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "ac3", path),
    )
    return path.read_bytes()


@pytest.fixture
async def show(playback: Playback, tmp_path: Path, seeder: Callable[[Path], Seed], clip: bytes) -> Seed:
    """Return a show of two seasons without folders, that is kept."""
    folder = tmp_path / "seeder" / "Some.Show.COMPLETE.720p"
    folder.mkdir(parents=True)
    for name in ("S01E01.Pilot", "S01E02", "S02E01", "S02E10", "S02E09"):
        (folder / f"Some.Show.{name}.720p.mkv").write_bytes(clip)
    (folder / "info.nfo").write_bytes(b"nothing to play")
    (folder / "Extras").mkdir()
    (folder / "Extras" / "Interview.mkv").write_bytes(random_bytes(1000, seed=9))
    seed = seeder(folder)
    await kept(playback, seed)
    return seed


async def supplied(playback: Playback, seed: Seed) -> None:
    """Have a torrent connected to its seed: what is only kept knows of no peers."""
    await soon(playback.start_session(await playback.parse(seed.magnet), wanted=0, holder="who connects").resolve())


@pytest.fixture
async def album(playback: Playback, tmp_path: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return songs, kept."""
    folder = tmp_path / "seeder" / "An Album"
    folder.mkdir(parents=True)
    for number in (2, 10, 1):
        (folder / f"{number} Song.mp3").write_bytes(random_bytes(1000, seed=number + 20))
    seed = seeder(folder)
    await kept(playback, seed)
    return seed


# --- the library -----------------------------------------------------------------------------------------------------


async def test_an_empty_library(ask: Ask) -> None:
    root = await ask("browse_media")
    assert root["children"] == []
    assert root["can_search"]
    assert (await ask("search_media", search_query="sintel"))["result"] == []


async def test_torrents_are_there_the_newest_first_with_size_and_state(
    ask: Ask, playback: Playback, show: Seed, session: Session
) -> None:
    newest, oldest = (await ask("browse_media"))["children"]
    assert session.file is not None
    assert newest["title"].startswith("The film (2026) — 2 MB")
    assert newest["title"].endswith(", in use")
    assert oldest["title"] == "Some Show — 1 MB, 0 %"
    assert oldest["media_content_id"] == f"{ROOT}/{show.key}"
    assert (oldest["can_play"], oldest["can_expand"], oldest["can_search"]) == (True, True, True)


async def test_what_is_complete_says_no_share(ask: Ask, playback: Playback, session: Session, film: Seed) -> None:
    assert session.torrent is not None
    assert session.file is not None
    await soon(session.torrent.wait_for_range(session.file, 0, session.file.size))
    session.end()
    await settled(playback)
    (node,) = (await ask("browse_media"))["children"]
    assert (node["title"], node["thumbnail"]) == ("The film (2026) — 2 MB", None)
    assert await titles(ask, f"{ROOT}/{film.key}") == ["The film (2026) — 2 MB"]


async def test_what_was_begun_goes_on_where_it_was_left(ask: Ask, playback: Playback, show: Seed, film: Seed) -> None:
    assert len(await titles(ask)) == 1
    await kept(playback, film)
    await supplied(playback, film)
    await playback.library.watched(film.key, 0, 10.5, 12)
    await playback.library.watched(show.key, 0, 7.5, 100)  # no more than a look
    folder = (await ask("browse_media"))["children"][0]
    assert (folder["title"], folder["media_content_id"]) == ("Continue watching", f"{ROOT}/continue")
    (node,) = (await ask("browse_media", media_content_id=folder["media_content_id"]))["children"]
    assert node["title"].endswith(", left at 0:10")
    assert node["media_content_id"] == f"{ROOT}/continue/{film.key}/0"
    for _ in range(2):
        await ask("resolve_media", media_content_id=node["media_content_id"])
    (session,) = (one for one in playback.sessions if one.resumes)
    assert (session.wanted, session.start_position) == (0, 10.5)


async def test_what_was_watched_says_so(ask: Ask, playback: Playback, film: Seed) -> None:
    await kept(playback, film)
    await playback.library.watched(film.key, 0, 12, 12)
    (node,) = (await ask("browse_media", media_content_id=f"{ROOT}/{film.key}"))["children"]
    assert node["title"].endswith(", watched")
    assert "Continue watching" not in await titles(ask)


async def test_what_is_there_has_a_picture(ask: Ask, session: Session, film: Seed) -> None:
    assert session.torrent is not None
    assert session.file is not None
    await soon(session.torrent.wait_for_range(session.file, 0, session.file.size))
    path = f"/api/torrent_cast/thumbnail/{film.key}/0"
    for where in (ROOT, f"{ROOT}/{film.key}"):
        assert [child["thumbnail"] for child in (await ask("browse_media", where))["children"]] == [path]


@dataclass
class Image:
    """Home Assistant's answer, as it is from 2026.11 on."""

    content: bytes
    content_type: str


async def test_a_film_that_is_sent_along_is_its_picture(
    hass: HomeAssistant, session: Session, film: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_source, "MediaImage", Image, raising=False)
    source = await async_get_media_source(hass)

    async def image(identifier: str) -> Image | None:
        found: Image | None = await soon(
            source.async_get_media_image(media_source.MediaSourceItem(hass, DOMAIN, identifier, None))
        )
        return found

    assert await image(f"{KEY}/0") is None
    assert session.torrent is not None
    assert session.file is not None
    await soon(session.torrent.wait_for_range(session.file, 0, session.file.size))
    for identifier in (f"{film.key}/0", f"continue/{film.key}/0"):
        picture = await image(identifier)
        assert picture is not None
        assert (picture.content[:3], picture.content_type) == (b"\xff\xd8\xff", "image/jpeg")
    assert await image(film.key) is None
    with pytest.raises(media_source.Unresolvable):
        await image("nonsense")


async def test_a_torrent_without_folders_has_seasons_and_a_season_its_episodes(ask: Ask, show: Seed) -> None:
    assert await titles(ask, f"{ROOT}/{show.key}") == ["Extras", "Season 1", "Season 2"]
    assert await titles(ask, f"{ROOT}/{show.key}/season/1") == [
        "Some Show S01E01 · Pilot — 1 MB, 0 %",
        "Some Show S01E02 — 1 MB, 0 %",
    ]
    assert await titles(ask, f"{ROOT}/{show.key}/season/2") == [
        "Some Show S02E01 — 1 MB, 0 %",
        "Some Show S02E09 — 1 MB, 0 %",
        "Some Show S02E10 — 1 MB, 0 %",
    ]


async def test_the_loop_does_not_wait_for_a_torrent_of_many_files(
    ask: Ask, playback: Playback, show: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await supplied(playback, show)
    threads: list[int] = []
    playable = tree.playable

    def noted(files: Iterable[TorrentFile]) -> list[TorrentFile]:
        threads.append(threading.get_ident())
        return playable(files)

    monkeypatch.setattr(tree, "playable", noted)
    for where in (ROOT, f"{ROOT}/{show.key}"):
        await ask("browse_media", where)
        await ask("search_media", where, search_query="pilot")
    await ask("resolve_media", f"{ROOT}/{show.key}/season/2")
    assert len(threads) >= 5
    assert threading.get_ident() not in threads


async def test_a_folder_has_its_files(ask: Ask, show: Seed) -> None:
    (folder, *_) = (await ask("browse_media", f"{ROOT}/{show.key}"))["children"]
    assert not folder["can_play"]
    opened = await ask("browse_media", folder["media_content_id"])
    assert opened["title"] == "Extras"
    (file,) = opened["children"]
    assert (file["can_play"], file["can_expand"]) == (True, False)
    assert file["media_content_type"] == "video/x-matroska"


async def test_songs_keep_their_names_and_order(ask: Ask, album: Seed) -> None:
    (node,) = (await ask("browse_media"))["children"]
    assert node["media_class"] == MediaClass.ALBUM
    songs = await titles(ask, node["media_content_id"])
    assert [song.partition(" — ")[0] for song in songs] == ["1 Song", "2 Song", "10 Song"]


@pytest.mark.parametrize(
    "where",
    [KEY, f"{KEY}/0", f"{KEY}/folder/x", f"{KEY}/season/1", f"{KEY}/x", f"{KEY}/{'9' * 5000}", "x", "source/x"],
)
async def test_what_is_not_there_is_said_so(ask: Ask, where: str) -> None:
    error = await ask("browse_media", f"{ROOT}/{where}")
    assert (error["code"], "no longer here" in error["message"]) == ("browse_media_failed", True)


async def test_a_torrent_whose_resume_data_are_gone_is_empty(ask: Ask, show: Seed, downloads: Path) -> None:
    (downloads / show.key / "resume").write_bytes(b"")
    assert await titles(ask, f"{ROOT}/{show.key}") == []


async def test_nothing_works_while_the_entry_is_not_loaded(
    hass: HomeAssistant, ask: Ask, entry: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    for name, fields in (("browse_media", {}), ("search_media", {"search_query": "x"}), ("resolve_media", {})):
        assert "is not set up" in (await ask(name, **fields))["message"]


# --- search ----------------------------------------------------------------------------------------------------------


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


# --- what is pasted --------------------------------------------------------------------------------------------------


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


# --- addresses -------------------------------------------------------------------------------------------------------


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
    async with TestClient(TestServer(hass.http.app)) as client:
        parts = []
        for name in ("main.m3u8", "film.m3u8", "init.mp4", "0.m4s"):
            async with client.get(playlist.replace("main.m3u8", name)) as response:
                assert response.status == HTTPStatus.OK
                parts.append(await soon(response.read()))
    assert b"film.m3u8" in parts[0]
    assert b"0.m4s" in parts[1]
    with av.open(io.BytesIO(parts[2] + parts[3]), "r") as film:
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
