"""Home Assistant serves https only, with a certificate that no device takes."""

import asyncio

from tests.rig.stage import Stage

# A whole play takes seconds; this only turns a hang into a failure. s
PATIENCE = 60.0


async def test_a_film_plays_although_home_assistant_has_https_only() -> None:
    async with Stage(tls=True) as stage:
        frames = asyncio.create_task(stage.player.frames_moving())
        await stage.hass.service("torrent_cast.play", entity_id=stage.entity_id, source=stage.swarm.magnet)
        await asyncio.wait_for(frames, PATIENCE)
        url = stage.receiver.loads[-1]["media"]["contentUrl"]
        assert url.startswith("http://127.0.0.1:")
        assert f":{stage.hass.port}/" not in url
        assert stage.hass.log.read_text().count("Traceback") == 0
        await stage.hass.service("torrent_cast.stop", entity_id=stage.entity_id)
