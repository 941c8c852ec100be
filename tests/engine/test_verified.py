"""What comes from the disk is what was verified there: no byte of a file that was touched since."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from io import FileIO
from pathlib import Path

import pytest

from custom_components.torrent_cast.engine import ChangedOnDisk, Engine, Torrent, TorrentFile, verified
from custom_components.torrent_cast.engine.verified import PASSES, Copy, Part
from tests.engine.conftest import PIECE, Seed, Seeders, StartEngine, add, noise, read_all, soon, until, write
from tests.rig.torrents import Version

DATA = noise(20 * PIECE + 99)
FLIPPED = 13 * PIECE + 5
# Far longer than the steps in which this machine's file systems keep times.
SETTLED_NS = 50_000_000
HOUR = 3600


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust a file sooner after it was written to, and hand it over in several parts."""
    monkeypatch.setattr(verified, "SETTLED_NS", SETTLED_NS)
    monkeypatch.setattr(verified, "STRETCH", 3 * PIECE)
    monkeypatch.setattr(verified, "LONGEST", 3 * PIECE)


@pytest.fixture
def seed(seeders: Seeders, tmp_path: Path) -> Seed:
    """Return a seeded film."""
    return seeders.seed(write(tmp_path / "film.mkv", DATA))


@pytest.fixture
async def torrent(engine: Engine, seed: Seed, seeders: Seeders, tmp_path: Path) -> AsyncIterator[Torrent]:
    """Return the film's torrent, complete and verified; should something be missing again, somebody has it."""
    torrent = await complete(engine, seed)
    await prove(torrent)
    another = seeders.share(seed.metainfo, tmp_path, address="127.0.0.2")
    meeting = asyncio.create_task(meet(torrent, another))
    yield torrent
    meeting.cancel()
    await asyncio.wait([meeting])


async def meet(torrent: Torrent, seed: Seed) -> None:
    """Do what a tracker does; the first seeder parted from us when we both had everything."""
    while torrent._rechecking or not torrent.missing_bytes(torrent.files[0]):  # noqa: ASYNC110  # no event tells
        await asyncio.sleep(0.01)
    assert torrent.handle is not None
    torrent.handle.connect_peer((seed.address, seed.port))


class Collector:
    """Takes what is handed over, as a socket does."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.handed: list[tuple[int, int]] = []  # the byte ranges that came from the disk
        self.meanwhile: Callable[[], object] = lambda: None

    async def send(self, file: FileIO, offset: int, count: int) -> int:
        """Take a part of a file."""
        data = os.pread(file.fileno(), count, offset)
        self.data += data
        self.handed.append((offset, offset + len(data)))
        self.meanwhile()
        return len(data)

    async def fetch(self, torrent: Torrent, name: str = "film.mkv", start: int = 0, end: int | None = None) -> None:
        """Take bytes [start, end) of a file, from the disk where they may come from there."""
        async with torrent.open(named(torrent, name), start, end) as reader:
            while True:
                if await soon(reader.hand_over(self.send)):
                    continue
                if not (chunk := await soon(reader.read(PIECE))):
                    return
                self.data += chunk


def named(torrent: Torrent, name: str) -> TorrentFile:
    return next(file for file in torrent.files if file.name == name)


async def fetch(torrent: Torrent, name: str = "film.mkv") -> tuple[bytes, list[tuple[int, int]]]:
    """Return a file's bytes, and which ranges of it came from the disk."""
    collector = Collector()
    await collector.fetch(torrent, name)
    return bytes(collector.data), collector.handed


async def complete(engine: Engine, seed: Seed, name: str = "film.mkv") -> Torrent:
    """Return a torrent of which libtorrent says that a file is there."""
    torrent = await add(engine, seed.magnet)
    file = named(torrent, name)
    torrent.select(file)
    await soon(torrent.wait_for_range(file, 0, file.size))
    return torrent


def copy_of(torrent: Torrent, name: str = "film.mkv") -> Copy:
    copy = torrent.copy(named(torrent, name))
    assert copy is not None
    return copy


def is_under_way(copy: Copy) -> bool:
    return copy._task is not None


