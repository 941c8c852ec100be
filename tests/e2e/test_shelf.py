"""A torrent of many files: episodes and songs follow one another in a device's own queue; video is converted."""

import asyncio
from typing import TYPE_CHECKING, Any, override

import pytest
import pytest_asyncio
from homeassistant.components.media_player import MediaPlayerEntityFeature

from custom_components.torrent_cast.queueing import AHEAD
from tests.media.conftest import ffmpeg
from tests.rig.films import SHORT, Film, film
from tests.rig.hass import HassError
from tests.rig.receiver import BACKDROP
from tests.rig.stage import Stage

from .conftest import open_all_sockets
from .test_sessions import PATIENCE, sessions_of, until_ended

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIRST = "Some Show S01E01.mp4"
SECOND = "Some Show S01E02.mkv"
THIRD = "Some Show S01E03.mp4"
LONG = "Some Show S02E01.mp4"
AFTER_LONG = "Some Show S02E02.mp4"
XVID = "Old film (2026).avi"

BOTH_WAYS = MediaPlayerEntityFeature.NEXT_TRACK | MediaPlayerEntityFeature.PREVIOUS_TRACK

SONGS = ("10 Third.mp3", "2 Second.flac", "1 First.mp3")
"""In no order."""

CLOCK = Film("Clock (2026).mp4", seconds=60, bitrate=1_200_000, width=320, height=180)
"""What becomes the film that has to be converted."""


LONG_CLOCK = Film("Long clock (2026).mp4", seconds=180, bitrate=1_000_000, width=320, height=180)
"""What is far from its end for a while."""


RED = (254, 0, 0)
"""The poster's colour, as JPEG has it."""


SIZE = ("-b:v", "2500k", "-g", "50")
"""Some 19 MB, with a key frame every 2 s."""


class Shelf(Stage):
    """A stage with episodes, the second in another container, a film that a Chromecast does not play, and an album.

    Beside them lies a poster.
    """

    hears = True

    peers = 3
    """So that films are still coming in when they play, and jumps take no longer than they have to."""

    @override
    async def content(self) -> Path:
        folder = self.folder / "Shelf"
        folder.mkdir()
        short, clock = await film(SHORT), await film(CLOCK)
        long_clock = await film(LONG_CLOCK)
        for name, source in ((FIRST, short), (THIRD, short), (LONG, long_clock), (AFTER_LONG, long_clock)):
            (folder / name).hardlink_to(source)
        copied = ("-c:v", "copy", "-c:a", "ac3")
        xvid = ("-c:v", "mpeg4", "-vtag", "XVID", "-bf", "2", "-c:a", "libmp3lame", *SIZE)
        for name, source, how in ((SECOND, short, copied), (XVID, clock, xvid)):
            await asyncio.to_thread(ffmpeg, "-i", source, *how, folder / name)
        poster = ("-f", "lavfi", "-i", "color=red:size=600x900", "-frames:v", "1")
        await asyncio.to_thread(ffmpeg, *poster, folder / "poster.jpg")
        (folder / "Album").mkdir()
        for name in SONGS:
            await asyncio.to_thread(ffmpeg, "-f", "lavfi", "-i", "sine=duration=2", folder / "Album" / name)
        return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_shelf() -> AsyncIterator[Shelf]:
    """Return a stage with a shelf that lasts for this module."""
    open_all_sockets()
    async with Shelf(piece_length=1 << 18, speaker=True) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="module")
async def shelf(shared_shelf: Shelf) -> AsyncIterator[Shelf]:
    """Return the module's stage with nothing playing and nothing downloaded."""
    yield shared_shelf
    await shared_shelf.hass.service("torrent_cast.stop", entity_id=shared_shelf.entities)
    assert await sessions_of(shared_shelf) == []
    await shared_shelf.hass.service("torrent_cast.remove", torrent=shared_shelf.swarm.magnet)
    assert shared_shelf.hass.log.read_text().count("Traceback") == 0


async def play(shelf: Shelf, file: str, start_position: float | str = 0) -> None:
    """Play a file of the shelf, and wait until its pictures move."""
    frames = asyncio.create_task(shelf.player.frames_moving())
    try:
        await shelf.hass.service(
            "torrent_cast.play",
            entity_id=shelf.entity_id,
            source=shelf.swarm.magnet,
            file=file,
            start_position=start_position,
        )
        await asyncio.wait_for(frames, PATIENCE)
    finally:
        frames.cancel()


async def seek(shelf: Shelf, second: float) -> None:
    """Seek, and see that the picture is where it was sought."""
    frames = asyncio.create_task(shelf.player.frames_moving(near=second))
    await shelf.hass.service("media_player.media_seek", entity_id=shelf.entity_id, seek_position=second)
    assert (await asyncio.wait_for(frames, PATIENCE)).clock == pytest.approx(second, abs=1)


async def shows(shelf: Shelf, title: str, *, with_next: bool = False) -> None:
    """Wait until a film plays, and the Cast entity offers to skip: where there is a next, then both ways."""
    await shelf.hass.until(
        shelf.entity_id,
        lambda state: (
            state["state"] == "playing"
            and state["attributes"].get("media_title") == title
            and (not with_next or BOTH_WAYS in MediaPlayerEntityFeature(state["attributes"]["supported_features"]))
        ),
    )


