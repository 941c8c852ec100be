"""Torrents for the rig: made from real files, described as BitTorrent does."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from tests.rig import rig_cache

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

MIB: Final = 1 << 20


def libtorrent() -> ModuleType:
    """Return the libtorrent the integration uses. Blocks at the first call: it may have to be unpacked."""
    if loaded := sys.modules.get("libtorrent"):
        return loaded
    # Here, as it brings in all of Home Assistant, which takes seconds.
    from custom_components.torrent_cast.engine.binding import load  # noqa: PLC0415  # slow, and only needed here

    return load(rig_cache())


def import_directory() -> Path:
    """Return the directory from which another Python imports the same libtorrent. Blocks like `libtorrent()`."""
    file = Path(str(libtorrent().__file__))
    return file.parent.parent if file.stem.startswith("__init__") else file.parent


@dataclass(frozen=True, slots=True)
class Torrent:
    """A v1 torrent: its .torrent file, and what follows from that."""

    metainfo: bytes = field(repr=False)
    name: str
    info_hash: str  # hex
    trackers: tuple[str, ...]

    @classmethod
    def parse(cls, metainfo: bytes) -> Torrent:
        """Return the torrent of a .torrent file's bytes."""
        info = libtorrent().torrent_info(libtorrent().bdecode(metainfo))
        trackers = tuple(tracker.url for tracker in info.trackers())
        return cls(metainfo, info.name(), str(info.info_hashes().v1), trackers)

    @property
    def magnet(self) -> str:
        """Return the magnet link: info-hash, name and trackers, no peer addresses."""
        trackers = "".join(f"&tr={quote(url, safe='')}" for url in self.trackers)
        return f"magnet:?xt=urn:btih:{self.info_hash}&dn={quote(self.name, safe='')}{trackers}"

    def files(self) -> list[tuple[str, int]]:
        """Return the path below the content's folder and the size (bytes) of each file."""
        storage = libtorrent().torrent_info(libtorrent().bdecode(self.metainfo)).files()
        return [(storage.file_path(file), storage.file_size(file)) for file in range(storage.num_files())]

    def with_trackers(self, trackers: Sequence[str]) -> Torrent:
        """Return the same content with other trackers, one tier each; the info-hash stays."""
        metainfo = libtorrent().bdecode(self.metainfo)
        for key in (b"announce", b"announce-list"):
            metainfo.pop(key, None)
        if trackers:
            metainfo[b"announce"] = trackers[0].encode()
            metainfo[b"announce-list"] = [[url.encode()] for url in trackers]  # BEP 12
        return Torrent(libtorrent().bencode(metainfo), self.name, self.info_hash, tuple(trackers))


def make_torrent(content: Path, piece_length: int = MIB, trackers: Sequence[str] = ()) -> Torrent:
    """Return a v1 torrent of a file or a folder; `piece_length` in bytes. Blocks while it hashes, about 1 s per GB."""
    lt = libtorrent()
    storage = lt.file_storage()
    lt.add_files(storage, str(content))
    creator = lt.create_torrent(storage, piece_length, lt.create_torrent.v1_only)
    lt.set_piece_hashes(creator, str(content.parent))
    return Torrent.parse(lt.bencode(creator.generate())).with_trackers(trackers)
