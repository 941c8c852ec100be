"""Folders, resume data, clean-up and free space below the download directory. All of it blocks."""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from .errors import NotEnoughSpace, StorageError
from .hashes import piece_layers
from .source import info_hashes

if TYPE_CHECKING:
    import libtorrent as lt

# <directory>/<info-hash>/files holds what the torrent names, `resume` beside it is libtorrent's resume data and the
# mark that the folder is ours.
FILES: Final = "files"
RESUME: Final = "resume"
LAYERS: Final = b"piece layers"  # as in a torrent file
# What of the resume data is about a download and not about the torrent.
RESUMED: Final = (
    "flags",
    "have_pieces",
    "verified_pieces",
    "unfinished_pieces",
    "trackers",
    "url_seeds",
    "peers",
    "banned_peers",
    "total_uploaded",
    "total_downloaded",
)
KEY: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")  # v1 (SHA-1), or v2 (SHA-256) where there is no v1
# Home Assistant's database and the system want room too.
RESERVE_BYTES: Final = 256 * 1024 * 1024
# What `st_blocks` counts in, whatever the disk's own blocks are (stat(2)). A file with holes takes less than its size.
BLOCK: Final = 512
MB: Final = 10**6
GB: Final = 10**9


def check_directory(directory: Path) -> None:
    """Make `directory` and write to it. Raises StorageError."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory) as probe:
            probe.write(b"\0")
    except OSError as err:
        raise StorageError("not_writable", directory=str(directory), error=err.strerror or str(err)) from err


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes that our torrents take on disk, and that are free beside them."""

    used: int
    free: int


def usage(directory: Path) -> Usage:
    """Return how full the disk is, and by us. Raises StorageError."""
    used = 0
    for key in keys(directory):
        for folder, _, names in os.walk(directory / key):
            for name in names:
                with contextlib.suppress(OSError):  # deleted meanwhile
                    used += (Path(folder) / name).lstat().st_blocks * BLOCK
    try:
        return Usage(used, shutil.disk_usage(directory).free)
    except OSError as err:
        raise StorageError("not_writable", directory=str(directory), error=err.strerror or str(err)) from err


def prepare(directory: Path, key: str) -> Path:
    """Return the folder of the torrent with info-hash `key`, made and marked as ours. Raises StorageError."""
    folder = directory / key
    try:
        files_folder(folder).mkdir(parents=True, exist_ok=True)
        (folder / RESUME).touch()
    except OSError as err:
        raise StorageError("not_writable", directory=str(directory), error=err.strerror or str(err)) from err
    return folder


def files_folder(folder: Path) -> Path:
    """Return where the files of the torrent in `folder` are."""
    return folder / FILES


def save_resume_data(folder: Path, data: bytes) -> None:
    """Replace the resume data in one step, also where the power goes in the middle of it. Raises StorageError."""
    fresh = folder / f"{RESUME}.new"
    try:
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / RESUME)
    except OSError as err:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise StorageError("not_writable", directory=str(folder), error=err.strerror or str(err)) from err


@dataclass(frozen=True, slots=True)
class ResumeData:
    """What libtorrent knows of a torrent: what it would write, of a v2 one with the hashes that are in there."""

    entry: bytes | dict[bytes, Any]
    info: lt.torrent_info | None

    def layers(self) -> dict[bytes, bytes]:
        """Return the piece layers by root, none unless all are there. Takes CPU time."""
        if self.info is None or isinstance(self.entry, bytes):
            return {}
        return piece_layers(self.info, self.entry.get(b"trees", ()))

    def encoded(self, libtorrent: ModuleType) -> bytes:
        """Return what is to be written, with the piece layers (BEP 52) as a torrent file has them. Takes CPU time.

        libtorrent's own copy of them is not enough: read back, each file after the first has another one's (2.0.11).
        """
        if isinstance(self.entry, bytes):
            return self.entry
        data: bytes = libtorrent.bencode(self.entry | {LAYERS: self.layers()})
        return data


def resume_data(libtorrent: ModuleType, params: lt.add_torrent_params) -> ResumeData:
    """Return what libtorrent tells of a torrent, to outlast the alert with `params`."""
    write = libtorrent.write_resume_data if params.info_hashes.has_v2() else libtorrent.write_resume_data_buf
    return ResumeData(write(params), params.ti)


