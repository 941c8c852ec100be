"""What becomes of a film for others, of the pace, and of an engine nobody needs."""
# ruff: noqa: ARG001, ASYNC240  # fixtures are asked for by name; a test may wait for its own disk

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from homeassistant.util import dt as dt_util

from custom_components.torrent_cast.engine import supply
from custom_components.torrent_cast.playback import Playback, Seeding, Session
from custom_components.torrent_cast.playback import ondemand as module
from tests.conftest import (
    LOOPBACK,
    PIECE,
    Seed,
    libtorrent_session,
    random_bytes,
    settled,
    soon,
    stranger,
    torrents_in_libtorrent,
    until,
)
from tests.rig.swarm import Swarm

FAST = 40_000_000  # bit/s


class Leech:
    """Somebody else who wants a film, and knows only us."""

    def __init__(self, libtorrent: ModuleType, folder: Path) -> None:
        self._lt = libtorrent
        self._folder = folder
        self._session = stranger(libtorrent)

    def join(self, seed: Seed, playback: Playback) -> Any:  # noqa: ANN401  # libtorrent's handle
        """Ask our engine for the film; return libtorrent's handle."""
        params = self._lt.load_torrent_buffer(seed.torrent.metainfo)
        params.save_path = str(self._folder)
        flags = self._lt.torrent_flags
        params.flags &= ~(flags.auto_managed | flags.paused)
        handle = self._session.add_torrent(params)
        handle.connect_peer((LOOPBACK, libtorrent_session(playback).listen_port()))
        return handle


@pytest.fixture
def leech(libtorrent: ModuleType, tmp_path: Path, playback: Playback) -> Leech:
    """Return somebody who wants films; ours is ended first."""
    return Leech(libtorrent, tmp_path / "leech")


async def watched(playback: Playback, magnet: str) -> Session:
    """Return a session whose film is complete."""
    session = playback.start_session(await playback.parse(magnet))
    await soon(session.resolve())
    assert session.torrent is not None
    assert session.file is not None
    await soon(session.torrent.wait_for_range(session.file, 0, session.file.size))
    return session


def choose(playback: Playback, policy: Seeding, ratio: float = 1.0) -> None:
    """Have a seeding policy."""
    playback.apply(replace(playback.settings, seeding=policy, seed_ratio=ratio))


def keys(playback: Playback) -> list[str]:
    """Return the info-hashes of what is in the engine."""
    return [torrent.key for torrent in playback.torrents]


def has_engine(playback: Playback) -> bool:
    """Tell whether the engine runs."""
    return playback.is_engine_running


def is_paused(playback: Playback) -> bool:
    """Tell whether libtorrent itself has paused the one torrent."""
    (handle,) = torrents_in_libtorrent(playback)
    return bool(handle.flags() & playback._lt.torrent_flags.paused)


async def test_while_somebody_watches_others_get_it_too(playback: Playback, noise: Seed, leech: Leech) -> None:
    await watched(playback, noise.magnet)
    taken = leech.join(noise, playback)
    await until(lambda: taken.status().is_seeding)
    assert not is_paused(playback)


async def test_until_it_is_complete(playback: Playback, noise: Seed) -> None:
    choose(playback, Seeding.NONE)
    session = await watched(playback, noise.magnet)
    await until(lambda: is_paused(playback))
    assert session.torrent is not None
    async with session.torrent.open(session.torrent.files[0]) as reader:
        assert await soon(reader.read_exactly(10**9)) == noise.content.read_bytes()
    choose(playback, Seeding.WATCHING)
    await until(lambda: not is_paused(playback))


async def test_a_film_that_is_complete_no_more_is_not_paused(playback: Playback, noise: Seed, downloads: Path) -> None:
    choose(playback, Seeding.NONE)
    # With a tracker: by the time it pauses, it and its seeds have marked each other as of no use.
    async with Swarm(noise.torrent, noise.content.parent, peers=1, rate=FAST, namespaces=False) as swarm:
        session = await watched(playback, swarm.magnet)
        await until(lambda: is_paused(playback))
        (path,) = downloads.rglob(noise.content.name)
        path.write_bytes(bytes(noise.content.stat().st_size))
        assert session.torrent is not None
        async with session.torrent.open(session.torrent.files[0]) as reader:
            assert await soon(reader.read_exactly(10**9)) == noise.content.read_bytes()


async def test_up_to_a_ratio(playback: Playback, noise: Seed, leech: Leech) -> None:
    choose(playback, Seeding.RATIO, ratio=0.9)
    (await watched(playback, noise.magnet)).end()
    await settled(playback)
    (torrent,) = playback.torrents
    await playback.tidy()
    assert keys(playback) == [noise.key]
    leech.join(noise, playback)
    await until(lambda: torrent.share_ratio >= 0.9)
    await playback.tidy()
    assert keys(playback) == []
    assert len(playback.library.kept) == 1


