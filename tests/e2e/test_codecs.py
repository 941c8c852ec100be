"""A film with sound that devices do not decode plays on one while it downloads."""

import asyncio

import pytest

from tests.rig.films import Film
from tests.rig.stage import Stage

# A whole play takes seconds; this only turns a hang into a failure. s
PATIENCE = 60.0
# Jumps, s: to what a device knows of a film that grows soon after it has begun, and to what it does not.
NEAR = 20
FAR = 150
DOLBY = Film("Film with Dolby (2026).mkv", seconds=180, codec="ac3", texts=("ger", "eng"))
STREAM = Film("Film in a stream (2026).ts", seconds=180, codec="ac3")


async def test_matroska_with_ac3_plays_and_seeks_while_it_downloads() -> None:
    async with Stage(DOLBY) as stage:
        frames = asyncio.create_task(stage.player.frames_moving())
        await stage.hass.service(
            "torrent_cast.play", entity_id=stage.entity_id, source=stage.swarm.magnet, subtitles="de"
        )
        await asyncio.wait_for(frames, PATIENCE)
        await asyncio.wait_for(stage.player.line(beginning="ger "), PATIENCE)
        load = stage.receiver.loads[-1]["media"]
        assert (load["contentType"], load["hlsVideoSegmentFormat"]) == ("application/x-mpegurl", "fmp4")
        session = await stage.session()
        assert session["pieces_had"] < session["pieces_total"]
        frames = asyncio.create_task(stage.player.frames_moving(near=120))
        await stage.hass.service("media_player.media_seek", entity_id=stage.entity_id, seek_position=120)
        frame = await asyncio.wait_for(frames, PATIENCE)
        assert frame.clock == pytest.approx(120, abs=1)
        await stage.hass.service("torrent_cast.set_subtitles", entity_id=stage.entity_id, subtitles="English")
        line, clock = await asyncio.wait_for(stage.player.line(beginning="eng "), PATIENCE)
        assert int(line.removeprefix("eng ")) == pytest.approx(clock, abs=1.2), "the line of what is on the screen"
        await stage.hass.service(
            "torrent_cast.play", entity_id=stage.entity_id, source=stage.swarm.magnet, subtitles="de"
        )
        await asyncio.wait_for(stage.player.line(beginning="ger "), PATIENCE)
        stats = await stage.player.stats()
        assert stats.decoded_frames > 0
        assert stats.audio_bytes > 0
        assert stats.duration == pytest.approx(180, abs=0.5)
        assert stage.hass.log.read_text().count("Traceback") == 0
        await stage.hass.service("torrent_cast.stop", entity_id=stage.entity_id)


async def test_a_transport_stream_plays_as_it_grows() -> None:
    async with Stage(STREAM, options={"whole_film": True}) as stage:
        frames = asyncio.create_task(stage.player.frames_moving())
        await stage.hass.service("torrent_cast.play", entity_id=stage.entity_id, source=stage.swarm.magnet)
        frame = await asyncio.wait_for(frames, PATIENCE)
        # Chromium's own HLS may begin with the newest segment; Shaka and hls.js, which devices use, do not.
        assert frame.clock is not None
        assert frame.clock < 20, "from its beginning, though it grows"
        session = await stage.session()
        assert session["pieces_had"] < session["pieces_total"]
        assert (await stage.player.stats()).duration is None, "it still grows"
        await stage.seekable(NEAR)
        await _jump(stage, NEAR)
        # The device takes the film to end where the playlist did when it was loaded, or where it has played on since.
        await stage.seekable(FAR)
        await _jump(stage, FAR)
        assert (await stage.player.stats()).audio_bytes > 0
        assert stage.hass.log.read_text().count("Traceback") == 0
        await stage.hass.service("torrent_cast.stop", entity_id=stage.entity_id)


async def _jump(stage: Stage, second: int) -> None:
    """See that a jump ends where the viewer wanted it to."""
    frames = asyncio.create_task(stage.player.frames_moving(near=second))
    await stage.hass.service("media_player.media_seek", entity_id=stage.entity_id, seek_position=second)
    frame = await asyncio.wait_for(frames, PATIENCE)
    assert frame.clock == pytest.approx(second, abs=1)
