"""What is remembered between plays."""

from datetime import timedelta
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.playback import Kept, Library, Seen


@pytest.fixture
async def library(hass: HomeAssistant) -> Library:
    """Return an empty library."""
    library = Library(hass)
    await library.load()
    return library


async def test_it_is_on_disk_at_once(hass: HomeAssistant, library: Library, hass_storage: dict[str, Any]) -> None:
    await library.used("a" * 40, "Film")
    (kept,) = library.kept
    assert hass_storage[DOMAIN]["version"] == 1
    assert hass_storage[DOMAIN]["data"] == {
        "torrents": [
            {
                "key": "a" * 40,
                "name": "Film",
                "added": kept.added,
                "last_used": kept.last_used,
                "seen": [],
                "downloads": [],
                "is_paused": False,
            }
        ]
    }
    again = Library(hass)
    await again.load()
    assert again.kept == (kept,)


async def test_what_is_to_come_in_is_known_again_and_not_due(hass: HomeAssistant, library: Library) -> None:
    await library.used("a", "A")
    for file in (3, 1, 3):
        await library.set_download("a", file, wanted=True)
    await library.set_download("gone", 1, wanted=True)
    await library.set_paused("a", "gone", paused=True)
    again = Library(hass)
    await again.load()
    assert [(kept.key, kept.is_paused, file) for kept, file in again.unfinished] == [("a", True, 3), ("a", True, 1)]
    later = dt_util.utcnow() + timedelta(days=365)
    assert not again.kept[0].is_due(timedelta(hours=1), later)
    for file in (1, 3):
        await again.set_download("a", file, wanted=False)
    assert again.kept[0].is_due(timedelta(hours=1), later)


async def test_what_was_watched_last_is_known_with_its_place(library: Library) -> None:
    await library.watched("gone", 0, 1.0)
    nothing = library.last_watched
    assert nothing is None
    for key in ("a", "b", "c"):
        await library.used(key, key)
    await library.watched("b", 3, 61.234)
    await library.watched("a", 0, 0)
    await library.watched("b", 2, 62.345)
    await library.used("c", "")
    last = library.last_watched
    assert last is not None
    assert (last.key, last.seen[0].file, last.seen[0].position) == ("b", 2, 62.3)
    assert library.position("b", 3) == 61.2
    assert [(kept.key, seen.file) for kept, seen in library.begun] == [("b", 2), ("b", 3)]


@pytest.mark.parametrize(("position", "left", "watched"), [(94.9, 94.9, False), (95.0, 0, True), (100, 0, True)])
async def test_a_film_is_watched_at_95_percent(library: Library, position: float, left: float, watched: bool) -> None:
    await library.used("a", "A")
    await library.watched("a", 0, position, 100)
    seen = library.kept[0].seen_of(0)
    assert seen is not None
    assert (seen.position, seen.is_watched) == (left, watched)


async def test_what_was_watched_stays_so_when_it_is_begun_again(hass: HomeAssistant, library: Library) -> None:
    await library.used("a", "A")
    await library.watched("a", 0, 99, 100)
    await library.watched("a", 0, 30, 100)
    again = Library(hass)
    await again.load()
    seen = again.kept[0].seen_of(0)
    assert seen is not None
    assert (seen.position, seen.is_watched, again.position("a", 0)) == (30, True, 30)


async def test_what_was_left_at_once_was_not_begun(library: Library) -> None:
    await library.used("a", "A")
    await library.watched("a", 0, 9.9, 100)
    assert library.begun == []
    assert library.position("a", 1) == library.position("b", 0) == 0


async def test_what_an_earlier_version_stored_is_read(hass: HomeAssistant, hass_storage: dict[str, Any]) -> None:
    stored = {"key": "a", "name": "A", "added": "2026-01-01T00:00:00+00:00", "last_used": "2026-01-01T00:00:00+00:00"}
    hass_storage[DOMAIN] = {"version": 1, "minor_version": 1, "key": DOMAIN, "data": {"torrents": [stored]}}
    library = Library(hass)
    await library.load()
    assert library.kept == (Kept("a", "A", stored["added"], stored["last_used"]),)


async def test_where_the_last_file_was_left_is_read_from_an_earlier_version(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    when = "2026-01-01T00:00:00+00:00"
    stored = {"key": "a", "name": "A", "added": when, "last_used": when, "watched": when, "file": 3, "position": 61.2}
    hass_storage[DOMAIN] = {"version": 1, "minor_version": 1, "key": DOMAIN, "data": {"torrents": [stored]}}
    library = Library(hass)
    await library.load()
    assert library.kept[0].seen == (Seen(3, when, 61.2),)


async def test_the_last_used_is_first_and_keeps_its_name_and_beginning(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = dt_util.utcnow()
    for hours, key, name in ((0, "a", "A"), (1, "b", ""), (2, "a", "")):
        monkeypatch.setattr(dt_util, "utcnow", lambda hours=hours: start + timedelta(hours=hours))
        await library.used(key, name)
    later = (start + timedelta(hours=2)).isoformat()
    one = (start + timedelta(hours=1)).isoformat()
    assert library.kept == (Kept("a", "A", start.isoformat(), later), Kept("b", "b", one, one))


async def test_what_is_forgotten_is_gone_from_disk(library: Library, hass_storage: dict[str, Any]) -> None:
    await library.used("a", "A")
    await library.used("b", "B")
    await library.forget("a", "unknown")
    assert [kept.key for kept in library.kept] == ["b"]
    assert [item["key"] for item in hass_storage[DOMAIN]["data"]["torrents"]] == ["b"]


async def test_forgetting_nothing_writes_nothing(library: Library, hass_storage: dict[str, Any]) -> None:
    await library.forget()
    await library.forget("unknown")
    assert DOMAIN not in hass_storage


@pytest.mark.parametrize(
    ("last_used", "due"),
    [
        ("2026-01-01T00:00:00+00:00", True),
        ("2026-01-01T00:00:01+00:00", False),
        ("2027-01-01T00:00:00+00:00", False),
        ("damaged", True),
    ],
)
def test_a_film_is_due_once_its_time_is_over(last_used: str, due: bool) -> None:
    now = dt_util.parse_datetime("2026-01-02T00:00:00+00:00", raise_on_error=True)
    assert Kept("a", "A", last_used, last_used).is_due(timedelta(hours=24), now) is due
