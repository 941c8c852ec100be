"""New torrents of providers, in the library by themselves."""
# ruff: noqa: ARG001  # fixtures are asked for by name; a test may wait for its own disk

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.engine import Source, storage
from custom_components.torrent_cast.playback import Playback, Seeding
from custom_components.torrent_cast.providers import Adding, Item, ProviderError
from custom_components.torrent_cast.providers.adding import MAX_TRIES, STORE, VERSION
from custom_components.torrent_cast.providers.folder import Folder
from tests.conftest import Seed, random_bytes, settled, soon


@pytest.fixture
def folder(hass: HomeAssistant, tmp_path: Path) -> Folder:
    """Return a folder with nothing in it."""
    path = tmp_path / "watched"
    path.mkdir()
    return Folder("id", "Folder", hass, path)


@pytest.fixture
def adding(hass: HomeAssistant, playback: Playback) -> Adding:
    """Return what adds."""
    return Adding(hass, playback)


async def keys(playback: Playback) -> list[str]:
    """Return what is in the library once all sessions have let go."""
    await settled(playback)
    return [kept.key for kept in playback.library.kept]


async def test_what_lands_in_a_folder_is_added_and_not_downloaded(
    adding: Adding, folder: Folder, playback: Playback, film: Seed
) -> None:
    (folder._path / "film.torrent").write_bytes(film.torrent.metainfo)
    await soon(adding.look(folder, "", adds_first=True))
    assert await keys(playback) == [film.key]
    assert playback.sessions == ()
    assert (await playback.entry(film.key)).bytes_there == 0


async def test_where_nothing_is_kept_what_is_new_waits_for_better_times(
    adding: Adding, folder: Folder, playback: Playback, film: Seed, caplog: pytest.LogCaptureFixture
) -> None:
    keeping = playback.settings
    playback.apply(replace(keeping, keep=timedelta()))
    (folder._path / "film.torrent").write_bytes(film.torrent.metainfo)
    with pytest.raises(ProviderError, match="nothing_kept"):
        await soon(adding.look(folder, "", adds_first=True))
    playback.apply(keeping)
    await soon(adding.look(folder, "", adds_first=True))
    assert await keys(playback) == [film.key]


async def test_what_was_there_at_first_may_be_left_out(
    adding: Adding, folder: Folder, playback: Playback, film: Seed, noise: Seed
) -> None:
    (folder._path / "film.torrent").write_bytes(film.torrent.metainfo)
    await soon(adding.look(folder, "", adds_first=False))
    (folder._path / "noise.torrent").write_bytes(noise.torrent.metainfo)
    await soon(adding.look(folder, "", adds_first=False))
    assert await keys(playback) == [noise.key]


async def test_what_was_added_once_is_not_added_again_after_a_restart(
    hass: HomeAssistant, adding: Adding, folder: Folder, playback: Playback, film: Seed
) -> None:
    (folder._path / "film.torrent").write_bytes(film.torrent.metainfo)
    await soon(adding.look(folder, "", adds_first=True))
    await settled(playback)
    await playback.library.forget(film.key)
    await soon(Adding(hass, playback).look(folder, "", adds_first=True))
    assert await keys(playback) == []


async def test_only_titles_with_the_words_are_added(
    adding: Adding, folder: Folder, playback: Playback, film: Seed, noise: Seed
) -> None:
    (folder._path / "Ein Fílm.torrent").write_bytes(film.torrent.metainfo)
    (folder._path / "noise.torrent").write_bytes(noise.torrent.metainfo)
    await soon(adding.look(folder, "film EIN", adds_first=True))
    assert await keys(playback) == [film.key]


async def test_one_that_is_damaged_does_not_keep_the_others_out(
    adding: Adding, folder: Folder, playback: Playback, film: Seed, caplog: pytest.LogCaptureFixture
) -> None:
    (folder._path / "film.torrent").write_bytes(film.torrent.metainfo)
    (folder._path / "damaged.torrent").write_bytes(b"no torrent")
    await soon(adding.look(folder, "", adds_first=True))
    assert await keys(playback) == [film.key]
    assert "cannot be added: bad_torrent" in caplog.text


async def test_what_holds_no_film_is_added_too(
    adding: Adding, folder: Folder, playback: Playback, tmp_path: Path, seeder: Callable[[Path], Seed]
) -> None:
    path = tmp_path / "seeder" / "Song.mp3"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(random_bytes(1000))
    song = seeder(path)
    (folder._path / "song.torrent").write_bytes(song.torrent.metainfo)
    await soon(adding.look(folder, "", adds_first=True))
    assert await keys(playback) == [song.key]


