"""What Home Assistant's Cast integration asks; what a receiver does with it is in tests/e2e."""
# ruff: noqa: ARG001  # fixtures are asked for by name

from collections.abc import Callable
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from pychromecast.const import CAST_TYPE_AUDIO, CAST_TYPE_CHROMECAST, CAST_TYPE_GROUP
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast import cast
from custom_components.torrent_cast.media import BROWSER
from custom_components.torrent_cast.playback import Playback, Session
from custom_components.torrent_cast.sources import CONTENT_TYPE
from custom_components.torrent_cast.views import stream_path
from tests.conftest import Seed, kept, random_bytes


@pytest.fixture
async def mixed(playback: Playback, tmp_path: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return a concert, as pictures and as sound, kept."""
    folder = tmp_path / "seeder" / "Concert"
    folder.mkdir(parents=True)
    (folder / "concert.mp4").write_bytes(random_bytes(1000, seed=1))
    (folder / "concert.mp3").write_bytes(random_bytes(1000, seed=2))
    seed = seeder(folder)
    await kept(playback, seed)
    return seed


async def shown(hass: HomeAssistant, cast_type: str, where: str = "") -> list[str]:
    """Return the media types that a device is offered."""
    node = await cast.async_browse_media(hass, "video", f"{cast.ROOT}{where}", cast_type)
    assert node is not None
    return [str(child.media_content_type) for child in node.children or ()]


async def test_a_screen_shows_the_tree_of_the_media_source(hass: HomeAssistant, mixed: Seed) -> None:
    assert await shown(hass, CAST_TYPE_CHROMECAST) == ["video"]
    assert sorted(await shown(hass, CAST_TYPE_CHROMECAST, f"/{mixed.key}")) == ["audio/mpeg", "video/mp4"]


@pytest.mark.parametrize("cast_type", [CAST_TYPE_AUDIO, CAST_TYPE_GROUP])
async def test_a_speaker_shows_what_can_be_heard(hass: HomeAssistant, mixed: Seed, cast_type: str) -> None:
    assert await shown(hass, cast_type, f"/{mixed.key}") == ["audio/mpeg"]


async def test_a_speaker_does_not_show_films(hass: HomeAssistant, session: Session) -> None:
    assert await shown(hass, CAST_TYPE_AUDIO) == []
    assert await shown(hass, CAST_TYPE_CHROMECAST) == ["video"]


@pytest.mark.parametrize("other", ["media-source://media_source/local", "media-source://torrent_cast_2", "", "plex://"])
async def test_the_rest_is_left_to_others(hass: HomeAssistant, entry: MockConfigEntry, other: str) -> None:
    assert await cast.async_browse_media(hass, "video", other, CAST_TYPE_CHROMECAST) is None
    assert await cast.async_get_media_browser_root_object(hass, CAST_TYPE_CHROMECAST) == []


async def test_a_torrent_file_in_local_media_makes_a_session(
    hass: HomeAssistant, playback: Playback, film: Seed, tmp_path: Path
) -> None:
    hass.config.media_dirs["local"] = str(tmp_path)
    (tmp_path / "film.torrent").write_bytes(film.torrent.metainfo)
    session = await cast._session(hass, playback, "/media/local/film.torrent")
    assert session.source.key == film.key
    assert cast._is_ours(playback, CONTENT_TYPE, "/media/local/film.torrent")
    assert not cast._is_ours(playback, "video/mp4", "/media/local/film.mp4")


async def test_a_torrent_file_that_is_not_there_is_said_so(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    with pytest.raises(HomeAssistantError):
        await cast.async_play_media(hass, "media_player.tv", None, CONTENT_TYPE, "/media/local/none.torrent")  # type: ignore[arg-type]  # never asked


async def test_a_browsers_address_on_a_device_is_a_play_of_its_own(
    hass: HomeAssistant, playback: Playback, session: Session
) -> None:
    address = stream_path(session)
    assert await cast._session(hass, playback, address) is session
    session.profile = BROWSER
    other = await cast._session(hass, playback, address)
    assert other is not session
    assert (other.source, other.wanted) == (session.source, session.wanted)
