"""Which file is meant, and what strangers' names do."""

import os
from pathlib import Path
from types import ModuleType

import pytest

from custom_components.torrent_cast.engine import Engine, NoPlayableFile, TorrentFile, choose
from custom_components.torrent_cast.engine.files import files_of, printable
from tests.engine.conftest import PIECE, Seeders, add, noise, read_all, soon, write
from tests.rig.torrents import Torrent as Metainfo
from tests.rig.torrents import make_torrent


def files(*named: tuple[str, int]) -> list[TorrentFile]:
    return [TorrentFile(index, path, size, 0) for index, (path, size) in enumerate(named)]


FILES = files(
    ("Show/readme.txt", 900),
    ("Show/Show [1080p] E01.mkv", 50),
    ("Show/Show [1080p] E02.mkv", 60),
    ("Show/Sample/show.sample.mkv", 70),
    ("Show/Trailer.mp4", 80),
    ("Show/empty.avi", 0),
)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (None, 2),
        (0, 0),
        (3, 3),
        ("*e01*", 1),
        ("Show [1080p] E01.mkv", 1),  # a name is no pattern
        ("show/show [1080p] e02.MKV", 2),
        ("*sample*", 3),
        ("*.txt", 0),
        ("*", 4),
    ],
)
def test_the_file_that_is_meant_is_chosen(wanted: int | str | None, index: int) -> None:
    assert choose(FILES, wanted).index == index


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [(6, "no_such_file"), (-1, "no_such_file"), (5, "empty_file"), ("*.avi", "empty_file"), ("*.flac", "no_match")],
)
def test_what_is_not_there_is_an_error(wanted: int | str, reason: str) -> None:
    with pytest.raises(NoPlayableFile) as error:
        choose(FILES, wanted)

    assert error.value.reason == reason


def test_a_sample_is_better_than_nothing() -> None:
    assert choose(files(("a/sample.mkv", 10), ("a/sample/b.mkv", 20))).index == 1


def test_a_show_about_a_trailer_park_is_no_trailer() -> None:
    assert choose(files(("Trailer.Park/E01.mkv", 10), ("Trailer.Park/E02.mkv", 20))).index == 1


def test_a_word_with_sample_in_it_is_no_sample() -> None:
    assert not TorrentFile(0, "Samplers of Time.mkv", 1, 0).is_extra


def test_of_an_album_the_first_song_is_chosen() -> None:
    assert (
        choose(files(("A/10 Song.flac", 9), ("A/cover.jpg", 99), ("A/2 Song.flac", 5), ("A/3 Song.mp3", 7))).index == 2
    )


@pytest.mark.parametrize("named", [[], [("a.txt", 1)], [("a.mkv", 0)]])
def test_without_a_video_there_is_nothing_to_choose(named: list[tuple[str, int]]) -> None:
    with pytest.raises(NoPlayableFile) as error:
        choose(files(*named))

    assert error.value.reason == "no_video"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\x00b\nc\x1b[31m", "abc[31m"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\u2028b\u2029c", "abc"),
        ("dir\\film.mkv", "dir/film.mkv"),
        (" \u200bfilm ", "film"),
        ("Amélie 愛.mkv", "Amélie 愛.mkv"),
    ],
)
def test_names_hold_nothing_invisible(name: str, shown: str) -> None:
    assert printable(name) == shown


def test_pad_files_are_left_out_and_indexes_stay(libtorrent: ModuleType, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / "films" / name, noise(PIECE + 1))
    storage = libtorrent.file_storage()
    libtorrent.add_files(storage, str(tmp_path / "films"))
    creator = libtorrent.create_torrent(storage, PIECE, libtorrent.create_torrent.canonical_files)
    libtorrent.set_piece_hashes(creator, str(tmp_path))
    info = libtorrent.torrent_info(creator.generate())

    found = files_of(info)

    assert [file.name for file in found] == ["a", "b", "c"]
    assert info.files().num_files() > 3
    for file in found:
        assert info.files().file_path(file.index) == f"films/{file.name}"
        assert file.offset == info.files().file_offset(file.index)


def hostile(libtorrent: ModuleType, folder: Path, name: bytes, paths: list[list[bytes]]) -> Metainfo:
    """Return a torrent whose files are called `paths`; each holds the same piece."""
    for index in range(len(paths)):
        write(folder / "content" / str(index), noise(PIECE))
    metainfo = libtorrent.bdecode(make_torrent(folder / "content", PIECE).metainfo)
    metainfo[b"info"][b"name"] = name
    for file, path in zip(metainfo[b"info"][b"files"], paths, strict=True):
        file[b"path"] = path
    return Metainfo.parse(libtorrent.bencode(metainfo))


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


async def test_a_hostile_torrent_writes_nothing_outside_its_folder(
    engine: Engine, seeders: Seeders, libtorrent: ModuleType, tmp_path: Path
) -> None:
    paths = [[b"..", b"..", b"..", b"..", b"evil0"], [b"/", b"tmp", b"evil1"], [b"a/../../../../evil2"], [b"..\\evil3"]]
    evil = hostile(libtorrent, tmp_path / "made", b"../../evil", paths)
    # The seeder writes what the names say into a folder of its own; it has them as its libtorrent sees them.
    for path, _ in evil.files():
        write(tmp_path / "seed" / path, noise(PIECE))
    seed = seeders.share(evil, tmp_path / "seed")
    before = files_below(tmp_path)

    torrent = await add(engine, seed.magnet)
    for file in torrent.files:
        torrent.select(file)
    got = [await read_all(torrent, file.index) for file in torrent.files]
    await soon(engine.save(torrent))

    assert got == [noise(PIECE)] * 4
    written = files_below(tmp_path) - before
    assert len(written) == 5  # four files and the resume data
    assert all(path.is_relative_to(torrent.folder) for path in written)
    assert not list(tmp_path.parent.glob("evil*"))
    assert not any(os.path.exists(f"/tmp/evil{index}") for index in range(4))  # noqa: ASYNC240, PTH110, S108  # where the torrent points to
    await soon(engine.remove(torrent, delete_files=True))
    assert not torrent.folder.exists()
