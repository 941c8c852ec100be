"""Artwork that a torrent has beside its films and songs: which picture is whose, by their names."""

import posixpath
from collections.abc import Iterable, Iterator
from typing import Final

from ..engine import TorrentFile
from ..engine.files import folded, parts_of
from ..media.picture import MAX_ORIGINAL

SUFFIXES: Final = (".jpg", ".jpeg", ".png")
# What media centres and rippers call the picture of a film, a show or an album; best first.
NAMES: Final = ("poster", "cover", "folder", "front")
# Behind the name of a film, with nothing for a picture called like it.
OWN: Final = ("-poster", "-cover", "", "-thumb")
# For the background: better than nothing.
LAST: Final = "fanart"
# Where one is no picture the next is taken, and nobody needs more.
MAX_CANDIDATES: Final = 3


class Artwork:
    """The pictures among the files of a torrent, as far as they are no larger than artwork is."""

    def __init__(self, files: Iterable[TorrentFile]) -> None:
        self._by_name: dict[tuple[str, ...], TorrentFile] = {}  # the folders and the name without its suffix
        for file in files:
            if 0 < file.size <= MAX_ORIGINAL and file.path.lower().endswith(SUFFIXES):
                self._by_name.setdefault(_named(file), file)

    def of(self, film: TorrentFile) -> tuple[TorrentFile, ...]:
        """Return what shows a film or song, best first: in its folder, in that above, at the torrent's root."""
        if not self._by_name:
            return ()
        *folders, stem = _named(film)
        found = (self._by_name.get(name) for name in _names(tuple(folders), stem))
        return tuple(dict.fromkeys(filter(None, found)))[:MAX_CANDIDATES]


def _named(file: TorrentFile) -> tuple[str, ...]:
    return tuple(map(folded, parts_of(posixpath.splitext(file.path)[0])))


def _names(folder: tuple[str, ...], stem: str) -> Iterator[tuple[str, ...]]:
    places = dict.fromkeys((folder, folder[:-1] or folder, folder[:1]))
    yield from ((*folder, stem + end) for end in OWN)
    yield from ((*place, name) for place in places for name in NAMES)
    yield (*folder, f"{stem}-{LAST}")
    yield from ((*place, LAST) for place in places)
