"""Which pictures of a torrent show its films and songs."""

import pytest

from custom_components.torrent_cast.engine import TorrentFile
from custom_components.torrent_cast.media.picture import MAX_ORIGINAL
from custom_components.torrent_cast.playback.artwork import Artwork


def artwork(paths: list[str], size: int = 1000) -> list[str]:
    """Return the artwork of the first of the files, best first."""
    found = [TorrentFile(index, path, size, 0) for index, path in enumerate(paths)]
    return [file.path for file in Artwork(found).of(found[0])]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["T/A film.mkv", "T/poster.jpg"], ["T/poster.jpg"]),
        (["T/A film.mkv", "T/Folder.JPG", "T/COVER.png"], ["T/COVER.png", "T/Folder.JPG"]),
        (["T/A film.mkv", "T/poster.jpg", "T/A film.jpg", "T/A film-poster.jpeg"],
         ["T/A film-poster.jpeg", "T/A film.jpg", "T/poster.jpg"]),
        (["T/A.mkv", "T/B.jpg", "T/B-poster.jpg"], []),
        (["T/S1/E1.mkv", "T/folder.jpg", "T/S1/folder.jpg"], ["T/S1/folder.jpg", "T/folder.jpg"]),
        (["T/Show/S1/E1.mkv", "T/poster.jpg", "T/Show/poster.jpg", "T/Other/poster.jpg"],
         ["T/Show/poster.jpg", "T/poster.jpg"]),
        (["T/A/film.mkv", "T/B/poster.jpg"], []),
        (["T/A film.mkv", "T/fanart.jpg", "T/A film-fanart.jpg", "T/front.jpg"],
         ["T/front.jpg", "T/A film-fanart.jpg", "T/fanart.jpg"]),
        (["T/01 - Song.flac", "T/front.jpg", "T/cover.jpg", "T/back.jpg"], ["T/cover.jpg", "T/front.jpg"]),
        (["T/Caf\u00e9.mkv", "T/Cafe\u0301.jpg"], ["T/Cafe\u0301.jpg"]),
        (["T/A film.mkv", "T/poster.svg", "T/poster.jpg.exe", "T/poster.html"], []),
        (["T/a/film.mkv", "T/a/../poster.jpg", "/etc/poster.jpg", "poster.jpg"], []),
        (["A film.mkv"], []),
    ],
)  # fmt: skip
def test_artwork_is_matched_by_name(paths: list[str], expected: list[str]) -> None:
    assert artwork(paths) == expected


def test_what_is_larger_than_artwork_is_none() -> None:
    paths = ["T/A film.mkv", "T/poster.jpg"]
    assert artwork(paths, MAX_ORIGINAL) == ["T/poster.jpg"]
    assert artwork(paths, MAX_ORIGINAL + 1) == artwork(paths, 4 << 30) == artwork(paths, 0) == []


def test_no_more_than_a_few_are_tried() -> None:
    names = [f"T/{name}{suffix}" for name in ("poster", "cover", "folder", "front") for suffix in (".jpg", ".png")]
    assert len(artwork(["T/A film.mkv", *names])) == 3
