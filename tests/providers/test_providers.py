"""Folder, feed and Torznab, as they should be and as they should not."""
# ruff: noqa: ARG001  # fixtures are asked for by name; a test may wait for its own disk

import os
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.engine import SourceError
from custom_components.torrent_cast.playback import Playback
from custom_components.torrent_cast.providers import ProviderError
from custom_components.torrent_cast.providers.base import REMEMBERED, Item
from custom_components.torrent_cast.providers.feed import Feed
from custom_components.torrent_cast.providers.folder import Folder
from custom_components.torrent_cast.providers.torznab import Torznab
from custom_components.torrent_cast.providers.web import Place, item_of
from tests.conftest import Seed, soon

from .conftest import KEY, Indexer

KINDS = ["bomb", "html", "text", "empty", "half", "magnet", "large"]
MAGNET = "magnet:?xt=urn:btih:" + "0" * 40


def torznab(hass: HomeAssistant, indexer: Indexer, path: str = "/torznab", key: str = KEY) -> Torznab:
    return Torznab("id", "Indexer", hass, Place(indexer.url(path)), key)


# --- folder ----------------------------------------------------------------------------------------------------------


async def test_a_folder_lists_its_torrent_files_the_newest_first(
    hass: HomeAssistant, playback: Playback, film: Seed, tmp_path: Path
) -> None:
    for age, name in enumerate(("b.torrent", "A.TORRENT", "other.txt")):
        (tmp_path / name).write_bytes(film.torrent.metainfo)
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    (tmp_path / "folder.torrent").mkdir()
    folder = Folder("id", "Folder", hass, tmp_path)
    items = await folder.latest()
    assert [item.title for item in items] == ["b", "A"]
    assert (await folder.read(items[0], playback)).key == film.key


async def test_a_folder_that_is_gone_is_said_so(hass: HomeAssistant, tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="folder_unreadable"):
        await Folder("id", "Folder", hass, tmp_path / "none").latest()


# --- feed ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/feed", "/atom"])
async def test_a_feed_leads_to_torrents(
    hass: HomeAssistant, playback: Playback, indexer: Indexer, film: Seed, path: str
) -> None:
    feed = Feed("id", "Feed", hass, Place(indexer.url(path)))
    items = await feed.latest()
    assert [item.title for item in items] == (indexer.titles if path == "/feed" else indexer.titles[:1])
    assert (await soon(feed.read(items[0], playback))).key == film.key


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "bomb"])
async def test_what_is_no_feed_is_said_so(
    hass: HomeAssistant, entry: MockConfigEntry, indexer: Indexer, kind: str
) -> None:
    with pytest.raises(ProviderError, match="provider_unreadable"):
        await Feed("id", "Feed", hass, Place(indexer.url(f"/bad/{kind}"))).latest()


async def test_entities_of_a_feed_are_not_blown_up(
    hass: HomeAssistant, entry: MockConfigEntry, indexer: Indexer
) -> None:
    assert await Feed("id", "Feed", hass, Place(indexer.url("/bad/bomb"))).latest() == []


async def test_a_feed_that_is_not_there_is_said_so_without_its_address(
    hass: HomeAssistant, entry: MockConfigEntry, indexer: Indexer
) -> None:
    with pytest.raises(ProviderError) as caught:
        await Feed("id", "Feed", hass, Place(indexer.url(f"/bad/other?key={KEY}"))).latest()
    assert caught.value.details == {"provider": "Feed", "error": "HTTP 401"}


async def test_a_link_of_a_stranger_to_this_machine_is_not_followed(
    hass: HomeAssistant, playback: Playback, indexer: Indexer
) -> None:
    feed = Feed("id", "Feed", hass, Place("http://feed.invalid/"))
    with pytest.raises(SourceError, match="bad_redirect"):
        await feed.read(Item("x", indexer.url("/download/x.torrent")), playback)
    with pytest.raises(SourceError, match="bad_redirect"):
        await feed.read(Item("x", "file:///etc/passwd"), playback)


# --- Torznab ---------------------------------------------------------------------------------------------------------


async def test_torznab_is_asked_with_words_and_key(
    hass: HomeAssistant, playback: Playback, indexer: Indexer, film: Seed
) -> None:
    provider = torznab(hass, indexer)
    items = await provider.search("some show")
    assert indexer.queries[0] | {"q": "some show", "apikey": KEY, "t": "search"} == indexer.queries[0]
    assert [(item.title, item.size, item.seeders) for item in items] == [
        (title, 1_500_000, seeders) for seeders, title in enumerate(indexer.titles)
    ]
    assert (await soon(provider.read(provider.item(items[0].id), playback))).key == film.key


async def test_a_wrong_key_is_said_so(hass: HomeAssistant, entry: MockConfigEntry, indexer: Indexer) -> None:
    with pytest.raises(ProviderError) as caught:
        await torznab(hass, indexer, key="wrong").latest()
    assert caught.value.details == {"provider": "Indexer", "error": "Incorrect user credentials"}


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_no_torznab_is_said_so(
    hass: HomeAssistant, entry: MockConfigEntry, indexer: Indexer, kind: str
) -> None:
    with pytest.raises(ProviderError, match="provider_unreadable"):
        await torznab(hass, indexer, f"/bad/{kind}").latest()


# --- items -----------------------------------------------------------------------------------------------------------


def test_a_magnet_link_is_the_best_way_and_an_info_hash_the_next() -> None:
    by_magnet = item_of("Film", ["http://x.invalid/a.torrent", MAGNET])
    by_hash = item_of("A film", ["http://x.invalid/a.torrent"], "0" * 40)
    assert by_magnet is not None
    assert by_hash is not None
    assert by_magnet.source == MAGNET
    assert by_hash.source == f"{MAGNET}&dn=A%20film"


@pytest.mark.parametrize(
    ("title", "links"), [("", [MAGNET]), (None, [MAGNET]), ("Film", []), ("Film", ["file:///x", "javascript:x", 3, ""])]
)
def test_what_leads_nowhere_is_no_item(title: object, links: list[object]) -> None:
    assert item_of(title, links) is None


@pytest.mark.parametrize(("size", "number"), [("12", 12), ("-1", None), ("x", None), ("9" * 5000, None), (None, None)])
def test_a_size_that_is_none(size: object, number: int | None) -> None:
    item = item_of("Film", [MAGNET], size=size)
    assert item is not None
    assert item.size == number


def test_the_id_of_an_item_does_not_tell_its_source() -> None:
    item = Item("Film", f"http://x.invalid/?apikey={KEY}")
    assert KEY not in item.id
    assert item.id == Item("Other", item.source).id


async def test_items_are_not_remembered_for_ever(hass: HomeAssistant, tmp_path: Path) -> None:
    folder = Folder("id", "Folder", hass, tmp_path)
    for number in range(REMEMBERED + 1):
        folder._remember([Item("x", str(number))])
    with pytest.raises(SourceError, match="unknown_item"):
        folder.item(Item("x", "0").id)
    assert folder.item(Item("x", "1").id).source == "1"
