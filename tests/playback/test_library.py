"""What is remembered between plays."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.playback import Kept, Library, Seen
from custom_components.torrent_cast.playback.library import KEEP_SEEN, MAX_SEEN


@pytest.fixture
async def library(hass: HomeAssistant) -> Library:
    """Return an empty library."""
    library = Library(hass)
    await library.load()
    return library


async def test_it_is_on_disk_at_once(hass: HomeAssistant, library: Library, hass_storage: dict[str, Any]) -> None:
    await library.used("a" * 40, "Film")
    (kept,) = library.kept
    assert (hass_storage[DOMAIN]["version"], hass_storage[DOMAIN]["minor_version"]) == (1, 2)
    assert hass_storage[DOMAIN]["data"] == {
        "torrents": [
            {
                "key": "a" * 40,
                "name": "Film",
                "added": kept.added,
                "last_used": kept.last_used,
                "downloads": [],
                "is_paused": False,
            }
        ],
        "seen": [],
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
    assert (last[0], last[1].file, last[1].position) == ("b", 2, 62.3)
    assert library.position("b", 3) == 61.2
    assert [seen.file for seen in library.seen("b")] == [2, 3]


@pytest.mark.parametrize(("position", "left", "watched"), [(94.9, 94.9, False), (95.0, 0, True), (100, 0, True)])
async def test_a_film_is_watched_at_95_percent(library: Library, position: float, left: float, watched: bool) -> None:
    await library.used("a", "A")
    await library.watched("a", 0, position, 100)
    (seen,) = library.seen("a")
    assert (seen.position, seen.is_watched) == (left, watched)


async def test_what_was_watched_stays_so_when_it_is_begun_again(hass: HomeAssistant, library: Library) -> None:
    await library.used("a", "A")
    await library.watched("a", 0, 99, 100)
    await library.watched("a", 0, 30, 100)
    again = Library(hass)
    await again.load()
    (seen,) = again.seen("a")
    assert (seen.position, seen.is_watched, again.position("a", 0)) == (30, True, 30)


async def test_what_was_left_at_once_was_not_begun(library: Library) -> None:
    await library.used("a", "A")
    await library.watched("a", 0, 9.9, 100)
    assert [seen.is_begun for seen in library.seen("a")] == [False]
    assert library.position("a", 1) == library.position("b", 0) == 0


async def test_what_an_earlier_version_stored_is_read(hass: HomeAssistant, hass_storage: dict[str, Any]) -> None:
    stored = {"key": "a", "name": "A", "added": "2026-01-01T00:00:00+00:00", "last_used": "2026-01-01T00:00:00+00:00"}
    hass_storage[DOMAIN] = {"version": 1, "minor_version": 1, "key": DOMAIN, "data": {"torrents": [stored]}}
    library = Library(hass)
    await library.load()
    assert library.kept == (Kept("a", "A", stored["added"], stored["last_used"]),)


async def test_where_files_were_left_is_read_from_earlier_versions(
    hass: HomeAssistant, hass_storage: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    when = ["2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00", "2026-01-03T00:00:00+00:00"]
    monkeypatch.setattr(dt_util, "utcnow", lambda: datetime(2026, 2, 1, tzinfo=UTC))
    torrent = {"name": "A", "added": when[0], "last_used": when[0]}
    first = torrent | {"key": "a", "watched": when[2], "file": 3, "position": 61.2}
    seen = [
        {"file": 5, "when": when[1], "position": 7.5, "is_watched": True},
        {"file": 4, "when": when[0], "position": 0.0, "is_watched": True},
    ]
    second = torrent | {"key": "b", "seen": seen, "downloads": [1], "is_paused": True}
    hass_storage[DOMAIN] = {"version": 1, "minor_version": 1, "key": DOMAIN, "data": {"torrents": [first, second]}}
    library = Library(hass)
    await library.load()
    assert library.kept == (
        Kept("a", "A", when[0], when[0]),
        Kept("b", "A", when[0], when[0], downloads=(1,), is_paused=True),
    )
    assert library.last_watched == ("a", Seen(3, when[2], 61.2))
    assert library.seen("b") == (Seen(5, when[1], 7.5, is_watched=True), Seen(4, when[0], 0.0, is_watched=True))
    assert hass_storage[DOMAIN]["minor_version"] == 2
    again = Library(hass)
    await again.load()
    assert (again.kept, again.last_watched, again.seen("b")) == (library.kept, library.last_watched, library.seen("b"))


async def test_where_a_file_was_left_is_known_when_its_torrent_is_gone(hass: HomeAssistant, library: Library) -> None:
    await library.used("a", "A")
    await library.watched("a", 2, 61, 100)
    await library.watched("a", 3, 99, 100)
    await library.forget("a")
    again = Library(hass)
    await again.load()
    assert (again.kept, again.position("a", 2)) == ((), 61)
    assert [seen.is_watched for seen in again.seen("a")] == [True, False]
    last = again.last_watched
    assert last is not None
    assert (last[0], last[1].file) == ("a", 3)


async def test_what_is_to_be_forgotten_is(hass: HomeAssistant, library: Library) -> None:
    for key in ("a", "b"):
        await library.used(key, key)
        await library.watched(key, 0, 61, 100)
    await library.forget_seen("b")
    again = Library(hass)
    await again.load()
    assert (again.seen("b"), again.position("a", 0)) == ((), 61)
    assert len(again.kept) == 2


async def test_so_many_positions_are_remembered_and_no_more(hass: HomeAssistant, library: Library) -> None:
    await library.used("a", "A")
    for file in range(MAX_SEEN + 1):
        await library.watched("a", file, 60, 100)
    await library.watched("a", 1, 61, 100)  # from now on the second is the oldest
    await library.watched("a", MAX_SEEN + 1, 60, 100)
    again = Library(hass)
    await again.load()
    assert len(again.seen("a")) == MAX_SEEN
    assert [again.position("a", file) for file in (0, 1, 2, 3)] == [0, 61, 0, 60]


async def test_what_was_left_too_long_ago_is_forgotten(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    start = dt_util.utcnow()
    await library.used("a", "A")
    for days, file in ((0, 0), (1, 1), (KEEP_SEEN.days + 0.5, 2)):
        monkeypatch.setattr(dt_util, "utcnow", lambda days=days: start + timedelta(days=days))
        await library.watched("a", file, 60, 100)
    assert [seen.file for seen in library.seen("a")] == [2, 1]


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
