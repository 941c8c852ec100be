"""A device is paused before it stalls and goes on by itself; what users do has the last word."""

import math

import pytest

from custom_components.torrent_cast.playback import State
from custom_components.torrent_cast.playback.health import Level, assess
from custom_components.torrent_cast.playback.hold import LOOKS, RESUME_SECONDS, SETTLE_SECONDS, Action, Hold

LONG = SETTLE_SECONDS + 60


@pytest.mark.parametrize(
    ("ahead", "rate", "level", "stall_in"),
    [
        (math.inf, 0, Level.HEALTHY, None),
        (60, 2, Level.HEALTHY, None),
        (60, 0, Level.HEALTHY, 60),
        (14, 0, Level.TIGHT, 14),
        (10, 0.5, Level.HEALTHY, 20),
        (7, 0.5, Level.TIGHT, 14),
        (2, 0.5, Level.STARVING, 4),
        (0, 0, Level.STARVING, 0),
        (2, 3, Level.TIGHT, None),
    ],
)
def test_health(ahead: float, rate: float, level: Level, stall_in: float | None) -> None:
    health = assess(ahead * 500_000, rate * 500_000, 500_000)
    assert health.level is level
    assert health.stall_in == stall_in
    assert health.supply == rate
    assert health.seconds == ahead


STARVING = assess(1, 0, 1)
RICH = assess(RESUME_SECONDS, 0, 1)
ALMOST = assess(RESUME_SECONDS - 0.1, 9, 1)


def looks(hold: Hold, state: State, since_jump: float = LONG, number: int = LOOKS) -> list[Action | None]:
    """Look some times while nothing comes in; return what was to be done."""
    return [hold.look(state, STARVING, since_jump) for _ in range(number)]


@pytest.fixture
def held() -> Hold:
    """Return a hold that has paused a device."""
    hold = Hold()
    assert looks(hold, State.PLAYING) == [None] * (LOOKS - 1) + [Action.PAUSE]
    hold.on_state(State.PAUSED)
    return hold


def test_it_pauses_once_and_goes_on_with_enough_in_hand(held: Hold) -> None:
    assert looks(held, State.PAUSED) == [None] * LOOKS
    assert held.look(State.PAUSED, ALMOST, LONG) is None
    assert held.look(State.PAUSED, RICH, LONG) is Action.PLAY
    assert not held.is_held
    assert held.look(State.PAUSED, RICH, LONG) is None


@pytest.mark.parametrize("state", [State.PAUSED, State.LOADING, State.BUFFERING])
def test_only_what_plays_is_paused(state: State) -> None:
    assert looks(Hold(), state) == [None] * LOOKS


def test_after_a_jump_little_in_hand_is_no_reason() -> None:
    assert looks(Hold(), State.PLAYING, since_jump=SETTLE_SECONDS - 0.1) == [None] * LOOKS


def test_one_bad_look_is_no_reason() -> None:
    hold = Hold()
    for _ in range(3):
        assert looks(hold, State.PLAYING, number=LOOKS - 1) == [None] * (LOOKS - 1)
        assert hold.look(State.PLAYING, ALMOST, LONG) is None


def test_a_user_s_pause_is_not_undone() -> None:
    hold = Hold()
    hold.on_state(State.PAUSED)
    assert hold.look(State.PAUSED, RICH, LONG) is None


def test_a_user_who_pauses_what_we_hold_has_it_paused(held: Hold) -> None:
    held.overrule()
    assert held.look(State.PAUSED, RICH, LONG) is None


def test_what_stalls_already_is_paused_too() -> None:
    assert Action.PAUSE in looks(Hold(), State.STALLED)


def test_a_user_who_plays_what_we_hold_is_not_held_again_until_enough_is_in_hand(held: Hold) -> None:
    held.on_state(State.PLAYING)
    assert looks(held, State.PLAYING) == [None] * LOOKS
    assert held.look(State.PLAYING, RICH, LONG) is None
    assert Action.PAUSE in looks(held, State.PLAYING)


def test_a_late_status_of_playing_is_no_user() -> None:
    hold = Hold()
    looks(hold, State.PLAYING)
    hold.on_state(State.PLAYING)  # from before the pause took effect
    assert hold.is_held


def test_a_device_that_does_not_take_the_pause_is_asked_again(held: Hold) -> None:
    held.let_go()
    assert Action.PAUSE in looks(held, State.PLAYING)
