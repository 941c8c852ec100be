"""The stream over real HTTP, from real torrents."""
# ruff: noqa: ARG001, ASYNC240  # fixtures are asked for by name; a test may wait for its own disk

import asyncio
import logging
import os
import select
import selectors
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from io import FileIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast import views
from custom_components.torrent_cast.diagnostics import async_get_config_entry_diagnostics
from custom_components.torrent_cast.engine import StorageError, TorrentFile, verified
from custom_components.torrent_cast.engine.scheduler import BASE_PRIORITY
from custom_components.torrent_cast.engine.verified import Copy
from custom_components.torrent_cast.playback import Playback, Session
from custom_components.torrent_cast.views import stream_path, token_in
from tests.conftest import OPTIONS, PIECE, Seed, random_bytes, soon, until

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


# --- what is sent ----------------------------------------------------------------------------------------------------


async def test_the_whole_file(client: Client, stream: Session, noise: Seed) -> None:
    async with client.get(stream_path(stream)) as response:
        assert response.status == HTTPStatus.OK
        assert response.headers["Content-Length"] == str(size_of(stream))
        assert response.headers["Content-Type"] == "video/mp4"
        assert response.headers["Accept-Ranges"] == "bytes"
        assert response.headers["Cache-Control"] == "no-store"
        assert "Content-Range" not in response.headers
        assert await soon(response.read()) == content(noise)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("bytes=0-1", slice(0, 2)),
        ("bytes=0-0", slice(0, 1)),
        (f"bytes={PIECE - 1}-{PIECE}", slice(PIECE - 1, PIECE + 1)),
        ("bytes=-5", slice(-5, None)),
        (f"bytes={10 * PIECE}-", slice(10 * PIECE, None)),
        (f"bytes={10 * PIECE}-999999999", slice(10 * PIECE, None)),
        ("bytes=-999999999", slice(0, None)),
    ],
)
async def test_a_range(client: Client, stream: Session, noise: Seed, wanted: str, expected: slice) -> None:
    whole = content(noise)
    part = whole[expected]
    first = whole.index(part)
    async with client.get(stream_path(stream), headers={"Range": wanted}) as response:
        assert response.status == HTTPStatus.PARTIAL_CONTENT
        assert response.headers["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/{len(whole)}"
        assert response.headers["Content-Length"] == str(len(part))
        assert await soon(response.read()) == part


async def test_a_real_film_arrives_as_it_is(client: Client, session: Session, film: Seed) -> None:
    assert await fetch(client, session) == (HTTPStatus.OK, film.content.read_bytes())


async def test_several_clients_at_once(client: Client, stream: Session, noise: Seed) -> None:
    whole = content(noise)
    ranges = [(0, 99), (5 * PIECE, 6 * PIECE), (3, len(whole) - 1), (9 * PIECE - 1, 9 * PIECE), (0, len(whole) - 1)]
    answers = await asyncio.gather(*(fetch(client, stream, Range=f"bytes={a}-{b}") for a, b in ranges))
    assert [body for _, body in answers] == [whole[a : b + 1] for a, b in ranges]
    await until(lambda: stream.connections == 0)


async def test_one_connection_serves_many_ranges(client: Client, stream: Session, noise: Seed) -> None:
    whole = content(noise)
    for position in (9, 2, 5, 0):
        begin = position * PIECE
        _, body = await fetch(client, stream, Range=f"bytes={begin}-{begin + 999}")
        assert body == whole[begin : begin + 1000]


# --- what is answered ------------------------------------------------------------------------------------------------


async def test_head_has_the_headers_of_get_and_no_body(client: Client, lonely: Session) -> None:
    async with client.head(stream_path(lonely)) as head, client.get(stream_path(lonely)) as get:
        assert head.status == get.status == HTTPStatus.OK
        names = ("Content-Length", "Content-Type", "ETag", "Accept-Ranges", "Cache-Control")
        assert [head.headers[name] for name in names] == [get.headers[name] for name in names]
        assert await head.read() == b""
    assert head.headers["Content-Length"] == str(size_of(lonely))


async def test_head_does_not_count_as_a_connection(client: Client, lonely: Session) -> None:
    async with client.head(stream_path(lonely)):
        pass
    assert not lonely.requested.is_set()


async def test_head_ignores_a_range(client: Client, lonely: Session) -> None:
    """RFC 9110 §14.2: range handling is defined for GET only."""
    async with client.head(stream_path(lonely), headers={"Range": "bytes=0-1"}) as response:
        assert response.status == HTTPStatus.OK
        assert response.headers["Content-Length"] == str(size_of(lonely))


@pytest.mark.parametrize(
    "wanted", ["bytes={size}-", "bytes={size}-{size}", "bytes=99999999999999999999-", "bytes=-0", "bytes=-00"]
)
async def test_what_cannot_be_satisfied_says_how_long_the_file_is(client: Client, lonely: Session, wanted: str) -> None:
    size = size_of(lonely)
    async with client.get(stream_path(lonely), headers={"Range": wanted.format(size=size)}) as response:
        assert response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        assert response.headers["Content-Range"] == f"bytes */{size}"
        assert response.headers["Content-Length"] == "0"
        assert await soon(response.read()) == b""


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=0-1,5-6",
        "bytes=5-2",
        "bytes=-",
        "bytes=",
        "bytes",
        "",
        "bytes=a-b",
        "bytes=0x0-0x1",
        "bytes=--5",
        "bytes=0-1-2",
        "bytes=1.5-2",
        "seconds=0-1",
        "0-1",
        f"bytes=0-{'9' * 5000}",
    ],
)
async def test_a_range_in_no_form_we_know_is_ignored(client: Client, lonely: Session, wanted: str) -> None:
    """RFC 9110 §14.2: a server may ignore it, and must where it does not understand it."""
    async with client.get(stream_path(lonely), headers={"Range": wanted}) as response:
        assert response.status == HTTPStatus.OK
        assert response.headers["Content-Length"] == str(size_of(lonely))
        assert "Content-Range" not in response.headers


