"""What follows from what comes in, where time has a say: no network."""

import math

import pytest

from custom_components.torrent_cast.engine.scheduler import MIB, PACE_FACTOR, Reserve, Viewer
from custom_components.torrent_cast.engine.supply import (
    BETWEEN_CONNECTIONS,
    RATE_SETTLES,
    SLOW_START,
    Statistics,
    Supply,
)

RATE = 1_000_000.0  # bytes/s
SLOW = round(RATE * PACE_FACTOR)
SENT = round(RATE)
ENOUGH = [Reserve(math.inf, Viewer(RATE))]
PROBE = Reserve(0)


class Clock:
    """A time that the test sets, s."""

    now = 1000.0

    def __call__(self) -> float:
        """Return it."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return the supply's clock."""
    return Clock()


@pytest.fixture
def supply(clock: Clock) -> Supply:
    """Return the supply of a torrent that a film plays from, with enough in hand."""
    supply = Supply(clock)
    supply.begin()
    assert supply.pace(ENOUGH, MIB, 0) == SLOW
    return supply


def test_between_two_connections_of_a_player_nothing_changes(supply: Supply, clock: Clock) -> None:
    clock.now += BETWEEN_CONNECTIONS - 1
    assert supply.pace([], MIB, SLOW) == SLOW
    assert supply.pace([Reserve(math.inf)], MIB, SLOW) == SLOW
    assert supply.pace(ENOUGH, MIB, SLOW) == SLOW
    clock.now += BETWEEN_CONNECTIONS - 1
    assert supply.pace([], MIB, SLOW) == SLOW


def test_nobody_is_slowed_down_for_who_has_gone(supply: Supply, clock: Clock) -> None:
    clock.now += BETWEEN_CONNECTIONS
    assert supply.pace([], MIB, SLOW) == 0


def test_who_plays_and_asks_for_nothing_is_slowed_down_for(supply: Supply, clock: Clock) -> None:
    clock.now += 100 * BETWEEN_CONNECTIONS  # a pause: its playhead is there all the time
    assert supply.pace(ENOUGH, MIB, SLOW) == SLOW


def test_a_probe_between_two_connections_is_not_kept_waiting(supply: Supply) -> None:
    assert supply.pace([PROBE], MIB, SLOW) == 0


def test_in_a_hurry_nothing_is_slowed_down(supply: Supply) -> None:
    supply.hurries = True

    assert supply.pace(ENOUGH, MIB, SLOW) == 0
    assert supply.pace([], MIB, SLOW) == 0


def test_in_a_hurry_peers_are_kept_busy(supply: Supply, clock: Clock) -> None:
    clock.now += RATE_SETTLES
    reserve = [Reserve(100 * RATE, Viewer(RATE))]
    supply.look(reserve)
    assert supply.has_plenty
    supply.hurries = True
    supply.look(reserve)
    assert supply.has_plenty is False


@pytest.mark.parametrize("reserves", [[], ENOUGH])
def test_where_nobody_misses_anything_there_is_nothing_to_say(supply: Supply, reserves: list[Reserve]) -> None:
    supply.look(reserves)
    assert supply.has_plenty is None


def test_nothing_is_cancelled_between_the_first_piece_and_the_first_look_at_peers(clock: Clock) -> None:
    supply = Supply(clock)
    supply.begin()
    seen = [(supply.cancels, supply.suspect())]
    seen.append((supply.cancels, supply.suspect()))  # somebody is about to look

    supply.know([(False, 0), (False, 0)])
    seen.append((supply.cancels, supply.suspect()))

    assert seen == [(True, True), (False, False), (True, False)]


def test_nothing_is_cancelled_where_one_peer_would_not_answer(clock: Clock) -> None:
    supply = Supply(clock)
    supply.begin()

    supply.know([(False, 0), (True, 0)])

    assert not supply.cancels


@pytest.mark.parametrize(
    ("peers", "is_patient"),
    [
        ([], True),  # who was there may be back
        ([(False, SENT)], False),
        ([(False, 9 * SENT), (True, SENT)], False),  # that much can be spared
        ([(False, 3 * SENT), (True, SENT)], True),
        ([(True, SENT)], True),
        ([(True, 0), (False, 0)], True),
    ],
)
def test_a_piece_that_hangs_is_freed_where_little_comes_from_those_who_would_not_answer(
    supply: Supply, clock: Clock, peers: list[tuple[bool, int]], *, is_patient: bool
) -> None:
    supply.statistics = Statistics(download_rate=SENT)
    clock.now += 10 * SLOW_START
    supply.know([(True, SENT)])

    supply.know(peers)

    assert math.isinf(supply.patience(MIB)) is is_patient


def test_a_look_at_nobody_leaves_the_next_peer_suspect(clock: Clock) -> None:
    supply = Supply(clock)
    supply.begin()

    supply.know([])

    assert supply.cancels
    assert supply.suspect()
