"""The copies on disk of one torrent's files."""

from pathlib import Path
from typing import TYPE_CHECKING

from .files import TorrentFile
from .pieces import Run
from .storage import files_folder, paths_of
from .verified import Check, Copy, Learn, Mend, Part

if TYPE_CHECKING:
    import libtorrent as lt


class Copies:
    """What is known of each file on disk that somebody has asked for."""

    def __init__(self, info: lt.torrent_info, folder: Path, run: Run, learn: Learn, check: Check, mend: Mend) -> None:
        self._info = info
        self._paths = tuple(files_folder(folder) / path for path in paths_of(info))
        self._run = run
        self._learn = learn
        self._check = check
        self._mend = mend
        self._copies: dict[int, Copy] = {}  # by the index of the file

    def of(self, file: TorrentFile) -> Copy:
        """Return what is known of a file."""
        if file.index not in self._copies:
            self._copies[file.index] = Copy(self._part(file), self._run, self._learn, self._check, self._mend)
        return self._copies[file.index]

    def _part(self, file: TorrentFile) -> Part:
        """Return what of `file` is made of whole pieces."""
        length, end = self._info.piece_length(), file.offset + file.size
        first = -(-file.offset // length)
        last = self._info.num_pieces() - 1
        stop = end if end == last * length + self._info.piece_size(last) else end // length * length
        path = self._paths[file.index]
        return Part(path, first * length - file.offset, max(first * length, stop) - file.offset, first, length)

    def forget(self) -> None:
        """Trust no file any longer."""
        for copy in self._copies.values():
            copy.forget()

    def cancel(self) -> None:
        """Trust no file any longer, and end every pass."""
        for copy in self._copies.values():
            copy.cancel()

    async def close(self) -> None:
        """Do so and wait until nothing runs any more."""
        for copy in self._copies.values():
            await copy.close()
