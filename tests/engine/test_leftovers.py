"""What is deleted where libtorrent is gone."""

from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.torrent_cast.engine import StorageError, leftovers, storage
from tests.engine.conftest import PIECE, noise, write
from tests.rig.torrents import Version, make_torrent

KEY = "ab" * 20


def content(folder: Path, names: tuple[str, ...]) -> Path:
    """Return what a torrent is to be made of: one file, or a folder of several."""
    for number, name in enumerate(names):
        write(folder / name, noise(PIECE + number))
    return folder / Path(names[0]).parts[0]


def resume_data(libtorrent: ModuleType, path: Path, version: Version) -> bytes:
    torrent = make_torrent(path, PIECE, version=version)
    params = libtorrent.load_torrent_buffer(torrent.metainfo)
    return storage.resume_data(libtorrent, params).encoded(libtorrent)


def wanted(paths: tuple[str, ...]) -> list[str]:
    """Return the paths without padding, which is written nowhere and which v2 metadata do not name."""
    return sorted(path for path in paths if ".pad" not in path)


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize(
    "names", [("a film.mkv",), ("films/one.mkv", "films/two.mkv", "films/extras/däumling.srt"), ("alone/alone",)]
)
def test_the_files_are_those_libtorrent_would_name(
    libtorrent: ModuleType, tmp_path: Path, version: Version, names: tuple[str, ...]
) -> None:
    data = resume_data(libtorrent, content(tmp_path, names), version)

    assert wanted(leftovers.paths(data)) == wanted(storage.paths_of(libtorrent.read_resume_data(data).ti))


@pytest.mark.parametrize("version", list(Version))
def test_nothing_is_left_but_what_others_put_there(libtorrent: ModuleType, tmp_path: Path, version: Version) -> None:
    names = ("films/one.mkv", "films/two.mkv")
    data = resume_data(libtorrent, content(tmp_path / "seeder", names), version)
    folder = storage.prepare(tmp_path, KEY)
    storage.save_resume_data(folder, data)
    content(folder / "files", names)
    mine = write(folder / "files" / "films" / "mine.srt", b"")

    leftovers.erase(tmp_path, KEY)

    assert [path for path in folder.rglob("*") if path.is_file()] == [mine]


def test_a_torrent_without_metadata_leaves_nothing(tmp_path: Path) -> None:
    folder = storage.prepare(tmp_path, KEY)

    leftovers.erase(tmp_path, KEY)

    assert not folder.exists()


def test_what_is_gone_already_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        leftovers.erase(tmp_path, KEY)


@pytest.mark.parametrize("name", [b"/etc/passwd", b"..", b"../../outside", b"", b"\xff", b"a\0b"], ids=repr)
def test_names_that_lead_elsewhere_delete_nothing_there(tmp_path: Path, name: bytes) -> None:
    outside = write(tmp_path / "outside", b"")
    folder = storage.prepare(tmp_path / "downloads", KEY)
    resume = b"d4:infod4:name%d:%bee" % (len(name), name)
    storage.save_resume_data(folder, resume)

    leftovers.erase(tmp_path / "downloads", KEY)

    assert outside.exists()
    assert not folder.exists()


@given(st.binary() | st.text("deil:0123456789").map(str.encode))
def test_data_that_cannot_be_read_name_no_files(data: bytes) -> None:
    assert leftovers.paths(data) == ()


@pytest.mark.parametrize("data", [b"l" * 100_000, b"d4:info" * 50_000, b"9999999999:a", b"l0:-3:", b"d4:infoi1ee"])
def test_hostile_data_name_no_files(data: bytes) -> None:
    assert leftovers.paths(data) == ()
