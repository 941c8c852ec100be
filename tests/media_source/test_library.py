"""The media browser, as the frontend uses it: by Home Assistant's websocket commands, on real torrents."""
# ruff: noqa: ARG001  # fixtures are asked for by name; a test may wait for its own disk

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from homeassistant.components import media_source
from homeassistant.components.media_player import MediaClass
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast import labels, tree
from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.engine import TorrentFile
from custom_components.torrent_cast.media_source import async_get_media_source
from custom_components.torrent_cast.playback import Playback, Session
from custom_components.torrent_cast.titles import Title, read_titles
from tests.conftest import Seed, kept, settled, soon
from tests.media_source.conftest import KEY, ROOT, Ask, supplied, titles


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


async def test_names_are_read_of_what_is_shown_only(
    ask: Ask, playback: Playback, show: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await supplied(playback, show)
    read: list[str] = []

    def noted(paths: Iterable[str], until: float | None = None) -> dict[str, Title]:
        paths = list(paths)
        read.extend(paths)
        return read_titles(paths, until)

    monkeypatch.setattr(labels, "read_titles", noted)
    (extras, *_) = (await ask("browse_media", f"{ROOT}/{show.key}"))["children"]
    assert read
    assert not [path for path in read if "Extras" in path]
    read.clear()
    await ask("browse_media", extras["media_content_id"])
    assert read
    assert all("Extras" in path for path in read)


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


@pytest.mark.parametrize("where", ["folder/Nowhere", "folder/../..", "season/9"])
async def test_what_is_not_in_a_torrent_is_said_so(ask: Ask, show: Seed, where: str) -> None:
    error = await ask("browse_media", f"{ROOT}/{show.key}/{where}")
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
