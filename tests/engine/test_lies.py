"""What a liar had a part in, and what is too close to its end to be overwritten: tables."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import pytest

from custom_components.torrent_cast.engine.lies import Peers, almost_complete, poisoned
from custom_components.torrent_cast.engine.stranded import HASHED_AFTER, Stranded

if TYPE_CHECKING:
    import libtorrent as lt

NOBODY: Final = ("0.0.0.0", 0)  # noqa: S104  # who libtorrent says it was when it has forgotten
A: Final = ("10.0.0.1", 1)
B: Final = ("10.0.0.2", 2)
C: Final = ("10.0.0.3", 3)
FREE, ASKED, WRITING, THERE = range(4)


def partial(piece: int, *blocks: tuple[int, tuple[str, int]]) -> lt.partial_piece:
    """Return a piece of a download queue as libtorrent describes it."""
    return {"piece_index": piece, "blocks": [{"state": state, "peer": peer} for state, peer in blocks]}


@pytest.mark.parametrize(
    ("blocks", "is_poisoned"),
    [
        ([(FREE, NOBODY), (FREE, NOBODY)], False),
        ([(THERE, A), (ASKED, B)], False),
        ([(THERE, A), (ASKED, C)], False),  # the suspect has not sent anything yet
        ([(THERE, A), (THERE, C), (FREE, NOBODY)], True),
        ([(THERE, C), (ASKED, A)], True),
        ([(WRITING, C), (ASKED, A)], True),
        ([(THERE, C), (ASKED, C), (FREE, NOBODY)], False),  # its trial
        ([(THERE, ("10.0.0.9", 9)), (ASKED, A)], True),  # has gone
        ([(THERE, NOBODY), (FREE, NOBODY)], True),  # a web seed that was banned
    ],
)
def test_what_suspects_and_those_who_have_gone_had_a_part_in_is_poisoned(
    blocks: Sequence[tuple[int, tuple[str, int]]], is_poisoned: bool
) -> None:
    peers = Peers(connected=frozenset({A, B, C}), suspects=frozenset({C}))

    assert list(poisoned([partial(7, *blocks)], peers)) == [7] * is_poisoned


@pytest.mark.parametrize(
    ("before", "now", "is_close"),
    [
        ([THERE, ASKED, FREE, FREE], [THERE, ASKED, FREE, FREE], False),  # stands still
        ([THERE, ASKED, FREE, FREE], [THERE, THERE, FREE, FREE], True),
        ([THERE, THERE, FREE, FREE, FREE], [THERE, THERE, THERE, FREE, FREE], True),
        ([THERE, FREE, FREE, FREE, FREE], [THERE, THERE, FREE, FREE, FREE], False),
        ([THERE, THERE, FREE, FREE], [FREE, FREE, FREE, FREE], False),  # failed meanwhile
        ([THERE, WRITING], [THERE, WRITING], True),  # complete
    ],
)
def test_what_grows_fast_is_almost_complete(before: list[int], now: list[int], is_close: bool) -> None:
    first, second = ([partial(7, *((state, A) for state in states))] for states in (before, now))

    assert list(almost_complete(first, second)) == [7] * is_close


def test_a_piece_that_was_begun_between_the_looks_counts_from_nothing() -> None:
    assert list(almost_complete([], [partial(7, (THERE, A), (FREE, NOBODY))])) == [7]
    assert list(almost_complete([], [partial(7, (THERE, A), *[(FREE, NOBODY)] * 3)])) == []


@pytest.mark.parametrize(
    ("peers", "is_dry"),
    [
        (Peers(), False),  # nobody has looked yet
        (Peers(asked=False), True),
        (Peers(frozenset({A, B}), frozenset({A, B}), asked=False), True),
        (Peers(frozenset({A, B}), frozenset({A, B}), asked=True), False),
        (Peers(frozenset({A, B}), frozenset({A}), asked=False), False),
    ],
)
def test_nothing_will_come_where_all_are_suspected_and_none_is_asked(peers: Peers, is_dry: bool) -> None:
    assert peers.is_dry is is_dry


@pytest.mark.parametrize("blocks", [[FREE, THERE], [ASKED, THERE], [WRITING, THERE]])
def test_a_piece_that_is_not_on_disk_is_not_stranded(blocks: list[int]) -> None:
    stranded = Stranded()
    for now in (0.0, 2 * HASHED_AFTER):
        stranded.look([partial(7, *((state, A) for state in blocks))], now)

    assert not stranded


def test_a_piece_that_stays_complete_is_stranded() -> None:
    stranded, complete = Stranded(), partial(7, (THERE, A), (THERE, B))

    stranded.look([complete], 1.0)
    stranded.look([complete], 0.5 + HASHED_AFTER)
    assert not stranded
    stranded.look([complete], 1.0 + HASHED_AFTER)
    assert stranded


def test_a_disk_that_takes_longer_is_given_more_time_after_each_new_beginning() -> None:
    stranded, complete = Stranded(), partial(7, (THERE, A))
    for now in (0.0, HASHED_AFTER):
        stranded.look([complete], now)
    stranded.release()
    assert not stranded

    for now in (20.0, 20.0 + HASHED_AFTER):
        stranded.look([complete], now)
    assert not stranded
    stranded.look([complete], 20.0 + 2 * HASHED_AFTER)
    assert stranded


def test_a_piece_that_was_hashed_between_the_looks_is_not_stranded() -> None:
    stranded, complete = Stranded(), partial(7, (THERE, A))
    stranded.look([complete], 0.0)
    stranded.on_hashed(7)

    stranded.look([complete], HASHED_AFTER)

    assert not stranded
