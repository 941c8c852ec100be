"""Adding, removing, stopping: what is on disk, in memory and in the process afterwards."""

import asyncio
import os
import threading
from pathlib import Path
from types import ModuleType

import pytest

from custom_components.torrent_cast.engine import (
    Engine,
    EngineSettings,
    MetadataTimeout,
    SourceError,
    StorageError,
    TorrentGone,
    storage,
)
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

SLOW = 128 * KIB
NOBODY = f"magnet:?xt=urn:btih:{'ab' * 20}"


@pytest.fixture
def seed(seeders: Seeders, tmp_path: Path) -> Seed:
    """Return a seeded film of ten pieces and a bit."""
    return seeders.seed(write(tmp_path / "film.mkv", noise(10 * PIECE + 99)))


@pytest.fixture
def slow_seed(seeders: Seeders, tmp_path: Path) -> Seed:
    """Return a film that is not there at once."""
    return seeders.seed(write(tmp_path / "film.mkv", noise(40 * PIECE)), upload=SLOW)


async def test_a_magnet_brings_the_files(engine: Engine, seed: Seed) -> None:
    torrent = await add(engine, seed.magnet)

    assert [(file.path, file.size) for file in torrent.files] == [("film.mkv", 10 * PIECE + 99)]
    assert torrent.piece_length == PIECE


async def test_a_torrent_file_brings_the_files(engine: Engine, seed: Seed) -> None:
    torrent = await add(engine, seed.metainfo.metainfo)

    assert torrent.name == "film.mkv"
    assert torrent.has_metadata


async def test_without_peers_the_metadata_time_out(engine: Engine) -> None:
    torrent = await engine.add(await engine.parse(NOBODY))

    with pytest.raises(MetadataTimeout) as error:
        await torrent.metadata(0.05)
    assert error.value.details["peers"] == "0"
    with pytest.raises(MetadataTimeout):
        _ = torrent.info
    assert not torrent.files


