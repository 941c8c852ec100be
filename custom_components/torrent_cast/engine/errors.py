"""What can go wrong with a torrent: one type per thing a user can do about it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .source import Source


class TorrentCastError(Exception):
    """An error a user can act on: `reason` is stable and machine-readable, `details` are its figures and names.

    The reason is the translation key at the platform edge; no translated text lives below it.
    """

    def __init__(self, reason: str, **details: str | float) -> None:
        super().__init__(reason, details)
        self.reason = reason
        self.details = {key: str(value) for key, value in details.items()}


class BindingError(TorrentCastError):
    """No libtorrent fits this interpreter and platform."""


class SourceError(TorrentCastError):
    """What was given as a source is not a magnet, a torrent file or an address of one."""


class MetadataTimeout(TorrentCastError):
    """No peer sent the torrent's metadata in time."""


class NoPlayableFile(TorrentCastError):
    """The torrent has no file that fits what was asked for."""


class NotEnoughSpace(TorrentCastError):
    """The file is larger than what the download directory can take."""


class StorageError(TorrentCastError):
    """The download directory cannot be used, or what it holds cannot be read."""


class TorrentGone(TorrentCastError):
    """The torrent was removed, or the engine stopped, while somebody waited for it."""


class Renamed(TorrentGone):
    """A v2 info-hash turned out to be a hybrid torrent's, which goes by its v1 one: add `source` instead."""

    def __init__(self, source: Source) -> None:
        super().__init__("torrent_gone")
        self.source = source
