"""What is done for a device while it plays: the playhead is known, stalls are forestalled, a broken stream goes on."""

import asyncio
from typing import Any

import pytest

from tests.rig.player import State
from tests.rig.stage import Stage

from .test_sessions import PATIENCE, play, sessions_of, until_ended

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def the_session(stage: Stage) -> dict[str, Any]:
    """Return the running session."""
    (session,) = await sessions_of(stage)
    return session


async def test_a_seek_is_known_when_the_service_is_called(stage: Stage) -> None:
    await play(stage)
    await stage.hass.service("media_player.media_seek", entity_id=stage.entity_id, seek_position=400)
    session = await the_session(stage)
    assert session["position"] == pytest.approx(400, abs=3)
    assert session["is_held"] is False


async def test_a_seek_by_the_remote_control_is_known_by_the_status(stage: Stage) -> None:
    await play(stage)
    frames = asyncio.create_task(stage.player.frames_moving(near=200))
    await stage.receiver.command_by_other("SEEK", currentTime=200)
    await asyncio.wait_for(frames, PATIENCE)
    assert (await the_session(stage))["position"] == pytest.approx(200, abs=5)


async def test_a_stream_that_breaks_off_is_loaded_again_where_it_was(stage: Stage) -> None:
    (before,) = await play(stage, start_position=100)
    loads = len(stage.receiver.loads)
    frames = asyncio.create_task(stage.player.frames_moving(near=100))
    await stage.receiver.break_off()
    frame = await asyncio.wait_for(frames, PATIENCE)
    assert frame.clock == pytest.approx(100, abs=5)
    assert len(stage.receiver.loads) == loads + 1
    assert stage.receiver.loads[-1]["currentTime"] == pytest.approx(100, abs=5)
    assert (await the_session(stage))["session_id"] == before["session_id"]


async def test_a_stream_that_breaks_off_again_and_again_has_failed(stage: Stage) -> None:
    await play(stage)
    loads = len(stage.receiver.loads)
    for _ in range(4):
        await asyncio.wait_for(stage.receiver.reaches(State.PLAYING), PATIENCE)
        await stage.receiver.break_off()
    await until_ended(stage)
    assert len(stage.receiver.loads) == loads + 3


async def test_a_device_is_paused_before_it_stalls_and_goes_on_by_itself(stage: Stage) -> None:
    await play(stage, start_position=300)
    await stage.swarm.stop_seeders()
    try:
        await stage.hass.until(stage.entity_id, lambda state: state["state"] == "paused")
        session = await the_session(stage)
        assert session["is_held"] is True
        assert session["health"]["level"] == "starving"
    finally:
        await asyncio.gather(*(stage.swarm.start_seeder(seed) for seed in range(8)))
    frames = asyncio.create_task(stage.player.frames_moving())
    await stage.hass.until(stage.entity_id, lambda state: state["state"] == "playing", timeout=120)
    await asyncio.wait_for(frames, PATIENCE)
    session = await the_session(stage)
    assert session["is_held"] is False
    assert session["health"]["seconds_in_hand"] > 5
