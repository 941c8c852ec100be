"""What ends a session, what keeps it, and what two devices do with one torrent."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from tests.rig.hass import HassError
from tests.rig.player import State
from tests.rig.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

# A whole play takes seconds; this only turns a hang into a failure. s
PATIENCE = 60.0
DEAD_MAGNET = f"magnet:?xt=urn:btih:{'0123456789' * 4}&dn=Nobody+has+this"


async def play(stage: Stage, **data: object) -> list[dict[str, Any]]:
    """Play the stage's magnet on the first device; return the sessions of the answer."""
    call: dict[str, object] = {"entity_id": stage.entity_id, "source": stage.swarm.magnet} | data
    answer: dict[str, Any] = await stage.hass.service("torrent_cast.play", answer=True, **call)
    sessions: list[dict[str, Any]] = answer["sessions"]
    return sessions


async def sessions_of(stage: Stage) -> list[dict[str, Any]]:
    """Return the running sessions."""
    sessions: list[dict[str, Any]] = (await stage.diagnostics())["sessions"]
    return sessions


async def until_ended(stage: Stage) -> None:
    """Wait until no session is left; Home Assistant's states tell when to look."""
    async with asyncio.timeout(PATIENCE):
        while await sessions_of(stage):  # noqa: ASYNC110  # diagnostics have no event to await
            await asyncio.sleep(0.1)


async def test_the_answer_tells_everything_but_the_token(stage: Stage) -> None:
    (session,) = await play(stage, title="A film")
    assert session["state"] == "playing"
    assert session["title"] == "A film"
    assert session["entity_id"] == stage.entity_id
    assert session["duration"] == pytest.approx(600, abs=0.1)
    assert stage.receiver.loads[-1]["media"]["streamType"] == "BUFFERED"
    token = stage.recorder.exchanges[-1].url.split("/")[5]
    assert token not in str(session)
    assert token not in str(await stage.hass.state(stage.entity_id))
    assert token not in str(await stage.diagnostics())
    assert token not in stage.hass.log.read_text()


async def test_a_magnet_is_playable_media_of_a_cast_entity(stage: Stage) -> None:
    await stage.hass.service(
        "media_player.play_media",
        entity_id=stage.entity_id,
        media_content_type="video",
        media_content_id=stage.swarm.magnet,
    )
    await stage.hass.until(stage.entity_id, lambda state: state["state"] == "playing")
    assert [session["state"] for session in await sessions_of(stage)] == ["playing"]


async def test_playback_starts_where_it_is_told_to(stage: Stage) -> None:
    frames = asyncio.create_task(stage.player.frames_moving(near=120))
    await play(stage, start_position=120)
    frame = await asyncio.wait_for(frames, PATIENCE)
    assert frame.clock == pytest.approx(120, abs=2)


async def test_the_media_browser_leads_to_a_stream(stage: Stage) -> None:
    await play(stage)
    await stage.hass.service("torrent_cast.stop", entity_id=stage.entity_id)
    root = await stage.hass.command(
        "media_player/browse_media", entity_id=stage.entity_id, media_content_type="", media_content_id=""
    )
    assert any(child["media_content_id"] == "media-source://torrent_cast" for child in root["children"])
    library = await stage.hass.command("media_source/browse_media", media_content_id="media-source://torrent_cast")
    torrent = await stage.hass.command(
        "media_source/browse_media", media_content_id=library["children"][0]["media_content_id"]
    )
    (file,) = torrent["children"]
    assert file["media_content_type"] == "video/mp4"
    await stage.hass.service(
        "media_player.play_media",
        entity_id=stage.entity_id,
        media_content_type=file["media_content_type"],
        media_content_id=file["media_content_id"],
    )
    await stage.hass.until(stage.entity_id, lambda state: state["state"] == "playing")
    assert [session["state"] for session in await sessions_of(stage)] == ["playing"]


async def test_a_pause_keeps_the_session(stage: Stage) -> None:
    await play(stage)
    await stage.hass.service("media_player.media_pause", entity_id=stage.entity_id)
    await stage.hass.until(stage.entity_id, lambda state: state["state"] == "paused")
    assert [session["state"] for session in await sessions_of(stage)] == ["paused"]
    await stage.hass.service("media_player.media_play", entity_id=stage.entity_id)
    await stage.hass.until(stage.entity_id, lambda state: state["state"] == "playing")


async def test_a_seek_by_the_remote_control_plays_on(stage: Stage) -> None:
    await play(stage)
    frames = asyncio.create_task(stage.player.frames_moving(near=400))
    await stage.receiver.command_by_other("SEEK", currentTime=400)
    frame = await asyncio.wait_for(frames, PATIENCE)
    assert frame.clock == pytest.approx(400, abs=1)


async def test_stop_on_the_entity_ends_the_session(stage: Stage) -> None:
    await play(stage)
    await stage.hass.service("media_player.media_stop", entity_id=stage.entity_id)
    await until_ended(stage)


async def test_another_app_on_the_receiver_ends_the_session(stage: Stage) -> None:
    await play(stage)
    await stage.receiver.take_over()
    await until_ended(stage)


