"""Tables and properties of the plan: no network."""

import math
import random

import pytest

from custom_components.torrent_cast.engine import scheduler
from custom_components.torrent_cast.engine.scheduler import (
    MIB,
    NEAREST,
    RAMP,
    Plan,
    Reserve,
    Viewer,
    Want,
    bitrate,
    is_plenty,
    pace,
    plan,
    share,
)

KIB = 1024
SIZES = [16 * KIB << step for step in range(11)]  # 16 KiB to 16 MiB
MANY = 8000


def nothing(pieces: int = MANY) -> bytearray:
    return bytearray(pieces)


def with_pieces(*pieces: int) -> bytearray:
    have = nothing()
    for piece in pieces:
        have[piece] = 1
    return have


@pytest.mark.parametrize(
    ("wants", "have", "deadlines"),
    [
        ([], (), []),
        ([Want(10, 99, urgent=False)], (), []),
        ([Want(10, 99, urgent=True)], (), [10]),
        ([Want(10, 99, urgent=True)], (10,), []),
        ([Want(10, 10, urgent=True)], (), [10]),
        ([Want(10, 99, urgent=True), Want(50, 99, urgent=True)], (), [10, 50]),
        ([Want(10, 99, urgent=True), Want(11, 99, urgent=True)], (), [10, 11]),
        ([Want(10, 99, urgent=True), Want(50, 99, urgent=False)], (), [10]),
        ([Want(10, 99, urgent=True), Want(10, 99, urgent=True)], (), [10]),
        ([Want(10, 99, urgent=True, stuck=True)], (11,), [12]),
        ([Want(10, 10, urgent=True, stuck=True)], (), [10]),
    ],
)
def test_only_readers_that_jumped_have_deadlines_nearest_first(
    wants: list[Want], have: tuple[int, ...], deadlines: list[int]
) -> None:
    made = plan(wants, with_pieces(*have), MIB, ())

    assert sorted(made.deadlines, key=made.deadlines.__getitem__) == deadlines
    assert list(made.deadlines.values()) == [step * scheduler.STEP_MS for step in range(len(deadlines))]


@pytest.mark.parametrize(
    ("current", "fresh"), [((), True), ((10,), False), ((10, 11), False), ((11,), True), ((70, 71), True)]
)
def test_what_is_in_flight_is_cancelled_only_for_a_new_target(current: tuple[int, ...], fresh: bool) -> None:
    assert plan([Want(10, 99, urgent=True)], nothing(), MIB, current).fresh is fresh


def test_the_target_of_a_jump_comes_before_all_others() -> None:
    priorities = plan([Want(10, 99, urgent=False, jumped=True)], nothing(), MIB, ()).priorities

    assert [piece for piece, priority in priorities.items() if priority == scheduler.TOP_PRIORITY] == [10]
    assert [piece for piece, priority in priorities.items() if priority == scheduler.NEXT_PRIORITY] == [11]


def test_before_anybody_reads_each_head_comes_first() -> None:
    base = scheduler.base([range(2, 5), range(0), range(4, 6)], 8)

    assert base == bytes([0, 0, 2, 1, 2, 1, 0, 0])


def test_small_files_beside_come_before_the_rest_and_behind_what_is_about_to_be_read() -> None:
    base = scheduler.base([range(5)], 8, [range(3, 6)])

    assert base == bytes([2, 1, 1, 2, 2, 2, 0, 0])
    assert min(priority for reach, priority in RAMP if reach <= 16 * MIB) > scheduler.BESIDE_PRIORITY


