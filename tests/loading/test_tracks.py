"""The film's own subtitles, by the numbers that the device gives them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant

from custom_components.torrent_cast import cast, loading
from custom_components.torrent_cast.playback import (
    Enqueue,
    NoSuchTrack,
    Playback,
    Queue,
    Queued,
    State,
    Wishes,
)
from tests.conftest import Seed, Television, soon, until
from tests.loading.conftest import TAKEN, Answer, FakeChromecast, Playing, ready_in
from tests.media.conftest import ffmpeg


@pytest.fixture
def captioned(tmp_path: Path, film_file: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return a torrent of a film that has subtitles in German."""
    side, path = tmp_path / "side.srt", tmp_path / "seeder" / "Captioned.mkv"
    side.write_text("1\n00:00:01,000 --> 00:00:03,000\nHallo\n")
    path.parent.mkdir(exist_ok=True)
    ffmpeg("-i", film_file, "-i", side, "-c", "copy", "-c:s", "srt", "-metadata:s:s:0", "language=ger", path)
    return seeder(path)


def offers(device: FakeChromecast, content_id: str, *names: str) -> None:
    """Have the device's status tell of a playlist's tracks."""
    device.media_controller.status.content_id = content_id
    device.media_controller.status.subtitle_tracks = [
        {"trackId": number, "type": "TEXT", "name": name} for number, name in enumerate(names, 11)
    ]


async def test_a_track_of_the_playlist_goes_by_the_number_that_the_device_gives_it(
    hass: HomeAssistant, playback: Playback, captioned: Seed, tv: Television
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    wishes = Wishes(subtitles="German")
    session = device.session = playback.start_session(await playback.parse(captioned.magnet), wishes=wishes)
    offers(device, "torrent-cast:another film", "German")
    work = hass.async_create_task(cast.async_play_media(hass, tv.entity_id, device, "video", session.content_id))  # type: ignore[arg-type]  # likewise
    await until(lambda: device.loads)
    offers(device, session.content_id, "English", "German")
    device.tells("PLAYING")
    assert await soon(work)
    assert device.loads[0][1]["tracks"] == []
    assert device.sent == [{"type": "EDIT_TRACKS_INFO", "activeTrackIds": [12], "mediaSessionId": 1}]
    assert session.shown == 1


async def test_a_device_that_goes_on_by_itself_shows_the_subtitles_of_what_it_begins_with(
    hass: HomeAssistant, playback: Playback, captioned: Seed, queue: Queue, playing: Playing
) -> None:
    device, _ = playing
    queue.put([Queued(await playback.parse(captioned.magnet), wishes=Wishes(subtitles="German"))], Enqueue.ADD)
    playback.changes.tell()
    await hass.async_block_till_done(wait_background_tasks=True)
    queued = ready_in(queue)
    assert device.inserted == [queued.content_id]
    offers(device, queued.content_id, "English", "German")
    device.tells("PLAYING", content_id=queued.content_id)
    await until(lambda: len(device.sent) > 1)
    assert device.sent[1:] == [{"type": "EDIT_TRACKS_INFO", "activeTrackIds": [12], "mediaSessionId": 1}]


async def test_a_device_is_told_how_to_show_lines_so_that_they_can_be_read(
    hass: HomeAssistant, playback: Playback, captioned: Seed, tv: Television
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = device.session = playback.start_session(await playback.parse(captioned.magnet))
    assert await soon(cast.async_play_media(hass, tv.entity_id, device, "video", session.content_id))  # type: ignore[arg-type]  # likewise
    style = device.loads[0][1]["textTrackStyle"]
    white, black, shade = style["foregroundColor"], style["edgeColor"], style["backgroundColor"]
    assert (white, black, style["edgeType"]) == ("#FFFFFFFF", "#000000FF", "OUTLINE")
    assert shade[:7] == "#000000"
    assert 0 < int(shade[7:], 16) < 255, "the picture is seen through it"
    session.end()


async def test_a_film_without_subtitles_is_loaded_without_a_style(
    hass: HomeAssistant, play: Callable[..., Any]
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    await play(device)
    assert device.loads[0][1].keys().isdisjoint({"tracks", "textTrackStyle"})


async def test_a_film_plays_without_subtitles_on_a_device_that_does_not_offer_its_own(
    hass: HomeAssistant, playback: Playback, captioned: Seed, tv: Television, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "TRACKS_TIMEOUT", 0.05)
    device = FakeChromecast(hass, Answer(TAKEN))
    wishes = Wishes(subtitles="German")
    session = device.session = playback.start_session(await playback.parse(captioned.magnet), wishes=wishes)
    assert await soon(cast.async_play_media(hass, tv.entity_id, device, "video", session.content_id))  # type: ignore[arg-type]  # likewise
    device.tells("PLAYING")
    await hass.async_block_till_done()
    assert (session.state, session.shown) == (State.PLAYING, None)
    with pytest.raises(NoSuchTrack, match="tracks_not_read"):
        await session.show_subtitles("de")
    session.end()
