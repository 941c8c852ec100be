"""A swarm of processes with every fault a swarm has: reading goes on, and what is read is right."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_socket

from custom_components.torrent_cast.engine import Engine, Reader, Torrent
from custom_components.torrent_cast.engine.reader import GHOST_AFTER
from tests.engine.conftest import PIECE, add, failed_pieces, noise, soon, until, write
from tests.rig.gate import Gate
from tests.rig.network import SUBNET
from tests.rig.swarm import Swarm
from tests.rig.torrents import make_torrent
from tests.rig.tracker import tracker

if TYPE_CHECKING:
    from tests.rig.torrents import Torrent as Metainfo

pytestmark = pytest.mark.usefixtures("rig_sockets")

DATA: Final = noise(128 * PIECE + 99)
# Rates of one seed, bit/s: one that sends all, one from which the film takes some seconds, one that is no use.
FAST: Final = 80_000_000
SLOW: Final = 8_000_000
CRAWL: Final = 8_000
HTTP: Final = b"HTTP/1.0 200 OK\r\n\r\n"


@pytest.fixture
def rig_sockets(socket_enabled: None) -> None:  # noqa: ARG001  # pytest undoes both at the test's end
    """Open the swarm's addresses to this process."""
    pytest_socket.socket_allow_hosts(["127.0.0.0/8", f"{SUBNET}.0.0/16"], allow_unix_socket=True)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Return a film."""
    return write(tmp_path / "content" / "film.mkv", DATA)


@pytest.fixture
def metainfo(film: Path) -> Metainfo:
    """Return its torrent, without a tracker."""
    return make_torrent(film, PIECE)


@pytest.fixture
def long_film(tmp_path: Path) -> Path:
    """Return a film that begins the same and is not complete for a minute at SLOW."""
    return write(tmp_path / "content" / "long.mkv", DATA * 8)


@pytest.fixture
def long_metainfo(long_film: Path) -> Metainfo:
    """Return its torrent, without a tracker."""
    return make_torrent(long_film, PIECE)


def peers_of(torrent: Torrent) -> dict[str, Any]:
    """Return libtorrent's view of the connected peers, by address."""
    assert torrent.handle is not None
    return {peer.ip[0]: peer for peer in torrent.handle.get_peer_info()}


async def check(reader: Reader, size: int) -> None:
    """Read on, and see that it is right."""
    start = reader.position
    assert await soon(reader.read_exactly(size)) == DATA[start : start + size]


@asynccontextmanager
async def a_swarm(film: Path, metainfo: Metainfo, *rates: int, corrupt: tuple[int, ...] = ()) -> AsyncIterator[Swarm]:
    """Run a swarm on loopback."""
    async with Swarm(metainfo, film.parent, rates=rates, corrupt=corrupt, namespaces=False) as swarm:
        yield swarm


@asynccontextmanager
async def a_reader(engine: Engine, source: str | bytes) -> AsyncIterator[tuple[Torrent, Reader]]:
    """Read the film from its beginning."""
    torrent = await add(engine, source)
    torrent.select(torrent.files[0])
    async with torrent.open(torrent.files[0]) as reader:
        yield torrent, reader


def announced_by(metainfo: Metainfo, *urls: str) -> bytes:
    """Return the torrent file that names other trackers."""
    return metainfo.with_trackers(urls).metainfo


async def test_a_piece_at_a_slow_peer_is_asked_elsewhere(
    engine: Engine, long_film: Path, long_metainfo: Metainfo
) -> None:
    async with (
        a_swarm(long_film, long_metainfo, CRAWL, SLOW) as swarm,
        a_reader(engine, swarm.magnet) as (torrent, reader),
    ):
        slow = swarm.peers[0]
        await check(reader, 1)
        # Each piece that the slow peer has a part in would keep the reader for half a minute or more.
        await check(reader, 40 * PIECE)

        assert peers_of(torrent)[slow].download_queue_length  # it was asked for its part
        assert torrent.missing_bytes(torrent.files[0])  # and this is not the end game, in which all are asked for all