async def test_what_does_not_fit_on_the_disk_is_added_all_the_same(
    adding: Adding, folder: Folder, playback: Playback, film: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "RESERVE_BYTES", 1 << 62)
    (folder._path / "film.torrent").write_bytes(film.torrent.metainfo)
    await soon(adding.look(folder, "", adds_first=True))
    assert await keys(playback) == [film.key]


async def test_what_was_added_has_nothing_to_give(
    adding: Adding, folder: Folder, playback: Playback, film: Seed
) -> None:
    playback.apply(replace(playback.settings, seeding=Seeding.RATIO))
    (folder._path / "film.torrent").write_bytes(film.torrent.metainfo)
    await soon(adding.look(folder, "", adds_first=True))
    assert await keys(playback) == [film.key]
    assert playback.torrents == ()


async def test_one_that_was_half_written_at_first_is_added(
    adding: Adding, folder: Folder, playback: Playback, film: Seed
) -> None:
    metainfo = film.torrent.metainfo
    for written in (len(metainfo) // 2, len(metainfo)):
        (folder._path / "film.torrent").write_bytes(metainfo[:written])
        await soon(adding.look(folder, "", adds_first=True))
    assert await keys(playback) == [film.key]


async def test_one_that_stays_damaged_is_left_alone_in_the_end(
    adding: Adding, folder: Folder, playback: Playback, caplog: pytest.LogCaptureFixture
) -> None:
    (folder._path / "damaged.torrent").write_bytes(b"no torrent")
    (damaged,) = await folder.latest()
    read: list[Item] = []

    async def counted(item: Item, playback: Playback) -> Source:
        read.append(item)
        return await Folder.read(folder, item, playback)

    folder.read = counted  # type: ignore[method-assign]  # to see how often it is asked
    for _ in range(MAX_TRIES + 2):
        await soon(adding.look(folder, "", adds_first=True))
    assert read == [damaged] * MAX_TRIES
    assert caplog.text.count("cannot be added") == 1


async def test_what_comes_while_home_assistant_stops_is_added_after_the_start(
    hass: HomeAssistant, adding: Adding, folder: Folder, playback: Playback, film: Seed
) -> None:
    (folder._path / "film.torrent").write_bytes(film.torrent.metainfo)
    playback._torrents.engine.stopping = True
    for _ in range(MAX_TRIES):
        await soon(adding.look(folder, "", adds_first=True))
    playback._torrents.engine.stopping = False
    await soon(Adding(hass, playback).look(folder, "", adds_first=True))
    assert await keys(playback) == [film.key]


async def test_providers_that_are_looked_at_at_once_remember_both(
    hass: HomeAssistant, adding: Adding, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = Store.async_load

    async def from_disk(store: Store[Any]) -> Any:  # noqa: ANN401  # whatever is stored
        found = await load(store)
        await asyncio.sleep(0)  # a disk takes its time, other than the test's memory
        return found

    monkeypatch.setattr(Store, "async_load", from_disk)

    class Known(Folder):
        async def _latest(self) -> list[Item]:
            return [Item("Film", self.id)]

    both = [Known(name, name, hass, Path()) for name in ("one", "other")]
    await soon(asyncio.gather(*(adding.look(one, "", adds_first=False) for one in both)))
    stored = await Store[dict[str, list[str]]](hass, VERSION, STORE).async_load()
    assert stored == {one.id: [Item("Film", one.id).id] for one in both}


async def test_a_folder_that_is_gone_is_said_once_and_once_when_it_is_back(
    adding: Adding, folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder._path.rmdir()
    folder.interval = 0.0
    looks = 0
    latest = folder.latest

    async def counted() -> list:  # type: ignore[type-arg]  # passed on as it is
        nonlocal looks
        looks += 1
        if looks == 4:
            assert "can be looked at again" not in caplog.text
            folder._path.mkdir()
        if looks > 6:
            raise RuntimeError("enough")
        return await latest()

    folder.latest = counted  # type: ignore[method-assign]  # to see how often it is asked
    with pytest.raises(RuntimeError):
        await soon(adding.run(folder, "", adds_first=True))
    assert caplog.text.count("cannot be looked at") == 1
    assert caplog.text.count("can be looked at again") == 1


async def test_a_look_that_fails_says_why(adding: Adding, folder: Folder, entry: MockConfigEntry) -> None:
    folder._path.rmdir()
    with pytest.raises(ProviderError):
        await adding.look(folder, "", adds_first=True)
