"""What cannot be beaten: whole pieces over the supply, and round trips."""

from typing import Final

# A torrent file was given, nobody is known yet: the tracker's TCP handshake and its answer, the peer's TCP handshake,
# BitTorrent's handshake, interest and unchoke, request and block.
START_ROUND_TRIPS: Final = 6
# Of these the tracker's.
TRACKER_ROUND_TRIPS: Final = 2
# Connections stand and are unchoked: request and block.
SEEK_ROUND_TRIPS: Final = 1


def arrival(pieces: int, piece_length: int, supply: float, *, round_trips: int = 0, latency: float = 0.0) -> float:
    """Return the least time (s) to `pieces` whole pieces of `piece_length` bytes at `supply` bytes/s.

    A byte is verified when the whole of its piece is there. `latency` is that of one round trip, in s. Headers of
    Ethernet, IP and TCP are left out: the true limit is some 4 % above this one.
    """
    return pieces * piece_length / supply + round_trips * latency


def shortage(supply: float, bitrate: float, seconds: float) -> float:
    """Return the stalled time (s) of a film of `bitrate` over `supply` (any one unit) in `seconds` of clock time."""
    return max(0.0, seconds * (1 - supply / bitrate))


def outage(in_hand: float, gap: float) -> float:
    """Return the stalled time (s) when nothing comes for `gap` s and `in_hand` s of film are there."""
    return max(0.0, gap - in_hand)
