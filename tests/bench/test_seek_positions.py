"""Seeks go all over the film, the same way for every player."""

from tests.bench.engine_seek import SEEKS, SPAN, positions

SIZE = 1 << 30


def test_each_run_seeks_into_every_quarter_of_the_span() -> None:
    begin, end = (part * SIZE for part in SPAN)
    quarter = (end - begin) / SEEKS

    for number in range(20):
        quarters = {int((position - begin) // quarter) for position in positions(SIZE, number)}
        assert quarters == set(range(SEEKS))


def test_positions_are_the_same_for_all_and_other_ones_in_the_next_run() -> None:
    assert positions(SIZE, 3) == positions(SIZE, 3)
    assert positions(SIZE, 3) != positions(SIZE, 4)
