"""New torrents of providers, in the library by themselves."""
# ruff: noqa: ARG001  # fixtures are asked for by name; a test may wait for its own disk

from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.playback import Playback
from custom_components.torrent_cast.providers import Adding, ProviderError
from custom_components.torrent_cast.providers.folder import Folder
from tests.conftest import Seed, settled, soon


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


async def test_a_folder_that_is_gone_is_said_once(
    adding: Adding, folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    folder._path.rmdir()
    folder.interval = 0.0
    looks = 0
    latest = folder.latest

    async def counted() -> list:  # type: ignore[type-arg]  # passed on as it is
        nonlocal looks
        looks += 1
        if looks > 3:
            raise RuntimeError("enough")
        return await latest()

    folder.latest = counted  # type: ignore[method-assign]  # to see how often it is asked
    with pytest.raises(RuntimeError):
        await soon(adding.run(folder, "", adds_first=True))
    assert caplog.text.count("cannot be looked at") == 1


async def test_a_look_that_fails_says_why(adding: Adding, folder: Folder, entry: MockConfigEntry) -> None:
    folder._path.rmdir()
    with pytest.raises(ProviderError):
        await adding.look(folder, "", adds_first=True)
