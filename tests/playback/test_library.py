"""What is remembered between plays."""

from datetime import timedelta
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.playback import Kept, Library


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
                "watched": None,
                "file": None,
                "position": 0.0,
            }
        ]
    }
    again = Library(hass)
    await again.load()
    assert again.kept == (kept,)


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
    assert (last.key, last.file, last.position) == ("b", 2, 62.3)


async def test_what_an_earlier_version_stored_is_read(hass: HomeAssistant, hass_storage: dict[str, Any]) -> None:
    stored = {"key": "a", "name": "A", "added": "2026-01-01T00:00:00+00:00", "last_used": "2026-01-01T00:00:00+00:00"}
    hass_storage[DOMAIN] = {"version": 1, "minor_version": 1, "key": DOMAIN, "data": {"torrents": [stored]}}
    library = Library(hass)
    await library.load()
    assert library.kept == (Kept("a", "A", stored["added"], stored["last_used"]),)


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