@pytest.mark.parametrize("wanted", ["bytes=0-1", "Bytes=0-1", "BYTES= 0-1 "])
async def test_the_unit_is_known_in_any_case(client: Client, lonely: Session, wanted: str) -> None:
    async with client.get(stream_path(lonely), headers={"Range": wanted}) as response:
        assert response.headers["Content-Range"] == f"bytes 0-1/{size_of(lonely)}"


async def test_the_etag_is_strong_and_names_torrent_and_file(client: Client, lonely: Session, noise: Seed) -> None:
    async with client.head(stream_path(lonely)) as response:
        assert response.headers["ETag"] == f'"{noise.key}-0"'


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ('"{key}-0"', HTTPStatus.PARTIAL_CONTENT),
        ('"{key}-1"', HTTPStatus.OK),
        ('W/"{key}-0"', HTTPStatus.OK),  # RFC 9110 §13.1.5: compared strongly
        ("Sat, 29 Oct 1994 19:43:31 GMT", HTTPStatus.OK),
        ("{key}-0", HTTPStatus.OK),
    ],
)
async def test_if_range(client: Client, lonely: Session, noise: Seed, condition: str, status: HTTPStatus) -> None:
    headers = {"Range": "bytes=0-1", "If-Range": condition.format(key=noise.key)}
    async with client.get(stream_path(lonely), headers=headers) as response:
        assert response.status == status


async def test_nothing_is_compressed(client: Client, lonely: Session) -> None:
    async with client.get(stream_path(lonely), headers={"Accept-Encoding": "gzip, deflate, br"}) as response:
        assert "Content-Encoding" not in response.headers
        assert "Transfer-Encoding" not in response.headers


async def test_cors_is_home_assistants(client: Client, lonely: Session) -> None:
    async with client.get(stream_path(lonely), headers={"Origin": ORIGIN}) as response:
        assert response.headers.getall("Access-Control-Allow-Origin") == [ORIGIN]
    async with client.get(stream_path(lonely)) as response:
        assert "Access-Control-Allow-Origin" not in response.headers
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    async with client.options(stream_path(lonely), headers=preflight) as response:
        assert response.status == HTTPStatus.OK
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN


# --- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["wrong", "x" * 5000, "%00", "..%2f..", "a%20b"])
async def test_a_wrong_token_is_not_found_and_never_unauthorized(client: Client, lonely: Session, token: str) -> None:
    for method in ("get", "head"):
        async with client.request(method, f"/api/torrent_cast/{token}/stream.mp4") as response:
            assert response.status in {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}
    async with client.get("/api/torrent_cast/wrong/stream.mp4") as response:
        assert response.status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("name", ["stream", "other.mkv", "%F0%9F%8E%AC", "a%20b;c=d", "x" * 300])
async def test_the_name_does_not_matter(client: Client, lonely: Session, name: str) -> None:
    async with client.head(f"/api/torrent_cast/{lonely.token}/{name}") as response:
        assert response.status == HTTPStatus.OK


