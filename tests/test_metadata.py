"""What the television shows of a film beside its pictures."""

import pytest
from aiohttp.test_utils import TestClient, TestServer
from homeassistant.core import HomeAssistant
from yarl import URL

from custom_components.torrent_cast.metadata import describe, film, song
from custom_components.torrent_cast.playback import Playback, Session
from custom_components.torrent_cast.titles import Title
from tests.conftest import soon

BASE = URL("http://192.168.1.10:8123")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        (Title("Film", year=2026), {"metadataType": 1, "releaseDate": "2026"}),
        (Title("Film"), {"metadataType": 1}),
        (
            Title("Show", season=2, episodes=(3, 4)),
            {"metadataType": 2, "seriesTitle": "Show", "season": 2, "episode": 3},
        ),
        (Title("Show", episodes=(3,)), {"metadataType": 2, "seriesTitle": "Show", "episode": 3}),
        (
            Title("Show", year=2026, season=2, episodes=(3,)),
            {"metadataType": 2, "seriesTitle": "Show", "season": 2, "episode": 3, "originalAirdate": "2026"},
        ),
    ],
)
def test_films_and_episodes_say_what_they_are(title: Title, expected: dict[str, object]) -> None:
    assert film(title) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Album/07 - Song.mp3", {"metadataType": 3, "albumName": "Album", "trackNumber": 7}),
        ("Song.mp3", {"metadataType": 3}),
        ("1999.mp3", {"metadataType": 3}),
    ],
)
def test_a_song_says_its_album_and_number(path: str, expected: dict[str, object]) -> None:
    assert song(path) == expected


async def test_the_device_gets_a_name_and_a_picture(hass: HomeAssistant, playback: Playback, session: Session) -> None:
    found = await describe(hass, playback, session, BASE)
    assert found == {"metadataType": 1, "releaseDate": "2026"}
    assert session.title == "The film (2026)"
    assert session.torrent is not None
    assert session.file is not None
    await soon(session.torrent.wait_for_range(session.file, 0, session.file.size))
    await soon(playback.pictures.take(session.torrent, session.file))
    (image,) = (await describe(hass, playback, session, BASE))["images"]
    assert session.token not in image["url"], "Home Assistant's states show it"
    async with TestClient(TestServer(hass.http.app)) as client, client.get(URL(image["url"]).path) as response:
        assert (response.status, response.content_type) == (200, "image/jpeg")
        assert (await response.read()).startswith(b"\xff\xd8\xff")
