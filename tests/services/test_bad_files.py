"""Torrents of which nothing can be played, or not from there, or not on this disk."""
# ruff: noqa: ASYNC240  # a test may wait for its own disk

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import voluptuous as vol
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.engine import storage
from custom_components.torrent_cast.media import Reason
from custom_components.torrent_cast.playback import Playback, Session, State
from tests.conftest import OPTIONS, PIECE, Seed, Television, assert_nothing_left
from tests.services.conftest import NOBODY, play, refusal

pytestmark = pytest.mark.usefixtures("entry")


async def test_a_torrent_without_video(
    hass: HomeAssistant, tv: Television, share: Callable[[dict[str, int]], Seed], playback: Playback, downloads: Path
) -> None:
    seed = share({"book.pdf": 100, "cover.jpg": PIECE})
    error = await refusal(hass, tv.entity_id, seed.magnet)
    assert error.translation_key == "no_video"
    assert error.translation_placeholders == {"files": "2"}
    assert isinstance(error, ServiceValidationError)
    await assert_nothing_left(playback, downloads)


@pytest.mark.parametrize(
    ("file", "reason", "placeholders"),
    [
        (2, "no_such_file", {"index": "2", "last": "1"}),
        (-1, "no_such_file", {"index": "-1", "last": "1"}),
        ("-1", "no_such_file", {"index": "-1", "last": "1"}),
        (999_999_999, "no_such_file", {"index": "999999999", "last": "1"}),
        ("9" * 5000, "no_match", {"pattern": "9" * 5000}),
        ("*S02*", "no_match", {"pattern": "*S02*"}),
        ("[", "no_match", {"pattern": "["}),
        ("\x1b[31m*", "no_match", {"pattern": "[31m*"}),
        ("*.nfo", "empty_file", {"name": "empty.nfo"}),
    ],
)
async def test_a_file_that_is_not_there(
    hass: HomeAssistant,
    tv: Television,
    share: Callable[[dict[str, int]], Seed],
    playback: Playback,
    downloads: Path,
    file: int | str,
    reason: str,
    placeholders: dict[str, str],
) -> None:
    seed = share({"empty.nfo": 0, "film.mp4": PIECE})
    error = await refusal(hass, tv.entity_id, seed.magnet, file=file)
    assert (error.translation_key, error.translation_placeholders) == (reason, placeholders)
    assert isinstance(error, ServiceValidationError)
    await assert_nothing_left(playback, downloads)


async def test_an_empty_choice_is_none(hass: HomeAssistant, tv: Television, film: Seed) -> None:
    answer = await play(hass, tv.entity_id, film.magnet, file="")
    assert answer["sessions"][0]["file"]["index"] == 0


async def test_what_is_no_film_inside(
    hass: HomeAssistant, tv: Television, noise: Seed, entry: MockConfigEntry, playback: Playback, downloads: Path
) -> None:
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"keep_hours": 0})
    error = await refusal(hass, tv.entity_id, noise.magnet)
    assert error.translation_key == Reason.NOT_MEDIA
    await assert_nothing_left(playback, downloads)


async def test_a_film_larger_than_the_free_space_is_refused_with_the_numbers(
    hass: HomeAssistant,
    tv: Television,
    torrent_file: Path,
    film: Seed,
    playback: Playback,
    downloads: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free = storage.RESERVE_BYTES + film.content.stat().st_size - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(0, 0, free))
    error = await refusal(hass, tv.entity_id, str(torrent_file))
    assert error.translation_key == "not_enough_space"
    assert error.translation_placeholders == {"needed": "2 MB", "free": "271 MB", "reserve": "269 MB"}
    await assert_nothing_left(playback, downloads)


async def test_a_film_that_just_fits_is_played(
    hass: HomeAssistant, tv: Television, film: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = storage.RESERVE_BYTES + film.content.stat().st_size
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(0, 0, free))
    await play(hass, tv.entity_id, film.magnet)


async def test_a_disk_that_goes_away(
    hass: HomeAssistant,
    tv: Television,
    noise: Seed,
    playback: Playback,
    downloads: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(_path: Path) -> None:
        raise OSError(5, "Input/output error", "/private")

    monkeypatch.setattr(shutil, "disk_usage", gone)
    error = await refusal(hass, tv.entity_id, noise.magnet)
    assert error.translation_placeholders is not None
    assert error.translation_placeholders["error"] == "Input/output error"
    assert "private" not in str(error)
    await assert_nothing_left(playback, downloads)


async def test_a_directory_that_cannot_be_written_any_more(
    hass: HomeAssistant, tv: Television, noise: Seed, playback: Playback, downloads: Path
) -> None:
    downloads.rmdir()
    downloads.touch()
    error = await refusal(hass, tv.entity_id, noise.magnet)
    assert error.translation_key == "not_writable"
    assert playback.sessions == ()
    assert playback.torrents == ()


@pytest.mark.parametrize("position", [float("nan"), float("inf"), float("-inf"), -1, 604_801, "soon", None])
async def test_a_position_that_is_none(
    hass: HomeAssistant, tv: Television, playback: Playback, downloads: Path, position: object
) -> None:
    with pytest.raises(vol.Invalid):
        await play(hass, tv.entity_id, NOBODY, start_position=position)
    await assert_nothing_left(playback, downloads)


async def test_a_position_beyond_the_end(
    hass: HomeAssistant, tv: Television, film: Seed, entry: MockConfigEntry, playback: Playback, downloads: Path
) -> None:
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"keep_hours": 0})
    error = await refusal(hass, tv.entity_id, film.magnet, start_position=3600)
    assert error.translation_key == "beyond_end"
    assert error.translation_placeholders == {"position": "3600", "duration": "12"}
    assert isinstance(error, ServiceValidationError)
    await assert_nothing_left(playback, downloads)


@pytest.mark.parametrize(
    "name", [b"../../escaped.mp4", b"/etc/escaped.mp4", b"a\x00b\x1b[31m\n\xe2\x80\xae.mp4", b"con.mp4", b"\xff.mp4"]
)
async def test_hostile_names_stay_in_the_directory_and_out_of_the_title(
    hass: HomeAssistant,
    tv: Television,
    playback: Playback,
    downloads: Path,
    tmp_path: Path,
    libtorrent: ModuleType,
    entry: MockConfigEntry,
    name: bytes,
) -> None:
    info = {b"name": name, b"piece length": PIECE, b"pieces": bytes(20), b"length": 1000}
    path = tmp_path / "hostile.torrent"
    path.write_bytes(libtorrent.bencode({b"info": info}))
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"keep_hours": 0})
    before = set(tmp_path.rglob("*"))
    titles: list[str] = []

    async def prepare(session: Session) -> None:
        await session.resolve()
        titles.append(session.title)
        session.set_state(State.PLAYING)

    tv.how = prepare
    await play(hass, tv.entity_id, str(path), file=0)
    (title,) = titles
    assert title.isprintable()
    assert "/" not in title
    assert all(created.is_relative_to(downloads) for created in set(tmp_path.rglob("*")) - before)
    for session in playback.sessions:
        session.end()
    await assert_nothing_left(playback, downloads)
