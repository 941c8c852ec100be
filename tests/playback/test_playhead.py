"""The playhead follows what a device says, asks for and is told; every way in has its test."""

from array import array
from collections.abc import AsyncIterator
from typing import cast

import pytest

from custom_components.torrent_cast.engine import Cursor
from custom_components.torrent_cast.media.probe import Container, KeyFrames, Probe
from custom_components.torrent_cast.playback import playhead as module
from custom_components.torrent_cast.playback.playhead import NO_JUMP, Playhead
from tests.conftest import until

MIB = 1024 * 1024
DURATION = 600
SIZE = DURATION * MIB  # a second is a MiB
INDEX = (400 * MIB, 404 * MIB)


class Place:
    """Notes what becomes of a cursor."""

    def __init__(self, position: int = 0) -> None:
        self.position = position
        self.jumps: list[int] = []
        self.in_hand = 7.0

    def seek(self, position: int) -> None:
        """Jump."""
        self.position = position
        self.jumps.append(position // MIB)

    def advance(self, position: int) -> None:
        """Go on."""
        self.position = position


class Clock:
    """A time that the test sets, s."""

    now = 1000.0

    def __call__(self) -> float:
        """Return it."""
        return self.now


@pytest.fixture
def place() -> Place:
    """Return where the playhead's cursor is."""
    return Place()


@pytest.fixture
def clock() -> Clock:
    """Return the playhead's clock."""
    return Clock()


@pytest.fixture
async def playhead(place: Place, clock: Clock) -> AsyncIterator[Playhead]:
    """Return a playhead at the beginning of a film that plays."""
    probe = Probe(
        container=Container.MP4,
        content_type="video/mp4",
        size=SIZE,
        duration=float(DURATION),
        index=((0, MIB), INDEX),
        key_frames=KeyFrames(array("d"), array("q")),
    )
    found = Playhead(cast("Cursor", place), probe, 0.0, clock)
    found.on_status(0.0, runs=True)
    yield found
    found.close()


def request(playhead: Playhead, start: int, end: int = SIZE) -> int:
    """Have the device ask for bytes from `start` MiB on."""
    return playhead.on_request(start * MIB, end)


async def test_time_moves_it_on(playhead: Playhead, place: Place, clock: Clock) -> None:
    clock.now += 10
    playhead.advance()
    assert playhead.seconds == 10
    assert place.position == 10 * MIB
    assert place.jumps == []


async def test_a_pause_stops_it(playhead: Playhead, clock: Clock) -> None:
    clock.now += 10
    playhead.on_status(10.2, runs=False)
    clock.now += 100
    assert playhead.seconds == 10.2


async def test_out_of_reach_it_stays_where_it_was_known_to_be(playhead: Playhead, clock: Clock) -> None:
    clock.now += 10
    playhead.on_lost()
    clock.now += 5
    playhead.on_lost()  # a connection that came and went without a word
    clock.now += DURATION
    assert playhead.seconds == 10
    assert playhead.is_at_end, "it may have played on"


@pytest.mark.parametrize(("said", "jumps"), [(10, []), (70, []), (130, []), (5, [5]), (140, [140])])
async def test_a_device_that_is_back_may_have_played_on(
    playhead: Playhead, place: Place, clock: Clock, said: float, jumps: list[int]
) -> None:
    clock.now += 10
    playhead.on_lost()
    clock.now += 120
    playhead.on_status(said, runs=True)
    clock.now += 10
    assert (playhead.seconds, place.jumps) == (said + 10, jumps)


async def test_what_a_device_reads_out_of_reach_is_planned_for(playhead: Playhead, place: Place, clock: Clock) -> None:
    playhead.on_lost()
    clock.now += 10
    playhead.advance()
    assert place.position == 10 * MIB


async def test_it_ends_with_the_film(playhead: Playhead, clock: Clock) -> None:
    clock.now += 2 * DURATION
    assert playhead.seconds == DURATION


async def test_a_seek_that_passes_through_us_moves_it_at_once(playhead: Playhead, place: Place, clock: Clock) -> None:
    clock.now += 5
    playhead.seek(300)
    assert place.jumps == [300]
    playhead.on_status(300, runs=False)
    clock.now += 1
    assert playhead.seconds == 300
    assert place.jumps == [300], "what the status bears out is no second jump"


async def test_a_seek_that_the_device_does_not_make_is_taken_back(
    playhead: Playhead, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CONFIRM_SECONDS", 0)
    playhead.seek(300)
    await until(lambda: place.jumps == [300, 0])


async def test_a_status_from_before_the_seek_does_not_take_it_back(
    playhead: Playhead, place: Place, clock: Clock
) -> None:
    clock.now += 5
    playhead.seek(300)
    playhead.on_status(5.1, runs=True)
    playhead.advance()
    assert place.position == 300 * MIB


async def test_a_status_elsewhere_moves_it(playhead: Playhead, place: Place, clock: Clock) -> None:
    clock.now += 5
    playhead.on_status(200, runs=False)
    assert place.jumps == [200]
    clock.now += 3
    assert playhead.since_jump == 3


async def test_a_status_where_it_is_expected_moves_nothing(playhead: Playhead, place: Place, clock: Clock) -> None:
    for _ in range(100):
        clock.now += 5
        playhead.on_status(playhead.seconds - 0.4, runs=True)
        playhead.advance()
    assert place.jumps == []


async def test_a_request_elsewhere_moves_it_until_the_status_agrees(
    playhead: Playhead, place: Place, clock: Clock
) -> None:
    clock.now += 5
    request(playhead, 250)
    assert place.jumps == [250]
    playhead.on_status(251, runs=False)
    assert place.jumps == [250]
    clock.now += 1
    playhead.on_status(251, runs=True)
    clock.now += 9
    playhead.advance()
    assert place.position == 260 * MIB


async def test_a_request_elsewhere_that_no_status_bears_out_is_taken_back(
    playhead: Playhead, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CONFIRM_SECONDS", 0)
    request(playhead, 250)
    await until(lambda: place.jumps == [250, 0])


async def test_a_status_that_names_a_third_place_is_believed(playhead: Playhead, place: Place) -> None:
    request(playhead, 250)
    playhead.on_status(100, runs=False)
    assert place.jumps == [250, 100]
    assert playhead._doubt is None


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, SIZE),  # the head
        (1, SIZE),
        (599, SIZE),  # the tail
        (401, SIZE),  # the index
        (250, 251 * MIB),  # not open-ended: a part of the index, or a chunk
        (11, SIZE),  # where the player reads already
    ],
)
async def test_other_requests_never_move_it(
    playhead: Playhead, place: Place, clock: Clock, start: int, end: int
) -> None:
    clock.now += 10
    playhead.advance()
    request(playhead, start, end)
    assert place.jumps == []


