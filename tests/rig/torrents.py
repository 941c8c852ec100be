"""Torrents for the rig: made from real files, described as BitTorrent does."""

import sys
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from tests.rig import rig_cache

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
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


class Version(Enum):
    """Which of BitTorrent's two kinds of hashes a torrent has; the value is create_torrent's flag for it."""

    V1 = "v1_only"
    V2 = "v2_only"
    HYBRID = ""


@dataclass(frozen=True, slots=True)
class Torrent:
    """A torrent: its .torrent file, and what follows from that. Info-hashes are in hex, "" where there is none."""

    metainfo: bytes = field(repr=False)
    name: str
    v1: str
    v2: str
    trackers: tuple[str, ...]

    @classmethod
    def parse(cls, metainfo: bytes) -> Torrent:
        """Return the torrent of a .torrent file's bytes."""
        info = libtorrent().torrent_info(libtorrent().bdecode(metainfo))
        trackers = tuple(tracker.url for tracker in info.trackers())
        hashes = info.info_hashes()
        v1 = str(hashes.v1) if hashes.has_v1() else ""
        v2 = str(hashes.v2) if hashes.has_v2() else ""
        return cls(metainfo, info.name(), v1, v2, trackers)

    @property
    def info_hash(self) -> str:
        """Return the info-hash it goes by."""
        return self.v1 or self.v2

    @property
    def magnet(self) -> str:
        """Return the magnet link: info-hashes, name and trackers, no peer addresses."""
        return self._magnet(*self._topics())

    @property
    def v1_magnet(self) -> str:
        """Return the magnet link with the v1 info-hash alone."""
        return self._magnet(f"urn:btih:{self.v1}")

    @property
    def v2_magnet(self) -> str:
        """Return the magnet link with the v2 info-hash alone."""
        return self._magnet(f"urn:btmh:1220{self.v2}")

    def _topics(self) -> Iterator[str]:
        if self.v1:
            yield f"urn:btih:{self.v1}"
        if self.v2:
            yield f"urn:btmh:1220{self.v2}"

    def _magnet(self, *topics: str) -> str:
        exact = "&".join(f"xt={topic}" for topic in topics)
        trackers = "".join(f"&tr={quote(url, safe='')}" for url in self.trackers)
        return f"magnet:?{exact}&dn={quote(self.name, safe='')}{trackers}"

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
        return replace(self, metainfo=libtorrent().bencode(metainfo), trackers=tuple(trackers))

    def with_web_seeds(self, *urls: str) -> Torrent:
        """Return the same content with web seeds (BEP 19); the info-hashes stay."""
        metainfo = libtorrent().bdecode(self.metainfo)
        metainfo[b"url-list"] = [url.encode() for url in urls]
        return replace(self, metainfo=libtorrent().bencode(metainfo))

    def without_layers(self) -> Torrent:
        """Return the same v2 content without its piece layers (BEP 52); the info-hashes stay."""
        metainfo = libtorrent().bdecode(self.metainfo)
        del metainfo[b"piece layers"]
        return replace(self, metainfo=libtorrent().bencode(metainfo))


def make_torrent(
    content: Path, piece_length: int = MIB, trackers: Sequence[str] = (), version: Version = Version.V1
) -> Torrent:
    """Return a torrent of a file or a folder; `piece_length` in bytes. Blocks while it hashes, about 1 s per GB."""
    lt = libtorrent()
    storage = lt.file_storage()
    lt.add_files(storage, str(content))
    flags = getattr(lt.create_torrent, version.value) if version.value else 0
    creator = lt.create_torrent(storage, piece_length, flags)
    lt.set_piece_hashes(creator, str(content.parent))
    return Torrent.parse(lt.bencode(creator.generate())).with_trackers(trackers)
