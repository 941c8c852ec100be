"""Turns what a user gives (a magnet, an info-hash, a torrent file) into a validated source."""

import re
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from .errors import SourceError
from .files import printable

if TYPE_CHECKING:
    import libtorrent as lt

# A torrent file of 10 MiB describes a terabyte in 2 MiB pieces; more is an attack or a mistake.
MAX_TORRENT_BYTES: Final = 10 * 1024 * 1024
# Long tracker lists make magnets of a few KiB; 32 KiB is beyond any real one.
MAX_MAGNET_CHARS: Final = 32 * 1024
MAGNET_SCHEME: Final = "magnet:"
# v1 in hex or base32 (BEP 9), v2 in hex (BEP 52).
V1: Final = re.compile(r"[0-9a-f]{40}|[a-z2-7]{32}", re.IGNORECASE | re.ASCII)
V2: Final = re.compile(r"[0-9a-f]{64}", re.IGNORECASE | re.ASCII)
SHA256: Final = "1220"  # how a multihash says that 32 bytes of SHA-256 follow
# "0,2,4-6" (BEP 53); no torrent has a billion files.
SELECTION: Final = re.compile(r"[0-9]{1,9}(?:-[0-9]{1,9})?(?:,[0-9]{1,9}(?:-[0-9]{1,9})?)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Source:
    """A torrent to add: `key` is the info-hash it goes by, in hex; `params` is used once, by `Engine.add`.

    `only` holds the indexes of the files that a magnet link selects (BEP 53), empty for all.
    """

    key: str
    name: str
    params: lt.add_torrent_params
    only: tuple[range, ...] = ()

    @property
    def info_hashes(self) -> tuple[str, ...]:
        """Return all info-hashes that are known, the key first."""
        return tuple(dict.fromkeys([self.key, *info_hashes(self.params.info_hashes)]))


def info_hashes(hashes: lt.info_hash_t) -> tuple[str, ...]:
    """Return what is there of v1 and v2 in hex, the one a torrent goes by first: a hybrid is found by its v1 one."""
    v1 = (str(hashes.v1),) if hashes.has_v1() else ()
    v2 = (str(hashes.v2),) if hashes.has_v2() else ()
    return v1 + v2


def is_v2(key: str) -> bool:
    """Tell whether an info-hash is a v2 one."""
    return V2.fullmatch(key) is not None


def is_magnet(text: str) -> bool:
    """Tell whether `text` claims to be a magnet link."""
    return text[: len(MAGNET_SCHEME)].lower() == MAGNET_SCHEME


def is_info_hash(text: str) -> bool:
    """Tell whether `text` is an info-hash and nothing else."""
    return (V1.fullmatch(text) or V2.fullmatch(text)) is not None


def from_magnet(libtorrent: ModuleType, text: str) -> Source:
    """Return the source that a magnet link (BEP 9) or an info-hash alone names. Raises SourceError."""
    text = text.strip()
    if is_info_hash(text):
        text = f"magnet:?xt=urn:btmh:{SHA256}{text}" if is_v2(text) else f"magnet:?xt=urn:btih:{text}"
    if not is_magnet(text):
        raise SourceError("not_a_magnet")
    if len(text) > MAX_MAGNET_CHARS:
        raise SourceError("magnet_too_long", limit=MAX_MAGNET_CHARS)
    try:
        params = libtorrent.parse_magnet_uri(MAGNET_SCHEME + text[len(MAGNET_SCHEME) :])
        return _source(params, _selection(text))
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


def _source(params: lt.add_torrent_params, only: tuple[range, ...] = ()) -> Source:
    """Raise UnicodeError too: the binding decodes names and addresses (UTF-8) only when they are looked at."""
    hashes = info_hashes(params.info_hashes)
    if not hashes:
        raise SourceError("bad_magnet", error="no info-hash")
    _ = params.trackers, params.url_seeds  # decoded here rather than where the torrent is added
    name = params.ti.name() if params.ti else params.name
    return Source(hashes[0], printable(name), params, only)


def _selection(magnet: str) -> tuple[range, ...]:
    """Return the files that `so=` names (BEP 53): libtorrent would pass over a list it does not understand."""
    lists = [value for name, value in parse_qsl(magnet.partition("?")[2]) if name == "so"]
    if not all(map(SELECTION.fullmatch, lists)):
        raise SourceError("bad_selection")
    return tuple(_span(item) for value in lists for item in value.split(","))


def _span(item: str) -> range:
    first, _, last = item.partition("-")
    if last and int(last) < int(first):
        raise SourceError("bad_selection")
    return range(int(first), int(last or first) + 1)
