"""The players that are measured: ours, and those that people use today."""

from typing import Final

from .aria2 import Aria2
from .base import Hung, Player, Stream, Unavailable
from .btfs import Btfs
from .programs import Deadlines, Ours, Peerflix, Sequential, Webtorrent

PLAYERS: Final[dict[str, type[Player]]] = {
    player.name: player for player in (Ours, Peerflix, Webtorrent, Btfs, Aria2, Sequential, Deadlines)
}

__all__ = ["PLAYERS", "Hung", "Ours", "Peerflix", "Player", "Stream", "Unavailable", "Webtorrent"]
