"""How safe a playback is depends on who else plays from its torrent."""
# a test may wait for its own disk

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from custom_components.torrent_cast.engine import Source
from custom_components.torrent_cast.engine.supply import Statistics
from custom_components.torrent_cast.playback import Following, Playback
from custom_components.torrent_cast.playback.health import Health, Level
from tests.conftest import Seed, soon, until


@pytest.fixture
def films(tmp_path: Path, film_file: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return a torrent of two films of one bitrate."""
    folder = tmp_path / "seeder" / "Films"
    folder.mkdir(parents=True)
    for name in ("first.mp4", "second.mp4"):
        shutil.copy(film_file, folder / name)
    return seeder(folder)


async def plays(playback: Playback, source: Source, wanted: str) -> Following:
    """Return a device with a film of its own."""
    session = playback.start_session(source, wanted=wanted)
    await soon(session.prepare())
    assert session.playhead is not None
    device: Any = object()
    session.following = Following(session, device, session.playhead)
    return session.following


def health(following: Following) -> Health:
    """Return how safe a playback is."""
    assert following.health is not None
    return following.health


async def test_what_comes_in_is_shared_with_who_plays_from_the_same_torrent(playback: Playback, films: Seed) -> None:
    source = await playback.parse(films.magnet)
    first, second = [await plays(playback, source, name) for name in ("*first*", "*second*")]
    session = second._session
    assert session.torrent is not None
    torrent, bitrate = session.torrent, session.viewer.bitrate
    assert bitrate
    await until(lambda: not any(torrent.missing_bytes(file) for file in torrent.files))
    torrent._have.pieces[:] = bytes(len(torrent._have.pieces))  # as if nothing had come yet
    torrent.supply.statistics = Statistics(download_rate=round(1.5 * bitrate))

    assert [health(one).level for one in (first, second)] == [Level.STARVING] * 2
    assert health(first).supply == pytest.approx(0.75, rel=1e-3)

    session.end()
    await until(lambda: len(torrent._readers) == 1)
    torrent.supply.statistics = Statistics(download_rate=round(1.5 * bitrate))
    assert health(first).supply == pytest.approx(1.5, rel=1e-3)
    assert health(first).level is Level.TIGHT
