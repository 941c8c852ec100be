"""Where a session stands."""

from enum import StrEnum


class State(StrEnum):
    """Where a session stands."""

    RESOLVING = "resolving"
    BUFFERING = "buffering"
    LOADING = "loading"
    PLAYING = "playing"
    STALLED = "stalled"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_end(self) -> bool:
        """Tell whether nothing comes after it."""
        return self in {State.FINISHED, State.STOPPED, State.FAILED}
