"""What cannot be beaten is computed as one would on paper."""

import pytest

from tests.bench import engine_seek, engine_start, limits

MIB = 1 << 20


def test_a_piece_takes_as_long_as_the_supply_needs_for_all_of_it() -> None:
    assert limits.arrival(1, MIB, 4 * MIB) == 0.25


def test_round_trips_come_on_top() -> None:
    assert limits.arrival(2, MIB, 4 * MIB, round_trips=3, latency=0.1) == pytest.approx(0.8)


def test_what_idle_links_let_through_at_once_takes_no_time() -> None:
    assert limits.arrival(1, MIB, 4 * MIB, burst=MIB // 2) == 0.125
    assert limits.arrival(1, MIB, 4 * MIB, burst=2 * MIB) == 0.0


def test_a_start_takes_two_round_trips_and_a_seek_one() -> None:
    piece = (MIB - 8 * 16_000) / (8 * 4_200_000 / 8)

    assert engine_start.limits(None)["runs"] == pytest.approx(piece)
    assert engine_start.limits(engine_start.FAR)["runs"] == pytest.approx(piece + 2 * 0.05)
    assert engine_seek.limits(engine_start.FAR)["runs"] == pytest.approx(piece + 0.05)


def test_two_mebibytes_from_within_a_piece_lie_in_three() -> None:
    assert engine_seek.limits(None)["two_mib"] == pytest.approx((3 * MIB - 8 * 16_000) / 4_200_000)


@pytest.mark.parametrize(("supply", "stalled"), [(1.2, 0.0), (1.0, 0.0), (0.75, 30.0)])
def test_a_film_stands_still_for_what_the_supply_lacks(supply: float, stalled: float) -> None:
    assert limits.shortage(supply, 1.0, 120.0) == stalled


@pytest.mark.parametrize(("in_hand", "stalled"), [(15.0, 0.0), (4.0, 6.0)])
def test_an_outage_is_bridged_by_what_is_in_hand(in_hand: float, stalled: float) -> None:
    assert limits.outage(in_hand, 10.0) == stalled