@pytest.mark.parametrize("size", SIZES)
def test_the_ramp_falls_and_is_bounded_in_bytes(size: int) -> None:
    priorities = plan([Want(3, MANY - 1, urgent=False)], nothing(), size, ()).priorities

    ahead = [priorities[piece] for piece in sorted(priorities)]
    assert ahead == sorted(ahead, reverse=True)
    assert ahead.count(RAMP[0][1] + 1) == max(1, NEAREST // size)
    assert set(ahead) - {RAMP[0][1]} == {RAMP[0][1] + 1} | {priority for _, priority in RAMP[1:]}
    assert len(ahead) * size <= max(RAMP[-1][0], len(RAMP) * size)


@pytest.mark.parametrize(("there", "nearest", "priority"), [(0, 0, 5), (2, 2, 5), (4, 4, 4), (30, 30, 3)])
def test_what_is_missing_nearest_comes_before_the_rest_of_its_step(there: int, nearest: int, priority: int) -> None:
    priorities = plan([Want(0, MANY - 1, urgent=False)], with_pieces(*range(there)), MIB, ()).priorities

    assert priorities[nearest] == priority
    assert all(other < priority for piece, other in priorities.items() if piece != nearest)


def test_the_ramp_ends_with_the_reader() -> None:
    assert set(plan([Want(3, 5, urgent=False)], nothing(), MIB, ()).priorities) == {3, 4, 5}


def test_where_ramps_overlap_the_higher_priority_holds() -> None:
    near = plan([Want(20, 99, urgent=False)], nothing(), MIB, ()).priorities
    both = plan([Want(20, 99, urgent=False), Want(0, 99, urgent=False)], nothing(), MIB, ()).priorities

    assert both[20] == near[20] == RAMP[0][1] + 1
    assert both[30] == near[30]


def test_any_plan_keeps_the_rules() -> None:
    chance = random.Random(0)
    for _ in range(300):
        pieces = chance.randrange(1, 400)
        have = bytearray(chance.random() < 0.4 for _ in range(pieces))
        wants = [
            Want(first, chance.randrange(first, pieces), urgent=chance.random() < 0.5)
            for first in (chance.randrange(pieces) for _ in range(chance.randrange(5)))
        ]
        made = plan(wants, have, chance.choice(SIZES), chance.sample(range(pieces), min(pieces, 3)))
        check(made, wants, have)


def check(made: Plan, wants: list[Want], have: bytearray) -> None:
    wanted = {piece for want in wants for piece in range(want.first, want.last + 1)}
    for pieces in (made.deadlines, made.priorities):
        assert pieces.keys() <= wanted  # never beyond what a reader wants
        assert not any(have[piece] for piece in pieces)
    assert all(1 < priority <= 7 for priority in made.priorities.values())  # 0 would send the peers away
    targets = {want.first for want in wants if want.urgent and not have[want.first]}
    assert targets <= made.deadlines.keys()
    if targets:
        assert min(made.deadlines, key=made.deadlines.__getitem__) == next(
            want.first for want in wants if want.urgent and not have[want.first]
        ) or any(want.urgent and have[want.first] for want in wants)
    assert len(made.deadlines) <= sum(want.urgent for want in wants)


RATE = 1_000_000.0  # bytes/s
LIGHT = RATE / 8
SLOW = 1_500_000

type Readers = list[tuple[float | None, float]]
"""The bitrate of what each plays, and the bytes it has ahead."""


def reserves(readers: Readers) -> list[Reserve]:
    """Return what readers have in hand, each for another viewer."""
    return [Reserve(ahead, Viewer(bitrate)) for bitrate, ahead in readers]


@pytest.mark.parametrize(
    ("readers", "piece", "limit", "expected"),
    [
        ([], MIB, 0, 0),
        ([], MIB, SLOW, 0),  # nobody plays any more
        ([(None, math.inf)], MIB, SLOW, 0),  # nobody says how fast the film is
        ([(0.0, math.inf)], MIB, 0, 0),
        ([(RATE, 19e6)], MIB, 0, 0),
        ([(RATE, 21e6)], MIB, 0, SLOW),
        ([(RATE, math.inf)], MIB, 0, SLOW),
        ([(RATE, 21e6), (RATE, 1e6)], MIB, 0, 0),  # the hungriest decides
        ([(RATE, 16e6)], MIB, 0, 0),
        ([(RATE, 16e6)], MIB, SLOW, SLOW),  # between the marks nothing changes
        ([(RATE, 11e6)], MIB, SLOW, 0),
        ([(RATE, 0)], MIB, SLOW, 0),  # a seek
        ([(RATE, 33e6)], 16 * MIB, 0, 0),  # two pieces are no reserve
        ([(RATE, 70e6)], 16 * MIB, 0, SLOW),
        ([(10_000.0, math.inf)], MIB, 0, scheduler.PACE_FLOOR),
        ([(2 * RATE, math.inf)], MIB, SLOW, 2 * SLOW),  # another film
        ([(RATE, 2.6e6), (LIGHT, 2.6e6)], 64 * KIB, 0, 0),  # 21 s of the light film are 2.6 s of the other
        ([(RATE, 2.6e6), (LIGHT, 2.6e6)], 64 * KIB, SLOW, 0),
        ([(RATE, 21e6), (LIGHT, 2.6e6)], 64 * KIB, 0, SLOW + SLOW // 8),  # enough for both
        ([(RATE, 21e6), (LIGHT, 2.4e6)], 64 * KIB, 0, 0),
        ([(RATE, 21e6), (RATE, math.inf)], MIB, 0, 2 * SLOW),
        ([(RATE, 21e6), (None, 100e6)], MIB, SLOW, 0),  # nobody knows how fast the other is needed
        ([(RATE, 21e6), (None, math.inf)], MIB, 0, SLOW),
    ],
)
def test_the_pace_is_kept_only_with_enough_in_hand(readers: Readers, piece: int, limit: int, expected: int) -> None:
    assert pace(reserves(readers), piece, limit) == expected


def test_who_has_several_readers_plays_once() -> None:
    viewer = Viewer(RATE)

    assert bitrate([Reserve(21e6, viewer), Reserve(math.inf, viewer), Reserve(math.inf)]) == RATE
    assert pace([Reserve(21e6, viewer), Reserve(math.inf, viewer)], MIB, 0) == SLOW
    assert pace([Reserve(21e6, viewer), Reserve(1e6, viewer)], MIB, 0) == 0


def test_a_probe_that_misses_something_is_not_kept_waiting() -> None:
    assert pace([Reserve(21e6, Viewer(RATE)), Reserve(0)], MIB, SLOW) == 0
    assert pace([Reserve(21e6, Viewer(RATE)), Reserve(math.inf)], MIB, SLOW) == SLOW


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        (RATE, [], 1.0),
        (RATE, [(RATE, 0)], 1 / 2),
        (RATE, [(3 * RATE, 1e9)], 1 / 4),
        (RATE, [(RATE, 0), (2 * RATE, 0)], 1 / 4),
        (RATE, [(RATE, math.inf)], 1.0),  # it takes nothing more
        (RATE, [(None, 0)], 1.0),  # nobody knows what it takes
        (None, [(RATE, 0)], 0.0),
        (None, [], 1.0),
    ],
)
def test_what_comes_in_is_shared_by_bitrate(own: float | None, others: Readers, expected: float) -> None:
    viewer = Viewer(own)

    assert share(viewer, reserves(others)) == expected
    assert share(viewer, [Reserve(0, viewer), Reserve(0, viewer), *reserves(others)]) == expected


