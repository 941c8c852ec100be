"""How much is given to others while somebody plays, on a line that is nobody's and on a real session."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.torrent_cast.engine import Engine, EngineSettings, Viewer
from custom_components.torrent_cast.engine.uplink import FLOOR, LONG_LOOK, LOOK, REQUESTS, RETRY, SHARE, Uplink
from tests.engine.conftest import LOCAL, PIECE, Seeders, StartEngine, add, noise, soon, until, write

# The same examples in each run; a busy machine is no failure.
HONEST: Final = settings(derandomize=True, database=None, deadline=None, max_examples=100)
MINUTE: Final = 60
QUEUE: Final = 0.5  # of the line, s
# Lines, and what others want, from a slow ADSL line's 256 kbit/s to 80 Mbit/s; bytes/s
RATES: Final = st.integers(32_000, 10_000_000)


class Line:
    """A line that carries `rate` bytes/s, with a queue in front of it, and others who want `wanted` bytes/s."""

    def __init__(self, rate: float, wanted: float = 1e9) -> None:
        self.rate = rate
        self.wanted = wanted
        self.now = 0.0
        self.queue = 0.0  # bytes
        self.sent = 0.0
        self.fetched = 0.0
        self.uplink = Uplink(lambda: self.now)
        self.limit = 0

    def play(
        self, seconds: int, most: int = 0, *, needed: bool = True, plenty: bool = True, fetched: float = 0.0
    ) -> list[float]:
        """Let time pass; return how long each second's last byte has waited in the queue, s."""
        waits = []
        for _ in range(seconds):
            offered = min(self.limit or self.wanted, self.wanted)
            taken = min(offered, self.rate + QUEUE * self.rate - self.queue)
            self.queue = max(0.0, self.queue + taken - self.rate)
            self.sent += taken
            self.fetched += fetched
            self.now += 1
            waits.append(self.queue / self.rate)
            self.uplink.look(int(self.sent), int(self.fetched), plenty=plenty)
            self.limit = self.uplink.limit(most, needed=needed)
        return waits


def test_where_nobody_plays_the_users_limit_holds() -> None:
    line = Line(100_000)

    line.play(MINUTE, needed=False)
    assert line.limit == 0
    line.play(MINUTE, 70_000, needed=False)
    assert line.limit == 70_000


def test_a_full_line_is_far_from_full_as_soon_as_somebody_plays() -> None:
    line = Line(100_000)
    line.play(MINUTE, needed=False)
    assert line.queue

    line.play(1)

    assert line.limit < line.rate * SHARE


@HONEST
@given(RATES, RATES)
def test_a_line_is_seldom_full_and_others_have_their_share(rate: int, wanted: int) -> None:
    line = Line(rate, wanted)
    line.play(5 * MINUTE)  # to get to know it
    before = line.sent

    waits = line.play(10 * MINUTE)

    assert sum(wait > 0.1 for wait in waits) < 0.1 * len(waits)
    assert line.sent - before > 0.3 * min(rate, wanted) * len(waits)


@HONEST
@given(st.lists(st.tuples(RATES, RATES, st.sampled_from([0, 10_000, 50_000, 500_000]), st.booleans()), max_size=8))
def test_the_limit_is_never_more_than_the_users_and_never_none_while_somebody_plays(
    times: list[tuple[int, int, int, bool]],
) -> None:
    line = Line(0)
    for line.rate, line.wanted, most, needed in times:
        line.play(MINUTE, most, needed=needed)

        assert line.limit >= min(most or FLOOR, FLOOR) if needed else line.limit == most
        assert not most or line.limit <= most


def test_a_line_that_has_become_faster_is_found_to_be() -> None:
    line = Line(100_000)
    line.play(5 * MINUTE)
    line.rate = 1_000_000

    line.play(round(RETRY) + 2 * MINUTE)

    assert line.limit > 0.3 * line.rate


def test_a_line_that_has_become_slower_is_found_to_be() -> None:
    line = Line(1_000_000)
    line.play(5 * MINUTE)
    line.rate = 100_000

    line.play(2 * round(LONG_LOOK))

    assert line.limit < line.rate


def test_the_users_limit_is_not_taken_for_what_the_line_carries() -> None:
    line = Line(1_000_000)
    line.play(5 * MINUTE, 50_000)
    assert line.limit == 50_000

    line.play(2 * round(LOOK))

    assert line.limit > 50_000


def test_requests_have_room_however_little_is_sent() -> None:
    line = Line(10_000_000, wanted=0)

    line.play(MINUTE, fetched=50_000_000)

    assert line.limit == round(REQUESTS * 50_000_000)


def test_a_torrent_that_goes_is_not_taken_for_a_full_line() -> None:
    line = Line(1_000_000)
    line.play(MINUTE)
    before, line.sent = line.limit, 0

    line.play(round(LOOK))

    assert line.limit >= before


def test_where_nobody_wanted_anything_that_says_nothing_of_the_line() -> None:
    line = Line(1_000_000, wanted=0)
    line.play(5 * MINUTE)
    line.wanted = 1e9

    line.play(MINUTE)

    assert line.limit > 5 * FLOOR


def test_where_little_comes_it_may_be_that_too_little_is_given() -> None:
    line = Line(1_000_000)

    line.play(5 * MINUTE, plenty=False)

    assert line.limit > 10 * FLOOR


def test_what_the_line_carries_is_remembered_for_the_next_film() -> None:
    line = Line(100_000)
    line.play(5 * MINUTE)
    line.play(MINUTE, needed=False)

    line.play(1)

    assert line.rate / 3 < line.limit < line.rate / 2


def in_force(engine: Engine) -> int:
    """Return the session's limit for what is sent, bytes/s."""
    assert engine._session is not None
    return int(engine._session.get_settings()["upload_rate_limit"])


@pytest.mark.parametrize("allowed", [0, 5 * FLOOR])
async def test_uploads_are_limited_while_somebody_plays_what_is_not_there(
    start_engine: StartEngine, seeders: Seeders, tmp_path: Path, allowed: int
) -> None:
    engine = await start_engine(EngineSettings(dht=False, lsd=False, upnp=False, upload_limit=allowed))
    seed = seeders.seed(write(tmp_path / "film.mkv", noise(64 * PIECE)), upload=4 * PIECE)
    torrent = await add(engine, seed.magnet)
    (film,) = torrent.files
    torrent.select(film)
    assert in_force(engine) == allowed

    async with torrent.open(film, viewer=Viewer(PIECE)) as reader:
        await soon(reader.read_exactly(PIECE))
        await until(lambda: in_force(engine) == FLOOR)
        engine.apply(LOCAL)  # no limit
        await until(lambda: in_force(engine) == FLOOR)
    await until(lambda: in_force(engine) == 0)
