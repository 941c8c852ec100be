"""Turns what a user gives (a magnet, a torrent file) into a validated source."""

from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Final

from .errors import SourceError
from .files import printable

if TYPE_CHECKING:
    import libtorrent as lt

# A torrent file of 10 MiB describes a terabyte in 2 MiB pieces; more is an attack or a mistake.
MAX_TORRENT_BYTES: Final = 10 * 1024 * 1024
# Long tracker lists make magnets of a few KiB; 32 KiB is beyond any real one.
MAX_MAGNET_CHARS: Final = 32 * 1024
MAGNET_SCHEME: Final = "magnet:"


@dataclass(frozen=True, slots=True)
class Source:
    """A torrent to add: `key` is its info-hash in hex, `params` is used once, by `Engine.add`."""

    key: str
    name: str
    params: lt.add_torrent_params


def is_magnet(text: str) -> bool:
    """Tell whether `text` claims to be a magnet link."""
    return text[: len(MAGNET_SCHEME)].lower() == MAGNET_SCHEME


def from_magnet(libtorrent: ModuleType, text: str) -> Source:
    """Return the source a magnet link names (BEP 9). Raises SourceError."""
    text = text.strip()
    if not is_magnet(text):
        raise SourceError("not_a_magnet")
    if len(text) > MAX_MAGNET_CHARS:
        raise SourceError("magnet_too_long", limit=MAX_MAGNET_CHARS)
    try:
        return _source(libtorrent.parse_magnet_uri(MAGNET_SCHEME + text[len(MAGNET_SCHEME) :]))
    except (RuntimeError, UnicodeError) as err:
        raise SourceError("bad_magnet", error=str(err)) from err


def from_torrent(libtorrent: ModuleType, data: bytes) -> Source:
    """Return the source the bytes of a torrent file describe (BEP 3). Takes CPU time. Raises SourceError."""
    if len(data) > MAX_TORRENT_BYTES:
        raise SourceError("torrent_too_large", limit=MAX_TORRENT_BYTES >> 20)
    try:
        return _source(libtorrent.load_torrent_buffer(data))
    except (RuntimeError, UnicodeError) as err:
        raise SourceError("bad_torrent", error=str(err)) from err


def _source(params: lt.add_torrent_params) -> Source:
    """Raise UnicodeError too: the binding decodes names and addresses (UTF-8) only when they are looked at."""
    hashes = params.info_hashes
    if not hashes.has_v1() and not hashes.has_v2():
        raise SourceError("bad_magnet", error="no info-hash")
    if not hashes.has_v1():
        raise SourceError("v2_only")
    params.trackers  # noqa: B018  # decoded here rather than where the torrent is added
    name = params.ti.name() if params.ti else params.name
    return Source(key=str(hashes.v1), name=printable(name), params=params)
