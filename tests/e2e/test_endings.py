"""Nothing is left behind when the entry, Home Assistant or the machine's power ends."""

from pathlib import Path

import aiohttp
import pytest

from tests.rig.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Home Assistant gives its shutdown jobs 20 s, all together; s.
SHUTDOWN = 20.0


async def play(stage: Stage) -> None:
    """Play the stage's magnet on the first device."""
    await stage.hass.service("torrent_cast.play", entity_id=stage.entity_id, source=stage.swarm.magnet)


def children_of(pid: int) -> set[int]:
    """Return the processes that `pid` has started and not yet seen end."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return {int(child) for task in tasks for child in (task / "children").read_text().split()}


def is_running(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


async def test_a_reload_ends_what_plays_and_the_next_play_works(stage: Stage) -> None:
    await play(stage)
    url = next(exchange.url for exchange in reversed(stage.recorder.exchanges) if exchange.is_media)
    await stage.hass.post(f"/api/config/config_entries/entry/{stage.entry_id}/reload")
    async with aiohttp.ClientSession() as client, client.get(url) as response:
        assert response.status == 404
    assert (await stage.diagnostics())["sessions"] == []
    await play(stage)
    assert [session["state"] for session in (await stage.diagnostics())["sessions"]] == ["playing"]


async def test_what_a_power_cut_leaves_is_found_again(stage: Stage) -> None:
    await play(stage)
    session = await stage.session()
    await stage.hass.kill()
    await stage.hass.start()
    await stage.hass.until(stage.entity_id, lambda state: state["state"] != "unavailable")
    assert (await stage.diagnostics())["kept"] == 1
    await play(stage)
    again = await stage.session()
    assert again["pieces_had"] >= session["pieces_had"]


async def test_home_assistant_stops_in_time_and_takes_all_with_it(stage: Stage) -> None:
    await play(stage)
    children = children_of(stage.hass.pid)
    assert children, "the worker process should run"
    assert await stage.hass.stop() < SHUTDOWN
    assert not [child for child in children if is_running(child)]
    log = stage.hass.log.read_text()
    assert "blocking call" not in log
    assert not [line for line in log.splitlines() if " ERROR " in line and "torrent_cast" in line]
    await stage.hass.start()
    await stage.hass.until(stage.entity_id, lambda state: state["state"] != "unavailable")
