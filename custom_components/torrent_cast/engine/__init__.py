"""BitTorrent: a torrent goes in, verified bytes come out. Knows neither Home Assistant nor HTTP."""

from .engine import Engine
from .errors import (
    BindingError,
    MetadataTimeout,
    NoPlayableFile,
    NotEnoughSpace,
    Renamed,
    SourceError,
    StorageError,
    TorrentCastError,
    TorrentGone,
)
from .files import TorrentFile, choose
from .ports import Ports, obstacle
from .reader import Cursor, Reader
from .scheduler import Viewer
from .settings import EngineSettings, has_webtorrent
from .source import Source
from .torrent import Torrent
from .verified import ChangedOnDisk

__all__ = [
    "BindingError",
    "ChangedOnDisk",
    "Cursor",
    "Engine",
    "EngineSettings",
    "MetadataTimeout",
    "NoPlayableFile",
    "NotEnoughSpace",
    "Ports",
    "Reader",
    "Renamed",
    "Source",
    "SourceError",
    "StorageError",
    "Torrent",
    "TorrentCastError",
    "TorrentFile",
    "TorrentGone",
    "Viewer",
    "choose",
    "has_webtorrent",
    "obstacle",
]
