"""Play sessions: what plays where, until when, at which address."""

from .catalogue import Entry
from .course import Happening
from .errors import BadPosition, LoadRefused, NoData, NoReachableUrl, SessionEnded, TargetUnavailable
from .following import Following
from .library import Kept, Library, Seen
from .playback import Playback, PlaybackSettings, Seeding
from .session import Session
from .state import State
from .status import Activity, Status, playable_seconds
from .waiting import seconds_to_wait

__all__ = [
    "Activity",
    "BadPosition",
    "Entry",
    "Following",
    "Happening",
    "Kept",
    "Library",
    "LoadRefused",
    "NoData",
    "NoReachableUrl",
    "Playback",
    "PlaybackSettings",
    "Seeding",
    "Seen",
    "Session",
    "SessionEnded",
    "State",
    "Status",
    "TargetUnavailable",
    "playable_seconds",
    "seconds_to_wait",
]
