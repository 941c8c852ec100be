"""The engine's command line, as a real process on a real swarm."""
# ruff: noqa: ASYNC240  # a test may wait for its own disk

import asyncio
import hashlib
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.engine.conftest import noise, write
from tests.rig.process import running
from tests.rig.swarm import Swarm
from tests.rig.torrents import make_torrent

MODULE = "custom_components.torrent_cast.engine"
PIECE = 1 << 18
DATA = noise(24 * PIECE + 77)
# The import of Home Assistant alone takes seconds; this only turns a hang into a failure. s
PATIENCE = 60.0
LONELY = f"magnet:?xt=urn:btih:{'0123456789' * 4}&dn=Nobody+has+this"


@pytest.fixture
async def swarm(tmp_path: Path) -> AsyncIterator[Swarm]:
    """Return two seeds of a folder with a film and a text."""
    write(tmp_path / "data" / "films" / "film.mkv", DATA)
    write(tmp_path / "data" / "films" / "about.txt", b"about")
    torrent = await asyncio.to_thread(make_torrent, tmp_path / "data" / "films", PIECE)
    async with Swarm(torrent, tmp_path / "data", peers=2, rate=40_000_000, namespaces=False) as swarm:
        yield swarm


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Return the place for temporary directories, empty."""
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


@asynccontextmanager
async def command(temporary: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the command line."""
    pipe = asyncio.subprocess.PIPE
    env = ("env", f"TMPDIR={temporary}")
    async with running(
        *env, sys.executable, "-m", MODULE, "--tracker-only", *arguments, stdout=pipe, stderr=pipe
    ) as process:
        yield process


async def outcome(process: asyncio.subprocess.Process) -> tuple[int | None, str]:
    """Return exit code and what was said, once the process has ended."""
    async with asyncio.timeout(PATIENCE):
        _, said = await process.communicate()
    return process.returncode, said.decode()


async def address(process: asyncio.subprocess.Process) -> str:
    """Return the address that is printed on start."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return (await process.stdout.readline()).decode().strip()


async def fetch(url: str, wanted: str | None = None) -> tuple[int, bytes]:
    """Return status and body of a GET."""
    headers = {"Range": wanted} if wanted else {}
    async with (
        asyncio.timeout(PATIENCE),
        aiohttp.ClientSession() as session,
        session.get(url, headers=headers) as response,
    ):
        return response.status, await response.read()


async def test_a_magnet_is_served_while_it_downloads(swarm: Swarm, temporary: Path) -> None:
    async with command(temporary, swarm.magnet) as process:
        url = await address(process)
        middle = 12 * PIECE + 5
        assert await fetch(url, f"bytes={middle}-{middle + PIECE}") == (206, DATA[middle : middle + PIECE + 1])
        assert await fetch(url, "bytes=-9") == (206, DATA[-9:])
        assert (await fetch(url, f"bytes={len(DATA)}-"))[0] == 416
        status, body = await fetch(url + "film.mkv")
        assert status == 200
        assert hashlib.sha256(body).digest() == hashlib.sha256(DATA).digest()
        process.send_signal(signal.SIGINT)
        code, said = await outcome(process)
    assert code == 0
    assert "film.mkv" in said
    assert "pieces in hand" in said
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("wanted", ["about*", "{index}"])
async def test_a_torrent_file_and_one_of_its_files(swarm: Swarm, temporary: Path, tmp_path: Path, wanted: str) -> None:
    path = write(tmp_path / "a.torrent", swarm.torrent)
    index = [name for name, _ in swarm.metainfo.files()].index("films/about.txt")
    keep = tmp_path / "keep"
    async with command(temporary, str(path), "--file", wanted.format(index=index), "--directory", str(keep)) as process:
        assert await fetch(await address(process)) == (200, b"about")
        process.send_signal(signal.SIGTERM)
        assert (await outcome(process))[0] == 0
    assert (keep / swarm.info_hash / "files" / "films" / "about.txt").read_bytes() == b"about"
    assert list(temporary.iterdir()) == []


async def test_signals_while_nothing_is_there_yet_end_it_however_many(temporary: Path) -> None:
    async with command(temporary, LONELY) as process:
        assert process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            assert b"description" in await process.stderr.readline()
        assert len(list(temporary.iterdir())) == 1
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
        code, said = await outcome(process)
    assert (code, said) == (0, "")
    assert list(temporary.iterdir()) == []


async def test_a_signal_breaks_a_connection_that_waits(swarm: Swarm, temporary: Path) -> None:
    await swarm.stop_seeders()
    path = write(temporary.parent / "a.torrent", swarm.torrent)
    async with (
        command(temporary, str(path)) as process,
        aiohttp.ClientSession() as session,
        session.get(await address(process)) as response,
    ):
        process.send_signal(signal.SIGINT)
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await response.read()
        assert (await outcome(process))[0] == 0


async def test_what_is_wrong_is_said_in_words(temporary: Path) -> None:
    async with command(temporary, "/no/such/file.torrent") as process:
        code, said = await outcome(process)
    assert code == 1
    assert "No such file" in said
    assert "Traceback" not in said
    assert list(temporary.iterdir()) == []


async def test_a_port_in_use_is_said(temporary: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with command(temporary, LONELY, "--port", port) as process:
            code, said = await outcome(process)
    assert code == 1
    assert f"cannot listen on port {port}: Address already in use" in said


async def test_a_file_that_is_not_in_the_torrent_is_said(swarm: Swarm, temporary: Path) -> None:
    async with command(temporary, swarm.magnet, "--file", "*.avi") as process:
        code, said = await outcome(process)
    assert code == 1
    assert "No file of the torrent matches *.avi." in said
    assert list(temporary.iterdir()) == []
