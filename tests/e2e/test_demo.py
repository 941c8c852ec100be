"""The demo plays and seeks, on its own stage and on a device of one's own."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.e2e.check import run_check
from tests.rig.browser import BrowserPlayer
from tests.rig.demo import FILMS
from tests.rig.films import MOOV_FIRST, film
from tests.rig.ports import free_port
from tests.rig.receiver import Receiver, own_host
from tests.rig.swarm import Swarm
from tests.rig.torrents import make_torrent

INVITATION = re.compile(r"Home Assistant runs at (http://\S+)")


# Set-up, a play and a seek take half a minute here; this only turns a hang into a failure. s
PATIENCE = 180.0


@asynccontextmanager
async def demo(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, list[str]]]:
    """Run the demo until it invites to its Home Assistant; yield it and what it said. It is ended with Ctrl-C."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.rig.demo", *arguments, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    said: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while not any(INVITATION.search(line) for line in said):
                line = (await process.stderr.readline()).decode()
                assert line, f"the demo ended: {said}"
                said.append(line)
        yield process, said
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(process.communicate(), PATIENCE)
        except TimeoutError:
            process.kill()
            raise


@pytest.mark.parametrize("name", FILMS)
async def test_a_magnet_plays_and_a_seek_lands(name: str) -> None:
    code, report = await run_check("--film", name)
    assert report["error"] is None
    assert code == 0
    assert report["played"]
    assert report["seeked"]
    assert report["wrong_ranges"] == 0


async def test_the_demo_leaves_home_assistant_running_until_ctrl_c() -> None:
    async with demo("--port", str(free_port())) as (process, said), aiohttp.ClientSession() as client:
        address = INVITATION.search("".join(said))
        assert address is not None
        async with client.get(address[1]) as response:
            assert response.status == 200
        assert "Seek to 300.0 s" in "".join(said)
    assert process.returncode == 0
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get(address[1])


async def test_the_demo_plays_a_magnet_on_a_device_of_one_s_own() -> None:
    path = await film(MOOV_FIRST)
    torrent = await asyncio.to_thread(make_torrent, path)
    async with (
        Swarm(torrent, path.parent) as swarm,
        BrowserPlayer() as player,
        Receiver(own_host(), name="My TV", player=player) as receiver,
        demo(swarm.magnet, "--target", receiver.host, "--tracker-only", "--port", str(free_port())) as (process, said),
    ):
        assert f"Plays: {path.stem}" in "".join(said)
        assert (await player.stats()).decoded_frames > 0
    assert process.returncode == 0