@pytest.mark.parametrize("tail", ["", "/", "/a/b"])
async def test_other_paths_are_not_found(client: Client, lonely: Session, tail: str) -> None:
    async with client.get(f"/api/torrent_cast/{lonely.token}{tail}") as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_only_reading_is_allowed(client: Client, lonely: Session) -> None:
    for method in ("post", "put", "delete", "patch"):
        async with client.request(method, stream_path(lonely)) as response:
            assert response.status == HTTPStatus.METHOD_NOT_ALLOWED


async def test_the_token_ends_with_the_session(client: Client, lonely: Session) -> None:
    path = stream_path(lonely)
    lonely.end()
    async with client.get(path) as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_nothing_is_found_while_the_entry_is_not_loaded(
    hass: HomeAssistant, client: Client, lonely: Session, entry: MockConfigEntry
) -> None:
    path = stream_path(lonely)
    await hass.config_entries.async_unload(entry.entry_id)
    async with client.get(path) as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_stopping_is_said_so(client: Client, lonely: Session, playback: Playback) -> None:
    playback.stopping = True
    async with client.get(stream_path(lonely)) as response:
        assert response.status == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        ("192.168.1.20", HTTPStatus.OK),
        ("fe80::1", HTTPStatus.OK),
        ("8.8.8.8", HTTPStatus.NOT_FOUND),
        ("2001:4860:4860::8888", HTTPStatus.NOT_FOUND),
    ],
)
async def test_only_local_peers_are_served(
    hass: HomeAssistant, new_entry: MockConfigEntry, noise: Seed, rig_sockets: None, peer: str, status: HTTPStatus
) -> None:
    proxied = {"use_x_forwarded_for": True, "trusted_proxies": ["127.0.0.1"]}
    assert await async_setup_component(hass, "http", {"http": proxied})
    assert await hass.config_entries.async_setup(new_entry.entry_id)
    playback: Playback = new_entry.runtime_data
    session = playback.start_session(await playback.parse(noise.torrent.metainfo))
    async with (
        TestClient(TestServer(hass.http.app)) as client,
        client.head(stream_path(session), headers={"X-Forwarded-For": peer}) as response,
    ):
        assert response.status == status


