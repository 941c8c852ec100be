"""What the library holds: each torrent with its files and how much of them is there."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from ..engine import Torrent, TorrentFile
from ..engine.contents import Contents, Shelf, contents_of
from .library import Kept


@dataclass(frozen=True, slots=True)
class Entry:
    """A torrent of the library: `there` holds the bytes on disk of each of its files, in their order."""

    key: str
    name: str
    added: str
    files: tuple[TorrentFile, ...]
    there: tuple[int, ...]
    in_use: bool

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def bytes_there(self) -> int:
        """Return how many bytes of all files are on disk."""
        return sum(self.there)

    def progress(self, file: TorrentFile) -> float:
        """Return how much of a file is on disk, 0 to 1."""
        return self.there[self.files.index(file)] / file.size if file.size else 1.0


async def entries(
    kept: Iterable[Kept], torrents: Iterable[Torrent], shelf: Shelf, in_use: Iterable[str]
) -> list[Entry]:
    """Return the entries of the library, the torrents added last first. Those in the session need no disk."""
    newest = sorted(kept, key=lambda one: one.added, reverse=True)
    live = {torrent.key: contents_of(torrent) for torrent in torrents if torrent.has_metadata}
    stored = await asyncio.to_thread(shelf.contents, [one.key for one in newest if one.key not in live])
    used = frozenset(in_use)
    return [_entry(one, live.get(one.key) or stored.get(one.key), in_use=one.key in used) for one in newest]


def _entry(kept: Kept, contents: Contents | None, *, in_use: bool) -> Entry:
    files, there = (contents.files, contents.there) if contents else ((), ())
    return Entry(kept.key, kept.name, kept.added, files, there, in_use)
