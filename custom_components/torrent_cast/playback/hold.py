"""When to pause a device before it stalls, and when to let it go on."""

from enum import Enum, auto
from typing import Final

from .health import Health, Level
from .state import State

# In hand before playback goes on by itself: a break is better long and single than short and often. s
RESUME_SECONDS: Final = 10.0
# After a start or a jump little is in hand and rates are still growing: that is no stall. s
SETTLE_SECONDS: Final = 5.0
# So many looks in a row, one a second, have to agree: rates swing.
LOOKS: Final = 2
# Also what stalls already: a device goes on with the next second it gets, only to stall again.
UNDER_WAY: Final = frozenset({State.PLAYING, State.STALLED})


class Action(Enum):
    """What to ask of a device."""

    PAUSE = auto()
    PLAY = auto()


class _Phase(Enum):
    FREE = auto()
    ASKED = auto()  # to pause; the device has not said yet that it does
    HELD = auto()


class Hold:
    """A pause of our own. A pause that a user made is never undone, a play that a user asked for never withdrawn."""

    def __init__(self) -> None:
        self._phase = _Phase.FREE
        self._looks = 0
        self._overruled = False

    @property
    def is_held(self) -> bool:
        """Tell whether the device pauses because of us."""
        return self._phase is not _Phase.FREE

    def look(self, state: State, health: Health, since_jump: float) -> Action | None:
        """Return what to ask of the device now, to be called once a second; `since_jump` in s."""
        if health.seconds >= RESUME_SECONDS:
            self._overruled = False
            if self.is_held:
                self.let_go()
                return Action.PLAY
        starves = state in UNDER_WAY and health.level is Level.STARVING and since_jump >= SETTLE_SECONDS
        self._looks = self._looks + 1 if starves and not self.is_held and not self._overruled else 0
        if self._looks < LOOKS:
            return None
        self._looks = 0
        self._phase = _Phase.ASKED
        return Action.PAUSE

    def on_state(self, state: State) -> None:
        """Take the device's state: who plays what we hold has overruled us."""
        if self._phase is _Phase.ASKED and state is State.PAUSED:
            self._phase = _Phase.HELD
        elif self._phase is _Phase.HELD and state is State.PLAYING:
            self.overrule()

    def overrule(self) -> None:
        """Leave the device to its user, who has paused it or let it go on; not for ever."""
        self._overruled = self._overruled or self.is_held
        self.let_go()

    def let_go(self) -> None:
        """Leave the device as it is."""
        self._phase = _Phase.FREE
