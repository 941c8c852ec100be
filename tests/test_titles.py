"""Clean names, by guessit; what it does not understand is shown as it is."""

import pytest
from homeassistant.core import HomeAssistant

from custom_components.torrent_cast import titles
from custom_components.torrent_cast.titles import Title, parse, plain, titles_of


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("Big.Buck.Bunny.2008.1080p.BluRay.x264-GROUP.mkv", "Big Buck Bunny (2008)"),
        ("Show.Name.S01E03.The.Title.720p.mkv", "Show Name S01E03 · The Title"),
        ("Show/Season 1/01 - Pilot.mkv", "Show S01E01 · Pilot"),
        ("Show.S01E01E02.mkv", "Show S01E01E02"),
        ("[Group] Anime Title - 03 [720p].mkv", "Anime Title E03"),
        ("Show.S02.COMPLETE.720p", "Show S02"),
        ("S01E03.mkv", "S01E03"),
        ("300.mkv", "300"),
        ("1917.mkv", "1917"),
        ("Amélie.2001.FRENCH.BluRay.mkv", "Amélie (2001)"),
        ("...", "..."),
        ("", ""),
    ],
)
def test_a_name(path: str, label: str) -> None:
    assert parse(path).label == label


@pytest.mark.parametrize("path", ["a." * 2000, "S01E" * 60, "1" * 5000, "2001 2002 " * 100, "\u202e(" * 300, "/" * 300])
def test_a_name_that_is_made_to_do_harm_has_a_title(path: str) -> None:
    assert isinstance(parse(path), Title)


@pytest.mark.parametrize(
    ("path", "name"), [("a/b/Song.mp3", "Song"), ("Version 1.2", "Version 1.2"), ("folder", "folder"), (".mkv", ".mkv")]
)
def test_the_name_itself(path: str, name: str) -> None:
    assert plain(path) == Title(name)


def test_what_was_asked_for_is_known_the_next_time_however_much_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def note(path: str) -> Title:
        parsed.append(path)
        return Title(path)

    monkeypatch.setattr(titles, "CACHED", 3)
    monkeypatch.setattr(titles, "_known", {})
    monkeypatch.setattr(titles, "parse", note)
    paths = [f"{number}.mkv" for number in range(10)]
    for _ in range(2):
        assert list(titles.read_titles(paths)) == paths
    assert parsed == paths
    titles.read_titles(["other.mkv"])
    assert list(titles._known) == ["8.mkv", "9.mkv", "other.mkv"]


async def test_names_that_would_take_too_long_stay_as_they_are(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(titles, "PATIENCE", -1.0)
    name = "Film.2026.1080p.mkv"
    assert await titles_of(hass, [name]) == {name: Title("Film.2026.1080p")}
