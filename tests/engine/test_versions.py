"""v1, v2 and hybrid torrents: the right bytes, one torrent under one name, nothing that was not checked."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from custom_components.torrent_cast.engine import Engine, Renamed, Torrent, TorrentGone, storage
from custom_components.torrent_cast.engine.hashes import BLOCK, V2Hashes, merkle_root
from tests.engine.conftest import (
    KIB,
    PATIENCE,
    PIECE,
    Seed,
    Seeders,
    StartEngine,
    add,
    noise,
    read_all,
    soon,
    until,
    write,
)
from tests.rig.torrents import Torrent as Metainfo
from tests.rig.torrents import Version, make_torrent

if TYPE_CHECKING:
    import libtorrent as lt

DATA = noise(20 * PIECE + 99)
# Files of less than a piece, of exactly one, of whole pieces, of more; v2 treats each of these in its own way.
FILES = {
    "a.mkv": noise(70 * PIECE + BLOCK + 5, 1),
    "b": noise(PIECE, 2),
    "c": noise(BLOCK - 1, 3),
    "d": b"",
    "e": noise(3 * PIECE, 4),
    "f": noise(PIECE + 1, 5),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of files of all sizes."""
    for name, data in FILES.items():
        write(tmp_path / "films" / name, data)
    return tmp_path / "films"


@pytest.fixture
def hybrid(seeders: Seeders, tmp_path: Path) -> Seed:
    """Return a seeded hybrid film."""
    return seeders.seed(write(tmp_path / "film.mkv", DATA), version=Version.HYBRID)


@pytest.fixture
def v2(seeders: Seeders, tmp_path: Path) -> Seed:
    """Return a film seeded by v2 alone."""
    return seeders.seed(write(tmp_path / "film.mkv", DATA), version=Version.V2)


def info_of(libtorrent: ModuleType, metainfo: Metainfo) -> lt.torrent_info:
    info: lt.torrent_info = libtorrent.load_torrent_buffer(metainfo.metainfo).ti
    return info


def index_of(torrent: Torrent, name: str) -> int:
    return next(index for index, file in enumerate(torrent.files) if file.name == name)


# --- bytes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize("piece_length", [BLOCK, PIECE])
async def test_every_file_has_the_right_bytes(
    engine: Engine, seeders: Seeders, folder: Path, version: Version, piece_length: int
) -> None:
    torrent = await add(engine, seeders.seed(folder, piece_length, version=version).magnet)

    for file in torrent.files:  # all before any is there: seeds hang up on who wants nothing
        torrent.select(file)
    for index, file in enumerate(torrent.files):
        assert await read_all(torrent, index) == FILES[file.name]
    assert len(torrent.files) == len(FILES)


@pytest.mark.parametrize("version", Version)
async def test_a_torrent_file_streams(engine: Engine, seeders: Seeders, folder: Path, version: Version) -> None:
    seed = seeders.seed(folder, version=version)
    torrent = await add(engine, seed.metainfo.metainfo)
    assert torrent.handle is not None
    torrent.handle.connect_peer((seed.address, seed.port))

    assert await read_all(torrent, index_of(torrent, "a.mkv")) == FILES["a.mkv"]


async def test_a_v2_film_that_was_damaged_meanwhile_is_mended(start_engine: StartEngine, v2: Seed) -> None:
    first = await start_engine()
    torrent = await add(first, v2.magnet)
    torrent.select(torrent.files[0])
    await read_all(torrent)
    await soon(first.stop())
    path = torrent.folder / "files" / "film.mkv"
    path.write_bytes(DATA[: 5 * PIECE] + bytes(99) + DATA[5 * PIECE + 99 :])

    torrent = await add(await start_engine(), v2.magnet)
    torrent.select(torrent.files[0])

    assert await read_all(torrent) == DATA


