"""The files of a torrent and how much of each is there, in the session or on disk."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from .files import TorrentFile, files_of
from .storage import RESUME, resume_params
from .torrent import Torrent


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of a torrent; `there` holds how many bytes of each are on disk, in the same order."""

    files: tuple[TorrentFile, ...]
    there: tuple[int, ...]


def contents_of(torrent: Torrent) -> Contents:
    """Return the contents of a torrent in the session that has its metadata."""
    return Contents(torrent.files, tuple(file.size - torrent.missing_bytes(file) for file in torrent.files))


def bytes_there(file: TorrentFile, have: bytes, piece_length: int) -> int:
    """Return how many bytes of `file` lie in the pieces that `have` marks with a 1."""
    if not file.size:
        return 0
    end = file.offset + file.size
    first, last = file.offset // piece_length, (end - 1) // piece_length
    whole = have.count(1, first, last + 1) * piece_length
    before = have[first] * (file.offset - first * piece_length)
    behind = have[last] * ((last + 1) * piece_length - end)
    return whole - before - behind


class Shelf:
    """Reads resume data, each once as long as it stays the same. All of it blocks."""

    def __init__(self, libtorrent: ModuleType, directory: Path) -> None:
        self._lt = libtorrent
        self._directory = directory
        self._read: dict[str, tuple[tuple[int, int], Contents | None]] = {}

    def contents(self, keys: Iterable[str]) -> dict[str, Contents]:
        """Return the contents of those torrents whose resume data can be read."""
        found = {key: self._contents(key) for key in keys}
        self._read = {key: self._read[key] for key in found if key in self._read}
        return {key: contents for key, contents in found.items() if contents is not None}

    def _contents(self, key: str) -> Contents | None:
        folder = self._directory / key
        try:
            status = (folder / RESUME).stat()
        except OSError:
            return None
        stamp = status.st_mtime_ns, status.st_size
        if (known := self._read.get(key)) is not None and known[0] == stamp:
            return known[1]
        contents = self._on_disk(folder)
        self._read[key] = stamp, contents
        return contents

    def _on_disk(self, folder: Path) -> Contents | None:
        params = resume_params(self._lt, folder)
        if params is None or params.ti is None:
            return None
        files = files_of(params.ti)
        have = bytes(params.have_pieces).ljust(params.ti.num_pieces(), b"\0")
        return Contents(files, tuple(bytes_there(file, have, params.ti.piece_length()) for file in files))
