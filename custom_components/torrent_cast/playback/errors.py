"""What can go wrong between a verified file and a playing device."""

from ..engine import TorrentCastError


class TargetUnavailable(TorrentCastError):
    """The Cast device cannot be reached."""


class NoScreen(TorrentCastError):
    """The Cast device is a speaker, and this is a film."""


class LoadRefused(TorrentCastError):
    """The Cast device answered LOAD with a refusal."""


class NoReachableUrl(TorrentCastError):
    """The device did not come for the film: no address it can reach is known."""


class SessionEnded(TorrentCastError):
    """The session was stopped while it got ready."""


class BadPosition(TorrentCastError):
    """The film is shorter than where it was to start."""


class NoSuchTrack(TorrentCastError):
    """The film has no sound or subtitles of that language."""


class NoData(TorrentCastError):
    """The torrent is known, but nobody sends its content."""
