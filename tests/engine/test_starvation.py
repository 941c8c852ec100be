"""When trackers are asked again: seldom, and only for somebody who waits."""

from itertools import pairwise

from custom_components.torrent_cast.engine.starvation import (
    ANNOUNCE_INTERVAL,
    COUNT_INTERVAL,
    STARVED_AFTER,
    Starvation,
)

HOUR = 3600


def announces(seconds: int, *, waiting: bool = True, rate: int = 0) -> list[int]:
    """Return the seconds at which trackers are asked."""
    starvation = Starvation()
    return [
        second
        for second in range(seconds)
        if starvation.should_announce(second, waiting=waiting, received=rate * second)
    ]


def test_nobody_is_asked_while_nobody_waits() -> None:
    assert announces(HOUR, waiting=False) == []


def test_nobody_is_asked_while_something_comes() -> None:
    assert announces(HOUR, rate=1) == []


def test_who_gets_nothing_asks_once_in_an_interval() -> None:
    asked = announces(HOUR)

    assert asked[0] == STARVED_AFTER
    assert len(asked) == HOUR / ANNOUNCE_INTERVAL
    assert all(later - earlier == ANNOUNCE_INTERVAL for earlier, later in pairwise(asked))


def test_a_short_wait_is_no_starvation() -> None:
    starvation = Starvation()

    for second in range(HOUR):
        waiting = second % int(STARVED_AFTER) != 0
        assert not starvation.should_announce(second, waiting=waiting, received=0)


def test_who_is_fed_and_starves_again_keeps_the_interval() -> None:
    starvation = Starvation()
    asked = [
        second for second in range(HOUR) if starvation.should_announce(second, waiting=True, received=second // 10 * 10)
    ]

    assert asked[0] >= STARVED_AFTER
    assert all(later - earlier >= ANNOUNCE_INTERVAL for earlier, later in pairwise(asked))
    assert len(asked) > 2


def test_who_starves_soon_has_it_counted_who_could_be_connected_to_though_trackers_were_just_asked() -> None:
    starvation, counts = Starvation(), []
    for second in range(40):
        starvation.should_announce(second, waiting=True, received=min(second, 10))
        if starvation.should_count(second):
            counts.append(second)

    assert counts[0] == 11 + STARVED_AFTER
    assert all(later - earlier == COUNT_INTERVAL for earlier, later in pairwise(counts))


def test_nothing_is_counted_for_who_is_fed_or_does_not_wait() -> None:
    starvation = Starvation()
    for second in range(HOUR):
        starvation.should_announce(second, waiting=second % 2 == 0, received=second)
        assert not starvation.should_count(second)
