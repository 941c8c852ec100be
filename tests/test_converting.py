"""Video that a device does not play, converted on its way from a real torrent to it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.const import CONF_CONVERT
from custom_components.torrent_cast.media import Refused, profile_of
from custom_components.torrent_cast.media.hls import BEGINNING
from custom_components.torrent_cast.playback import Playback, Session, State
from tests.conftest import Seed, soon
from tests.media.conftest import ffmpeg, moving


@pytest.fixture
def alien(tmp_path_factory: pytest.TempPathFactory, seeder: Callable[[Path], Seed]) -> Seed:
    """Return a torrent of a film in MPEG-4 ASP."""
    path = tmp_path_factory.mktemp("alien") / "The film (2003).avi"
    ffmpeg(*moving(20), "-c:v", "mpeg4", "-b:v", "1M", "-g", "50", "-c:a", "libmp3lame", path)
    return seeder(path)


async def session_on(playback: Playback, seed: Seed, start: float = 0.0) -> Session:
    """Return a session for a Chromecast."""
    session = playback.start_session(await playback.parse(seed.magnet), start_position=start)
    session.profile = profile_of("Chromecast")
    return session


async def test_unasked_it_is_refused(playback: Playback, alien: Seed) -> None:
    session = await session_on(playback, alien)
    with pytest.raises(Refused, match="video_alien"):
        await soon(session.prepare())
    assert session.state is State.FAILED


async def test_an_option_has_it_converted_while_it_downloads(playback: Playback, alien: Seed) -> None:
    playback.apply(replace(playback.settings, ffmpeg="ffmpeg"))
    session = await session_on(playback, alien, start=8.0)
    await asyncio.wait_for(session.prepare(), 60)
    assert session.hls is not None
    names = [line for line in session.hls.playlist.splitlines() if line.endswith(".m4s")]
    assert len(names) == 3
    for name, box in ((BEGINNING, b"ftyp"), *((name, b"moof") for name in names)):
        part = session.hls.find(name)
        assert part is not None
        assert (await soon(part.make()))[4:8] == box
    session.end()


async def test_the_ffmpeg_is_the_one_that_home_assistant_is_told(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert entry.runtime_data.settings.ffmpeg is None
    assert await async_setup_component(hass, "ffmpeg", {"ffmpeg": {"ffmpeg_bin": "/opt/ffmpeg"}})
    hass.config_entries.async_update_entry(entry, options={CONF_CONVERT: True})
    await hass.async_block_till_done()
    assert entry.runtime_data.settings.ffmpeg == "/opt/ffmpeg"


async def test_a_program_that_is_not_there_is_named(playback: Playback, alien: Seed) -> None:
    playback.apply(replace(playback.settings, ffmpeg="/nowhere/ffmpeg"))
    session = await session_on(playback, alien)
    with pytest.raises(Refused) as caught:
        await soon(session.prepare())
    assert (caught.value.reason, caught.value.details) == ("no_encoder", {"binary": "/nowhere/ffmpeg"})
