"""Play sessions: what plays where, until when, at which address."""

from .catalogue import Entry
from .errors import BadPosition, LoadRefused, NoData, NoReachableUrl, SessionEnded, TargetUnavailable
from .following import Following
from .library import Kept, Library
from .playback import Playback, PlaybackSettings, Seeding
from .session import Session, State

__all__ = [
    "BadPosition",
    "Entry",
    "Following",
    "Kept",
    "Library",
    "LoadRefused",
    "NoData",
    "NoReachableUrl",
    "Playback",
    "PlaybackSettings",
    "Seeding",
    "Session",
    "SessionEnded",
    "State",
    "TargetUnavailable",
]
