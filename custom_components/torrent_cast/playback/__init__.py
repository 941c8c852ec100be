"""Play sessions: what plays where, until when, at which address."""

from .catalogue import Entry
from .course import Happening
from .errors import (
    BadPosition,
    LoadRefused,
    NoData,
    NoReachableUrl,
    NoScreen,
    NoSuchTrack,
    SessionEnded,
    TargetUnavailable,
)
from .following import Following
from .library import Kept, Library, Seen
from .pictures import Look
from .playback import Playback
from .queue import Enqueue, Queue, Queued
from .session import Session
from .sessions import ANYBODY
from .settings import PlaybackSettings, Seeding
from .state import State
from .status import Activity, Status, playable_seconds
from .subtitles import Given, Show, Track
from .waiting import seconds_to_wait
from .wishes import Habits, Wishes

__all__ = [
    "ANYBODY",
    "Activity",
    "BadPosition",
    "Enqueue",
    "Entry",
    "Following",
    "Given",
    "Habits",
    "Happening",
    "Kept",
    "Library",
    "LoadRefused",
    "Look",
    "NoData",
    "NoReachableUrl",
    "NoScreen",
    "NoSuchTrack",
    "Playback",
    "PlaybackSettings",
    "Queue",
    "Queued",
    "Seeding",
    "Seen",
    "Session",
    "SessionEnded",
    "Show",
    "State",
    "Status",
    "TargetUnavailable",
    "Track",
    "Wishes",
    "playable_seconds",
    "seconds_to_wait",
]
