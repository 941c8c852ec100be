"""Pictures of what is downloaded already."""
# ruff: noqa: ARG001  # fixtures are asked for by name; a test may wait for its own disk

from http import HTTPStatus
from pathlib import Path

import av
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.torrent_cast.media.picture import WIDTH
from custom_components.torrent_cast.playback import Playback, Session
from custom_components.torrent_cast.playback.pictures import Pictures
from custom_components.torrent_cast.views import picture_path
from tests.conftest import Seed, settled, soon


@pytest.fixture
async def client(
    entry: MockConfigEntry, hass_client: ClientSessionGenerator
) -> TestClient[web.Request, web.Application]:
    """Return a client that is logged in."""
    client: TestClient[web.Request, web.Application] = await hass_client()
    return client


@pytest.fixture
async def complete(session: Session) -> Session:
    """Return a session on a film all of which is there."""
    assert session.torrent is not None
    assert session.file is not None
    await soon(session.torrent.wait_for_range(session.file, 0, session.file.size))
    return session


async def answer(client: TestClient[web.Request, web.Application], path: str) -> tuple[int, bytes]:
    """Return status and body."""
    async with client.get(path) as response:
        return response.status, await soon(response.read())


def size_of(picture: bytes, folder: Path) -> tuple[int, int]:
    """Return width and height of a JPEG."""
    path = folder / "picture.jpg"
    path.write_bytes(picture)
    with av.open(path) as container:
        frame = next(container.decode(video=0))
        return frame.width, frame.height


async def test_a_film_has_a_picture(
    client: TestClient[web.Request, web.Application], complete: Session, film: Seed, tmp_path: Path
) -> None:
    status, body = await answer(client, picture_path(film.key, 0))
    assert status == HTTPStatus.OK
    assert size_of(body, tmp_path) == (320, 180)
    assert WIDTH >= 320


async def test_a_picture_stays_when_the_film_is_not_in_use_and_goes_with_it(
    hass: HomeAssistant,
    client: TestClient[web.Request, web.Application],
    complete: Session,
    film: Seed,
    playback: Playback,
) -> None:
    first = await answer(client, picture_path(film.key, 0))
    complete.end()
    await settled(playback)
    assert playback.torrents == ()
    assert await answer(client, picture_path(film.key, 0)) == first
    await playback.library.forget(film.key)
    await playback.tidy()
    assert await answer(client, picture_path(film.key, 0)) == (HTTPStatus.NOT_FOUND, b"404: Not Found")


async def test_a_picture_is_found_again_after_a_restart(complete: Session, film: Seed, playback: Playback) -> None:
    await playback.tidy()
    assert playback.pictures.has(film.key, 0)
    again = Pictures(playback.pictures._folder, playback.worker)
    await again.load()
    assert await again.get(film.key, 0) == await playback.pictures.get(film.key, 0)


async def test_nothing_is_downloaded_for_a_picture(
    client: TestClient[web.Request, web.Application], playback: Playback, film: Seed
) -> None:
    session = playback.start_session(await playback.parse(film.torrent.metainfo))
    await soon(session.resolve())
    assert (await answer(client, picture_path(film.key, 0)))[0] == HTTPStatus.NOT_FOUND


async def test_what_is_no_film_has_none_and_is_not_tried_again(
    client: TestClient[web.Request, web.Application], playback: Playback, noise: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = playback.start_session(await playback.parse(noise.magnet))
    await soon(session.resolve())
    assert session.torrent is not None
    assert session.file is not None
    await soon(session.torrent.wait_for_range(session.file, 0, session.file.size))
    assert (await answer(client, picture_path(noise.key, 0)))[0] == HTTPStatus.NOT_FOUND
    assert not playback.pictures.may_take(noise.key, session.file)


async def test_only_who_is_logged_in_sees_pictures(hass: HomeAssistant, complete: Session, film: Seed) -> None:
    async with TestClient(TestServer(hass.http.app)) as stranger:
        assert (await answer(stranger, picture_path(film.key, 0)))[0] == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("where", ["x/0", f"{'0' * 40}/x", f"{'0' * 40}/{'9' * 30}", f"{'0' * 40}/0", "..%2f..%2fx/0"])
async def test_other_pictures_are_not_found(client: TestClient[web.Request, web.Application], where: str) -> None:
    assert (await answer(client, f"/api/torrent_cast/thumbnail/{where}"))[0] in {
        HTTPStatus.NOT_FOUND,
        HTTPStatus.BAD_REQUEST,
    }
