"""Several readers share what comes in: each goes on, none waits for the others to be done."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from custom_components.torrent_cast.engine import Cursor, Engine, Reader, Torrent, lies
from custom_components.torrent_cast.engine.scheduler import BASE_PRIORITY, HEAD_PRIORITY, RAMP
from tests.engine.conftest import PIECE, Seeders, add, noise, soon, until, write
from tests.rig.torrents import MIB, make_torrent

UPLINK: Final = 1 * MIB  # of all seeds together, bytes/s: what a test reads takes some seconds
PIECES: Final = 24  # that the quickest of several readers reads
GAP: Final = 60  # pieces between readers of one file, more than the quickest reads
# Of what came for the best served reader, each other one has so much at least.
SHARE: Final = 1 / 3


async def read_on(readers: Sequence[Reader]) -> tuple[list[int], list[int]]:
    """Read with all until one has read `PIECES` pieces.

    Return how many pieces each has read, and how many of the `GAP` pieces from its place on are there.
    """
    starts = [reader.position for reader in readers]
    reading = [asyncio.create_task(reader.read_exactly(PIECES * PIECE)) for reader in readers]
    await soon(asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED))
    for task in reading:
        task.cancel()
    await asyncio.wait(reading)
    return (
        [(reader.position - start) // PIECE for reader, start in zip(readers, starts, strict=True)],
        [fetched(reader, start) for reader, start in zip(readers, starts, strict=True)],
    )


def fetched(reader: Cursor, start: int) -> int:
    """Return how many of the `GAP` pieces from byte `start` on are there."""
    torrent = reader._torrent
    return sum(torrent.has(piece) for piece in torrent.pieces(reader.file, start, start + GAP * PIECE))


def missing(torrent: Torrent) -> dict[int, int]:
    """Return libtorrent's own priority of each piece that is not there."""
    handle: Any = torrent.handle
    return {piece: priority for piece, priority in enumerate(handle.get_piece_priorities()) if not torrent.has(piece)}


def assert_fair(read: Sequence[int], there: Sequence[int]) -> None:
    """See that everybody went on, and that nobody was sent far less than the others."""
    assert min(read) > 0
    assert min(there) >= SHARE * max(there)


@pytest.mark.parametrize("places", [(0, GAP), (GAP, 0), (0, GAP, 2 * GAP)])
async def test_readers_far_apart_in_one_file_all_go_on(
    engine: Engine, seeders: Seeders, tmp_path: Path, places: tuple[int, ...]
) -> None:
    seed = seeders.seed(write(tmp_path / "film.mkv", noise(3 * GAP * PIECE)), upload=UPLINK)
    torrent = await add(engine, seed.magnet)
    (film,) = torrent.files
    torrent.select(film)

    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(torrent.open(film, place * PIECE)) for place in places]
        assert_fair(*await read_on(readers))


