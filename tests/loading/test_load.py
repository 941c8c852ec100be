"""What a Cast device is told to load, and what it may answer."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import gc
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from pychromecast.const import CAST_TYPE_AUDIO
from pychromecast.error import PyChromecastError

from custom_components.torrent_cast import cast, loading
from custom_components.torrent_cast.playback import (
    Playback,
    State,
)
from tests.conftest import Seed, Television, soon, until
from tests.loading.conftest import HERE, REFUSED, TAKEN, Answer, FakeChromecast, refusal
from tests.media.conftest import ffmpeg


async def would_be_sent(hass: HomeAssistant) -> None:
    """Wait as long as it takes to send something."""
    for _ in range(10):
        await hass.async_add_executor_job(Mock())


async def test_a_device_is_told_the_address_and_shows_an_id(hass: HomeAssistant, play: Callable[..., Any]) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    ((content_id, info),) = device.loads
    assert content_id == session.content_id
    assert info["contentUrl"].startswith(f"{HERE}/api/torrent_cast/{session.token}/")
    assert info["duration"] == pytest.approx(12, abs=0.2)
    assert session.was_loaded


async def test_a_device_that_does_not_know_addresses_beside_ids_gets_them_as_ids_from_then_on(
    hass: HomeAssistant, play: Callable[..., Any]
) -> None:
    device = FakeChromecast(hass, Answer(REFUSED, asks=False), Answer(TAKEN), Answer(TAKEN))
    for _ in range(2):
        await play(device)
    assert [content_id.startswith(HERE) for content_id, _ in device.loads] == [False, True, True]


@pytest.mark.parametrize(
    ("answers", "key"),
    [
        ([Answer(REFUSED)], "load_refused"),
        ([Answer(REFUSED, asks=False), Answer(REFUSED, asks=False)], "load_refused"),
        ([Answer({"type": "LOAD_CANCELLED"})], "session_ended"),
        ([PyChromecastError("gone")], "device_unavailable"),
        ([Answer(None), PyChromecastError("gone")], "device_unavailable"),
    ],
)
async def test_what_a_device_does_not_take_is_an_error(
    hass: HomeAssistant, play: Callable[..., Any], answers: list[Answer | Exception], key: str
) -> None:
    assert await refusal(play, FakeChromecast(hass, *answers)) == key


async def test_a_message_that_got_lost_is_sent_again(hass: HomeAssistant, play: Callable[..., Any]) -> None:
    device = FakeChromecast(hass, Answer(None, asks=False), Answer(TAKEN))
    await play(device)
    assert len(device.loads) == 2


@pytest.mark.parametrize("answers", [[Answer(None, asks=False)], []], ids=["again", "first"])
async def test_nothing_is_sent_before_a_device_has_told_of_itself(
    hass: HomeAssistant, play: Callable[..., Any], answers: list[Answer | Exception]
) -> None:
    device = FakeChromecast(hass, *answers, Answer(TAKEN))
    device.is_quick = False
    if not answers:
        device.status = None
    work = hass.async_create_task(play(device))
    await until(lambda: device.watcher is not None and not device.watcher.is_introduced)
    await would_be_sent(hass)
    assert len(device.loads) == len(answers)
    device.tells_of_itself()
    await soon(work)
    assert len(device.loads) == len(answers) + 1


async def test_who_waits_to_write_looks_once_more_whether_the_device_has_told_of_itself(
    hass: HomeAssistant, play: Callable[..., Any]
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    device.is_quick = False
    async with loading._turn(device):  # type: ignore[arg-type]  # what is used of it
        work = hass.async_create_task(play(device))
        await until(lambda: device.watcher is not None)
        await would_be_sent(hass)
        device.connects_anew()
        await until(lambda: device.watcher.connections)
    await would_be_sent(hass)
    assert device.loads == []
    device.tells_of_itself()
    await soon(work)
    assert len(device.loads) == 1


async def test_a_message_is_not_written_to_a_connection_that_nobody_knows_of_yet(
    hass: HomeAssistant, play: Callable[..., Any]
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN), Answer(TAKEN))
    first = await play(device)
    device.status = None
    work = hass.async_create_task(play(device))
    await until(lambda: device.session is not first and device.session.state is State.LOADING)  # type: ignore[union-attr]  # it plays
    await would_be_sent(hass)
    assert len(device.loads) == 1
    device.connects_anew()
    await soon(work)
    assert len(device.loads) == 2


async def test_a_stop_while_a_device_loads_leaves_nothing_behind(
    hass: HomeAssistant, play: Callable[..., Any], playback: Playback, caplog: pytest.LogCaptureFixture
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN, comes=False))
    work = hass.async_create_task(play(device))
    await until(lambda: device.loads)
    (session,) = playback.sessions
    session.end()
    with pytest.raises(HomeAssistantError) as caught:
        await soon(work)
    assert caught.value.translation_key == "session_ended"
    assert not session.was_loaded
    del caught, work
    await hass.async_block_till_done()
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_a_device_that_never_tells_of_itself_is_out_of_reach(
    hass: HomeAssistant, play: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "RECONNECT_TIMEOUT", 0.05)
    device = FakeChromecast(hass)
    device.status = None
    assert await refusal(play, device) == "device_unavailable"
    assert device.loads == []


async def test_a_device_that_never_asks_cannot_reach_us(
    hass: HomeAssistant, play: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "REQUEST_TIMEOUT", 0.05)
    assert await refusal(play, FakeChromecast(hass, Answer(TAKEN, asks=False))) == "no_request"


async def test_a_device_out_of_reach_and_one_without_a_screen_are_not_asked(
    hass: HomeAssistant, play: Callable[..., Any]
) -> None:
    away, speaker = FakeChromecast(hass), FakeChromecast(hass)
    away.socket_client.is_connected = False
    speaker.cast_type = CAST_TYPE_AUDIO
    assert (await refusal(play, away), await refusal(play, speaker)) == ("device_unavailable", "no_screen")


async def test_a_speaker_plays_sound_whose_name_may_be_that_of_a_film(
    hass: HomeAssistant, play: Callable[..., Any], tmp_path: Path, film_file: Path, seeder: Callable[[Path], Seed]
) -> None:
    path = tmp_path / "seeder" / "Song.mp4"
    path.parent.mkdir(exist_ok=True)
    ffmpeg("-i", film_file, "-vn", "-c", "copy", path)
    speaker = FakeChromecast(hass, Answer(TAKEN))
    speaker.cast_type = CAST_TYPE_AUDIO
    await play(speaker, seeder(path))
    assert len(speaker.loads) == 1


async def test_a_speaker_plays_the_first_song_of_an_album_with_a_film(
    hass: HomeAssistant, play: Callable[..., Any], tmp_path: Path, film_file: Path, seeder: Callable[[Path], Seed]
) -> None:
    album = tmp_path / "seeder" / "Album"
    album.mkdir(parents=True)
    shutil.copy(film_file, album / "Making of.mkv")
    for name in ("1 One.mp3", "2 Two.mp3"):
        ffmpeg("-f", "lavfi", "-i", "sine=duration=9", album / name)
    speaker = FakeChromecast(hass, Answer(TAKEN))
    speaker.cast_type = CAST_TYPE_AUDIO
    session = await play(speaker, seeder(album))
    assert session.file.name == "1 One.mp3"


async def test_a_magnet_link_makes_its_own_session(
    hass: HomeAssistant, playback: Playback, play: Callable[..., Any], film: Seed, tv: Television
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    work = hass.async_create_task(cast.async_play_media(hass, tv.entity_id, device, "video", film.magnet))  # type: ignore[arg-type]  # likewise
    await until(lambda: playback.sessions)
    (device.session,) = playback.sessions
    assert await soon(work)
    assert device.session.target == tv.entity_id
    assert not await cast.async_play_media(hass, tv.entity_id, device, "video", "http://other.example/film.mp4")  # type: ignore[arg-type]  # likewise
