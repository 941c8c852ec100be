"""Who is found out by comparing blocks: who differs from all others, and nobody who was lied about."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Final
from unittest.mock import Mock

import pytest

from custom_components.torrent_cast.engine.comparison import Comparison, OnDisk
from custom_components.torrent_cast.engine.evidence import BLOCK, Endpoint
from custom_components.torrent_cast.engine.files import files_of
from custom_components.torrent_cast.engine.lies import Lies, Peers
from custom_components.torrent_cast.engine.storage import files_folder
from tests.basics import until
from tests.engine.conftest import PIECE, noise, write
from tests.rig.torrents import make_torrent

A, B, C, D, E = ((f"10.0.0.{number}", number) for number in range(1, 6))
BLOCKS: Final = PIECE // BLOCK
DATA: Final = noise(2 * PIECE)
# Two attempts at a piece in which A sends wrong blocks, the first half and then the third block.
FIRST: Final = {0: (A, b"x"), 1: (A, b"x"), 2: (B, b"."), 3: (C, b".")}
SECOND: Final = {0: (B, b"."), 1: (C, b"."), 2: (A, b"x"), 3: (B, b".")}
# The first of two files ends in the middle of a block.
CUT: Final = BLOCK + 99


class Disk:
    """Two files as a download leaves them, and what compares their blocks."""

    def __init__(self, libtorrent: ModuleType, tmp_path: Path) -> None:
        content = tmp_path / "content" / "films"
        write(content / "one.mkv", DATA[:CUT])
        write(content / "two.mkv", DATA[CUT:])
        self.info = info = libtorrent.load_torrent_buffer(make_torrent(content, PIECE).metainfo).ti
        self.files = files_of(info)
        self.folder = tmp_path / "torrent"
        self._data = bytearray(len(DATA))
        self.put(0, {})
        self.comparison = Comparison(OnDisk(info, self.folder), asyncio.to_thread)

    def put(self, piece: int, blocks: Mapping[int, bytes]) -> None:
        """Write blocks of a piece, each one byte over and over."""
        for block, value in blocks.items():
            start = piece * PIECE + block * BLOCK
            self._data[start : start + BLOCK] = value * BLOCK
        for file in self.files:
            write(files_folder(self.folder) / file.path, bytes(self._data[file.offset : file.offset + file.size]))

    async def see(self, piece: int, wrong: Mapping[int, tuple[Endpoint, bytes]]) -> None:
        """Have a piece be wrong that these sent."""
        self.put(piece, {block: value for block, (_, value) in wrong.items()})
        senders = {block: sender for block, (sender, _) in wrong.items()}
        digests = await self.comparison.read(piece, senders)
        self.comparison.compare(piece, senders, digests)
        self.comparison.remember(piece, senders, digests)


@pytest.fixture
def disk(libtorrent: ModuleType, tmp_path: Path) -> Disk:
    """Return a disk with nothing on it."""
    return Disk(libtorrent, tmp_path)


async def test_who_differs_from_all_others_lies(disk: Disk) -> None:
    await disk.see(0, FIRST)
    assert disk.comparison.liar is None

    await disk.see(0, SECOND)

    assert disk.comparison.liar == A


async def test_blocks_are_compared_as_they_come(disk: Disk) -> None:
    await disk.see(1, FIRST)

    disk.put(1, {0: b".", 1: b"."})
    disk.comparison.compare(1, {0: B}, await disk.comparison.read(1, {0}))
    assert disk.comparison.liar is None
    disk.comparison.compare(1, {0: B, 1: C}, await disk.comparison.read(1, {0, 1}))

    assert disk.comparison.liar == A


async def test_of_two_none_can_be_told_from_the_other(disk: Disk) -> None:
    await disk.see(0, {0: (A, b"x"), 1: (B, b"."), 2: (A, b"x"), 3: (B, b".")})
    await disk.see(0, {0: (B, b"."), 1: (A, b"x"), 2: (B, b"."), 3: (A, b"x")})

    assert disk.comparison.liar is None


async def test_two_liars_do_not_make_an_honest_peer_look_like_one(disk: Disk) -> None:
    # D is honest and has been compared with both liars only.
    await disk.see(0, {0: (D, b"."), 1: (D, b"."), 2: (C, b"."), 3: (E, b".")})
    await disk.see(0, {0: (A, b"x"), 1: (B, b"y"), 2: (E, b"."), 3: (C, b".")})

    assert disk.comparison.liar is None


async def test_a_peer_that_sends_the_same_block_in_two_ways_is_compared_with_others_only(disk: Disk) -> None:
    await disk.see(0, dict.fromkeys(range(BLOCKS), (A, b"x")))
    await disk.see(0, dict.fromkeys(range(BLOCKS), (A, b"y")))

    assert disk.comparison.liar is None


async def test_nothing_is_held_against_anybody_after_a_new_beginning(disk: Disk) -> None:
    await disk.see(0, FIRST)
    disk.comparison.forget(0)
    await disk.see(0, SECOND)
    assert disk.comparison.liar is None
    await disk.see(0, FIRST)
    assert disk.comparison.liar == A


async def test_all_is_forgotten(disk: Disk) -> None:
    await disk.see(0, FIRST)
    await disk.see(0, SECOND)

    disk.comparison.clear()

    assert disk.comparison.liar is None
    assert not disk.comparison.is_known(0)


async def test_what_is_not_on_disk_is_not_compared(disk: Disk) -> None:
    await disk.see(0, {0: (A, b"x"), 1: (A, b"x"), 2: (A, b"x"), 3: (A, b"x")})
    disk.put(0, dict.fromkeys(range(BLOCKS), b"."))
    for file in disk.files:
        (files_folder(disk.folder) / file.path).unlink()

    assert not await disk.comparison.read(0, range(BLOCKS))


async def test_what_others_have_overwritten_is_not_held_against_its_sender(disk: Disk) -> None:
    handle = Mock(get_peer_info=list, get_download_queue=list)
    lies = Lies(handle, disk.info, asyncio.to_thread, Mock(), disk.comparison, time.monotonic, Mock())

    async def come(value: bytes, senders: Sequence[Endpoint]) -> None:
        disk.put(0, dict.fromkeys(range(BLOCKS), value))
        for block, sender in enumerate(senders):
            lies.on_block(0, block, sender)

    await come(b".", (A,) * BLOCKS)
    lies.on_failed(0)
    await come(b"x", (E,) * BLOCKS)  # before anybody has read what A sent
    await asyncio.gather(*lies._tasks)
    await come(b".", (B, C, D, B))
    await asyncio.gather(*lies._tasks)

    assert not lies.evidence.accused
    await lies.close()


async def test_what_is_read_late_is_not_held_against_who_sent_before(disk: Disk) -> None:
    reads, may_read = 0, asyncio.Event()

    async def run[**P, T](work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        nonlocal reads
        reads += 1
        if reads == 1:
            await may_read.wait()
        return work(*args, **kwargs)

    comparison = Comparison(OnDisk(disk.info, disk.folder), run)
    handle = Mock(get_peer_info=list, get_download_queue=list)
    lies = Lies(handle, disk.info, asyncio.to_thread, Mock(), comparison, time.monotonic, Mock())

    async def come(value: bytes, senders: Sequence[Endpoint]) -> None:
        disk.put(0, dict.fromkeys(range(BLOCKS), value))
        for block, sender in enumerate(senders):
            lies.on_block(0, block, sender)
        await asyncio.sleep(0)

    await come(b".", (A,) * BLOCKS)
    lies.on_failed(0)
    await come(b"x", (E,) * BLOCKS)
    lies.on_failed(0)
    await until(lambda: comparison.is_known(0))
    may_read.set()
    await asyncio.gather(*lies._tasks, return_exceptions=True)
    await come(b".", (B, C, D, B))
    await asyncio.gather(*lies._tasks)

    assert lies.evidence.accused == {E}
    await lies.close()


async def test_who_is_found_out_just_after_a_new_beginning_is_banned_at_once(disk: Disk) -> None:
    lies = Lies(Mock(), disk.info, asyncio.to_thread, Mock(), disk.comparison, time.monotonic, Mock())
    lies._peers = Peers(frozenset({A}), frozenset({A}), asked=False)
    assert lies.should_renew(waiting=True)  # for want of peers
    assert not lies.should_renew(waiting=True)

    lies._has_news = True

    assert lies.should_renew(waiting=True)
    assert not lies.should_renew(waiting=True)