def resume_params(libtorrent: ModuleType, folder: Path) -> lt.add_torrent_params | None:
    """Return the torrent in `folder` as its resume data describe it, None when there are none that can be read."""
    try:
        data = (folder / RESUME).read_bytes()
        params = libtorrent.read_resume_data(data) if data else None
        return params and _with_layers(libtorrent, params, data)
    except OSError, RuntimeError:
        return None


def _with_layers(libtorrent: ModuleType, params: lt.add_torrent_params, data: bytes) -> lt.add_torrent_params:
    """Return `params` with the piece layers that were kept beside libtorrent's own."""
    layers = libtorrent.bdecode(data).get(LAYERS, {})
    if params.ti is None or not layers:
        return params
    # The metadata as they are: encoded anew they could have another info-hash.
    info = params.ti.info_section()
    metainfo = b"d4:info%b12:piece layers%be" % (info, libtorrent.bencode(layers))
    whole: lt.add_torrent_params = libtorrent.load_torrent_buffer(metainfo)
    for name in RESUMED:
        setattr(whole, name, getattr(params, name))
    return whole


def keys(directory: Path) -> Iterator[str]:
    """Yield the info-hashes whose folders in `directory` are ours."""
    with contextlib.suppress(OSError):
        for folder in sorted(directory.iterdir()):
            if KEY.fullmatch(folder.name) and (folder / RESUME).is_file() and not folder.is_symlink():
                yield folder.name


def find(libtorrent: ModuleType, directory: Path, info_hash: str) -> lt.add_torrent_params | None:
    """Return the torrent in `directory` that has `info_hash` beside the one its folder is named after."""
    for key in keys(directory):
        params = resume_params(libtorrent, directory / key)
        if params is not None and info_hash in info_hashes(params.info_hashes)[1:]:
            return params
    return None


def delete(folder: Path, paths: Iterable[str]) -> None:
    """Delete the files named by `paths` (relative to the torrent's files) and what we made ourselves.

    Anything else in the folder was put there by somebody else: it stays, and so do the directories above it.
    Raises StorageError when a file cannot be deleted; the mark that the folder is ours stays with it.
    """
    root = files_folder(folder)
    ours = [root / path for path in paths if _inside(root, root / path)]
    try:
        for path in (*ours, *root.glob(".*.parts"), folder / f"{RESUME}.new", folder / RESUME):
            # A directory where our file should be is somebody else's.
            with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                path.unlink()
    except OSError as err:
        raise StorageError("not_writable", directory=str(folder), error=err.strerror or str(err)) from err
    _remove_empty(folder)


def delete_torrent(libtorrent: ModuleType, directory: Path, key: str) -> None:
    """Delete a torrent that is not in the session, by what its resume data name."""
    params = resume_params(libtorrent, directory / key)
    delete(directory / key, paths_of(params.ti) if params and params.ti else ())


def disown(directory: Path, key: str) -> Path | None:
    """Leave what a torrent that is not in the session has downloaded to its owner; return where it is.

    Raises StorageError.
    """
    folder = directory / key
    try:
        for name in (f"{RESUME}.new", RESUME):
            (folder / name).unlink(missing_ok=True)
    except OSError as err:
        raise StorageError("not_writable", directory=str(folder), error=err.strerror or str(err)) from err
    _remove_empty(folder)
    return files_folder(folder) if folder.exists() else None


def paths_of(info: lt.torrent_info) -> tuple[str, ...]:
    """Return the paths of all files, padding too, as libtorrent writes them on disk."""
    files = info.files()
    return tuple(files.file_path(index) for index in range(files.num_files()))


def _inside(root: Path, path: Path) -> bool:
    """Tell whether `path` stays below `root` also when links are followed."""
    return Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(root))


def _remove_empty(folder: Path) -> None:
    for directory, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            Path(directory).rmdir()


def check_space(directory: Path, needed: int) -> None:
    """Raise NotEnoughSpace unless `needed` bytes fit beside the reserve. Raises StorageError."""
    try:
        free = shutil.disk_usage(directory).free
    except OSError as err:
        raise StorageError("not_writable", directory=str(directory), error=err.strerror or str(err)) from err
    if needed + RESERVE_BYTES > free:
        raise NotEnoughSpace(
            "not_enough_space", needed=_readable(needed), free=_readable(free), reserve=_readable(RESERVE_BYTES)
        )


def _readable(size: int) -> str:
    return f"{size / GB:.2f} GB" if size >= GB else f"{-(-size // MB)} MB"
