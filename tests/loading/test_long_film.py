"""What devices do with a film that is not there at once: over HTTP they ask elsewhere, and they pause."""
# a test may wait for its own disk

from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp.test_utils import TestClient, TestServer
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.playback import Session, State
from custom_components.torrent_cast.playback import playhead as module
from custom_components.torrent_cast.playback.playhead import EDGE_BYTES, NEAR_BYTES
from custom_components.torrent_cast.views import stream_path
from tests.conftest import FILM_SECONDS, PATIENCE, Seed, soon, until
from tests.loading.conftest import TAKEN, Answer, FakeChromecast
from tests.media.conftest import ffmpeg, moving

MIB: Final = 1024 * 1024
RATE: Final = 2 * MIB  # of its seed, bytes/s
HERE: Final = 1.0  # where the device is, s
THERE: Final = 8.0  # far from where anything else is, s

type Client = TestClient


@pytest.fixture(scope="module")
def film_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a film with a place that is far from its beginning, its end and what is read."""
    path = tmp_path_factory.mktemp("film") / "The long film (2026).mp4"
    ffmpeg(
        *moving(FILM_SECONDS),
        *("-c:v", "libx264", "-preset", "ultrafast", "-b:v", "10M", "-g", "50", "-c:a", "aac"),
        *("-movflags", "+faststart", path),
    )
    return path


@pytest.fixture
async def client(hass: HomeAssistant, entry: MockConfigEntry) -> AsyncIterator[Client]:  # noqa: ARG001  # it is set up
    """Return a client of Home Assistant's own application."""
    async with TestClient(TestServer(hass.http.app)) as client:
        yield client


@pytest.fixture
def device(hass: HomeAssistant) -> FakeChromecast:
    """Return a device that takes one film."""
    return FakeChromecast(hass, Answer(TAKEN))


@pytest.fixture
async def session(hass: HomeAssistant, play: Callable[..., Any], device: FakeChromecast, film: Seed) -> Session:
    """Return what a device has paused, of a film that comes in slowly."""
    film.handle.set_upload_limit(RATE)
    session: Session = await play(device)
    device.tells("PLAYING", at=HERE)
    device.tells("PAUSED", at=HERE)
    await hass.async_block_till_done()
    assert session.hls is None
    return session


@pytest.fixture
def jumps(session: Session, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the places that the session's playhead has its cursor jump to."""
    assert session.playhead is not None
    cursor, jumps = session.playhead._cursor, list[int]()
    seek = cursor.seek

    def jump(position: int) -> None:
        jumps.append(position)
        seek(position)

    monkeypatch.setattr(cursor, "seek", jump)
    return jumps


def byte_at(session: Session, seconds: float) -> int:
    """Return where a moment is in the file."""
    assert session.probe is not None
    return session.probe.byte_at(seconds).offset


def doubts(session: Session) -> bool:
    """Tell whether the device has yet to say that it is where it has asked to read."""
    assert session.playhead is not None
    return session.playhead._doubt is not None


async def begin_to_read(client: Client, session: Session, film: Seed, wanted: str) -> None:
    """Ask for a range of the film, and see that what comes first is right."""
    async with client.get(stream_path(session), headers={"Range": f"bytes={wanted}"}) as response:
        assert response.status == HTTPStatus.PARTIAL_CONTENT
        start = int(wanted.split("-", maxsplit=1)[0])
        assert await soon(response.content.readexactly(1)) == film.content.read_bytes()[start : start + 1]


async def test_a_request_far_away_moves_the_playhead_and_the_status_confirms_it(
    hass: HomeAssistant,
    client: Client,
    session: Session,
    device: FakeChromecast,
    film: Seed,
    jumps: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CONFIRM_SECONDS", PATIENCE)  # however busy this machine is
    far = byte_at(session, THERE)
    assert NEAR_BYTES + EDGE_BYTES < far < film.content.stat().st_size - EDGE_BYTES
    assert session.playhead is not None

    await begin_to_read(client, session, film, f"{far}-")
    assert jumps == [far]
    assert doubts(session)

    device.tells("BUFFERING", at=THERE)
    await hass.async_block_till_done()
    assert not doubts(session)
    assert session.playhead.seconds == THERE
    assert jumps == [far]


async def test_a_request_far_away_that_the_status_does_not_confirm_is_taken_back(
    client: Client, session: Session, film: Seed, jumps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CONFIRM_SECONDS", 0)
    far = byte_at(session, THERE)

    await begin_to_read(client, session, film, f"{far}-")

    await until(lambda: jumps == [far, byte_at(session, HERE)])


@pytest.mark.parametrize("wanted", ["0-", "{tail}-", "{far}-{end}"])
async def test_a_request_for_head_or_tail_or_of_a_part_does_not_move_the_playhead(
    client: Client, session: Session, film: Seed, jumps: list[int], wanted: str
) -> None:
    far, size = byte_at(session, THERE), film.content.stat().st_size

    await begin_to_read(client, session, film, wanted.format(far=far, end=far + 99, tail=size - 99))

    assert jumps == []


async def test_while_a_film_is_paused_it_goes_on_coming_in_from_the_same_peers(session: Session) -> None:
    assert session.torrent is not None
    assert session.file is not None
    torrent, file, handle = session.torrent, session.file, session.torrent.handle
    assert handle is not None
    peers = [peer.ip for peer in handle.get_peer_info()]
    missing = torrent.missing_bytes(file)
    assert peers
    assert missing > 2 * MIB

    await until(lambda: torrent.missing_bytes(file) < missing - 2 * MIB)

    assert session.state is State.PAUSED
    assert [peer.ip for peer in handle.get_peer_info()] == peers