async def prove(torrent: Torrent, name: str = "film.mkv") -> Copy:
    """Wait until a file on disk is verified."""
    copy = copy_of(torrent, name)
    copy.prove()
    assert copy._task is not None
    await soon(asyncio.wait([copy._task]))
    assert copy.stamp is not None
    return copy


def flip(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(FLIPPED)
        file.write(bytes([DATA[FLIPPED] ^ 1]))


def flip_and_hide(path: Path) -> None:
    """Change a byte, and have the file say it is as old as before."""
    before = path.stat()
    flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def truncate(path: Path) -> None:
    os.truncate(path, 7 * PIECE + 5)


def replace(path: Path) -> None:
    """Put another file of the same length in its place."""
    write(path.with_suffix(".new"), bytes(len(DATA))).replace(path)


def link(path: Path) -> None:
    """Do what a backup does."""
    path.with_suffix(".backup").hardlink_to(path)


def make_private(path: Path) -> None:
    path.chmod(0o600)


def put_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


# --- when ------------------------------------------------------------------------------------------------------------


async def test_a_file_is_read_until_it_is_verified_and_comes_from_the_disk_then(engine: Engine, seed: Seed) -> None:
    torrent = await complete(engine, seed)

    assert await fetch(torrent) == (DATA, [])
    await until(lambda: copy_of(torrent).stamp is not None)  # reading it has started the pass
    data, handed = await fetch(torrent)

    assert data == DATA
    assert handed[0][0] == 0
    assert handed[-1][1] == len(DATA) - 1  # the last byte is read
    assert len(handed) == 7


@pytest.mark.parametrize("version", list(Version))
async def test_a_file_of_yesterday_is_verified_though_nobody_has_read_it_yet(
    start_engine: StartEngine, seeders: Seeders, tmp_path: Path, caplog: pytest.LogCaptureFixture, version: Version
) -> None:
    seed = seeders.seed(write(tmp_path / "film.mkv", DATA), version=version)
    engine = await start_engine()
    await read_all(await complete(engine, seed))
    await soon(engine.stop())
    torrent = await complete(await start_engine(), seed)

    async with torrent.open(torrent.files[0]) as reader:
        assert not await reader.hand_over(Collector().send)
    copy = copy_of(torrent)
    await until(lambda: not is_under_way(copy))

    assert copy.stamp is not None
    assert "Cannot verify" not in caplog.text


async def test_a_range_comes_from_the_disk(torrent: Torrent) -> None:
    collector = Collector()
    await collector.fetch(torrent, "film.mkv", PIECE - 1, 5 * PIECE + 1)

    assert collector.data == DATA[PIECE - 1 : 5 * PIECE + 1]
    assert collector.handed == [(PIECE - 1, 4 * PIECE - 1), (4 * PIECE - 1, 5 * PIECE)]


async def test_a_complete_file_that_nobody_reads_is_left_alone(engine: Engine, seed: Seed) -> None:
    torrent = await complete(engine, seed)
    await read_all(torrent)  # as the probe does

    assert torrent._copies is not None
    assert not torrent._copies._copies


async def test_a_file_that_is_not_complete_has_no_copy(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    seed = seeders.seed(write(tmp_path / "film.mkv", DATA), upload=PIECE)
    torrent = await add(engine, seed.magnet)
    torrent.select(torrent.files[0])
    collector = Collector()

    await collector.fetch(torrent, "film.mkv", 0, PIECE)

    assert collector.data == DATA[:PIECE]
    assert torrent.copy(torrent.files[0]) is None


async def test_several_clients_have_it_from_the_disk(torrent: Torrent) -> None:
    results = await asyncio.gather(*(fetch(torrent) for _ in range(3)))

    assert [data for data, _ in results] == [DATA] * 3
    assert all(handed for _, handed in results)


async def test_a_file_just_written_to_is_not_believed_and_the_pass_ends_with_the_torrent(
    engine: Engine, seed: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verified, "SETTLED_NS", HOUR * 10**9)
    torrent = await complete(engine, seed)
    copy = copy_of(torrent)
    copy.prove()
    assert is_under_way(copy)

    await soon(engine.remove(torrent, delete_files=True))

    assert not is_under_way(copy)
    assert copy.stamp is None
    assert torrent.copy(torrent.files[0]) is None


async def test_a_file_from_the_future_is_never_believed(engine: Engine, seed: Seed) -> None:
    torrent = await complete(engine, seed)
    copy = copy_of(torrent)
    os.utime(copy.part.path, (time.time() + HOUR,) * 2)
    copy.prove()
    assert copy._task is not None

    await soon(asyncio.wait([copy._task]))

    assert copy.stamp is None
    assert await fetch(torrent) == (DATA, [])


async def test_a_file_that_stays_wrong_is_gone_over_a_few_times_only(tmp_path: Path) -> None:
    path = write(tmp_path / "film.mkv", DATA)
    mended: list[int] = []

    async def run[**P, T](function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    async def mend(piece: int) -> None:
        mended.append(piece)

    async def learn(_piece: int) -> None:
        """There is nothing to learn."""

    copy = Copy(Part(path, 0, len(DATA), 0, PIECE), run, learn, lambda piece, _data: piece != 2, mend)
    copy.prove()
    assert copy._task is not None
    await soon(asyncio.wait([copy._task]))
    copy.prove()

    assert not is_under_way(copy)
    assert mended == [2] * PASSES
    assert copy.stamp is None


# --- what is wrong on disk -------------------------------------------------------------------------------------------


async def kept(start_engine: StartEngine, seed: Seed) -> Path:
    """Return the complete file on disk; no engine runs any more."""
    engine = await start_engine()
    torrent = await complete(engine, seed)
    await soon(engine.stop())
    return torrent.folder / "files" / "film.mkv"


@pytest.mark.parametrize("damage", [flip, flip_and_hide, truncate, replace, Path.unlink])
async def test_damage_done_while_the_engine_was_down_is_never_handed_over(
    start_engine: StartEngine, seed: Seed, damage: Callable[[Path], None]
) -> None:
    path = await kept(start_engine, seed)
    damage(path)
    torrent = await add(await start_engine(), seed.magnet)
    torrent.select(torrent.files[0])

    data, _ = await fetch(torrent)

    assert data == DATA
    await until(lambda: torrent.copy(torrent.files[0]) is not None)
    copy_of(torrent).prove()
    await until(lambda: (copy := torrent.copy(torrent.files[0])) is not None and copy.stamp is not None)
    data, handed = await fetch(torrent)
    assert data == DATA
    assert handed


async def test_the_pass_finds_damage_that_nobody_has_read_and_has_it_downloaded_again(
    start_engine: StartEngine, seed: Seed
) -> None:
    path = await kept(start_engine, seed)
    flip_and_hide(path)
    torrent = await add(await start_engine(), seed.metainfo.metainfo)
    torrent.select(torrent.files[0])
    await until(lambda: not torrent.missing_bytes(torrent.files[0]))  # so libtorrent says, with nobody to ask
    assert torrent.handle is not None
    torrent.handle.connect_peer((seed.address, seed.port))

    await prove(torrent)

    assert path.read_bytes() == DATA
    data, handed = await fetch(torrent)
    assert data == DATA
    assert handed


@pytest.mark.parametrize("damage", [flip, flip_and_hide, truncate, replace, put_a_pipe, Path.unlink, Path.touch])
async def test_a_file_touched_after_the_pass_is_not_handed_over(
    torrent: Torrent, damage: Callable[[Path], None]
) -> None:
    collector = Collector()
    damage(copy_of(torrent).part.path)

    async with torrent.open(torrent.files[0]) as reader:
        assert not await soon(reader.hand_over(collector.send))

    assert collector.handed == []
    assert copy_of(torrent).stamp is None


@pytest.mark.parametrize("damage", [flip, flip_and_hide, Path.touch])
async def test_a_file_touched_after_the_pass_still_has_the_right_bytes(
    torrent: Torrent, damage: Callable[[Path], None]
) -> None:
    damage(copy_of(torrent).part.path)

    assert await fetch(torrent) == (DATA, [])


@pytest.mark.parametrize("damage", [flip, truncate])
async def test_a_file_written_to_while_it_is_handed_over_breaks_the_stream(
    torrent: Torrent, damage: Callable[[Path], None]
) -> None:
    copy, collector = copy_of(torrent), Collector()
    collector.meanwhile = lambda: damage(copy.part.path)

    with pytest.raises(ChangedOnDisk):
        await collector.fetch(torrent)

    assert len(collector.handed) == 1
    assert copy_of(torrent).stamp is None


async def test_a_short_answer_is_not_whole_before_all_of_it_is_known_to_be_right(torrent: Torrent) -> None:
    copy, collector = copy_of(torrent), Collector()
    collector.meanwhile = lambda: flip(copy.part.path)

    with pytest.raises(ChangedOnDisk):
        await collector.fetch(torrent, "film.mkv", FLIPPED - 9, FLIPPED + 1)

    assert len(collector.data) == 9


@pytest.mark.parametrize("touch", [link, make_private])
async def test_what_leaves_the_bytes_alone_does_not_break_the_stream(
    torrent: Torrent, touch: Callable[[Path], None]
) -> None:
    copy, collector = copy_of(torrent), Collector()

    def once() -> None:
        collector.meanwhile = lambda: None
        touch(copy.part.path)

    collector.meanwhile = once
    await collector.fetch(torrent)

    assert collector.data == DATA
    assert len(collector.handed) == 1  # the rest was read


async def test_a_check_of_the_files_takes_the_trust_away(torrent: Torrent) -> None:
    copy = copy_of(torrent)
    torrent._recheck()

    assert copy.stamp is None
    assert torrent.copy(torrent.files[0]) is None
    assert await fetch(torrent) == (DATA, [])


# --- files beside it -------------------------------------------------------------------------------------------------


async def test_a_piece_shared_with_a_neighbour_is_read_and_the_rest_comes_from_the_disk(
    engine: Engine, seeders: Seeders, tmp_path: Path
) -> None:
    data = {name: noise(4 * PIECE + ord(name[0]), ord(name[0])) for name in ("a.mkv", "b.mkv", "c.mkv")}
    for name, content in data.items():
        write(tmp_path / "films" / name, content)
    seed = seeders.seed(tmp_path / "films")
    _, middle, _ = sorted((await add(engine, seed.magnet)).files, key=lambda file: file.offset)
    torrent = await complete(engine, seed, middle.name)
    first = -middle.offset % PIECE
    last = middle.size - (middle.offset + middle.size) % PIECE

    await prove(torrent, middle.name)
    content, handed = await fetch(torrent, middle.name)

    assert content == data[middle.name]
    assert handed == [(first, last)]
    assert 0 < first < last < middle.size


async def test_every_byte_of_every_file_is_right(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    """Whole pieces at either end, at both, at none, and files smaller than a piece."""
    sizes = (2 * PIECE, PIECE, PIECE + 1, PIECE - 1, 1, 3 * PIECE - 1, PIECE // 2, 4 * PIECE + 9)
    data = {f"{number}.mkv": noise(size, number) for number, size in enumerate(sizes)}
    for name, content in data.items():
        write(tmp_path / "films" / name, content)
    torrent = await complete(engine, seeders.seed(tmp_path / "films"), "0.mkv")
    for file in torrent.files:
        torrent.select(file)
    for file in torrent.files:
        await soon(torrent.wait_for_range(file, 0, file.size))
        assert await fetch(torrent, file.name) == (data[file.name], [])
    copies = [copy for file in torrent.files if (copy := torrent.copy(file)) is not None]
    assert len(copies) == len(torrent.files)
    await until(lambda: all(copy.stamp or not copy.part.pieces for copy in copies))

    results = {file.name: await fetch(torrent, file.name) for file in torrent.files}

    assert {name: content for name, (content, _) in results.items()} == data
    assert sum(1 for _, handed in results.values() if handed) >= 4


async def test_a_file_smaller_than_a_piece_is_read(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    for name in ("a.mkv", "b.mkv", "c.mkv"):
        write(tmp_path / "films" / name, noise(PIECE // 3, ord(name[0])))
    torrent = await complete(engine, seeders.seed(tmp_path / "films"), "b.mkv")

    for _ in range(2):
        assert await fetch(torrent, "b.mkv") == (noise(PIECE // 3, ord("b")), [])

    assert not copy_of(torrent, "b.mkv").part.pieces
    assert not is_under_way(copy_of(torrent, "b.mkv"))
