"""What all sessions and torrents come to, for those who look at the whole."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ..engine import Torrent
from .session import Session
from .state import State


class Activity(StrEnum):
    """What goes on, in one word; of several the first here."""

    STALLED = "stalled"
    PLAYING = "playing"
    PREPARING = "preparing"
    PAUSED = "paused"
    DOWNLOADING = "downloading"
    SHARING = "sharing"
    IDLE = "idle"


ACTIVITIES: Final = {
    State.STALLED: Activity.STALLED,
    State.PLAYING: Activity.PLAYING,
    State.PAUSED: Activity.PAUSED,
    State.RESOLVING: Activity.PREPARING,
    State.BUFFERING: Activity.PREPARING,
    State.LOADING: Activity.PREPARING,
}
# A session in these has nothing to play yet.
WAITING: Final = frozenset({State.RESOLVING, State.BUFFERING})
ORDER: Final = list(Activity)


@dataclass(frozen=True, slots=True)
class Status:
    """Rates in bytes/s, connected peers, torrents in the engine."""

    activity: Activity
    download_rate: int
    upload_rate: int
    peers: int
    torrents: int


def status(sessions: Iterable[Session], torrents: Sequence[Torrent]) -> Status:
    """Return the sum of what is there; what only waits for its turn is nothing that goes on."""
    halted = {torrent.key for torrent in torrents if torrent.is_halted}
    found = [_activity(one) for one in sessions if not one.waits and not _stands_still(one, halted)]
    if len(halted) < len(torrents):
        found.append(Activity.SHARING)
    if halted and not found:
        found.append(Activity.PAUSED)
    statistics = [torrent.statistics for torrent in torrents]
    return Status(
        activity=min(found, key=ORDER.index, default=Activity.IDLE),
        download_rate=sum(one.download_rate for one in statistics),
        upload_rate=sum(one.upload_rate for one in statistics),
        peers=sum(one.peers for one in statistics),
        torrents=len(torrents),
    )


def _stands_still(session: Session, halted: Collection[str]) -> bool:
    """Tell whether a session waits for a torrent that somebody has paused; what plays goes on with what is there."""
    return session.source.key in halted and (session.downloads or session.state in WAITING)


def _activity(session: Session) -> Activity:
    if session.downloads:
        return Activity.DOWNLOADING
    if session.following is not None and session.following.hold.is_held:
        return Activity.STALLED
    if session.connections and session.target is None:
        return Activity.PLAYING
    return ACTIVITIES[session.state]


def playable_seconds(session: Session) -> float | None:
    """Return for how long playback would go on if nothing came any more, s; None while nothing can be said."""
    if session.playhead is None or session.probe is None or not session.probe.bytes_per_second:
        return None
    in_hand = session.playhead.bytes_in_hand
    if not math.isinf(in_hand):
        return in_hand / session.probe.bytes_per_second
    return None if session.probe.duration is None else max(0.0, session.probe.duration - session.playhead.seconds)