async def test_a_peer_without_an_address_is_not_served(
    client: Client, lonely: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web.Request, "remote", "unix:")
    async with client.get(stream_path(lonely)) as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_the_cloud_is_not_served(client: Client, lonely: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "is_cloud_connection", lambda _hass: True)
    async with client.get(stream_path(lonely)) as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_the_token_is_nowhere_but_in_the_address(
    hass: HomeAssistant,
    client: Client,
    playback: Playback,
    noise: Seed,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    session = playback.start_session(await playback.parse(noise.magnet), target="media_player.tv")
    await fetch(client, session, Range="bytes=0-99")
    session.end()
    diagnostics = str(await async_get_config_entry_diagnostics(hass, entry))
    ours = [record for record in caplog.records if "torrent_cast" in record.name]
    # Home Assistant silences the access log, and names paths at the debug level only.
    loud = [r for r in caplog.records if r.levelno >= logging.INFO and r.name != "aiohttp.access"]
    logged = "".join(record.getMessage() for record in ours + loud)
    assert f"Session {session.id}" in logged
    states = str([state.as_dict() for state in hass.states.async_all()])
    assert session.token not in logged + states + diagnostics
    assert "magnet:" not in logged + states + diagnostics


# --- when ------------------------------------------------------------------------------------------------------------


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
    assert session.torrent._selected == {session.file.index: 1}


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
    await until(lambda: max(handle.get_piece_priorities()) > BASE_PRIORITY)
    response.close()
    await until(lambda: lonely.connections == 0)
    await until(lambda: max(handle.get_piece_priorities()) == BASE_PRIORITY)
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


# --- from the disk ---------------------------------------------------------------------------------------------------


class Kernel:
    """Sees what the loop's `sendfile` sends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self._sendfile = loop.sendfile
        self.sent: list[tuple[int, int]] = []  # offset and count, in bytes
        self.transport: asyncio.Transport | None = None
        monkeypatch.setattr(loop, "sendfile", self._send)

    async def _send(self, transport: asyncio.Transport, file: FileIO, offset: int, count: int, **how: bool) -> int:
        self.transport = transport
        sent = await self._sendfile(transport, file, offset, count, **how)
        self.sent.append((offset, sent))
        return sent

    def is_blocked(self) -> bool:
        """Tell whether it waits for a client that does not read."""
        if self.transport is None:
            return False
        socket = self.transport.get_extra_info("socket")
        loop: Any = asyncio.get_running_loop()
        key = loop._selector.get_map().get(socket.fileno())
        waits = key is not None and key.events & selectors.EVENT_WRITE
        return bool(waits) and not select.select([], [socket], [], 0)[1]


@pytest.fixture
async def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """Return what sees sendfile, on files that are trusted soon after they were written."""
    monkeypatch.setattr(verified, "SETTLED_NS", 50_000_000)
    return Kernel(monkeypatch)


async def on_disk(session: Session) -> Copy:
    """Return a session's file, complete and verified."""
    assert session.torrent is not None
    assert session.file is not None
    await soon(session.torrent.wait_for_range(session.file, 0, session.file.size))
    copy = session.torrent.copy(session.file)
    assert copy is not None
    copy.prove()
    await until(lambda: copy.stamp)
    return copy


@pytest.fixture
async def long(playback: Playback, tmp_path: Path, seeder: Callable[[Path, int], Seed], kernel: Kernel) -> Session:
    """Return a session on a file that no socket's buffers hold, complete and verified."""
    (tmp_path / "long").mkdir()
    (tmp_path / "long" / "film.mp4").write_bytes(random_bytes(24 << 20))
    seed = seeder(tmp_path / "long" / "film.mp4", 1 << 20)
    session = playback.start_session(await playback.parse(seed.magnet))
    await soon(session.resolve())
    await on_disk(session)
    return session


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("bytes=0-1", slice(0, 2)),
        (f"bytes={PIECE - 1}-{PIECE}", slice(PIECE - 1, PIECE + 1)),
        ("bytes=-5", slice(-5, None)),
        (f"bytes={10 * PIECE}-999999999", slice(10 * PIECE, None)),
        ("bytes=-999999999", slice(0, None)),
    ],
)
async def test_a_range_of_a_verified_file_comes_by_the_kernel_with_the_same_headers(
    client: Client, stream: Session, noise: Seed, kernel: Kernel, wanted: str, expected: slice
) -> None:
    async with client.get(stream_path(stream), headers={"Range": wanted}) as response:
        before = {key: value for key, value in response.headers.items() if key != "Date"}
        assert await soon(response.read()) == content(noise)[expected]
    assert kernel.sent == []
    await on_disk(stream)

    async with client.get(stream_path(stream), headers={"Range": wanted}) as response:
        after = {key: value for key, value in response.headers.items() if key != "Date"}
        assert response.status == HTTPStatus.PARTIAL_CONTENT
        assert await soon(response.read()) == content(noise)[expected]

    assert after == before
    await until(lambda: stream.connections == 0)
    start, stop, _ = expected.indices(size_of(stream))
    assert kernel.sent == [(start, stop - start - 1)]  # the last byte is read


async def test_one_connection_has_several_answers_by_the_kernel(
    client: Client, stream: Session, noise: Seed, kernel: Kernel
) -> None:
    await on_disk(stream)
    for _ in range(3):
        assert await fetch(client, stream) == (HTTPStatus.OK, content(noise))
        async with client.head(stream_path(stream)) as response:
            assert response.headers["Content-Length"] == str(size_of(stream))
    await until(lambda: stream.connections == 0)
    assert kernel.sent == [(0, size_of(stream) - 1)] * 3


async def test_several_clients_have_a_verified_file_at_once(client: Client, long: Session, kernel: Kernel) -> None:
    whole = random_bytes(24 << 20)
    answers = await asyncio.gather(*(fetch(client, long, Range=f"bytes={start}-") for start in (0, 5, 9 << 20)))
    assert [body for _, body in answers] == [whole, whole[5:], whole[9 << 20 :]]
    await until(lambda: long.connections == 0)
    assert sum(count for _, count in kernel.sent) == sum(len(body) - 1 for _, body in answers)


async def stalled(client: Client, session: Session, kernel: Kernel) -> aiohttp.ClientResponse:
    """Return an answer of which the client reads nothing, once the kernel has no room for more."""
    response = await client.get(stream_path(session))
    assert response.connection is not None
    assert response.connection.transport is not None
    response.connection.transport.pause_reading()
    await until(kernel.is_blocked)
    return response


def open_descriptors_only() -> bool:
    """Tell whether the loop watches nothing that is closed: the next socket with that number would fail."""
    loop: Any = asyncio.get_running_loop()
    for descriptor in loop._selector.get_map():
        try:
            os.fstat(descriptor)
        except OSError:
            return False
    return True


