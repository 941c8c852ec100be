"""What the library holds: each torrent with its files and how much of them is there."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..engine import Torrent, TorrentFile
from ..engine.contents import Contents, Shelf, contents_of
from .library import Library, Seen
from .pictures import Look, Pictures


@dataclass(frozen=True, slots=True)
class Entry:
    """A torrent of the library: `there` holds the bytes on disk of each of its files, in their order."""

    key: str
    name: str
    added: str
    files: tuple[TorrentFile, ...]
    there: tuple[int, ...]
    in_use: bool
    seen: tuple[Seen, ...]
    """What was seen of its files."""
    pictures: Mapping[int, Look]
    """Of which files, by index, there is a picture, or is when somebody asks for it, and what it shows."""

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def bytes_there(self) -> int:
        """Return how many bytes of all files are on disk."""
        return sum(self.there)

    def progress(self) -> dict[int, float]:
        """Return how much of each file, by its index, is on disk, 0 to 1."""
        each = zip(self.files, self.there, strict=True)
        return {file.index: there / file.size if file.size else 1.0 for file, there in each}


async def entries(
    library: Library, torrents: Iterable[Torrent], shelf: Shelf, in_use: Iterable[str], pictures: Pictures
) -> list[Entry]:
    """Return the entries of the library, the torrents added last first. Those in the session need no disk."""
    newest = sorted(library.kept, key=lambda one: one.added, reverse=True)
    live = {torrent.key: contents_of(torrent) for torrent in torrents if torrent.has_metadata}
    stored = await asyncio.to_thread(shelf.contents, [one.key for one in newest if one.key not in live])
    all_contents = [live.get(one.key) or stored.get(one.key) or Contents((), ()) for one in newest]

    def at_hand() -> list[dict[int, Look]]:
        """Find the pictures: a torrent may have ten thousand files, each of which may have some beside it."""
        each = zip(newest, all_contents, strict=True)
        return [dict(pictures.at_hand(one.key, contents, is_live=one.key in live)) for one, contents in each]

    pictured = await asyncio.to_thread(at_hand)
    used = frozenset(in_use)
    return [
        Entry(
            one.key,
            one.name,
            one.added,
            contents.files,
            contents.there,
            one.key in used,
            library.seen(one.key),
            shown,
        )
        for one, contents, shown in zip(newest, all_contents, pictured, strict=True)
    ]