async def test_a_silent_peer_does_not_keep_its_pieces(engine: Engine, long_film: Path, long_metainfo: Metainfo) -> None:
    async with (
        a_swarm(long_film, long_metainfo, SLOW, SLOW) as swarm,
        a_reader(engine, swarm.magnet) as (torrent, reader),
    ):
        silent = swarm.peers[0]
        await check(reader, 1)
        await until(lambda: silent in peers_of(torrent) and peers_of(torrent)[silent].download_queue_length)
        process = swarm._processes[0]
        process.send_signal(signal.SIGSTOP)

        try:
            await check(reader, 40 * PIECE)

            assert peers_of(torrent)[silent].download_queue_length  # it still owes what it was asked for
            assert torrent.missing_bytes(torrent.files[0])
        finally:
            process.send_signal(signal.SIGCONT)


async def test_corrupt_data_are_never_read_and_their_sender_is_banned(
    engine: Engine, film: Path, metainfo: Metainfo
) -> None:
    failed = failed_pieces(engine)
    async with (
        a_swarm(film, metainfo, FAST, SLOW, SLOW, corrupt=(0,)) as swarm,
        a_reader(engine, swarm.magnet) as (torrent, reader),
    ):
        bad = swarm.peers[0]
        await check(reader, 4 * PIECE)
        await until(lambda: failed and bad not in peers_of(torrent))
        assert torrent.missing_bytes(torrent.files[0])  # the others are still needed

        # Where nothing was proven, the torrent is added anew and it comes back, to be banned again.
        assert torrent.handle is not None
        torrent.handle.connect_peer((bad, swarm._port(0)))
        await check(reader, 100 * PIECE)

        await until(lambda: torrent.handle is not None and bad not in peers_of(torrent))


async def test_peers_leave_and_come_back_one_after_the_other(engine: Engine, film: Path, metainfo: Metainfo) -> None:
    async with (
        a_swarm(film, metainfo, SLOW, SLOW) as swarm,
        a_reader(engine, swarm.magnet) as (torrent, reader),
    ):
        await check(reader, 4 * PIECE)
        await swarm.stop_seeder(0)
        await check(reader, 20 * PIECE)
        await asyncio.gather(swarm.stop_seeder(1), swarm.start_seeder(0))  # only one that had left is there

        await check(reader, len(DATA))

        assert not torrent.missing_bytes(torrent.files[0])


async def test_who_gave_something_and_went_is_tried_until_it_is_back(
    engine: Engine, long_film: Path, long_metainfo: Metainfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "count_candidates", lambda: None)
    assert engine._session is not None
    async with (
        a_swarm(long_film, long_metainfo, SLOW) as swarm,
        a_reader(engine, long_metainfo.metainfo) as (torrent, reader),
    ):
        assert torrent.handle is not None
        torrent.handle.connect_peer((swarm.peers[0], swarm._port(0)))
        await check(reader, 4 * PIECE)
        await until(lambda: torrent.lost._given)
        engine._session.apply_settings({"max_failcount": 1})  # libtorrent never tries who has hung up
        await swarm.stop_seeder(0)
        await until(lambda: torrent.lost._since)
        await swarm.start_seeder(0)

        await check(reader, 40 * PIECE)


@pytest.mark.parametrize("seconds", [0, 60])
async def test_reading_goes_on_when_the_whole_swarm_has_been_dead_for_a_while(
    engine: Engine, film: Path, metainfo: Metainfo, seconds: float
) -> None:
    async with (
        a_swarm(film, metainfo, SLOW, SLOW) as swarm,
        a_reader(engine, swarm.magnet) as (torrent, reader),
    ):
        await check(reader, 4 * PIECE)
        await swarm.stop_seeders()
        await until(lambda: not peers_of(torrent))
        rest = asyncio.create_task(reader.read_exactly(len(DATA)))
        await until(lambda: torrent._have.is_awaited)

        # No event tells of it: in that time libtorrent, by a clock of its own, gives up one try after another.
        await asyncio.sleep(seconds)
        await swarm.start_seeder(1)

        assert await soon(rest) == DATA[4 * PIECE :]


