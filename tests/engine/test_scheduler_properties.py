"""What holds for every plan and every pace, whoever reads what, and what libtorrent has heard of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from hypothesis import given, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from custom_components.torrent_cast.engine import scheduler
from custom_components.torrent_cast.engine.scheduler import RAMP, Reserve, Viewer, Want, pace, plan
from custom_components.torrent_cast.engine.steering import UNKNOWN, Steering

KIB: Final = 1024
# The same examples in each run: a test that fails today failed yesterday. A busy machine is no failure.
HONEST: Final = settings(derandomize=True, database=None, deadline=None, max_examples=300)
LENGTHS: Final = st.sampled_from([16 * KIB << step for step in range(11)])  # 16 KiB to 16 MiB


@dataclass(frozen=True, slots=True)
class World:
    """All that a plan is made from."""

    wants: list[Want]
    have: bytearray
    piece_length: int

    def missing(self, want: Want, reach: int) -> set[int]:
        """Return the missing pieces of the next `reach` bytes of a reader, at least those of its own piece."""
        end = min(want.last + 1, want.first + max(1, -(-reach // self.piece_length)))
        return {piece for piece in range(want.first, end) if not self.have[piece]}

    @property
    def freed(self) -> set[int]:
        """Return the pieces that are taken from whom they were asked of: for a moment they have no deadline."""
        return {want.first for want in self.wants if want.stuck and not self.have[want.first]}

    def plan(self, current: Sequence[int] = ()) -> scheduler.Plan:
        """Return the plan of this world."""
        return plan(self.wants, self.have, self.piece_length, current)


@st.composite
def wants_in(draw: st.DrawFn, pieces: int) -> Want:
    """Draw what a reader wants of a torrent."""
    first = draw(st.integers(0, pieces - 1))
    last, urgent, jumped = draw(st.integers(first, pieces - 1)), draw(st.booleans()), draw(st.booleans())
    # Nobody has a piece freed without waiting for it.
    return Want(first, last, urgent=urgent, stuck=urgent and draw(st.booleans()), jumped=jumped)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a torrent that is partly there and has up to five readers."""
    pieces = draw(st.integers(1, 400))
    have = bytearray(pieces)
    for begin, length in draw(st.lists(st.tuples(st.integers(0, pieces), st.integers(1, 80)), max_size=6)):
        for piece in range(begin, min(pieces, begin + length)):
            have[piece] = 1
    return World(draw(st.lists(wants_in(pieces), max_size=5)), have, draw(LENGTHS))


@HONEST
@given(worlds())
def test_nothing_ahead_of_a_reader_is_left_unrequested(world: World) -> None:
    made = world.plan()

    for want in world.wants:
        for reach, priority in RAMP:
            for piece in world.missing(want, reach):
                assert made.priorities[piece] >= priority


