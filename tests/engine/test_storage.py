"""Folders, marks and figures."""

import errno
import os
from collections import namedtuple
from pathlib import Path
from types import ModuleType

import pytest

from custom_components.torrent_cast.engine import NotEnoughSpace, StorageError, storage
from tests.engine.conftest import write

KEY = "ab" * 20


def test_a_folder_is_made_and_marked_as_ours(tmp_path: Path) -> None:
    folder = storage.prepare(tmp_path, KEY)

    assert list(storage.keys(tmp_path)) == [KEY]
    assert storage.files_folder(folder).is_dir()


def test_folders_of_others_are_not_ours(tmp_path: Path) -> None:
    (tmp_path / KEY).mkdir()
    write(tmp_path / "films" / "resume", b"")
    storage.prepare(tmp_path / "elsewhere", "cd" * 20)
    (tmp_path / ("cd" * 20)).symlink_to(tmp_path / "elsewhere" / ("cd" * 20))

    assert list(storage.keys(tmp_path)) == []
    assert list(storage.keys(tmp_path / "nowhere")) == []


def test_only_named_files_are_deleted(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside" / "a", b"")
    folder = storage.prepare(tmp_path, KEY)
    write(folder / "files" / "film" / "a.mkv", b"")
    mine = write(folder / "files" / "film" / "b.mkv", b"")
    write(folder / "files" / f".{KEY}.parts", b"")
    (folder / "files" / "link").symlink_to(outside.parent)
    (folder / "files" / "folder.mkv").mkdir()
    write(folder / "files" / "folder.mkv" / "mine", b"")

    names = ["film/a.mkv", "gone.mkv", "../../outside/a", str(outside), "link/a", "folder.mkv", "film/b.mkv/c"]
    storage.delete(folder, names)

    assert outside.exists()
    assert mine.exists()
    assert (folder / "files" / "folder.mkv" / "mine").exists()
    assert not (folder / "files" / "film" / "a.mkv").exists()
    assert not list(folder.rglob("*.parts"))
    assert not (folder / "resume").exists()


def test_a_file_that_cannot_be_deleted_keeps_the_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = storage.prepare(tmp_path, KEY)
    write(folder / "files" / "a", b"")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(StorageError):
        storage.delete(folder, ["a"])

    assert list(storage.keys(tmp_path)) == [KEY]


def test_a_torrent_without_metadata_leaves_nothing(libtorrent: ModuleType, tmp_path: Path) -> None:
    storage.prepare(tmp_path, KEY)

    storage.delete_torrent(libtorrent, tmp_path, KEY)

    assert list(tmp_path.iterdir()) == []


def test_resume_data_are_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = storage.prepare(tmp_path, KEY)
    storage.save_resume_data(folder, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError):
        storage.save_resume_data(folder, b"new")

    assert (folder / "resume").read_bytes() == b"old"
    assert sorted(path.name for path in folder.iterdir()) == ["files", "resume"]


@pytest.mark.parametrize(("needed", "fits"), [(0, True), (744_000_000, True), (745_000_000, False)])
def test_what_is_needed_fits_beside_the_reserve(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    needed: int,
    fits: bool,
) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024  # as shutil gives it
    free = 744_000_000 + storage.RESERVE_BYTES
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10**10, 10**10 - free, free))

    if fits:
        storage.check_space(tmp_path, needed)
        return
    with pytest.raises(NotEnoughSpace) as error:
        storage.check_space(tmp_path, needed)
    assert error.value.details == {"needed": "745 MB", "free": "1.01 GB", "reserve": "269 MB"}


def test_the_space_of_a_directory_that_went_away_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        storage.check_space(tmp_path / "unplugged", 1)


def test_a_directory_is_made_and_tried(tmp_path: Path) -> None:
    storage.check_directory(tmp_path / "a" / "b")

    assert list((tmp_path / "a" / "b").iterdir()) == []
    write(tmp_path / "file", b"")
    with pytest.raises(StorageError) as error:
        storage.check_directory(tmp_path / "file" / "b")
    assert error.value.details["directory"] == str(tmp_path / "file" / "b")
