"""Connected peers, as libtorrent describes them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import libtorrent as lt

# transmission 3.00 (Debian 12) and npm's webtorrent (1.9.7, 2.8.5) do so; of others nothing is known here. libtorrent
# 2.0 has no name for the latter, nor for its desktop program, but what their peer ids begin with.
FORGETFUL: Final = (b"Transmission", b"WebTorrent", b"WW ", b"WD ")


def is_forgetful(peer: lt.peer_info) -> bool:
    """Tell whether a peer drops cancelled requests without the reject of BEP 6: libtorrent waits for it for ever."""
    client = peer.client if isinstance(peer.client, bytes) else peer.client.encode()
    return client.startswith(FORGETFUL)


def is_web_seed(peer: lt.peer_info) -> bool:
    """Tell whether it is a web server that is asked for pieces (BEP 19), to be known by its URL alone."""
    return peer.connection_type != peer.standard_bittorrent


def sources(peer: lt.peer_info) -> Iterable[str]:
    """Return from where a peer is known: tracker, dht, pex, lsd, resume_data, or incoming."""
    names = {
        "tracker": peer.tracker,
        "dht": peer.dht,
        "pex": peer.pex,
        "lsd": peer.lsd,
        "resume_data": peer.resume_data,
    }
    found = [name for name, bit in names.items() if peer.source & bit]
    return found or ["incoming"]
