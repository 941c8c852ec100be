"""What cannot be beaten: whole pieces over the supply, and round trips."""

from typing import Final

from tests.rig.network import BURST
from tests.rig.swarm import PEERS, RATE

# What the rig's seeds have together, bytes/s, and what their links let through at once before they keep to that, bytes.
SUPPLY: Final = PEERS * RATE / 8
BURSTS: Final = PEERS * BURST

# A torrent file was given, and the tracker, who stands beside the player, has named the peers. TCP's handshake is one
# round trip: no client sends data with it. All else may go in one: who connects may send BitTorrent's handshake, its
# interest and its requests at once (BEP 3), as a seed with room for one more unchokes whoever is interested before it
# comes to the requests. Players wait for that unchoke: libtorrent's seeds send it with their handshake, which makes
# three round trips, others' when they hear of the interest, which makes four. A piece of the allowed fast set (BEP 6)
# may be asked for while choked, but who waits to be told the set has three, too.
START_ROUND_TRIPS: Final = 2
# Connections stand and are unchoked: request and block.
SEEK_ROUND_TRIPS: Final = 1


def arrival(
    pieces: int, piece_length: int, supply: float, *, burst: int = 0, round_trips: int = 0, latency: float = 0.0
) -> float:
    """Return the least time (s) to `pieces` whole pieces of `piece_length` bytes at `supply` bytes/s.

    A byte is verified when the whole of its piece is there. `burst` is what links that were idle let through at once,
    in bytes, `latency` that of one round trip, in s. Headers of Ethernet, IP and TCP are left out: the true limit is
    some 4 % above this one.
    """
    return max(0.0, pieces * piece_length - burst) / supply + round_trips * latency


def shortage(supply: float, bitrate: float, seconds: float) -> float:
    """Return the stalled time (s) of a film of `bitrate` over `supply` (any one unit) in `seconds` of clock time."""
    return max(0.0, seconds * (1 - supply / bitrate))


def outage(in_hand: float, gap: float) -> float:
    """Return the stalled time (s) when nothing comes for `gap` s and `in_hand` s of film are there."""
    return max(0.0, gap - in_hand)