async def test_a_client_that_goes_away_in_the_middle_frees_everything(
    client: Client, long: Session, kernel: Kernel
) -> None:
    response = await stalled(client, long, kernel)
    response.close()
    await until(lambda: long.connections == 0)
    assert not long.is_over
    assert open_descriptors_only()
    assert await fetch(client, long, Range="bytes=0-9") == (HTTPStatus.PARTIAL_CONTENT, random_bytes(24 << 20)[:10])


async def test_a_session_that_ends_in_the_middle_breaks_the_connection(
    client: Client, long: Session, kernel: Kernel
) -> None:
    response = await stalled(client, long, kernel)
    long.end()
    await until(lambda: long.connections == 0)
    assert open_descriptors_only()
    assert response.connection is not None
    response.connection.transport.resume_reading()  # type: ignore[union-attr]  # it is a socket's
    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, ConnectionError)):
        await soon(response.read())


async def test_a_file_written_to_in_the_middle_never_arrives_whole(
    client: Client, long: Session, kernel: Kernel
) -> None:
    response = await stalled(client, long, kernel)
    with (await on_disk(long)).part.path.open("r+b") as file:
        file.seek(20 << 20)
        file.write(bytes(100))
    assert response.connection is not None
    response.connection.transport.resume_reading()  # type: ignore[union-attr]  # it is a socket's
    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, ConnectionError)):
        await soon(response.read())
    whole = random_bytes(24 << 20)
    assert await fetch(client, long, Range="bytes=0-9999") == (HTTPStatus.PARTIAL_CONTENT, whole[:10000])
    assert not long.is_over


def own_certificate(folder: Path) -> ssl.SSLContext:
    """Return a server's context with a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
    ).sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    path = folder / "own.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


async def test_over_tls_it_is_read(
    hass: HomeAssistant, stream: Session, noise: Seed, kernel: Kernel, tmp_path: Path
) -> None:
    await on_disk(stream)
    server = TestServer(hass.http.app)
    await server.start_server(ssl=own_certificate(tmp_path))
    async with TestClient(server) as client, client.get(stream_path(stream), ssl=False) as response:
        assert response.url.scheme == "https"
        assert await soon(response.read()) == content(noise)
    assert kernel.transport is not None  # it was tried
    assert kernel.sent == []


async def test_a_kept_film_with_a_flipped_byte_arrives_as_it_was(
    client: Client, playback: Playback, noise: Seed, kernel: Kernel, downloads: Path
) -> None:
    first = playback.start_session(await playback.parse(noise.magnet))
    await soon(first.resolve())
    await on_disk(first)
    first.end()
    await until(lambda: not playback.torrents)
    path = next(downloads.rglob("noise.mp4"))
    flipped = bytearray(path.read_bytes())
    flipped[3 * PIECE] ^= 1
    path.write_bytes(flipped)

    again = playback.start_session(await playback.parse(noise.magnet))
    await soon(again.resolve())

    assert await fetch(client, again) == (HTTPStatus.OK, content(noise))
    await on_disk(again)
    assert path.read_bytes() == content(noise)
    assert await fetch(client, again) == (HTTPStatus.OK, content(noise))
    await until(lambda: again.connections == 0)
    assert kernel.sent == [(0, size_of(again) - 1)]


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("film.MP4", "stream.mp4"),
        ("film", "stream"),
        ("film.<script>", "stream"),
        ("film.m p", "stream"),
        ("film.mpé", "stream"),
        ("../../etc/passwd.mkv", "stream.mkv"),
    ],
)
async def test_the_address_has_nothing_of_the_torrents_name_but_a_plain_suffix(
    lonely: Session, name: str, last: str
) -> None:
    lonely.file = TorrentFile(0, name, 1, 0)
    assert stream_path(lonely) == f"/api/torrent_cast/{lonely.token}/{last}"


async def test_the_address_before_the_torrent_is_known(playback: Playback, noise: Seed) -> None:
    session = playback.start_session(await playback.parse(noise.magnet))
    assert stream_path(session) == f"/api/torrent_cast/{session.token}/stream"


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("/api/torrent_cast/abc/stream.mp4", "abc"),
        ("http://192.168.1.10:8123/api/torrent_cast/abc/stream", "abc"),
        ("/api/torrent_cast/abc", None),
        ("/api/torrent_cast//stream", None),
        ("http://example.org/film.mp4", None),
        ("", None),
    ],
)
def test_the_token_in_an_address(text: str, token: str | None) -> None:
    assert token_in(text) == token