async def test_a_device_goes_on_with_the_next_episode_by_itself(shelf: Shelf) -> None:
    await play(shelf, FIRST)
    await shows(shelf, "Some Show S01E01", with_next=True)
    loads = len(shelf.receiver.loads)
    await seek(shelf, SHORT.seconds - 4)
    begun = asyncio.create_task(shelf.player.frames_moving(near=1))
    await shows(shelf, "Some Show S01E02")
    assert (await asyncio.wait_for(begun, PATIENCE)).clock is not None
    assert len(shelf.receiver.loads) == loads, "out of its own queue"
    await seek(shelf, 12)
    await shelf.hass.service("media_player.media_stop", entity_id=shelf.entity_id)
    await until_ended(shelf)

    frames = asyncio.create_task(shelf.player.frames_moving(near=12))
    await play(shelf, SECOND, start_position="resume")
    assert (await asyncio.wait_for(frames, PATIENCE)).clock == pytest.approx(12, abs=2)
    await shelf.hass.service("torrent_cast.stop", entity_id=shelf.entity_id)
    await play(shelf, FIRST, start_position="resume")
    assert (await shelf.player.frames_moving()).media_time < 5, "it was watched to its end"


async def has_poster(shelf: Shelf, media: dict[str, Any]) -> None:
    """See that the device can fetch the poster by what it was told of a film."""
    (image,) = media["metadata"]["images"]
    size, colour = await shelf.player.picture(image["url"])
    assert size == (480, 720)
    assert colour == pytest.approx(RED, abs=16)


async def test_a_device_goes_to_the_next_episode_and_back(shelf: Shelf) -> None:
    await play(shelf, FIRST)
    await shows(shelf, "Some Show S01E01", with_next=True)
    await has_poster(shelf, shelf.receiver.loads[-1]["media"])
    (item,) = [one for one in shelf.receiver.messages if one["type"] == "QUEUE_INSERT"][-1]["items"]
    await has_poster(shelf, item["media"])
    await shelf.hass.service("media_player.media_next_track", entity_id=shelf.entity_id)
    await shows(shelf, "Some Show S01E02", with_next=True)
    async with shelf.hass.events("torrent_cast_playback") as happening, asyncio.timeout(PATIENCE):
        await shelf.hass.service("media_player.media_previous_track", entity_id=shelf.entity_id)
        # The device begins with the address that it has, which leads nowhere by now: it is given another.
        told = ("", "")
        while told != ("started", "Some Show S01E01"):
            data = await happening()
            told = (data["type"], data["title"])
        assert (await shelf.player.frames_moving()).clock is not None


async def test_a_device_goes_to_the_next_episode_long_before_the_end(shelf: Shelf) -> None:
    await play(shelf, LONG)
    await shows(shelf, "Some Show S02E01", with_next=True)
    loads = len(shelf.receiver.loads)
    assert (await shelf.player.stats()).current_time < LONG_CLOCK.seconds - 2 * AHEAD
    await seek(shelf, 60)
    begun = asyncio.create_task(shelf.player.frames_moving(near=1))
    await shelf.hass.service("media_player.media_next_track", entity_id=shelf.entity_id)
    await shows(shelf, "Some Show S02E02")
    assert (await asyncio.wait_for(begun, PATIENCE)).clock is not None
    assert len(shelf.receiver.loads) == loads, "out of its own queue"
    await seek(shelf, 100)  # it comes in as any film that plays


async def test_who_goes_home_on_the_device_stays_there_although_a_film_was_in_its_queue(shelf: Shelf) -> None:
    await play(shelf, LONG)
    await shows(shelf, "Some Show S02E01", with_next=True)
    told = len(shelf.receiver.messages)
    await shelf.receiver.quit_app()
    await until_ended(shelf)
    await shelf.hass.service("media_player.volume_set", entity_id=shelf.entity_id, volume_level=0.5)
    heard = [message["type"] for message in shelf.receiver.messages[told:]]
    assert (heard.count("SET_VOLUME"), heard.count("LAUNCH"), shelf.receiver.app_id) == (1, 0, BACKDROP)


async def test_a_film_that_a_device_does_not_play_is_converted(shelf: Shelf) -> None:
    await shelf.set_options(convert_video=False)
    with pytest.raises(HassError, match="have video converted"):
        await play(shelf, XVID)
    await shelf.set_options(convert_video=True)
    await play(shelf, XVID)
    (session,) = await sessions_of(shelf)
    assert session["pieces_had"] < session["pieces_total"]
    await seek(shelf, 40)
    assert shelf.receiver.loads[-1]["media"]["contentType"] == "application/x-mpegurl"
    assert (await shelf.player.stats()).audio_bytes > 0


async def test_an_album_plays_in_order_on_a_speaker(shelf: Shelf) -> None:
    heard: list[str] = []
    async with shelf.hass.events("torrent_cast_playback") as happening, asyncio.timeout(PATIENCE):
        await shelf.hass.service(
            "torrent_cast.play", entity_id=shelf.speaker_id, source=shelf.swarm.magnet, file="*1 First*"
        )
        while len(heard) < len(SONGS):
            data = await happening()
            assert data["entity_id"] == shelf.speaker_id
            if data["type"] == "finished":
                heard.append(data["title"])
    assert heard == ["1 First", "2 Second", "10 Third"]
    assert shelf.loudspeaker is not None
    assert (await shelf.loudspeaker.stats()).audio_bytes > 0
    await until_ended(shelf)