@HONEST
@given(worlds())
def test_what_is_missing_nearest_to_a_reader_waits_for_nothing_behind_it(world: World) -> None:
    for want in world.wants:
        made = World([want], world.have, world.piece_length).plan().priorities
        ahead = [made[piece] for piece in sorted(made)]

        assert ahead == sorted(ahead, reverse=True)
        nearest = -(-scheduler.NEAREST // world.piece_length)
        assert all(ahead[nearest - 1] > priority for priority in ahead[nearest:])


@HONEST
@given(worlds())
def test_only_what_is_missing_and_wanted_is_asked_for(world: World) -> None:
    made = world.plan()

    wanted = {piece for want in world.wants for piece in range(want.first, want.last + 1)}
    for pieces in (made.deadlines, made.priorities):
        assert pieces.keys() <= wanted
        assert not any(world.have[piece] for piece in pieces)
    assert all(scheduler.BASE_PRIORITY < priority <= 7 for priority in made.priorities.values())


@HONEST
@given(worlds())
def test_what_is_asked_for_is_bounded(world: World) -> None:
    made = world.plan()

    # Each step of the ramp has at least a piece, and its last piece may reach beyond it.
    bound = RAMP[-1][0] + len(RAMP) * world.piece_length
    assert len(made.priorities) * world.piece_length <= bound * len(world.wants)
    assert len(made.deadlines) <= sum(want.urgent for want in world.wants)


@HONEST
@given(worlds())
def test_no_reader_starves_for_the_others(world: World) -> None:
    made = world.plan()
    order = sorted(made.deadlines, key=made.deadlines.__getitem__)
    urgent = [want for want in world.wants if want.urgent]

    for want in urgent:
        # Each reader's own piece before anybody's second; where it is freed its next one that is not.
        mine = [piece for piece in range(want.first, want.last + 1) if not world.have[piece]]
        expected = next((piece for piece in mine if piece not in world.freed), want.first)
        if not world.have[want.first]:
            assert order.index(expected) < len(urgent)
    assert list(made.deadlines.values()) == [step * scheduler.STEP_MS for step in range(len(order))]


@HONEST
@given(worlds(), st.data())
def test_a_piece_that_hangs_is_freed_and_still_wanted_most(world: World, data: st.DataObject) -> None:
    want = replace(data.draw(wants_in(len(world.have))), urgent=True, stuck=True)
    alone = World([want], world.have, world.piece_length)
    others = [piece for piece in range(want.first + 1, want.last + 1) if not world.have[piece]]

    made = alone.plan()

    if not world.have[want.first]:
        assert made.priorities[want.first] == (scheduler.TOP_PRIORITY if want.jumped else RAMP[0][1] + 1)
        assert list(made.deadlines) == [others[0] if others else want.first]


@HONEST
@given(worlds())
def test_the_target_of_a_jump_and_what_follows_it_come_before_all_others(world: World) -> None:
    made = world.plan()

    jumps = [want for want in world.wants if want.jumped]
    targets = {want.first for want in jumps if not world.have[want.first]}
    following = {want.first + 1 for want in jumps if want.first < want.last and not world.have[want.first + 1]}
    highest = [made.priorities[piece] for piece in sorted(made.priorities.keys() - targets - following)]
    assert all(made.priorities[piece] == scheduler.TOP_PRIORITY for piece in targets)
    assert all(made.priorities[piece] == scheduler.NEXT_PRIORITY for piece in following - targets)
    assert max(highest, default=0) < scheduler.NEXT_PRIORITY


@HONEST
@given(worlds(), st.data())
def test_one_reader_more_takes_nothing_from_the_others(world: World, data: st.DataObject) -> None:
    before = world.plan()
    world.wants.append(data.draw(wants_in(len(world.have))))

    after = world.plan()

    # A deadline on what it has freed would keep that where it was asked for.
    assert before.deadlines.keys() - world.freed <= after.deadlines.keys()
    assert all(after.priorities[piece] >= priority for piece, priority in before.priorities.items())


@HONEST
@given(worlds())
def test_a_plan_that_is_followed_is_made_again(world: World) -> None:
    made = world.plan()

    again = world.plan(list(made.deadlines))

    assert (again.deadlines, again.priorities) == (made.deadlines, made.priorities)
    assert not again.fresh


BITRATES: Final = st.floats(10_000, 20_000_000)  # bytes/s, far below and above any film's
AHEAD: Final = st.one_of(st.floats(0, 5e9), st.just(math.inf))


@st.composite
def reserves(draw: st.DrawFn) -> list[Reserve]:
    """Draw what up to three viewers have in hand by up to two readers each, and maybe a probe."""
    viewers = [Viewer(bitrate) for bitrate in draw(st.lists(BITRATES, min_size=1, max_size=3))]
    found = [Reserve(draw(AHEAD), viewer) for viewer in viewers for _ in range(draw(st.integers(1, 2)))]
    return found + [Reserve(ahead) for ahead in draw(st.lists(AHEAD, max_size=1))]


def marks(bitrate: float, length: int) -> tuple[float, float]:
    """Return the bytes below which there is no limit any more, and those with which there is one."""
    return (
        max(bitrate * scheduler.LOW_SECONDS, length * scheduler.LOW_PIECES),
        max(bitrate * scheduler.ENOUGH_SECONDS, length * scheduler.ENOUGH_PIECES),
    )


@HONEST
@given(reserves(), LENGTHS, st.booleans())
def test_nobody_is_slowed_below_the_pace_of_what_is_played(found: list[Reserve], length: int, slow: bool) -> None:
    total = math.fsum(viewer.bitrate or 0 for viewer in {reserve.viewer for reserve in found if reserve.viewer})

    limit = pace(found, length, round(total) if slow else 0)

    assert limit == 0 or limit >= total
    for reserve in found:
        needed = marks(reserve.viewer.bitrate or 0, length)[0 if slow else 1] if reserve.viewer else math.inf
        assert limit == 0 or reserve.ahead >= needed


@HONEST
@given(reserves(), LENGTHS)
def test_a_pace_that_is_kept_is_found_again(found: list[Reserve], length: int) -> None:
    limit = pace(found, length, 0)

    assert pace(found, length, limit) == limit


@HONEST
@given(st.lists(BITRATES, min_size=1, max_size=3), LENGTHS, st.data(), st.booleans())
def test_between_the_marks_the_pace_does_not_flutter(
    bitrates: list[float], length: int, data: st.DataObject, slow: bool
) -> None:
    viewers = [Viewer(bitrate) for bitrate in bitrates]
    limit = pace([Reserve(math.inf, viewer) for viewer in viewers], length, 0) if slow else 0
    limits = [limit]

    for _ in range(data.draw(st.integers(2, 10))):
        found = []
        for viewer in viewers:
            low, enough = marks(viewer.bitrate or 0, length)
            between = min(low + data.draw(st.floats(0, 1)) * (enough - low), math.nextafter(enough, 0))
            found.append(Reserve(between, viewer))
        limits.append(pace(found, length, limits[-1]))

    assert all(before == after for before, after in pairwise(limits))


class Picker:
    """libtorrent's rules for priorities and deadlines, as measured (docs/engine.md)."""

    def __init__(self, pieces: int) -> None:
        self.priorities = [4] * pieces  # libtorrent's own default
        self.deadlines: set[int] = set()
        self.limit = 0
        self.told = 0
        self.cancelled = 0

    def prioritize_pieces(self, priorities: Sequence[tuple[int, int]]) -> None:
        """Take priorities; 0 ends a deadline."""
        self.told += 1
        for piece, priority in priorities:
            self.priorities[piece] = priority
            if not priority:
                self.deadlines.discard(piece)

    def set_piece_deadline(self, piece: int, deadline: int) -> None:
        """Force priority 7; the first deadline cancels what is in flight."""
        assert deadline >= 0
        self.told += 1
        self.cancelled += not self.deadlines
        self.deadlines.add(piece)
        self.priorities[piece] = 7

    def clear_piece_deadlines(self) -> None:
        """Leave priority 1 where a deadline was."""
        self.told += 1
        for piece in self.deadlines:
            self.priorities[piece] = 1
        self.deadlines.clear()

    def reset_piece_deadline(self, piece: int) -> None:
        """Leave priority 1 where a deadline was; the others stay."""
        self.told += 1
        assert piece in self.deadlines
        self.deadlines.discard(piece)
        self.priorities[piece] = 1

    def finish(self, piece: int) -> None:
        """End the deadline of a piece that is complete."""
        if piece in self.deadlines:
            self.deadlines.discard(piece)
            self.priorities[piece] = 1

    def set_download_limit(self, limit: int) -> None:
        """Take a rate in bytes/s."""
        self.told += 1
        self.limit = limit


class Told(RuleBasedStateMachine):
    """Readers, files, pieces and damage in any order: what we believe libtorrent was told is what it has."""

    @initialize(pieces=st.integers(2, 60), length=LENGTHS)
    def start(self, pieces: int, length: int) -> None:
        """Begin with all wanted and nobody reading."""
        self.picker = Picker(pieces)
        handle: Any = self.picker
        self.steering = Steering(handle, pieces)
        self.world = World([], bytearray(pieces), length)
        self.base = bytes([scheduler.BASE_PRIORITY]) * pieces
        self.steering.select(self.base)

    @rule(data=st.data())
    def open(self, data: st.DataObject) -> None:
        """Have one more reader."""
        self.world.wants.append(data.draw(wants_in(len(self.world.have))))

    @precondition(lambda self: self.world.wants)
    @rule(data=st.data())
    def seek(self, data: st.DataObject) -> None:
        """Have a reader go elsewhere."""
        index = data.draw(st.integers(0, len(self.world.wants) - 1))
        self.world.wants[index] = data.draw(wants_in(len(self.world.have)))

    @precondition(lambda self: self.world.wants)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        """Have one reader less."""
        self.world.wants.pop(data.draw(st.integers(0, len(self.world.wants) - 1)))

    @rule(data=st.data())
    def arrive(self, data: st.DataObject) -> None:
        """Complete a piece."""
        piece = data.draw(st.integers(0, len(self.world.have) - 1))
        self.world.have[piece] = 1
        self.picker.finish(piece)
        self.steering.arrived(piece)

    @rule(data=st.data())
    def select(self, data: st.DataObject) -> None:
        """Choose other files."""
        first = data.draw(st.integers(0, len(self.base) - 1))
        last = data.draw(st.integers(first, len(self.base) - 1))
        self.base = bytes(scheduler.BASE_PRIORITY * (first <= piece <= last) for piece in range(len(self.base)))
        self.steering.select(self.base)
        told = self.picker.told
        self.steering.select(self.base)
        assert self.picker.told == told

    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        """Check the files anew; the check may leave anything behind."""
        self.steering.forget()
        self.world.have[:] = bytes(len(self.world.have))
        self.picker.priorities = [data.draw(st.integers(0, 7)) for _ in self.picker.priorities]
        self.steering.select(self.base)

    @rule()
    def follow(self) -> None:
        """Plan, follow the plan, and look at what came of it."""
        made = self.world.plan(sorted(self.steering.deadlines))
        cancelled = self.picker.cancelled
        self.steering.follow(made, self.world.have)
        note(f"{made}")

        assert self.picker.cancelled == cancelled + (made.fresh and bool(made.deadlines))
        assert self.picker.deadlines == made.deadlines.keys()
        for piece, have in enumerate(self.world.have):
            if not have:
                expected = 7 if piece in made.deadlines else made.priorities.get(piece, self.base[piece])
                assert self.picker.priorities[piece] == expected
        self._follow_again()

    def _follow_again(self) -> None:
        told = self.picker.told
        self.steering.follow(self.world.plan(sorted(self.steering.deadlines)), self.world.have)
        assert self.picker.told == told

    @rule(limit=st.integers(0, 3))
    def limit(self, limit: int) -> None:
        """Slow down or not; the same again is not told."""
        self.steering.limit_to(limit)
        told = self.picker.told
        self.steering.limit_to(limit)
        assert self.picker.told == told
        assert self.picker.limit == self.steering.limit == limit

    @invariant()
    def what_was_told_is_what_is_known(self) -> None:
        """Compare what we believe with what libtorrent has."""
        assert self.steering.deadlines == self.picker.deadlines
        for piece, have in enumerate(self.world.have):
            believed = self.steering._told[piece]
            assert have or believed in (self.picker.priorities[piece], UNKNOWN)


TestTold = Told.TestCase
TestTold.settings = settings(HONEST, max_examples=100, stateful_step_count=40)