async def test_what_only_seeds_plays_again(playback: Playback, noise: Seed) -> None:
    choose(playback, Seeding.RATIO)
    session = playback.start_session(await playback.parse(noise.magnet))
    await soon(session.resolve())
    assert session.torrent is not None
    await soon(session.torrent.wait_for_piece(0))  # of what was never played nothing is seeded
    session.end()
    await settled(playback)
    (torrent,) = playback.torrents
    assert torrent.only_seeds
    again = await watched(playback, noise.magnet)
    assert again.torrent is not torrent
    assert len(torrents_in_libtorrent(playback)) == 1


async def test_what_is_due_seeds_no_more(
    playback: Playback, noise: Seed, downloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(playback, Seeding.RATIO)
    (await watched(playback, noise.magnet)).end()
    await settled(playback)
    later = dt_util.utcnow() + timedelta(hours=25)
    monkeypatch.setattr(dt_util, "utcnow", lambda: later)
    await playback.tidy()
    assert keys(playback) == []
    assert not (downloads / noise.key).exists()


async def test_another_policy_ends_seeding(playback: Playback, noise: Seed) -> None:
    choose(playback, Seeding.RATIO)
    (await watched(playback, noise.magnet)).end()
    await settled(playback)
    choose(playback, Seeding.WATCHING)
    await playback.tidy()
    assert keys(playback) == []


# --- the pace --------------------------------------------------------------------------------------------------------


def limit(session: Session) -> int:
    """Return the limit for the download of a session's torrent, bytes/s; 0 is none."""
    assert session.torrent is not None
    assert session.torrent._steering is not None
    return session.torrent._steering.limit


@pytest.mark.parametrize("whole", [False, True])
async def test_the_whole_film_is_not_paced(playback: Playback, film: Seed, whole: bool) -> None:
    playback.apply(replace(playback.settings, whole_film=whole))
    session = playback.start_session(await playback.parse(film.magnet))
    await soon(session.prepare())
    assert session.torrent is not None
    assert session.file is not None
    await soon(session.torrent.wait_for_range(session.file, 0, session.file.size))
    await asyncio.sleep(0)
    assert bool(limit(session)) is not whole


async def test_whether_the_whole_film_is_wanted_holds_at_once(playback: Playback, film: Seed) -> None:
    session = playback.start_session(await playback.parse(film.magnet))
    await soon(session.prepare())
    await until(lambda: limit(session))
    for whole in (True, False):
        playback.apply(replace(playback.settings, whole_film=whole))
        await asyncio.sleep(0)
        assert bool(limit(session)) is not whole


@pytest.fixture
def show(tmp_path: Path, film_file: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return a torrent of a film and of another file that does not come at once."""
    folder = tmp_path / "seeder" / "Show"
    folder.mkdir(parents=True)
    shutil.copy(film_file, folder / "film.mp4")
    (folder / "other.mkv").write_bytes(random_bytes(160 * PIECE))
    seed = seeder(folder)
    seed.handle.set_upload_limit(16 * PIECE)
    return seed


async def test_who_has_stopped_watching_holds_up_no_download_of_the_same_torrent(
    playback: Playback, show: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await playback.parse(show.magnet)
    watching = playback.start_session(source, wanted="*film*")
    await soon(watching.prepare())
    download = await soon(playback.download(source, "*other*"))
    await until(lambda: limit(download))
    monkeypatch.setattr(supply, "BETWEEN_CONNECTIONS", 0)  # as if that were long ago
    watching.end()
    await until(lambda: not limit(download))
    assert not download.is_over


# --- an engine nobody needs ------------------------------------------------------------------------------------------


@pytest.fixture
async def rested(playback: Playback, noise: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an engine that is not needed any more, and little patience with it."""
    monkeypatch.setattr(module, "ENGINE_REST", 0)
    (await watched(playback, noise.magnet)).end()
    await settled(playback)


async def test_an_engine_that_nobody_needs_ends(playback: Playback, noise: Seed, rested: None) -> None:
    assert has_engine(playback)
    await playback.tidy()
    assert not has_engine(playback)
    await watched(playback, noise.magnet)


async def test_an_engine_that_was_needed_lately_stays(
    playback: Playback, rested: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ENGINE_REST", 600)
    await playback.tidy()
    assert has_engine(playback)


async def test_an_engine_in_use_stays(playback: Playback, noise: Seed, rested: None) -> None:
    await watched(playback, noise.magnet)
    await playback.tidy()
    assert has_engine(playback)