async def test_a_player_that_asks_again_where_it_stopped_reading_has_not_jumped(
    playhead: Playhead, place: Place
) -> None:
    first = request(playhead, 0)
    playhead.on_sent(first, 80 * MIB)
    request(playhead, 81)
    assert place.jumps == []


async def test_what_was_read_before_a_jump_says_nothing_after_it(playhead: Playhead, place: Place) -> None:
    before = request(playhead, 0)
    playhead.on_status(300, runs=False)
    playhead.on_sent(before, 500 * MIB)
    request(playhead, 450)
    assert place.jumps == [300, 450]


async def test_reading_the_index_is_not_reading_the_film(playhead: Playhead, place: Place) -> None:
    index = request(playhead, 401)
    assert index == NO_JUMP
    playhead.on_sent(index, 500 * MIB)
    request(playhead, 450)
    assert place.jumps == [450]


async def test_nothing_runs_after_its_end(playhead: Playhead) -> None:
    playhead.seek(300)
    playhead.close()
    assert playhead._doubt is None


async def test_a_device_that_begins_late_has_just_jumped(playhead: Playhead, place: Place, clock: Clock) -> None:
    clock.now += 600
    playhead.begin()
    clock.now += 3
    assert (playhead.since_jump, place.jumps) == (3, [])


async def test_it_tells_what_is_in_hand(playhead: Playhead) -> None:
    assert playhead.bytes_in_hand == 7.0
