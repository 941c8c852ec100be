"""The tree below a torrent."""

import pytest

from custom_components.torrent_cast import tree
from custom_components.torrent_cast.engine import TorrentFile
from custom_components.torrent_cast.titles import Title, parse


def files(*paths: str) -> list[TorrentFile]:
    return [TorrentFile(index, path, 100 + index, 0) for index, path in enumerate(paths)]


def titles(found: list[TorrentFile]) -> dict[str, Title]:
    return {file.path: parse(file.path) for file in found}


def paths(found: list[TorrentFile] | tuple[TorrentFile, ...]) -> list[str]:
    return [file.path for file in found]


def test_what_cannot_be_played_is_left_out() -> None:
    found = [*files("a.mkv", "a.nfo", "a.srt", "b.mp3"), TorrentFile(9, "empty.mkv", 0, 0)]
    assert paths(tree.playable(found)) == ["a.mkv", "b.mp3"]


def test_numbers_are_in_their_order_and_samples_last() -> None:
    found = tree.playable(files("s/10.mkv", "s/sample.mkv", "s/9.mkv", "s/" + "1" * 5000 + ".mkv"))
    assert paths(found) == ["s/9.mkv", "s/10.mkv", "s/" + "1" * 5000 + ".mkv", "s/sample.mkv"]


def test_the_torrents_own_folder_is_passed_through() -> None:
    level = tree.level(files("Show/Season 1/01.mkv", "Show/Season 2/01.mkv", "Show/Season 10/01.mkv"))
    assert level.folders == ("Show/Season 1", "Show/Season 2", "Show/Season 10")
    assert level.files == ()


def test_a_folder_shows_what_is_directly_in_it() -> None:
    level = tree.level(files("Show/a.mkv", "Show/Extras/b.mkv", "Shows/c.mkv"), "Show")
    assert level.folders == ("Show/Extras",)
    assert paths(level.files) == ["Show/a.mkv"]


def test_a_folder_that_is_not_there_is_empty() -> None:
    assert tree.level(files("Show/a.mkv"), "Other") == tree.Level((), ())


def test_files_of_several_seasons_are_grouped() -> None:
    found = files("Show.S02E01.mkv", "Show.S01E01.mkv", "Making of Show.mkv")
    assert {key: paths(group) for key, group in tree.seasons(found, titles(found)).items()} == {
        1: ["Show.S01E01.mkv"],
        2: ["Show.S02E01.mkv"],
        None: ["Making of Show.mkv"],
    }


def test_one_season_is_no_group() -> None:
    found = files("Show.S01E01.mkv", "Show.S01E02.mkv")
    assert tree.seasons(found, titles(found)) == {None: found}


def test_a_show_begins_with_its_first_episode() -> None:
    found = files("Show.S01E10.mkv", "Show.S01E02.mkv", "Show.S01E01.mkv", "Show.S01E01.sample.mkv")
    first = tree.first(found, titles(found))
    assert first is not None
    assert first.path == "Show.S01E01.mkv"


@pytest.mark.parametrize(
    ("pack", "following"),
    [
        (
            ["TOS/S01E01.mkv", "TOS/S01E02.mkv", "TOS/S02E01.mkv", "TNG/S01E01.mkv", "TNG/S01E02.mkv"],
            {
                "TOS/S01E01.mkv": "TOS/S01E02.mkv",
                "TOS/S01E02.mkv": "TOS/S02E01.mkv",
                "TOS/S02E01.mkv": None,
                "TNG/S01E02.mkv": None,
            },
        ),
        (
            [f"Show/{quality}/Show.S01E0{one}.{quality}.mkv" for quality in ("720p", "1080p") for one in (1, 2, 3)],
            {
                "Show/720p/Show.S01E01.720p.mkv": "Show/720p/Show.S01E02.720p.mkv",
                "Show/1080p/Show.S01E01.1080p.mkv": "Show/1080p/Show.S01E02.1080p.mkv",
                "Show/720p/Show.S01E03.720p.mkv": None,
            },
        ),
        (
            [f"Show/{quality}/Season {one}/Show S0{one}E01.mkv" for quality in ("HD", "SD") for one in (1, 2)],
            {
                "Show/SD/Season 1/Show S01E01.mkv": "Show/SD/Season 2/Show S02E01.mkv",
                "Show/HD/Season 1/Show S01E01.mkv": "Show/HD/Season 2/Show S02E01.mkv",
            },
        ),
        (
            ["Show.S01E01E02.mkv", "HD/Show.S01E02.mkv", "HD/SHOW.S01E03.mkv", "Bob.S01E03.mkv"],
            {"Show.S01E01E02.mkv": "HD/SHOW.S01E03.mkv"},
        ),
        (["Bob's Show S01E01.mkv", "Bobs.Show.S01E02.mkv"], {"Bob's Show S01E01.mkv": "Bobs.Show.S01E02.mkv"}),
        (["Show.S01E01.mkv", "Show.S01E02.sample.mkv", "Film.mkv"], {"Show.S01E01.mkv": None, "Film.mkv": None}),
        (["A/10.mp3", "A/9.mp3", "A/film.mkv"], {"A/9.mp3": "A/10.mp3", "A/10.mp3": None, "A/film.mkv": None}),
    ],
)
def test_what_follows_is_the_next_episode_of_the_same_show_or_the_next_song(
    pack: list[str], following: dict[str, str | None]
) -> None:
    found = tree.playable(files(*pack))
    by_path = {file.path: file for file in found}
    after = {path: tree.following(by_path[path], found, titles(found)) for path in following}
    assert {path: file.path if file else None for path, file in after.items()} == following


def test_of_a_film_the_largest_video_is_played() -> None:
    found = files("Film/small.mkv", "Film/film.mkv", "Film/sample.mkv")
    first = tree.first(found, titles(found))
    assert first is not None
    assert first.path == "Film/film.mkv"


def test_what_is_made_about_a_film_is_no_show() -> None:
    found = files("Film/Extras/01 - Making of.mkv", "Film/Extras/02 - Interview.mkv", "Film/Film.2010.mkv")
    first = tree.first(found, titles(found))
    assert first is not None
    assert first.path == "Film/Film.2010.mkv"


@pytest.mark.parametrize("season", [0, 1])
def test_a_show_begins_with_its_specials_only_where_there_is_nothing_else(season: int) -> None:
    found = files("Show.S00E01.mkv", "Show.S00E02.mkv", "Show.S01E01.mkv")[: season + 2]
    first = tree.first(found, titles(found))
    assert first is not None
    assert first.path == f"Show.S0{season}E01.mkv"


def test_an_album_begins_with_its_first_song() -> None:
    found = files("Album/2 - b.mp3", "Album/1 - a.mp3")
    first = tree.first(found, {file.path: Title(file.name) for file in found})
    assert first is not None
    assert first.path == "Album/1 - a.mp3"


def test_nothing_is_played_of_nothing() -> None:
    assert tree.first([], {}) is None


def test_files_that_would_be_called_the_same_keep_their_names() -> None:
    found = files("Film.2026.1080p.mkv", "Film.2026.720p.mkv", "Other.2026.mkv")
    assert list(tree.labels(found, titles(found)).values()) == [
        "Film.2026.1080p.mkv",
        "Film.2026.720p.mkv",
        "Other (2026)",
    ]
