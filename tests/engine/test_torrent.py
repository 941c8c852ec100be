"""Damage on disk, what is downloaded and what not, and the pace."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, cast
from unittest.mock import Mock

import pytest

from custom_components.torrent_cast.engine import Engine, StorageError, Torrent, TorrentGone, Viewer, scheduler, supply
from custom_components.torrent_cast.engine.peers import is_forgetful
from custom_components.torrent_cast.engine.scheduler import BASE_PRIORITY, BESIDE_PRIORITY, HEAD_PRIORITY
from custom_components.torrent_cast.engine.selection import first_priorities
from custom_components.torrent_cast.engine.supply import Statistics
from tests.engine.conftest import KIB, PIECE, Seed, Seeders, StartEngine, add, noise, read_all, soon, until, write
from tests.rig.torrents import make_torrent

if TYPE_CHECKING:
    import libtorrent as lt

DATA = noise(20 * PIECE + 99)
SLOW = 128 * KIB


@pytest.fixture
def seed(seeders: Seeders, tmp_path: Path) -> Seed:
    """Return a seeded film."""
    return seeders.seed(write(tmp_path / "film.mkv", DATA))


async def complete(start_engine: StartEngine, seed: Seed) -> Path:
    """Return the complete file on disk; no engine runs any more."""
    engine = await start_engine()
    torrent = await add(engine, seed.magnet)
    torrent.select(torrent.files[0])
    await read_all(torrent)
    await soon(engine.stop())
    return torrent.folder / "files" / "film.mkv"


def spoil(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(5 * PIECE + 7)
        file.write(bytes(100))


def truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(7 * PIECE + 5)


async def test_who_has_taken_nothing_has_given_no_more_than_there_was(engine: Engine, seed: Seed) -> None:
    write(engine.directory / seed.key / "files" / "film.mkv", DATA)
    torrent = await add(engine, seed.metainfo.metainfo)
    await soon(torrent.wait_for_range(torrent.files[0], 0, len(DATA)))

    torrent.supply.statistics = Statistics(uploaded=len(DATA) // 2)

    assert torrent.share_ratio == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("damage", [spoil, truncate, Path.unlink])
async def test_a_file_that_was_damaged_meanwhile_is_mended(
    start_engine: StartEngine, seed: Seed, damage: Callable[[Path], None]
) -> None:
    path = await complete(start_engine, seed)
    damage(path)

    engine = await start_engine()
    torrent = await add(engine, seed.magnet)
    torrent.select(torrent.files[0])

    assert await read_all(torrent) == DATA
    await soon(engine.stop())
    assert path.read_bytes() == DATA


async def test_several_readers_at_a_damaged_place_have_the_right_bytes(start_engine: StartEngine, seed: Seed) -> None:
    path = await complete(start_engine, seed)
    path.write_bytes(bytes(len(DATA)))

    engine = await start_engine()
    torrent = await add(engine, seed.magnet)
    torrent.select(torrent.files[0])

    assert await asyncio.gather(*(read_all(torrent) for _ in range(3))) == [DATA] * 3


async def spoiled_and_paused(start_engine: StartEngine, seed: Seed) -> Torrent:
    """Return a torrent that somebody has paused, with a piece that is wrong on disk and held to be right."""
    spoil(await complete(start_engine, seed))
    torrent = await add(await start_engine(), seed.magnet)
    torrent.select(torrent.files[0])
    await until(lambda: not torrent.missing_bytes(torrent.files[0]))
    torrent.halt(halts=True)
    return torrent


async def test_what_is_wrong_on_disk_while_the_torrent_is_paused_is_mended_when_it_goes_on(
    start_engine: StartEngine, seed: Seed
) -> None:
    torrent = await spoiled_and_paused(start_engine, seed)
    reading = asyncio.create_task(read_all(torrent))
    await until(lambda: torrent.missing_bytes(torrent.files[0]))  # a check is over in a moment

    torrent.halt(halts=False)

    assert await reading == DATA


async def test_a_torrent_that_is_paused_stays_so_when_its_files_are_checked_and_what_is_right_can_be_read(
    start_engine: StartEngine, seed: Seed, libtorrent: ModuleType
) -> None:
    torrent = await spoiled_and_paused(start_engine, seed)
    file = torrent.files[0]
    assert torrent.handle is not None

    async with torrent.open(file, 4 * PIECE) as reader, torrent.open(file, 6 * PIECE) as behind:
        reading = asyncio.create_task(reader.read_exactly(2 * PIECE))
        await until(lambda: torrent.missing_bytes(torrent.files[0]))  # a check is over in a moment

        assert await soon(behind.read_exactly(file.size)) == DATA[6 * PIECE :]
        assert torrent.missing_bytes(file) == PIECE
        assert torrent.handle.flags() & libtorrent.torrent_flags.paused
        torrent.halt(halts=False)
        assert await soon(reading) == DATA[4 * PIECE : 6 * PIECE]


async def test_while_libtorrent_checks_files_for_the_first_time_the_torrent_says_so(engine: Engine, seed: Seed) -> None:
    source = await engine.parse(seed.metainfo.metainfo)
    write(engine.directory / seed.key / "files" / "film.mkv", DATA)
    session = engine._open_session()
    session.pause()  # or it would be done at once

    torrent = await soon(engine.add(source))

    await until(lambda: torrent.is_checking)
    session.resume()
    await until(lambda: not torrent.is_checking)
    assert await read_all(torrent) == DATA


async def test_a_disk_that_keeps_lying_is_given_up(engine: Engine, seed: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    torrent = await add(engine, seed.magnet)
    torrent.select(torrent.files[0])
    await torrent.wait_for_range(torrent.files[0], 0, len(DATA))
    assert torrent._pieces is not None
    monkeypatch.setattr(torrent._pieces, "matches", lambda _piece, _data: False)

    with pytest.raises(StorageError) as error:
        await read_all(torrent)

    assert error.value.reason == "unreadable_piece"
    assert torrent.failed
    with pytest.raises(StorageError):
        await torrent.wait_for_range(torrent.files[0], 0, 1)


async def test_the_first_error_is_the_one_that_counts(engine: Engine, seed: Seed) -> None:
    torrent = await add(engine, seed.magnet)
    torrent.fail(StorageError("disk_error", error="full"))
    torrent.fail(TorrentGone("torrent_gone"))

    with pytest.raises(StorageError):
        await torrent.metadata(1)
    with pytest.raises(StorageError):
        await read_all(torrent)


async def test_of_a_file_that_is_not_selected_only_the_shared_piece_is_downloaded(
    engine: Engine, seeders: Seeders, tmp_path: Path
) -> None:
    for name in ("a.mkv", "b.txt", "c.txt"):
        write(tmp_path / "films" / name, noise(4 * PIECE + PIECE // 2))
    seed = seeders.seed(tmp_path / "films")
    torrent = await add(engine, seed.metainfo.metainfo)
    video = next(file for file in torrent.files if file.is_video)
    torrent.select(video)
    assert torrent.handle is not None
    torrent.handle.connect_peer((seed.address, seed.port))

    await soon(torrent.wait_for_range(video, 0, video.size))
    handle = torrent.handle
    assert handle is not None
    await until(lambda: handle.status().is_finished)

    there = {piece for piece in range(len(torrent._have.pieces)) if torrent.has(piece)}
    assert there == set(torrent.pieces(video))


async def test_another_file_can_be_read_where_the_film_is_complete_and_not_to_be_shared(
    engine: Engine, seeders: Seeders, tmp_path: Path
) -> None:
    for name in ("a.mkv", "b.srt"):
        write(tmp_path / "films" / name, noise(16 * PIECE))
    torrent = await add(engine, seeders.seed(tmp_path / "films", upload=SLOW).magnet)
    video, text = sorted(torrent.files, key=lambda file: not file.is_video)
    torrent.share_when_complete(shares=False)
    torrent.select(video)
    await soon(torrent.wait_for_range(video, 0, video.size))
    handle = torrent.handle
    assert handle is not None
    await until(lambda: handle.flags() & engine.libtorrent.torrent_flags.paused)
    assert torrent.missing_bytes(text) > PIECE

    async with torrent.open(text) as reader:
        assert await soon(reader.read_exactly(text.size)) == noise(16 * PIECE)

    await until(lambda: handle.flags() & engine.libtorrent.torrent_flags.paused)


async def test_a_look_into_another_file_does_not_select_it(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    for name in ("a.mkv", "b.txt"):
        write(tmp_path / "films" / name, noise(16 * PIECE))
    torrent = await add(engine, seeders.seed(tmp_path / "films", upload=SLOW).magnet)
    video, text = sorted(torrent.files, key=lambda file: not file.is_video)
    torrent.select(video)
    assert torrent.handle is not None

    await soon(torrent.wait_for_range(text, 0, 1))
    await asyncio.sleep(0)  # what the reader asked for is taken back

    priorities = torrent.handle.get_piece_priorities()
    missing = [piece for piece in torrent.pieces(text) if not torrent.has(piece)]
    assert missing
    assert {priorities[piece] for piece in missing} == {0}
    assert all(priorities[piece] for piece in torrent.pieces(video) if not torrent.has(piece))


async def test_a_file_selected_twice_is_wanted_until_it_is_deselected_twice(engine: Engine, tmp_path: Path) -> None:
    for name in ("a.mkv", "b.mkv"):
        write(tmp_path / "films" / name, noise(4 * PIECE))
    torrent = await add(engine, make_torrent(tmp_path / "films", PIECE).metainfo)
    first, second = torrent.files
    handle = torrent.handle
    assert handle is not None
    torrent.select(second)
    wanted = []

    for step in (torrent.select, torrent.select, torrent.deselect, torrent.deselect):
        step(first)
        wanted.append(handle.get_piece_priorities()[0])
    torrent.deselect(second)

    assert wanted == [2, 2, 2, 0]
    assert handle.get_piece_priorities() == [0] * 4 + [2, 1, 1, 1]  # the peers stay


async def test_a_small_file_beside_comes_with_the_film_and_is_let_go(
    engine: Engine, seeders: Seeders, tmp_path: Path
) -> None:
    for name, size in (("a.jpg", 3), ("b.mkv", 16), ("c.jpg", 3)):
        write(tmp_path / "films" / name, noise(size * PIECE))
    torrent = await add(engine, seeders.seed(tmp_path / "films", upload=SLOW).magnet)
    first, film, last = torrent.files
    assert torrent.handle is not None
    torrent.select(film)

    with torrent.beside(first), torrent.beside(last):
        inside = torrent.handle.get_piece_priorities()
        for piece in torrent.pieces(last):
            await soon(torrent.wait_for_piece(piece))
    with torrent.beside(first):
        pass

    assert {inside[piece] for piece in torrent.pieces(last)} == {BESIDE_PRIORITY}
    priorities = torrent.handle.get_piece_priorities()
    assert {priorities[piece] for piece in torrent.pieces(first) if not torrent.has(piece)} <= {0}
    assert torrent.missing_bytes(film), "they came before the rest of it"


async def test_before_anybody_has_chosen_the_film_begins_first(engine: Engine, tmp_path: Path) -> None:
    write(tmp_path / "films" / "sample.mkv", noise(2 * PIECE))
    write(tmp_path / "films" / "film.mkv", noise(4 * PIECE))
    torrent = await add(engine, make_torrent(tmp_path / "films", PIECE).metainfo)
    film = next(file for file in torrent.files if file.name == "film.mkv")

    priorities = first_priorities(torrent.info)

    head = torrent.pieces(film).start
    assert [piece for piece, priority in enumerate(priorities) if priority == HEAD_PRIORITY] == [head]
    assert min(priorities) == BASE_PRIORITY  # or there could be nothing wanted, and seeds would hang up


async def test_a_film_of_no_bytes_does_not_begin_anywhere(engine: Engine, tmp_path: Path) -> None:
    write(tmp_path / "films" / "a.txt", noise(PIECE))
    write(tmp_path / "films" / "film.mkv", b"")

    torrent = await add(engine, make_torrent(tmp_path / "films", PIECE).metainfo)

    assert first_priorities(torrent.info) == bytes([BASE_PRIORITY])


async def test_between_metadata_and_choice_the_peers_stay(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    seed = seeders.seed(write(tmp_path / "film.mkv", noise(160 * PIECE)), upload=SLOW)
    torrent = await add(engine, seed.magnet)
    assert torrent.handle is not None

    status = torrent.handle.status()

    assert not status.is_finished  # or it would count as one that only uploads, and seeds would hang up
    priorities = torrent.handle.get_piece_priorities()
    assert priorities.count(0) == 160 - 64  # 4 MiB are wanted


async def test_for_who_gets_nothing_it_is_counted_whom_to_connect_to(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.torrent_cast.engine.starvation.STARVED_AFTER", 0.0)
    torrent = await add(engine, make_torrent(write(tmp_path / "film.mkv", DATA), PIECE).metainfo)
    counted = asyncio.Event()
    monkeypatch.setattr(engine, "count_candidates", counted.set)

    reading = asyncio.create_task(read_all(torrent))

    await soon(counted.wait())
    reading.cancel()


async def test_who_waits_for_a_torrent_that_is_paused_has_nobody_asked_or_counted(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torrent = await add(engine, make_torrent(write(tmp_path / "film.mkv", DATA), PIECE).metainfo)
    reading = asyncio.create_task(read_all(torrent))
    await until(lambda: torrent._have.is_awaited)
    torrent.halt(halts=True)
    now = asyncio.get_running_loop().time()
    monkeypatch.setattr(torrent.supply, "_clock", lambda: now)
    handle = torrent._handle = Mock(wraps=torrent.handle)
    monkeypatch.setattr(engine, "count_candidates", counted := Mock())

    for _ in range(60):
        now += 1
        torrent.on_second()

    handle.force_reannounce.assert_not_called()
    handle.force_dht_announce.assert_not_called()
    counted.assert_not_called()
    reading.cancel()


@pytest.mark.parametrize("client", [b"Transmission 3.00", b"WebTorrent 0.2.0.8", b"WW 0.1.0.9", "WD 0.2.4"])
def test_who_drops_cancelled_requests_is_known_by_name(client: str | bytes) -> None:
    assert is_forgetful(cast("lt.peer_info", SimpleNamespace(client=client)))


def test_others_are_not_taken_for_who_drops_cancelled_requests() -> None:
    assert not is_forgetful(cast("lt.peer_info", SimpleNamespace(client=b"libtorrent/2.0.11")))


async def test_who_sent_the_metadata_is_looked_at_before_anybody_can_jump(
    engine: Engine, seed: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.torrent_cast.engine.engine.is_forgetful", lambda _peer: True)

    torrent = await add(engine, seed.magnet)

    assert not torrent.supply.cancels


async def test_who_sent_the_first_piece_is_looked_at_before_anybody_can_jump(
    engine: Engine, seed: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.torrent_cast.engine.engine.is_forgetful", lambda _peer: True)
    torrent = await add(engine, seed.metainfo.metainfo)
    await add(engine, seed.magnet)  # whom to ask

    async with torrent.open(torrent.files[0]) as reader:
        await soon(reader.read(1))

    assert not torrent.supply.cancels


async def test_what_is_there_is_told_in_ranges(engine: Engine, seed: Seed) -> None:
    torrent = await add(engine, seed.magnet)
    file = torrent.files[0]
    torrent._have.pieces[:] = bytes(len(torrent._have.pieces))
    for piece in (0, 1, 5, 20):
        torrent._have.pieces[piece] = 1

    assert list(torrent.verified(file)) == [(0, 2 * PIECE), (5 * PIECE, 6 * PIECE), (20 * PIECE, len(DATA))]
    assert torrent.missing_bytes(file) == 17 * PIECE


async def test_the_cache_is_bounded_and_emptied(engine: Engine, seed: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custom_components.torrent_cast.engine.pieces.CACHE_BYTES", 2 * PIECE)
    torrent = await add(engine, seed.magnet)
    assert torrent._pieces is not None
    cache = torrent._pieces._cache

    async with torrent.open(torrent.files[0]) as reader:
        await soon(reader.read_exactly(6 * PIECE))
        assert len(cache) == 2
    assert len(cache) == 0
    readers = [torrent.open(torrent.files[0]) for _ in range(3)]
    for reader in readers:
        await reader.__aenter__()
    assert cache.get_size() == 3  # each keeps the piece it is in
    for reader in readers:
        await reader.__aexit__(None, None, None)


def limit(torrent: Torrent) -> int:
    assert torrent._steering is not None
    return torrent._steering.limit


async def test_with_enough_in_hand_the_download_keeps_to_the_films_pace_until_a_seek(
    engine: Engine, seeders: Seeders, tmp_path: Path
) -> None:
    seed = seeders.seed(write(tmp_path / "film.mkv", noise(160 * PIECE)), upload=8 * SLOW)
    torrent = await add(engine, seed.magnet)
    torrent.select(torrent.files[0])
    assert torrent.handle is not None
    viewer = Viewer(8 * KIB)

    async with torrent.open(torrent.files[0], viewer=viewer) as reader:
        assert limit(torrent) == 0
        await until(lambda: limit(torrent))
        assert torrent.handle.download_limit() == limit(torrent)
        reader.seek(150 * PIECE)
        await asyncio.sleep(0)
        assert limit(torrent) == 0
        reader.seek(0)
        await asyncio.sleep(0)
        assert limit(torrent)
        torrent.hurry(hurries=True)
        await asyncio.sleep(0)
        assert limit(torrent) == 0
        torrent.hurry(hurries=False)
        await asyncio.sleep(0)
        assert limit(torrent)


@pytest.fixture
async def two_films(engine: Engine, seeders: Seeders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Torrent:
    """Return a torrent of two films that come in slowly, and of which little is enough."""
    monkeypatch.setattr(scheduler, "PACE_FLOOR", 0)
    for name in ("heavy.mkv", "light.mkv"):
        write(tmp_path / "films" / name, noise(160 * PIECE, len(name)))
    torrent = await add(engine, seeders.seed(tmp_path / "films", upload=8 * SLOW).magnet)
    for file in torrent.files:
        torrent.select(file)
    return torrent


HEAVY, LIGHT = Viewer(64 * KIB), Viewer(8 * KIB)  # the enough of the light one is a fifth of the other's
BOTH = (64 + 8) * KIB


def limit_for(bitrate: float) -> int:
    return round(bitrate * scheduler.PACE_FACTOR)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_of_two_films_of_one_torrent_each_has_enough_before_it_is_slowed_down(
    two_films: Torrent, order: tuple[int, int]
) -> None:
    heavy, light = two_films.files
    places = two_films.cursor(heavy, viewer=HEAVY), two_films.cursor(light, viewer=LIGHT)

    async with places[order[0]], places[order[1]]:
        await until(lambda: limit(two_films))
        assert places[0].in_hand >= scheduler.ENOUGH_SECONDS * 64 * KIB
        assert places[1].in_hand >= scheduler.ENOUGH_PIECES * PIECE
        assert limit(two_films) == limit_for(BOTH)

        places[0].seek(150 * PIECE)
        await asyncio.sleep(0)
        assert limit(two_films) == 0


async def test_the_pace_goes_with_those_who_play(two_films: Torrent, monkeypatch: pytest.MonkeyPatch) -> None:
    heavy, light = two_films.files
    async with two_films.cursor(light, viewer=LIGHT):
        async with two_films.cursor(heavy, viewer=HEAVY):
            await until(lambda: limit(two_films) == limit_for(BOTH))
        await asyncio.sleep(0)
        assert limit(two_films) == limit_for(8 * KIB)
    await asyncio.sleep(0)
    assert limit(two_films) == limit_for(8 * KIB)  # it may be between two connections

    monkeypatch.setattr(supply, "BETWEEN_CONNECTIONS", 0)  # as if it had been away for so long
    await until(lambda: not limit(two_films))

    assert two_films.missing_bytes(heavy)


async def test_what_is_far_ahead_of_one_viewer_may_be_what_another_plays_next(two_films: Torrent) -> None:
    film = two_films.files[0]
    async with two_films.cursor(film, viewer=LIGHT), two_films.open(film, 3 * PIECE, viewer=LIGHT):
        await until(lambda: limit(two_films))  # although its own reader waits at the end of what is there

        async with two_films.open(film, 3 * PIECE, viewer=Viewer(1024 * KIB)):
            await asyncio.sleep(0)
            assert limit(two_films) == 0


async def test_what_comes_in_is_for_those_who_miss_something(two_films: Torrent) -> None:
    heavy, light = two_films.files
    two_films.supply.statistics = Statistics(download_rate=900)
    async with two_films.cursor(heavy, viewer=HEAVY), two_films.cursor(light, viewer=LIGHT) as other:
        assert two_films.rate_for(HEAVY) == pytest.approx(800)
        assert two_films.rate_for(LIGHT) == pytest.approx(100)
        other.seek(light.size)
        assert two_films.rate_for(HEAVY) == 900