async def test_zeros_from_a_v2_seeder_never_come_out(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    good = seeders.seed(write(tmp_path / "film.mkv", DATA), upload=1024 * KIB, version=Version.V2)
    write(tmp_path / "zeros" / "film.mkv", bytes(len(DATA)))
    bad = seeders.share(good.metainfo, tmp_path / "zeros", address="127.0.0.2")

    assert await read_all(await add(engine, bad.magnet + good.peer)) == DATA


# --- hashes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece_length", [BLOCK, PIECE])
def test_each_v2_piece_matches_its_bytes_and_no_others(libtorrent: ModuleType, folder: Path, piece_length: int) -> None:
    metainfo = make_torrent(folder, piece_length, version=Version.V2)
    info = info_of(libtorrent, metainfo)
    hashes = V2Hashes(info)
    hashes.learn(libtorrent.bdecode(metainfo.metainfo)[b"piece layers"])
    storage = info.files()

    for piece in range(info.num_pieces()):
        file = storage.file_index_at_piece(piece)
        start = piece * piece_length - storage.file_offset(file)
        data = FILES[Path(storage.file_path(file)).name][start : start + piece_length]
        assert hashes.knows(piece)
        assert hashes.matches(piece, data)
        assert hashes.matches(piece, data + bytes(piece_length - len(data)))  # padding is not part of it
        assert not hashes.matches(piece, data[:-1])
        assert not hashes.matches(piece, bytes([data[0] ^ 1]) + data[1:])
        assert not hashes.matches(piece, b"")


def test_only_complete_and_right_layers_count(libtorrent: ModuleType, folder: Path) -> None:
    metainfo = make_torrent(folder, version=Version.V2, piece_length=PIECE)
    hashes = V2Hashes(info_of(libtorrent, metainfo))
    layers = libtorrent.bdecode(metainfo.metainfo)[b"piece layers"]
    known = [hashes.knows(piece) for piece in range(78)]

    for spoil in (dict.fromkeys(layers, b""), {}, {root: layer[:-32] + bytes(32) for root, layer in layers.items()}):
        hashes.learn(spoil)
        hashes.learn({root: layer[:-1] for root, layer in layers.items()})
        assert [hashes.knows(piece) for piece in range(78)] == known
    hashes.learn(layers)

    assert known == [False] * 71 + [True] * 2 + [False] * 5  # b and c are of one piece each
    assert all(hashes.knows(piece) for piece in range(78))


@pytest.mark.parametrize("version", [Version.V2, Version.HYBRID])
@pytest.mark.parametrize("piece_length", [BLOCK, PIECE])
async def test_the_layers_are_the_same_however_much_is_there(
    engine: Engine, seeders: Seeders, libtorrent: ModuleType, folder: Path, version: Version, piece_length: int
) -> None:
    seed = seeders.seed(folder, piece_length, version=version, upload=16 * PIECE)
    expected = libtorrent.bdecode(seed.metainfo.metainfo)[b"piece layers"]
    torrent = await add(engine, seed.magnet)
    for file in torrent.files:
        torrent.select(file)
    longest = torrent.files[index_of(torrent, "a.mkv")]

    while not (layers := await soon(engine.piece_layers(torrent))):  # they come from the seeder
        pass
    assert layers == expected
    await soon(torrent.wait_for_piece(torrent.pieces(longest)[0]))
    assert await engine.piece_layers(torrent) == expected
    seed.handle.set_upload_limit(0)
    for index in range(len(torrent.files)):
        await read_all(torrent, index)
    assert await engine.piece_layers(torrent) == expected


def test_the_root_of_a_tree_with_gaps() -> None:
    leaves = [bytes([leaf]) * 32 for leaf in range(3)]

    assert merkle_root(leaves) == merkle_root([*leaves, bytes(32)])
    assert merkle_root(leaves, 8) == merkle_root([*leaves, *[bytes(32)] * 5])
    assert merkle_root(leaves[:1]) == leaves[0]
    assert merkle_root(leaves, 4, leaves[0]) == merkle_root([*leaves, leaves[0]])


async def test_a_piece_is_not_served_before_its_layer_is_there(
    engine: Engine, v2: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = engine.piece_layers
    asked: list[int] = []
    there = asyncio.Event()

    async def later(torrent: Torrent) -> Mapping[bytes, bytes]:
        asked.append(1)
        layers = await fetch(torrent)
        return layers if there.is_set() else {root: layer[:-32] for root, layer in layers.items()}

    monkeypatch.setattr(engine, "piece_layers", later)
    torrent = await add(engine, v2.magnet)
    torrent.select(torrent.files[0])
    await soon(torrent.wait_for_range(torrent.files[0], 0, len(DATA)))
    reading = asyncio.create_task(read_all(torrent))
    await until(lambda: len(asked) > 2)
    assert not reading.done()

    there.set()

    assert await reading == DATA
    assert not torrent.failed


async def test_who_waits_for_layers_that_never_come_ends_with_the_torrent(
    engine: Engine, v2: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def never(_torrent: object) -> Mapping[bytes, bytes]:
        asked.append(1)
        return {}

    monkeypatch.setattr(engine, "piece_layers", never)
    torrent = await add(engine, v2.magnet)
    reading = asyncio.create_task(read_all(torrent))
    await until(lambda: asked)

    await soon(engine.remove(torrent, delete_files=True))

    with pytest.raises(TorrentGone):
        await reading
    assert list(engine.directory.iterdir()) == []


async def test_nothing_comes_from_a_seeder_that_has_no_layers(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    path = write(tmp_path / "film.mkv", DATA)
    metainfo = make_torrent(path, PIECE, version=Version.V2)
    bad = seeders.share(metainfo.without_layers(), tmp_path, upload=128 * KIB, address="127.0.0.2")
    torrent = await add(engine, bad.magnet)
    reading = asyncio.create_task(read_all(torrent))
    handle = torrent.handle
    assert handle is not None
    await until(lambda: handle.status().total_payload_download > 3 * PIECE)
    assert not any(torrent._have.pieces)
    assert not reading.done()

    good = seeders.share(metainfo, tmp_path)
    handle.connect_peer((good.address, good.port))

    assert await reading == DATA


# --- names -----------------------------------------------------------------------------------------------------------


async def test_a_v2_torrent_goes_by_its_v2_hash_and_leaves_nothing(engine: Engine, v2: Seed) -> None:
    torrent = await add(engine, v2.magnet)
    await read_all(torrent)
    assert torrent.key == v2.metainfo.v2
    assert [folder.name for folder in engine.directory.iterdir()] == [v2.metainfo.v2]
    assert await add(engine, v2.metainfo.metainfo) is torrent

    await soon(engine.remove(torrent, delete_files=True))

    assert list(engine.directory.iterdir()) == []


async def test_a_v2_torrent_is_downloaded_once(start_engine: StartEngine, v2: Seed) -> None:
    first = await start_engine()
    await read_all(await add(first, v2.magnet))
    await soon(first.stop())
    v2.handle.pause()

    again = await start_engine()

    assert await read_all(await add(again, v2.metainfo.magnet)) == DATA
    assert (await again.source_of(v2.key)).key == v2.key


@pytest.mark.parametrize("version", Version)
async def test_what_is_there_of_several_files_is_there_after_a_new_start(
    start_engine: StartEngine, seeders: Seeders, folder: Path, version: Version
) -> None:
    seed = seeders.seed(folder, version=version, upload=16 * PIECE)  # so the long file is not there by itself
    first = await start_engine()
    torrent = await add(first, seed.magnet)
    for name in "ef":  # both before either is there: seeds hang up on who wants nothing
        torrent.select(torrent.files[index_of(torrent, name)])
    for name in "ef":
        assert await read_all(torrent, index_of(torrent, name)) == FILES[name]
    await soon(first.stop())

    again = await add(await start_engine(), seed.metainfo.magnet)
    for name in "ef":
        assert await read_all(again, index_of(again, name)) == FILES[name]
    assert again.missing_bytes(again.files[index_of(again, "a.mkv")])
    assert again.handle is not None
    seed.handle.set_upload_limit(0)
    again.handle.connect_peer((seed.address, seed.port))

    assert await read_all(again, index_of(again, "a.mkv")) == FILES["a.mkv"]


@pytest.mark.parametrize("version", Version)
async def test_what_was_taken_and_given_counts_on_after_a_new_start(
    start_engine: StartEngine, seeders: Seeders, libtorrent: ModuleType, tmp_path: Path, version: Version
) -> None:
    seed = seeders.seed(write(tmp_path / "film.mkv", DATA), version=version)
    first = await start_engine()
    torrent = await add(first, seed.magnet)
    await read_all(torrent)
    await until(lambda: torrent.statistics.downloaded >= len(DATA))
    await soon(first.stop())
    params = storage.resume_params(libtorrent, torrent.folder)
    assert params is not None
    params.total_uploaded = len(DATA) // 2  # nobody is here to take it
    storage.save_resume_data(torrent.folder, storage.resume_data(libtorrent, params).encoded(libtorrent))

    again = await add(await start_engine(), seed.metainfo.magnet)

    assert again.handle is not None
    status = again.handle.status()
    assert status.all_time_download >= len(DATA)
    assert status.all_time_upload == len(DATA) // 2


async def test_a_hybrid_goes_by_its_v1_hash_also_when_named_by_v2(engine: Engine, hybrid: Seed) -> None:
    torrent = await add(engine, hybrid.metainfo.v2_magnet + hybrid.peer)

    assert torrent.key == hybrid.metainfo.v1
    assert torrent.info_hashes == (hybrid.metainfo.v1, hybrid.metainfo.v2)
    assert [folder.name for folder in engine.directory.iterdir()] == [hybrid.metainfo.v1]
    assert engine.torrents == (torrent,)
    assert await read_all(torrent) == DATA


async def test_all_who_wait_for_a_hybrid_named_by_v2_get_the_same_torrent(engine: Engine, hybrid: Seed) -> None:
    magnet = hybrid.metainfo.v2_magnet + hybrid.peer

    first, second = await soon(asyncio.gather(add(engine, magnet), add(engine, magnet)))

    assert first is second
    assert first.key == hybrid.metainfo.v1


async def test_a_hybrid_that_is_here_is_found_by_its_v2_hash(engine: Engine, hybrid: Seed) -> None:
    torrent = await add(engine, hybrid.metainfo.v1_magnet + hybrid.peer)

    with pytest.raises(Renamed) as renamed:
        await engine.add(await engine.parse(hybrid.metainfo.v2_magnet))

    assert await engine.add(renamed.value.source) is torrent


async def test_a_hybrid_on_disk_is_found_by_its_v2_hash(start_engine: StartEngine, hybrid: Seed) -> None:
    first = await start_engine()
    await read_all(await add(first, hybrid.magnet))
    await soon(first.stop())
    hybrid.handle.pause()

    torrent = await add(await start_engine(), hybrid.metainfo.v2_magnet)

    assert torrent.key == hybrid.metainfo.v1
    assert await read_all(torrent) == DATA


async def test_a_torrent_named_by_v2_that_has_no_metadata_yet_becomes_the_hybrid(engine: Engine, hybrid: Seed) -> None:
    nameless = await soon(engine.add(await engine.parse(hybrid.metainfo.v2_magnet)))
    waiting = asyncio.create_task(nameless.metadata(PATIENCE))

    torrent = await add(engine, hybrid.magnet)

    with pytest.raises(Renamed) as renamed:
        await waiting
    assert await engine.add(renamed.value.source) is torrent
    assert [folder.name for folder in engine.directory.iterdir()] == [hybrid.metainfo.v1]


@pytest.mark.parametrize("who_knows_the_peer", ["v1", "v2"])
async def test_two_magnets_that_turn_out_to_be_one_hybrid_become_one_torrent(
    engine: Engine, hybrid: Seed, who_knows_the_peer: str, caplog: pytest.LogCaptureFixture
) -> None:
    magnets = {"v1": hybrid.metainfo.v1_magnet, "v2": hybrid.metainfo.v2_magnet}
    magnets[who_knows_the_peer] += hybrid.peer
    lonely, other = sorted(magnets.values(), key=lambda magnet: hybrid.peer in magnet)
    waiting = asyncio.create_task(add(engine, lonely))
    await until(lambda: engine.torrents)

    torrent = await soon(add(engine, other))

    assert await soon(waiting) is torrent
    assert torrent.key == hybrid.metainfo.v1
    assert [folder.name for folder in engine.directory.iterdir()] == [hybrid.metainfo.v1]
    assert await read_all(torrent) == DATA
    assert not caplog.records


async def test_who_is_named_again_is_told_the_new_peers(engine: Engine, hybrid: Seed) -> None:
    lonely = await soon(engine.add(await engine.parse(hybrid.metainfo.v1_magnet)))

    torrent = await add(engine, hybrid.magnet)

    assert torrent is lonely
    assert await read_all(torrent) == DATA