async def test_another_sender_s_film_ends_the_session(stage: Stage) -> None:
    async def serve(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(stage.film, headers={"Access-Control-Allow-Origin": "*"})

    app = web.Application()
    app.router.add_get("/other.mp4", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)  # s; the receiver goes on playing it
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/other.mp4"
        await play(stage)
        await stage.receiver.load_by_other({"contentId": url, "contentType": "video/mp4", "streamType": "BUFFERED"})
        await until_ended(stage)
        await asyncio.wait_for(stage.receiver.reaches(State.PLAYING), PATIENCE)
    finally:
        await runner.cleanup()


async def test_a_restart_of_the_receiver_ends_the_session(stage: Stage) -> None:
    await play(stage)
    await stage.receiver.restart()
    await until_ended(stage)
    await stage.hass.until(stage.entity_id, lambda state: state["state"] != "unavailable")


async def test_a_revoked_token_opens_nothing(stage: Stage) -> None:
    await play(stage)
    url = next(exchange.url for exchange in reversed(stage.recorder.exchanges) if exchange.is_media)
    await stage.hass.service("torrent_cast.stop", entity_id=stage.entity_id)
    with pytest.raises(HassError, match="404"):
        await stage.hass.get(url.removeprefix(stage.hass.url))


async def test_stop_ends_a_play_that_waits_for_peers(stage: Stage) -> None:
    await play(stage, source=DEAD_MAGNET, wait=False)
    assert [session["state"] for session in await sessions_of(stage)] == ["resolving"]
    await stage.hass.service("torrent_cast.stop", entity_id=stage.entity_id)
    assert await sessions_of(stage) == []


async def test_a_refusal_is_said_in_words(stage: Stage) -> None:
    stage.receiver.refuse = True
    try:
        with pytest.raises(HassError, match="The device refused the film"):
            await play(stage)
    finally:
        stage.receiver.refuse = False
    assert await sessions_of(stage) == []


async def test_a_device_that_ignores_content_url_plays_all_the_same(stage: Stage) -> None:
    stage.receivers[1].knows_content_url = False
    (session,) = await play(stage, entity_id=stage.screens[1])
    assert session["state"] == "playing"
    loads = len(stage.receivers[1].loads)
    await stage.hass.service("torrent_cast.stop", entity_id=stage.screens[1])
    await play(stage, entity_id=stage.screens[1])
    assert len(stage.receivers[1].loads) == loads + 1, "what the device needs should be remembered"


async def test_a_load_that_got_lost_is_sent_again(stage: Stage) -> None:
    stage.receiver.lose_next_load = True
    (session,) = await play(stage)
    assert session["state"] == "playing"


async def test_a_play_replaces_the_one_before_it(stage: Stage) -> None:
    (first,) = await play(stage)
    frames = asyncio.create_task(stage.player.frames_moving(near=200))
    (second,) = await play(stage, start_position=200)
    frame = await asyncio.wait_for(frames, PATIENCE)
    assert frame.clock == pytest.approx(200, abs=3)
    assert first["session_id"] != second["session_id"]
    assert [session["session_id"] for session in await sessions_of(stage)] == [second["session_id"]]


async def test_a_kept_film_plays_on_elsewhere(stage: Stage) -> None:
    await play(stage)
    async with asyncio.timeout(PATIENCE):
        while ((await stage.player.next_frame()).clock or 0.0) < 6:  # its first 4 MiB are there then
            pass
    for position in (250, 350, 450):
        await stage.hass.service("torrent_cast.stop", entity_id=stage.entity_id)
        frames = asyncio.create_task(stage.player.frames_moving(near=position))
        await play(stage, start_position=position)
        assert (await asyncio.wait_for(frames, PATIENCE)).clock == pytest.approx(position, abs=2)
        (torrent,) = (await stage.diagnostics())["torrents"]
        # Not "peers": the torrent has just been added again, and statistics come once a second.
        assert max(torrent["peers_from"].values(), default=0) == 8


async def test_a_play_that_waits_for_peers_does_not_take_the_screen_later(stage: Stage) -> None:
    await play(stage, source=DEAD_MAGNET, wait=False)
    (playing,) = await play(stage)
    assert [session["session_id"] for session in await sessions_of(stage)] == [playing["session_id"]]


async def test_a_stop_while_the_device_loads_is_heeded(stage: Stage) -> None:
    loads = len(stage.receiver.loads)
    playing = asyncio.create_task(play(stage))
    async with asyncio.timeout(PATIENCE):
        while len(stage.receiver.loads) == loads:  # noqa: ASYNC110  # the receiver tells of states only
            await asyncio.sleep(0)
    await stage.hass.service("torrent_cast.stop", entity_id=stage.entity_id)
    with pytest.raises(HassError, match="stopped"):
        await playing
    assert await sessions_of(stage) == []
    await stage.hass.until(stage.entity_id, lambda state: state["state"] != "playing")


async def test_two_devices_share_one_torrent(stage: Stage) -> None:
    sessions = await play(stage, entity_id=stage.screens)
    assert {session["entity_id"] for session in sessions} == set(stage.screens)
    diagnostics = await stage.diagnostics()
    assert len(diagnostics["torrents"]) == 1
    assert [session["state"] for session in diagnostics["sessions"]] == ["playing", "playing"]
    await stage.hass.service("torrent_cast.stop", entity_id=stage.screens[0])
    frame = await asyncio.wait_for(stage.players[1].next_frame(), PATIENCE)
    assert frame.clock is not None
    assert stage.receivers[1].state is State.PLAYING


async def test_one_unreachable_device_does_not_stop_the_other(stage: Stage) -> None:
    stage.receivers[0].refuse = True
    try:
        with pytest.raises(HassError, match="The device refused the film"):
            await play(stage, entity_id=stage.screens)
    finally:
        stage.receivers[0].refuse = False
    assert [session["state"] for session in await sessions_of(stage)] == ["playing"]
    assert stage.receivers[1].state is State.PLAYING


async def test_a_film_is_not_sent_to_a_speaker(stage: Stage) -> None:
    with pytest.raises(HassError, match="has no screen"):
        await play(stage, entity_id=stage.speaker_id)
    assert await sessions_of(stage) == []


async def test_home_assistant_logs_no_blocking_call(stage: Stage) -> None:
    assert "blocking call" not in stage.hass.log.read_text()
