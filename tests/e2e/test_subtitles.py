"""Subtitles on the receiver's screen."""

import pytest
from aiohttp import web

from tests.rig.stage import Stage

from .test_sessions import play

pytestmark = pytest.mark.asyncio(loop_scope="module")

SRT = "1\n00:00:00,000 --> 00:09:00,000\nGrüße\n"


async def test_a_side_file_is_shown_and_switched_off(stage: Stage) -> None:
    async def serve(_request: web.Request) -> web.Response:
        return web.Response(body=SRT.encode("cp1252"), content_type="application/octet-stream")

    app = web.Application()
    app.router.add_get("/film.srt", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)  # s
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await play(stage, subtitles=f"http://127.0.0.1:{runner.addresses[0][1]}/film.srt")
    finally:
        await runner.cleanup()
    load = stage.receiver.loads[-1]
    (track,) = load["media"]["tracks"]
    assert load["activeTrackIds"] == [track["trackId"]]
    assert [exchange.status for exchange in stage.recorder.exchanges if exchange.url == track["trackContentId"]] == [
        200
    ]
    await stage.hass.service("torrent_cast.set_subtitles", entity_id=stage.entity_id, subtitles="off")
    media = stage.receiver._app.media
    assert media is not None
    assert media.session is not None
    assert media.session.item.active_tracks == []
