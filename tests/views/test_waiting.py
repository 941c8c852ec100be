"""Streams of what is not there yet, and how they end."""

import asyncio
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.engine import StorageError
from custom_components.torrent_cast.engine.scheduler import HEAD_PRIORITY
from custom_components.torrent_cast.playback import Playback, Session
from custom_components.torrent_cast.views import stream_path
from tests.conftest import OPTIONS, Seed, soon, until
from tests.views.conftest import Client, content, fetch


async def test_missing_bytes_are_waited_for(client: Client, lonely: Session, noise: Seed, playback: Playback) -> None:
    answer = asyncio.create_task(fetch(client, lonely, Range="bytes=5-9"))
    await soon(lonely.requested.wait())
    assert not answer.done()
    noise.connect(playback)
    assert await soon(answer) == (HTTPStatus.PARTIAL_CONTENT, content(noise)[5:10])


async def test_the_torrent_is_waited_for(client: Client, playback: Playback, noise: Seed) -> None:
    session = playback.start_session(await playback.parse(noise.lonely_magnet))
    answer = asyncio.create_task(fetch(client, session, Range="bytes=5-9"))
    await until(lambda: playback.torrents and playback.torrents[0].handle)
    noise.connect(playback)
    assert await soon(answer) == (HTTPStatus.PARTIAL_CONTENT, content(noise)[5:10])


async def test_requests_share_the_wait_for_the_torrent_and_one_may_go_away(
    client: Client, playback: Playback, noise: Seed
) -> None:
    session = playback.start_session(await playback.parse(noise.lonely_magnet))
    requests = [asyncio.create_task(fetch(client, session, Range="bytes=5-9")) for _ in range(4)]
    await until(lambda: playback.torrents and playback.torrents[0].handle)
    requests[0].cancel()
    await asyncio.wait(requests[:1])
    noise.connect(playback)
    answers = await soon(asyncio.gather(*requests[1:]))
    assert answers == [(HTTPStatus.PARTIAL_CONTENT, content(noise)[5:10])] * 3
    assert session.torrent is not None
    assert session.file is not None
    assert session.torrent._selection.wanted_by == {session.file.index: 1}


async def test_a_torrent_without_peers_is_unavailable_in_the_end(
    hass: HomeAssistant, client: Client, entry: MockConfigEntry, playback: Playback, noise: Seed
) -> None:
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"metadata_timeout": 0.05})
    await hass.async_block_till_done()
    session = playback.start_session(await playback.parse(noise.lonely_magnet))
    path = stream_path(session)
    async with client.get(path) as response:
        assert response.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert session.is_over
    async with client.get(path) as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_a_client_that_goes_away_frees_its_reader(client: Client, lonely: Session) -> None:
    response = await client.get(stream_path(lonely))
    assert lonely.torrent is not None
    handle: Any = lonely.torrent.handle
    assert lonely.connections == 1
    await until(lambda: max(handle.get_piece_priorities()) > HEAD_PRIORITY)
    response.close()
    await until(lambda: lonely.connections == 0)
    await until(lambda: max(handle.get_piece_priorities()) == HEAD_PRIORITY)
    assert not lonely.is_over


async def test_a_session_that_ends_breaks_its_connections(client: Client, lonely: Session) -> None:
    async with client.get(stream_path(lonely), headers={"Range": "bytes=0-"}) as response:
        lonely.end()
        with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, ConnectionError)):
            await soon(response.read())
    await until(lambda: lonely.connections == 0)


async def test_a_torrent_that_fails_breaks_the_connection(client: Client, lonely: Session) -> None:
    assert lonely.torrent is not None
    async with client.get(stream_path(lonely)) as response:
        lonely.torrent.fail(StorageError("disk_error", error="No space left on device"))
        with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, ConnectionError)):
            await soon(response.read())
    await until(lambda: lonely.connections == 0)
