"""The error of this package: a file that cannot be played."""

import enum


class Reason(enum.StrEnum):
    """Why a file cannot be played."""

    NOT_MEDIA = "not_media"
    """No audio or video in a format we read."""
    TOO_BIG = "too_big"
    """Its index or its frames want more memory than one file may have."""
    TIMEOUT = "timeout"
    """It kept the worker busy for too long."""
    CRASHED = "crashed"
    """It took the worker process down."""
    UNAVAILABLE = "unavailable"
    """The worker process does not start, or PyAV is missing: says nothing about the file."""
    STOPPED = "stopped"
    """The worker was stopped: says nothing about the file."""

    NOT_SUBTITLES = "not_subtitles"
    """A file of subtitles holds none in a format we read."""
    SUBTITLES_TOO_LARGE = "subtitles_too_large"
    """A file of subtitles is larger than any film's."""
    SUBTITLES_DRAWN = "subtitles_drawn"
    """A file of subtitles holds pictures, which no Cast device shows."""


class Refusal(enum.StrEnum):
    """Why a device does not get a film that can be read."""

    NO_SCREEN = "no_screen"
    """It only plays sound."""
    VIDEO_CODEC = "video_codec"
    """It has no decoder for it."""
    VIDEO_ALIEN = "video_alien"
    """No Cast device has a decoder for it."""
    VIDEO_DEPTH = "video_depth"
    """Its decoder takes fewer bits per colour, or fewer colours."""
    VIDEO_LEVEL = "video_level"
    """Its decoder takes smaller pictures, or fewer of them."""
    SOUND = "sound"
    """It does not play this sound in this container; there are no pictures."""
    SOUND_ALIEN = "sound_alien"
    """The film's sound is none that anybody here decodes."""
    VIDEO_SLOW = "video_slow"
    """It would have to be converted, and this machine is too slow for that."""
    NO_ENCODER = "no_encoder"
    """It would have to be converted, and the ffmpeg that Home Assistant uses does not do that."""
    CONTAINER = "container"
    """The container is none of its own, and the video goes into no other."""
    FORMAT = "format"
    """The container is none of its own, and cannot be cut into segments."""
    NO_INDEX = "no_index"
    """It cannot be cut into segments: it does not say where its key frames are, or they are too far apart."""


class Unplayable(Exception):  # says what the file is
    """A file cannot be played; `reason` is for programs, `detail` for the log."""

    def __init__(self, reason: Reason | Refusal, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail


class Refused(Unplayable):
    """A device cannot play a film; `details` are the figures and names of its text."""

    def __init__(self, reason: Refusal, **details: str) -> None:
        super().__init__(reason, ", ".join(f"{key} {value}" for key, value in details.items()))
        self.details = details