async def test_readers_of_two_files_of_one_torrent_both_go_on(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    for number, name in enumerate(("S01E01.mkv", "S01E02.mkv")):
        write(tmp_path / "show" / name, noise(GAP * PIECE, number))
    torrent = await add(engine, seeders.seed(tmp_path / "show", upload=UPLINK).magnet)

    async with AsyncExitStack() as stack:
        for file in torrent.files:
            torrent.select(file)
        readers = [await stack.enter_async_context(torrent.open(file)) for file in torrent.files]
        assert_fair(*await read_on(readers))


async def test_two_playheads_in_one_file_both_have_their_windows_filled(
    engine: Engine, seeders: Seeders, tmp_path: Path
) -> None:
    seed = seeders.seed(write(tmp_path / "film.mkv", noise(3 * GAP * PIECE)), upload=UPLINK)
    torrent = await add(engine, seed.magnet)
    (film,) = torrent.files
    torrent.select(film)

    async with torrent.cursor(film) as first, torrent.cursor(film, GAP * PIECE) as second:
        await until(lambda: max(fetched(first, 0), fetched(second, GAP * PIECE)) >= 2 * PIECES)
        there = fetched(first, 0), fetched(second, GAP * PIECE)
        assert min(there) >= SHARE * max(there)
        await until(lambda: min(first.in_hand, second.in_hand) >= GAP * PIECE)

        assert fetched(second, 2 * GAP * PIECE) < GAP / 2  # where nobody is


async def test_a_playhead_that_jumps_takes_nothing_from_the_other(engine: Engine, tmp_path: Path) -> None:
    metainfo = make_torrent(write(tmp_path / "film.mkv", noise(3 * GAP * PIECE)), PIECE)
    torrent = await add(engine, metainfo.metainfo)
    (film,) = torrent.files
    torrent.select(film)
    top = RAMP[0][1]

    async with torrent.cursor(film, 0) as first, torrent.cursor(film, GAP * PIECE):
        await until(lambda: missing(torrent)[1] > top)
        before = missing(torrent)
        first.seek(2 * GAP * PIECE)
        await until(lambda: missing(torrent)[2 * GAP + 1] > top)
        after = missing(torrent)

    assert all(after[piece] >= before[piece] for piece in range(GAP, 3 * GAP))
    assert all(after[piece] <= HEAD_PRIORITY for piece in range(GAP))


async def test_three_torrents_at_one_uplink_all_go_on(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    contents = [write(tmp_path / f"film {number}.mkv", noise(GAP * PIECE, number)) for number in range(3)]
    seeders.share_uplink(UPLINK)
    torrents = await asyncio.gather(*(add(engine, seeders.seed(content).magnet) for content in contents))

    async with AsyncExitStack() as stack:
        for torrent in torrents:
            torrent.select(torrent.files[0])
        readers = [await stack.enter_async_context(torrent.open(torrent.files[0])) for torrent in torrents]
        assert_fair(*await read_on(readers))


async def test_a_reader_that_stops_leaves_all_to_the_other(
    engine: Engine, seeders: Seeders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lies, "RIGHT_AT_FIRST", 3 * GAP)  # blocks are told of to the end
    asked: set[int] = set()
    engine._handlers[engine._lt.block_downloading_alert] = lambda alert: asked.add(alert.piece_index)
    seed = seeders.seed(write(tmp_path / "film.mkv", noise(3 * GAP * PIECE)), upload=UPLINK)
    torrent = await add(engine, seed.magnet)
    (film,) = torrent.files
    torrent.select(film)
    assert torrent._steering is not None
    assert engine._pump is not None

    async with torrent.open(film, GAP * PIECE) as stays:
        async with torrent.open(film) as stops:
            await read_on([stays, stops])
        await until(
            lambda: all(priority == BASE_PRIORITY for piece, priority in missing(torrent).items() if piece < GAP)
        )
        assert all(piece >= GAP for piece in torrent._steering.deadlines)
        engine._pump.run()
        assert min(asked) < GAP
        asked.clear()
        handle: Any = torrent.handle
        begun = {partial["piece_index"] for partial in handle.get_download_queue()}
        reading = asyncio.create_task(stays.read_exactly(GAP * PIECE))
        await until(lambda: len(asked - begun) >= PIECES)
        reading.cancel()

    # What was asked for at its place still comes, cancelled or not, and libtorrent completes what is begun.
    assert min(asked - begun) >= GAP


async def test_what_is_wanted_above_the_rest_is_bounded_however_many_read(engine: Engine, tmp_path: Path) -> None:
    content = tmp_path / "long.mkv"
    with content.open("wb") as file:
        file.truncate(400 * MIB)
    metainfo = await asyncio.to_thread(make_torrent, content, MIB)
    torrent = await add(engine, metainfo.metainfo)
    (film,) = torrent.files
    torrent.select(film)

    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(torrent.open(film, place * 100 * MIB)) for place in range(4)]
        await until(lambda: max(missing(torrent).values()) > HEAD_PRIORITY)
        wanted = sum(priority > BASE_PRIORITY for priority in missing(torrent).values())
        assert wanted * torrent.piece_length <= len(readers) * RAMP[-1][0]
    await until(lambda: all(priority == BASE_PRIORITY for piece, priority in missing(torrent).items() if piece))