def test_the_marks_are_apart() -> None:
    assert scheduler.LOW_SECONDS < scheduler.ENOUGH_SECONDS
    assert scheduler.LOW_PIECES < scheduler.ENOUGH_PIECES
    assert scheduler.PACE_FACTOR > 1


@pytest.mark.parametrize(
    ("readers", "rate", "before", "expected"),
    [
        ([(None, 0)], 1e9, True, False),  # nobody says what is enough
        ([(0.0, 0)], 1e9, True, False),
        ([(RATE, 0)], 2.0 * RATE, False, True),
        ([(RATE, 0)], 1.9 * RATE, False, False),
        ([(RATE, 0)], 1.9 * RATE, True, True),  # between the marks nothing changes
        ([(RATE, 0)], 1.1 * RATE, True, False),
        ([(RATE, 12e6)], 0, False, True),  # a reserve
        ([(RATE, 11e6)], 0, True, False),
        ([(RATE, math.inf), (RATE, 0)], 0, True, False),  # the hungriest decides
        ([(RATE, 0), (RATE, 0)], 2.0 * RATE, False, False),  # it has to do for both
        ([(RATE, 0), (RATE, 0)], 4.0 * RATE, False, True),
        ([(RATE, 12e6), (LIGHT, 1.5e6)], 0, False, True),
        ([(RATE, 1.5e6), (LIGHT, 1.5e6)], 0, True, False),  # 12 s of the light film are 1.5 s of the other
        ([(RATE, 12e6), (None, 1e9)], 0, True, False),
    ],
)
def test_peers_are_kept_busy_only_where_too_little_comes(
    readers: Readers, rate: float, before: bool, expected: bool
) -> None:
    assert is_plenty(reserves(readers), rate, plenty=before) is expected
