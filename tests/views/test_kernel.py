"""A complete file that was gone over on disk, sent by the kernel."""
# ruff: noqa: ARG001, ASYNC240  # fixtures are asked for by name; a test may wait for its own disk

import asyncio
import os
import select
import selectors
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from io import FileIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from homeassistant.core import HomeAssistant

from custom_components.torrent_cast.engine import verified
from custom_components.torrent_cast.engine.verified import Copy
from custom_components.torrent_cast.playback import Playback, Session
from custom_components.torrent_cast.views import stream_path
from tests.conftest import PIECE, Seed, random_bytes, soon, until
from tests.views.conftest import Client, content, fetch, size_of


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
