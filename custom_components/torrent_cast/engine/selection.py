"""Which files of a torrent are wanted, by how many."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from . import scheduler
from .files import TorrentFile, files_of

if TYPE_CHECKING:
    import libtorrent as lt

# What is wanted between metadata and choice; a fast link does not get through it before somebody has chosen. Bytes
HEAD_BYTES: Final = 4 * 1024 * 1024

type Pieces = Callable[[TorrentFile, int, int | None], range]
"""Tells which pieces hold bytes `start` to `end` (exclusive, None: its end) of a file."""


def likely(files: Sequence[TorrentFile]) -> TorrentFile:
    """Return the file that is most likely meant, of one or more."""
    return max(files, key=lambda file: (file.is_video, not file.is_extra, file.size))


def first_priorities(info: lt.torrent_info) -> bytes:
    """Return the priority of each piece before anybody has chosen: what is likely meant begins first."""
    pieces, length = info.num_pieces(), info.piece_length()
    priorities = bytearray([scheduler.BASE_PRIORITY]) * pieces
    if (files := files_of(info)) and (film := likely(files)).size:
        priorities[film.offset // length] = scheduler.HEAD_PRIORITY
    return bytes(priorities)


class Selection:
    """The choice of files of one torrent."""

    def __init__(self) -> None:
        self.wanted_by: Counter[int] = Counter()
        """How often each file is wanted, by its index."""
        self.beside: Counter[int] = Counter()
        """How often each small file is wanted beside those, by its index."""
        self.is_made = False
        """Whether a file was ever chosen."""

    def add(self, file: TorrentFile) -> None:
        """Want a file once more."""
        self.is_made = True
        self.wanted_by[file.index] += 1

    def remove(self, file: TorrentFile) -> None:
        """Want a file once less."""
        self.wanted_by -= Counter([file.index])

    def __bool__(self) -> bool:
        """Tell whether a file is wanted."""
        return bool(self.wanted_by)

    def spans(self, files: Sequence[TorrentFile], pieces: Pieces) -> Iterator[range]:
        """Yield the pieces of the files that are wanted; before the first choice the head of the one likely meant."""
        if not self.is_made and files:
            yield pieces(likely(files), 0, HEAD_BYTES)
        for file in files:
            if file.index in self.wanted_by:
                yield pieces(file, 0, None)

    def spans_beside(self, files: Sequence[TorrentFile], pieces: Pieces) -> Iterator[range]:
        """Yield the pieces of the small files that are wanted beside others."""
        return (pieces(file, 0, None) for file in files if file.index in self.beside)
