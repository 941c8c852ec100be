"""Sessions on a torrent, and a client of Home Assistant's own application."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.playback import Playback, Session
from custom_components.torrent_cast.views import stream_path
from tests.conftest import Seed, soon

type Client = TestClient

ORIGIN = "https://www.gstatic.com"


@pytest.fixture
async def client(hass: HomeAssistant, entry: MockConfigEntry) -> AsyncIterator[Client]:
    """Return a client of Home Assistant's own application, served as it serves it: handlers are cancelled."""
    server = TestServer(hass.http.app)
    async with TestClient(server) as client:
        yield client


@pytest.fixture
async def stream(playback: Playback, noise: Seed) -> Session:
    """Return a session whose bytes a seeder has."""
    session = playback.start_session(await playback.parse(noise.magnet))
    await soon(session.resolve())
    return session


@pytest.fixture
async def lonely(playback: Playback, noise: Seed) -> Session:
    """Return a session whose bytes nobody has: what is answered at once does not wait for them."""
    session = playback.start_session(await playback.parse(noise.torrent.metainfo))
    await soon(session.resolve())
    return session


async def fetch(client: Client, session: Session, **headers: str) -> tuple[int, bytes]:
    """Return status and body of a GET; underscores in the headers' names are hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with asyncio.timeout(20), client.get(stream_path(session), headers=named) as response:
        return response.status, await response.read()


def content(noise: Seed) -> bytes:
    return noise.content.read_bytes()


def size_of(session: Session) -> int:
    assert session.file is not None
    return session.file.size
