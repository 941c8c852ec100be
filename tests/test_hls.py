"""A film in segments over real HTTP, from a real torrent."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast import serving
from custom_components.torrent_cast.engine import StorageError
from custom_components.torrent_cast.media import Reason, Refused, Unplayable, profile_of
from custom_components.torrent_cast.playback import Playback, Session, State, playhead
from custom_components.torrent_cast.playback.hls import FREE_BOX
from custom_components.torrent_cast.playback.session import FileBytes
from custom_components.torrent_cast.views import delivery_path, stream_path
from tests.conftest import PATIENCE, Seed, soon, until
from tests.media.conftest import ffmpeg, moving

type Client = TestClient

HOSTILE = Path(__file__).parent / "media" / "hostile.py"
SECONDS = 20
FRAMES = 25 * SECONDS
HOUR = 3600.0


@pytest.fixture(scope="session")
def dolby_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a film in Matroska with AC3 in 5.1."""
    path = tmp_path_factory.mktemp("dolby") / "The film (2026).mkv"
    ffmpeg(
        *moving(SECONDS),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-b:v", "1M", "-g", "50"),
        *("-c:a", "ac3", "-ac", "6", "-ar", "48000", path),
    )
    return path


@pytest.fixture
def dolby(dolby_file: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return a torrent of it."""
    return seeder(dolby_file)


@pytest.fixture
async def client(hass: HomeAssistant, entry: MockConfigEntry) -> AsyncIterator[Client]:
    """Return a client of Home Assistant's own application."""
    async with TestClient(TestServer(hass.http.app)) as client:
        yield client


async def prepared(playback: Playback, seed: Seed) -> Session:
    """Return a session that is ready for a Chromecast."""
    session = playback.start_session(await playback.parse(seed.magnet))
    session.profile = profile_of("Chromecast")
    await soon(session.prepare())
    return session


@pytest.fixture
async def film(playback: Playback, dolby: Seed) -> Session:
    """Return a session on the film with AC3."""
    return await prepared(playback, dolby)


def path_of(session: Session, name: str) -> str:
    return delivery_path(session).replace("main.m3u8", name)


async def get(client: Client, path: str) -> bytes:
    """Return a body without the empty boxes that come first where it takes long."""
    async with asyncio.timeout(PATIENCE), client.get(path) as response:
        assert response.status == HTTPStatus.OK
        body = await response.read()
    while body.startswith(FREE_BOX):
        body = body.removeprefix(FREE_BOX)
    return body


async def names(client: Client, session: Session) -> list[str]:
    """Return what the playlist names: the initialisation segment first."""
    text = (await get(client, path_of(session, "film.m3u8"))).decode()
    return re.findall(r'URI="(.+)"', text) + [line for line in text.splitlines() if not line.startswith("#")]


async def test_a_film_plays_from_its_segments(client: Client, film: Session, tmp_path: Path) -> None:
    parts = [await get(client, path_of(film, name)) for name in await names(client, film)]
    assert len(parts) > 3
    (tmp_path / "all.mp4").write_bytes(b"".join(parts))
    told = ffmpeg("-v", "error", "-i", tmp_path / "all.mp4", "-f", "framecrc", "-").decode().splitlines()
    assert sum(line.startswith("0,") for line in told) == FRAMES
    assert any("aac" in line or "48000" in line for line in told if line.startswith("#"))


async def test_any_segment_may_be_asked_for_first(client: Client, film: Session) -> None:
    last = path_of(film, (await names(client, film))[-1])
    assert b"moof" in (await get(client, last))[:64]


async def test_a_receiver_of_another_origin_may_read_it(client: Client, film: Session) -> None:
    async with client.get(delivery_path(film), headers={"Origin": "https://www.gstatic.com"}) as response:
        assert response.headers["Access-Control-Allow-Origin"] in {"*", "https://www.gstatic.com"}
        assert response.headers["Content-Type"].startswith("application/x-mpegurl")
        assert film.requested.is_set()


@pytest.mark.parametrize("name", ["4.m4s", "-1.m4s", "x", "film.m3u8x", "00.m4s"])
async def test_what_is_not_in_the_playlist_is_not_found(client: Client, film: Session, name: str) -> None:
    async with client.get(path_of(film, name)) as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_a_film_that_goes_as_it_is_has_no_segments(client: Client, playback: Playback, film_seed: Seed) -> None:
    session = await prepared(playback, film_seed)
    assert session.hls is None
    assert delivery_path(session) == stream_path(session)
    async with client.get(f"/api/torrent_cast/{session.token}/hls/film.m3u8") as response:
        assert response.status == HTTPStatus.NOT_FOUND


@pytest.fixture
def film_seed(film_file: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return a torrent of a film that every device takes as it is."""
    return seeder(film_file)


async def test_headers_come_before_the_bytes_do(client: Client, film: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = asyncio.Event()

    async def never(*_: object) -> bytes:
        wanted.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(FileBytes, "read_range", never)
    monkeypatch.setattr(serving, "SIGN_OF_LIFE", 0.01)
    async with asyncio.timeout(PATIENCE), client.get(path_of(film, "1.m4s")) as response:
        assert response.status == HTTPStatus.OK
        assert await response.content.readexactly(16) == FREE_BOX * 2
        await wanted.wait()
    await until(lambda: film.connections == 0)
    hls = film.hls
    assert hls is not None
    await until(lambda: not hls._making)


async def test_a_segment_that_fails_breaks_the_connection(
    client: Client, film: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> bytes:
        raise Unplayable(Reason.CRASHED)

    monkeypatch.setattr(FileBytes, "read_range", fail)
    async with asyncio.timeout(PATIENCE), client.get(path_of(film, "1.m4s")) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_a_disk_that_fails_ends_the_session(
    client: Client, film: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> bytes:
        raise StorageError("disk_error", error="Input/output error")

    monkeypatch.setattr(FileBytes, "read_range", fail)
    async with asyncio.timeout(PATIENCE), client.get(path_of(film, "1.m4s")) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    assert film.state is State.FAILED


async def test_the_end_of_a_session_breaks_what_is_being_sent(
    client: Client, film: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def end(*_: object) -> bytes:
        film.end(State.STOPPED)
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(FileBytes, "read_range", end)
    async with asyncio.timeout(PATIENCE), client.get(path_of(film, "1.m4s")) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    async with client.get(path_of(film, "1.m4s")) as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_a_segment_is_made_once_for_all_who_ask(client: Client, film: Session) -> None:
    path = path_of(film, "2.m4s")
    first, second = await asyncio.gather(get(client, path), get(client, path))
    assert first == second == await get(client, path)


async def test_a_seek_moves_what_is_planned_for(client: Client, film: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playhead, "CONFIRM_SECONDS", HOUR)  # no device confirms it
    assert film.playhead is not None
    assert film.probe is not None
    film.playhead.seek(13.0)
    await get(client, path_of(film, "2.m4s"))
    assert film.playhead._cursor.position == film.probe.byte_at(13.0).offset
    film.playhead.close()


async def test_what_the_device_cannot_play_is_refused_before_it_is_told(playback: Playback, dolby: Seed) -> None:
    session = playback.start_session(await playback.parse(dolby.magnet))
    session.profile = profile_of("Chromecast").__class__({}, frozenset())
    with pytest.raises(Refused, match="video_codec"):
        await soon(session.prepare())
    assert session.state is State.FAILED


async def test_a_file_that_loops_for_ever_does_not_hold_another_film_up(
    client: Client, playback: Playback, film: Session
) -> None:
    attack = await attacked(playback, film, "loop")
    for name in await names(client, film):
        assert await get(client, path_of(film, name))
    assert not attack.done()
    attack.cancel()


async def test_a_file_that_loops_for_ever_ends_in_an_error_and_leaves_another_film_alone(
    client: Client, playback: Playback, film: Session
) -> None:
    attack = await attacked(playback, film, "loop", deadline=0.1)
    with pytest.raises(Unplayable, match="timeout"):
        await soon(attack)
    for name in await names(client, film):
        assert await get(client, path_of(film, name))
    assert film.state is State.BUFFERING


async def test_a_file_that_wants_all_memory_does_not_hold_another_film_up(
    client: Client, playback: Playback, film: Session
) -> None:
    attack = await attacked(playback, film, "hog")
    for name in await names(client, film):
        assert await get(client, path_of(film, name))
    with pytest.raises(Unplayable, match="too_big"):
        await soon(attack)


async def attacked(playback: Playback, film: Session, method: str, *, deadline: float = 60) -> asyncio.Task[object]:
    """Have the probe's process do what a hostile file may make it do; the `deadline`, s, outlives a test."""
    assert film.torrent is not None
    assert film.file is not None
    playback.worker._kill()
    playback.worker._program, playback.worker._deadline = HOSTILE, deadline
    await playback.worker.start()
    source = FileBytes(film.torrent, film.file)
    return asyncio.ensure_future(playback.worker.call("evil", source, method))
