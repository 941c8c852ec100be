"""What cannot be beaten is computed as one would on paper."""

import pytest

from tests.bench import limits

MIB = 1 << 20


def test_a_piece_takes_as_long_as_the_supply_needs_for_all_of_it() -> None:
    assert limits.arrival(1, MIB, 4 * MIB) == 0.25


def test_round_trips_come_on_top() -> None:
    assert limits.arrival(2, MIB, 4 * MIB, round_trips=3, latency=0.1) == pytest.approx(0.8)


@pytest.mark.parametrize(("supply", "stalled"), [(1.2, 0.0), (1.0, 0.0), (0.75, 30.0)])
def test_a_film_stands_still_for_what_the_supply_lacks(supply: float, stalled: float) -> None:
    assert limits.shortage(supply, 1.0, 120.0) == stalled


@pytest.mark.parametrize(("in_hand", "stalled"), [(15.0, 0.0), (4.0, 6.0)])
def test_an_outage_is_bridged_by_what_is_in_hand(in_hand: float, stalled: float) -> None:
    assert limits.outage(in_hand, 10.0) == stalled