@pytest.mark.parametrize(
    "answer",
    [None, HTTP, HTTP + b"<html>", HTTP + b"d14:failure reason4:busye", b"HTTP/1.0 503 Busy\r\n\r\n"],
    ids=["refused", "nothing", "garbage", "failure", "503"],
)
async def test_a_tracker_that_fails_at_first_is_asked_again(
    engine: Engine, film: Path, metainfo: Metainfo, answer: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.torrent_cast.engine.starvation.STARVED_AFTER", 1.0)
    async with a_swarm(film, metainfo, FAST) as swarm, Gate(swarm.tracker) as gate:
        gate.answer = answer
        if answer is not None:
            await gate.open()
        async with a_reader(engine, announced_by(metainfo, gate.url)) as (torrent, reader):
            reading = asyncio.create_task(reader.read_exactly(len(DATA)))
            await until(lambda: torrent._have.is_awaited and (gate.asked or answer is None))
            gate.answer = None
            if answer is None:
                await gate.open()

            assert await soon(reading) == DATA


async def test_a_tracker_that_knew_nobody_is_asked_again_long_before_its_interval(
    engine: Engine, film: Path, metainfo: Metainfo
) -> None:
    async with (
        tracker("127.0.0.1", [metainfo.info_hash]) as empty,
        a_swarm(film, metainfo, FAST) as swarm,
        Gate(empty) as gate,
    ):
        await gate.open()
        async with a_reader(engine, announced_by(metainfo, gate.url)) as (torrent, reader):
            reading = asyncio.create_task(reader.read_exactly(len(DATA)))
            await until(lambda: torrent._have.is_awaited and gate.asked)
            gate.tracker = swarm.tracker  # which has had peers all the time

            assert await soon(reading) == DATA


async def test_a_tracker_that_dies_in_the_middle_is_not_missed(engine: Engine, film: Path, metainfo: Metainfo) -> None:
    async with a_swarm(film, metainfo, FAST) as swarm, Gate(swarm.tracker) as gate:
        await gate.open()
        async with a_reader(engine, announced_by(metainfo, gate.url)) as (_, reader):
            await check(reader, 4 * PIECE)
            await gate.shut()

            await check(reader, len(DATA))


async def test_a_peer_named_twice_is_connected_once(engine: Engine, film: Path, metainfo: Metainfo) -> None:
    async with a_swarm(film, metainfo, SLOW) as swarm:
        endpoint = (swarm.peers[0], swarm._port(0))
        named = "".join(f"&x.pe={endpoint[0]}:{endpoint[1]}" for _ in range(2))
        async with a_reader(engine, swarm.magnet + named) as (torrent, reader):
            assert torrent.handle is not None
            torrent.handle.connect_peer(endpoint)
            await check(reader, 16 * PIECE)

            assert [peer.ip for peer in torrent.handle.get_peer_info()] == [endpoint]


async def test_a_ghost_has_no_say_until_it_is_read_again(
    engine: Engine, metainfo: Metainfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("custom_components.torrent_cast.engine.reader.time", SimpleNamespace(monotonic=lambda: now))
    torrent = await add(engine, metainfo.metainfo)
    file = torrent.files[0]
    torrent.select(file)
    steering = torrent._steering
    assert steering is not None
    async with torrent.open(file) as ghost, torrent.open(file, 64 * PIECE) as reader:
        await asyncio.sleep(0)
        assert steering.deadlines == {0, 64}
        reading = asyncio.create_task(reader.read(1))
        now = GHOST_AFTER + 1
        torrent.on_second()
        await asyncio.sleep(0)

        assert steering.deadlines == {64}
        assert steering._raised == set(torrent.pieces(file, 64 * PIECE))

        ghost_reading = asyncio.create_task(ghost.read(1))
        await until(lambda: 0 in steering.deadlines)
        assert set(torrent.pieces(file)) >= steering._raised > set(torrent.pieces(file, 64 * PIECE))
        reading.cancel()
        ghost_reading.cancel()


async def test_a_reader_alone_is_no_ghost(engine: Engine, metainfo: Metainfo, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("custom_components.torrent_cast.engine.reader.time", SimpleNamespace(monotonic=lambda: now))
    torrent = await add(engine, metainfo.metainfo)
    torrent.select(torrent.files[0])
    assert torrent._steering is not None
    async with torrent.open(torrent.files[0]):
        now = 10 * GHOST_AFTER
        torrent.on_second()
        await asyncio.sleep(0)

        assert torrent._steering.deadlines == {0}
