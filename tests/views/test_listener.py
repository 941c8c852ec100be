"""The server without TLS: what it serves, and what it does not."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import socket
from collections.abc import AsyncIterator
from http import HTTPStatus
from unittest.mock import Mock

import aiohttp
import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.listener import LISTENER, PlainListener
from custom_components.torrent_cast.playback import Session
from custom_components.torrent_cast.views import picture_path, stream_path
from tests.conftest import LOOPBACK, Seed, soon
from tests.rig.ports import free_port
from tests.views.conftest import ORIGIN, content


@pytest.fixture
def listener(hass: HomeAssistant, entry: MockConfigEntry) -> PlainListener:
    """Return the entry's own, beside a Home Assistant that has TLS."""
    hass.config.api = Mock(port=free_port() - 1, use_ssl=True)
    return hass.data[LISTENER]


@pytest.fixture
async def device(listener: PlainListener) -> AsyncIterator[aiohttp.ClientSession]:
    """Return what asks it, as a device does."""
    base = f"http://{LOOPBACK}:{await listener.port(LOOPBACK)}"
    async with aiohttp.ClientSession(base, headers={"Origin": ORIGIN}) as session:
        yield session


async def test_a_device_gets_its_film_there(device: aiohttp.ClientSession, stream: Session, noise: Seed) -> None:
    async with device.get(stream_path(stream), headers={"Range": "bytes=5-99"}) as response:
        assert response.status == HTTPStatus.PARTIAL_CONTENT
        assert response.headers["Access-Control-Allow-Origin"] in {"*", ORIGIN}
        assert await soon(response.read()) == content(noise)[5:100]


@pytest.mark.parametrize("path", ["/", "/api/", "/api/torrent_cast/wrong/stream.mp4", "/auth/providers", "/api/states"])
async def test_nothing_else_is_there(device: aiohttp.ClientSession, stream: Session, path: str) -> None:
    async with device.get(path) as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_what_needs_a_log_in_is_not_there(device: aiohttp.ClientSession, stream: Session) -> None:
    async with device.get(picture_path(stream.source.key, 0)) as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_its_port_is_the_one_after_home_assistants_and_stays(
    hass: HomeAssistant, listener: PlainListener
) -> None:
    assert hass.config.api is not None
    assert await listener.port(LOOPBACK) == await listener.port(LOOPBACK) == hass.config.api.port + 1
    assert await listener.port("127.0.0.2") == hass.config.api.port + 1


async def test_another_port_does_where_that_one_is_taken(hass: HomeAssistant, listener: PlainListener) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        hass.config.api = Mock(port=taken.getsockname()[1] - 1, use_ssl=True)
        assert await listener.port(LOOPBACK) not in {0, taken.getsockname()[1]}


async def test_an_address_of_another_machine_is_an_error(listener: PlainListener) -> None:
    with pytest.raises(OSError, match="bind"):
        await listener.port("192.0.2.1")


async def test_who_gets_a_film_ready_meanwhile_does_not_open_it_again(listener: PlainListener) -> None:
    await listener.stop()
    with pytest.raises(OSError, match="no more"):
        await listener.port(LOOPBACK)


async def test_it_ends_with_the_entry(hass: HomeAssistant, entry: MockConfigEntry, listener: PlainListener) -> None:
    port = await listener.port(LOOPBACK)
    assert await hass.config_entries.async_unload(entry.entry_id)
    with pytest.raises(OSError, match="refused"), socket.create_connection((LOOPBACK, port)):
        pass
