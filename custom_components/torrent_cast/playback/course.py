"""What becomes of a play, as people would tell it: it started, stalled, went on, ended."""

from enum import Enum, StrEnum, auto
from typing import Final

from .state import State


class Happening(StrEnum):
    """What may be told of a session; the values are names in events, triggers and texts."""

    READY = "ready"
    STARTED = "started"
    STALLED = "stalled"
    PAUSED = "paused"
    RESUMED = "resumed"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"


class _Phase(Enum):
    BEFORE = auto()
    RUNNING = auto()
    STALLED = auto()
    PAUSED = auto()


# The device shows nothing new, and nobody asked it to stand still.
BROKEN: Final = frozenset({State.STALLED, State.LOADING})


class Course:
    """Turns a session's states into happenings; each is told once."""

    def __init__(self) -> None:
        self._phase = _Phase.BEFORE

    @property
    def is_streaming(self) -> bool:
        """Tell whether a film is on the screen and nobody has paused it."""
        return self._phase in {_Phase.RUNNING, _Phase.STALLED}

    def go_on(self, state: State, *, is_held: bool, has_just_jumped: bool) -> Happening | None:
        """Return what has happened now that the session is in `state`.

        `is_held` says that a pause is our own, `has_just_jumped` that a break is a jump's and no stall.
        """
        if state.is_end:
            self._phase = _Phase.BEFORE
            return Happening(state)
        before = self._phase
        if state is State.PLAYING:
            self._phase = _Phase.RUNNING
            return None if before is _Phase.RUNNING else self._began(before)
        if before is _Phase.BEFORE:
            return None
        if state in BROKEN or (state is State.PAUSED and is_held):
            return self._stall(has_just_jumped=has_just_jumped)
        if state is State.PAUSED and before is not _Phase.PAUSED:
            self._phase = _Phase.PAUSED
            return Happening.PAUSED
        return None

    @staticmethod
    def _began(before: _Phase) -> Happening:
        return Happening.STARTED if before is _Phase.BEFORE else Happening.RESUMED

    def _stall(self, *, has_just_jumped: bool) -> Happening | None:
        if self._phase is not _Phase.RUNNING or has_just_jumped:
            return None
        self._phase = _Phase.STALLED
        return Happening.STALLED
