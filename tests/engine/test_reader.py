"""What comes out of a reader is what the seeder has, whatever happens on the way."""

import asyncio
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from custom_components.torrent_cast.engine import TorrentGone
from tests.engine.conftest import KIB, PIECE, Seeders, add, noise, read_all, soon, until, write

if TYPE_CHECKING:
    from custom_components.torrent_cast.engine import Engine

SLOW = 128 * KIB  # bytes/s; a file of a megabyte is not there at once


async def test_a_whole_file_has_the_right_bytes(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    data = noise(40 * PIECE + 4321)
    torrent = await add(engine, seeders.seed(write(tmp_path / "film.mkv", data)).magnet)

    assert await read_all(torrent) == data


async def test_a_file_in_the_midst_of_others_has_the_right_bytes(
    engine: Engine, seeders: Seeders, tmp_path: Path
) -> None:
    folder = tmp_path / "films"
    data = {name: noise(size, size) for name, size in (("a", 3 * PIECE + 7), ("b", 5 * PIECE - 3), ("c", 1), ("d", 99))}
    for name, content in data.items():
        write(folder / name, content)
    torrent = await add(engine, seeders.seed(folder).magnet)

    for file in torrent.files:
        assert await read_all(torrent, file.index) == data[file.name]


async def test_fifty_seeks_have_the_right_bytes(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    data = noise(60 * PIECE + 17)
    torrent = await add(engine, seeders.seed(write(tmp_path / "film.mkv", data)).magnet)
    torrent.select(torrent.files[0])
    chance = random.Random(50)

    async with torrent.open(torrent.files[0]) as reader:
        for _ in range(50):
            position, size = chance.randrange(len(data)), chance.randrange(1, 3 * PIECE)
            reader.seek(position)
            assert await soon(reader.read_exactly(size)) == data[position : position + size]


async def test_several_readers_at_once_have_the_right_bytes(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    data = noise(40 * PIECE)
    torrent = await add(engine, seeders.seed(write(tmp_path / "film.mkv", data)).magnet)

    async def read(start: int) -> bytes:
        async with torrent.open(torrent.files[0], start, start + 9 * PIECE) as reader:
            return await soon(reader.read_exactly(len(data)))

    starts = [0, 30 * PIECE, 5 * PIECE + 1, 17 * PIECE]
    parts = await asyncio.gather(*map(read, starts))

    assert parts == [data[start : start + 9 * PIECE] for start in starts]


async def test_a_read_at_the_end_is_empty(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    torrent = await add(engine, seeders.seed(write(tmp_path / "film.mkv", noise(PIECE + 1))).magnet)

    async with torrent.open(torrent.files[0]) as reader:
        reader.seek(PIECE)
        assert len(await soon(reader.read(100))) == 1
        assert await reader.read(100) == b""
        reader.seek(10 * PIECE)
        assert await reader.read(100) == b""


async def test_a_negative_position_is_refused(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    write(tmp_path / "films" / "a", noise(PIECE))
    write(tmp_path / "films" / "b", noise(PIECE, 1))
    torrent = await add(engine, seeders.seed(tmp_path / "films").magnet)

    async with torrent.open(torrent.files[1]) as reader:
        with pytest.raises(ValueError, match="negative"):
            reader.seek(-1)
    with pytest.raises(ValueError, match="negative"):
        torrent.open(torrent.files[1], -1)


async def test_a_cancelled_reader_frees_its_deadlines(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    seed = seeders.seed(write(tmp_path / "film.mkv", noise(40 * PIECE)), upload=SLOW)
    torrent = await add(engine, seed.magnet)

    async def read() -> None:
        async with torrent.open(torrent.files[0]) as reader:
            reader.seek(20 * PIECE)
            await reader.read_exactly(20 * PIECE)

    task = asyncio.create_task(read())
    await until(lambda: torrent._steering is not None and torrent._steering.deadlines)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)

    assert torrent._steering is not None
    assert not torrent._steering.deadlines
    assert not torrent._have.is_awaited
    assert not torrent._readers


async def test_two_readers_share_a_piece(
    engine: Engine, seeders: Seeders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = noise(2 * PIECE)
    torrent = await add(engine, seeders.seed(write(tmp_path / "film.mkv", data)).magnet)
    asked: list[int] = []
    handle = torrent.handle
    assert handle is not None
    read_piece = type(handle).read_piece

    def ask(self: object, piece: int) -> None:
        asked.append(piece)
        read_piece(self, piece)  # type: ignore[arg-type]  # as libtorrent would call it

    monkeypatch.setattr(type(handle), "read_piece", ask)

    both = await asyncio.gather(read_all(torrent), read_all(torrent))

    assert set(both) == {data}
    assert asked == [0, 1]


async def test_a_reader_that_waits_ends_when_the_engine_stops(
    engine: Engine, seeders: Seeders, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seed = seeders.seed(write(tmp_path / "film.mkv", noise(40 * PIECE)), upload=SLOW)
    torrent = await add(engine, seed.magnet)
    reading = asyncio.create_task(read_all(torrent))
    waiting = asyncio.create_task(torrent.wait_for_range(torrent.files[0], 30 * PIECE, 40 * PIECE))
    await until(lambda: torrent._have.is_awaited)

    await soon(engine.stop())

    for task in (reading, waiting):
        with pytest.raises(TorrentGone):
            await task
    assert not caplog.records


async def test_a_reader_that_waits_ends_when_the_torrent_is_removed(
    engine: Engine, seeders: Seeders, tmp_path: Path
) -> None:
    seed = seeders.seed(write(tmp_path / "film.mkv", noise(40 * PIECE)), upload=SLOW)
    torrent = await add(engine, seed.magnet)
    reading = asyncio.create_task(read_all(torrent))
    await until(lambda: torrent._have.is_awaited)

    await soon(engine.remove(torrent, delete_files=True))

    with pytest.raises(TorrentGone):
        await reading
    torrent.select(torrent.files[0])  # whoever has not noticed yet does no harm
    torrent.deselect(torrent.files[0])


async def test_a_range_is_waited_for_to_its_end(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    data = noise(30 * PIECE)
    torrent = await add(engine, seeders.seed(write(tmp_path / "film.mkv", data)).magnet)

    await soon(torrent.wait_for_range(torrent.files[0], 20 * PIECE + 5, 25 * PIECE))

    assert all(torrent.has(piece) for piece in range(20, 25))


async def test_zeros_from_a_corrupt_seeder_never_come_out(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    data = noise(20 * PIECE)
    good = seeders.seed(write(tmp_path / "film.mkv", data), upload=10 * SLOW)
    write(tmp_path / "zeros" / "film.mkv", bytes(len(data)))
    bad = seeders.share(good.metainfo, tmp_path / "zeros", address="127.0.0.2")
    torrent = await add(engine, f"{bad.magnet}&x.pe={good.address}:{good.port}")

    assert await read_all(torrent) == data


async def test_nothing_comes_out_of_a_swarm_that_has_only_zeros(
    engine: Engine, seeders: Seeders, tmp_path: Path
) -> None:
    metainfo = seeders.seed(write(tmp_path / "film.mkv", noise(4 * PIECE)), address="127.0.0.3").metainfo
    write(tmp_path / "zeros" / "film.mkv", bytes(4 * PIECE))
    bad = seeders.share(metainfo, tmp_path / "zeros")
    torrent = await add(engine, bad.magnet)
    reading = asyncio.create_task(read_all(torrent))

    await until(lambda: bad.handle.status().total_payload_upload >= PIECE)
    await asyncio.wait([reading], timeout=0.2)

    assert not reading.done()
    assert not any(torrent.has(piece) for piece in range(4))
    reading.cancel()
