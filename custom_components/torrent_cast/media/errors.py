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


class Unplayable(Exception):  # says what the file is
    """A file cannot be played; `reason` is for programs, `detail` for the log."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail
