"""A film with sound that devices do not decode plays on one while it downloads."""

import asyncio

import pytest

from tests.rig.films import Film
from tests.rig.stage import Stage

# A whole play takes seconds; this only turns a hang into a failure. s
PATIENCE = 60.0
# From where a film is played in its first seconds. s
FAR = 20
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
        (session,) = (await stage.diagnostics())["sessions"]
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
    async with Stage(STREAM) as stage:
        frames = asyncio.create_task(stage.player.frames_moving())
        await stage.hass.service("torrent_cast.play", entity_id=stage.entity_id, source=stage.swarm.magnet)
        frame = await asyncio.wait_for(frames, PATIENCE)
        # Chromium's own HLS may begin with the newest segment; Shaka and hls.js, which devices use, do not.
        assert frame.clock is not None
        assert frame.clock < 20, "from its beginning, though it grows"
        (session,) = (await stage.diagnostics())["sessions"]
        assert session["pieces_had"] < session["pieces_total"]
        second = await _seekable(stage)
        frames = asyncio.create_task(stage.player.frames_moving(near=second))
        await stage.hass.service("media_player.media_seek", entity_id=stage.entity_id, seek_position=second)
        frame = await asyncio.wait_for(frames, PATIENCE)
        assert frame.clock == pytest.approx(second, abs=1)
        await asyncio.wait_for(stage.player.frames_moving(near=second + 10), PATIENCE)  # was not in the playlist
        stats = await stage.player.stats()
        assert stats.audio_bytes > 0
        assert stats.duration is None, "it still grows"
        start = second + 40
        frames = asyncio.create_task(stage.player.frames_moving(near=start))
        await stage.hass.service(
            "torrent_cast.play", entity_id=stage.entity_id, source=stage.swarm.magnet, start_position=start
        )
        frame = await asyncio.wait_for(frames, PATIENCE)
        assert frame.clock == pytest.approx(start, abs=1), "as soon as it has grown so far"
        assert stage.hass.log.read_text().count("Traceback") == 0
        await stage.hass.service("torrent_cast.stop", entity_id=stage.entity_id)


async def _seekable(stage: Stage) -> int:
    """Return up to where a viewer is told that the device can seek, once that is far from what is played."""
    players = [entity["entity_id"] for entity in await stage.hass.entities_of("torrent_cast")]
    (player,) = [entity_id for entity_id in players if entity_id.startswith("media_player.")]
    state = await stage.hass.until(player, lambda state: (state["attributes"].get("seekable_seconds") or 0) >= FAR)
    second: int = state["attributes"]["seekable_seconds"]
    return second