async def test_a_wait_for_metadata_ends_with_the_torrent(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    torrent = await engine.add(await engine.parse(NOBODY))
    with pytest.raises(MetadataTimeout):
        await torrent.metadata(0.01)
    waiting = asyncio.create_task(torrent.metadata(PATIENCE))
    await asyncio.sleep(0)

    await soon(engine.remove(torrent, delete_files=True))

    with pytest.raises(TorrentGone):
        await waiting
    with pytest.raises(TorrentGone):
        await torrent.metadata(PATIENCE)
    assert not caplog.records


async def test_added_twice_it_is_the_same_torrent(engine: Engine, seed: Seed) -> None:
    first, second = await asyncio.gather(
        engine.add(await engine.parse(seed.magnet)), engine.add(await engine.parse(seed.metainfo.metainfo))
    )

    assert first is second
    assert engine.torrents == (first,)


async def test_an_adder_that_gives_up_does_not_hinder_the_next(engine: Engine, seed: Seed) -> None:
    adding = asyncio.create_task(engine.add(await engine.parse(seed.magnet)))
    await until(lambda: engine._registry._added or adding.done())
    adding.cancel()
    await asyncio.wait([adding])

    torrent = await add(engine, seed.magnet)

    assert len(await read_all(torrent)) == 10 * PIECE + 99


async def test_a_removed_torrent_can_be_added_again_at_once(engine: Engine, seed: Seed) -> None:
    first = await add(engine, seed.magnet)
    removing = asyncio.create_task(engine.remove(first, delete_files=True))
    await asyncio.sleep(0)
    second = await add(engine, seed.magnet)
    await removing

    assert first is not second
    assert await read_all(second) == noise(10 * PIECE + 99)


async def test_removed_with_its_files_nothing_is_left(engine: Engine, seed: Seed) -> None:
    torrent = await add(engine, seed.magnet)
    await read_all(torrent)

    await asyncio.gather(*(soon(engine.remove(torrent, delete_files=True)) for _ in range(2)))

    assert list(engine.directory.iterdir()) == []
    assert engine.torrents == ()
    assert not engine._registry.handles


async def test_somebody_elses_files_stay(engine: Engine, seed: Seed) -> None:
    torrent = await add(engine, seed.magnet)
    await read_all(torrent)
    other = write(torrent.folder / "files" / "notes.txt", b"mine")

    await soon(engine.remove(torrent, delete_files=True))

    assert [path for path in engine.directory.rglob("*") if path.is_file()] == [other]


async def test_removed_without_its_files_they_are_used_again(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    seed = seeders.seed(write(tmp_path / "film.mkv", noise(10 * PIECE)))
    torrent = await add(engine, seed.magnet)
    await read_all(torrent)
    await soon(engine.remove(torrent, delete_files=False))
    seed.handle.pause()

    again = await soon(engine.add(await engine.source_of(seed.key)))
    await again.metadata(PATIENCE)

    assert again.missing_bytes(again.files[0]) == 0
    assert await read_all(again) == noise(10 * PIECE)


async def test_an_unknown_key_has_no_source(engine: Engine) -> None:
    with pytest.raises(SourceError):
        await engine.source_of("00" * 20)


async def test_a_new_start_downloads_nothing_again(start_engine: StartEngine, seed: Seed) -> None:
    first = await start_engine()
    await read_all(await add(first, seed.magnet))
    await soon(first.stop())
    seed.handle.pause()

    torrent = await add(await start_engine(), seed.metainfo.magnet)

    assert await read_all(torrent) == noise(10 * PIECE + 99)


async def test_a_full_disk_of_yesterday_and_an_old_limit_do_not_last(
    start_engine: StartEngine, seed: Seed, libtorrent: ModuleType
) -> None:
    first = await start_engine()
    torrent = await add(first, seed.magnet)
    assert torrent.handle is not None
    torrent.handle.set_flags(libtorrent.torrent_flags.upload_mode | libtorrent.torrent_flags.paused)
    torrent.handle.set_download_limit(1)
    await soon(first.stop())

    again = await add(await start_engine(), seed.magnet)

    assert await read_all(again) == noise(10 * PIECE + 99)


@pytest.mark.parametrize("damage", [b"", b"garbage", b"d4:spam4:eggse"])
async def test_damaged_resume_data_cost_no_film(start_engine: StartEngine, seed: Seed, damage: bytes) -> None:
    first = await start_engine()
    torrent = await add(first, seed.magnet)
    await read_all(torrent)
    await soon(first.stop())
    (torrent.folder / "resume").write_bytes(damage)

    again = await add(await start_engine(), seed.magnet)

    assert await read_all(again) == noise(10 * PIECE + 99)


async def test_the_engine_leaves_nothing_behind(start_engine: StartEngine, slow_seed: Seed) -> None:
    first = await start_engine()  # now the seeder has its files open, too
    torrent = await add(first, slow_seed.magnet)
    torrent.select(torrent.files[0])
    await until(lambda: any(torrent._have.pieces))
    await soon(first.remove(torrent, delete_files=True))
    await soon(first.stop())
    await until(lambda: not any(thread.name.startswith("torrent_cast") for thread in threading.enumerate()))
    tasks, files, threads = asyncio.all_tasks(), os.listdir("/proc/self/fd"), native_threads()  # noqa: PTH208  # iterdir opens one itself
    engine = await start_engine()
    torrent = await add(engine, slow_seed.magnet)
    reading = asyncio.create_task(read_all(torrent))
    await until(lambda: any(torrent._have.pieces))

    await soon(engine.stop())

    with pytest.raises(TorrentGone):
        await reading
    await until(lambda: native_threads() <= threads)
    assert asyncio.all_tasks() == tasks
    await until(lambda: len(os.listdir("/proc/self/fd")) <= len(files))  # noqa: PTH208  # the seeder's socket closes last


def native_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


async def test_the_engine_stops_twice_and_at_once(engine: Engine, seed: Seed) -> None:
    await add(engine, seed.magnet)

    await soon(asyncio.gather(engine.stop(), engine.stop()))
    await soon(engine.stop())

    with pytest.raises(TorrentGone):
        await engine.add(await Engine.parse(engine, seed.magnet))
    with pytest.raises(TorrentGone):
        await engine.run(len, ())


async def test_a_stop_ends_what_is_being_added(engine: Engine, seed: Seed) -> None:
    adding = asyncio.create_task(engine.add(await engine.parse(seed.magnet)))
    await asyncio.sleep(0)

    await soon(engine.stop())

    with pytest.raises(TorrentGone):
        await adding
    assert engine.torrents == ()


async def test_dropped_alerts_are_made_up_for(engine: Engine, seed: Seed, caplog: pytest.LogCaptureFixture) -> None:
    assert engine._pump is not None
    assert engine._session is not None
    engine._pump.pause()  # alerts get lost here
    session = engine._session
    adding = asyncio.create_task(engine.add(await engine.parse(seed.magnet)))
    await until(lambda: session.get_torrents() and session.get_torrents()[0].torrent_file())
    session.pop_alerts()  # and nobody reads them

    engine._pump.start()
    engine._on_dropped(None)  # type: ignore[arg-type]  # as libtorrent would call it
    torrent = await soon(adding)
    await torrent.metadata(PATIENCE)

    assert await read_all(torrent) == noise(10 * PIECE + 99)
    assert "dropped" in caplog.text


async def test_a_lost_answer_to_a_read_is_asked_for_again(engine: Engine, seed: Seed) -> None:
    torrent = await add(engine, seed.magnet)
    handler = engine._handlers.pop(engine._lt.read_piece_alert)
    reading = asyncio.create_task(read_all(torrent))
    await until(lambda: torrent._pieces is not None and torrent._pieces._answers)
    await asyncio.wait([reading], timeout=0.1)
    engine._handlers[engine._lt.read_piece_alert] = handler

    engine._on_dropped(None)  # type: ignore[arg-type]  # as libtorrent would call it

    assert await reading == noise(10 * PIECE + 99)


async def test_peers_are_counted_by_where_they_came_from(engine: Engine, slow_seed: Seed) -> None:
    torrent = await add(engine, slow_seed.magnet)
    torrent.select(torrent.files[0])

    sources = await engine.peer_sources(torrent)

    assert sum(sources.values()) >= 1
    await soon(engine.remove(torrent, delete_files=True))
    assert not await engine.peer_sources(torrent)


async def test_a_file_where_the_folder_should_be_is_an_error(engine: Engine, seed: Seed) -> None:
    write(engine.directory / seed.key / "files", b"in the way")

    with pytest.raises(StorageError):
        await engine.add(await engine.parse(seed.magnet))
    assert engine.torrents == ()


async def test_a_disk_that_takes_nothing_ends_the_readers(
    engine: Engine, seed: Seed, caplog: pytest.LogCaptureFixture
) -> None:
    (engine.directory / seed.key / "files" / "film.mkv").mkdir(parents=True)
    torrent = await soon(engine.add(await engine.parse(seed.magnet)))

    async def use() -> None:
        await torrent.metadata(PATIENCE)
        await read_all(torrent)

    with pytest.raises(StorageError) as error:
        await use()

    assert error.value.details["error"]
    assert torrent.failed
    assert "stopped" in caplog.text
    (engine.directory / seed.key / "files" / "film.mkv").rmdir()
    again = await add(engine, seed.magnet)
    assert again is not torrent
    assert await read_all(again) == noise(10 * PIECE + 99)


async def test_resume_data_that_cannot_be_written_end_nothing(
    engine: Engine, seed: Seed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    torrent = await add(engine, seed.magnet)

    def full(_folder: Path, _data: bytes) -> None:
        raise StorageError("not_writable", directory="here", error="No space left on device")

    monkeypatch.setattr(storage, "save_resume_data", full)
    await soon(asyncio.gather(engine.save(torrent), engine.save(torrent)))
    await soon(engine.remove(torrent, delete_files=False))

    assert "Cannot save" in caplog.text
    assert engine.torrents == ()


async def test_a_directory_that_cannot_be_made_is_an_error(libtorrent: ModuleType, tmp_path: Path) -> None:
    write(tmp_path / "file", b"")
    files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # iterdir opens one itself

    with pytest.raises(StorageError):
        await Engine.start(libtorrent, tmp_path / "file" / "downloads", EngineSettings())

    await until(lambda: not any(thread.name.startswith("torrent_cast") for thread in threading.enumerate()))
    assert len(os.listdir("/proc/self/fd")) == files  # noqa: PTH208  # iterdir opens one itself


async def test_new_rates_and_switches_are_taken_while_running(engine: Engine) -> None:
    engine.apply(EngineSettings(download_limit=123_456, dht=False, lsd=False, upnp=False, webtorrent=True))

    assert engine._session is not None
    assert engine._session.get_settings()["download_rate_limit"] == 123_456
