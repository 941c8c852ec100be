"""WebTorrent: what the engine's settings make of a libtorrent that knows it, one of an older Python."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, override

import pytest

from tests.engine.conftest import PIECE, noise, soon, write
from tests.rig import rig_cache, webrtc_peer
from tests.rig.network import Network, NetworkUnavailableError
from tests.rig.process import running
from tests.rig.torrents import make_torrent
from tests.rig.websocket_tracker import WebSocketTracker, websocket_tracker

LOCK: Final = Path(__file__).parents[2] / "requirements" / "webrtc.txt"
SCRIPT: Final = Path(webrtc_peer.__file__)
DATA: Final = noise(20 * PIECE + 99)
ON: Final = {"webtorrent": True}
# What a STUN client asks with: a binding request, and the magic cookie (RFC 8489 §5).
BINDING_REQUEST: Final = bytes.fromhex("0001")
COOKIE: Final = bytes.fromhex("2112a442")


@pytest.fixture(scope="module")
def python() -> Path:
    """Return the Python in which `scripts/setup` has installed a libtorrent that knows WebTorrent."""
    python = rig_cache() / f"webrtc-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}" / "bin" / "python"
    if not python.exists():
        pytest.skip("this machine has no Python below 3.14")
    return python


@pytest.fixture
def network() -> Iterator[Network]:
    """Return a network with a host for the peers: WebRTC leaves loopback addresses out."""
    try:
        with Network([0]) as network:
            yield network
    except NetworkUnavailableError as err:
        pytest.skip(f"no namespaces: {err}")


@pytest.fixture
async def tracker(network: Network, rig_sockets: None) -> AsyncIterator[WebSocketTracker]:
    """Return a tracker that the peers reach."""
    async with websocket_tracker(network.address) as tracker:
        yield tracker


class Peers:
    """Peers of one film on the network's host."""

    def __init__(self, network: Network, python: Path, tracker: WebSocketTracker, folder: Path) -> None:
        film = write(folder / "seed" / "film.mkv", DATA)
        metainfo = make_torrent(film, PIECE, trackers=[tracker.url]).metainfo
        self._command = (*network.command(0), str(python), "-W", "ignore", str(SCRIPT))
        self._torrent = write(folder / "film.torrent", metainfo)
        self._folder = folder

    @asynccontextmanager
    async def seed(self) -> AsyncIterator[asyncio.StreamReader]:
        """Run one that has all of it and speaks WebRTC alone; yield what its libtorrent tells."""
        async with self._peer("seed", ON) as told:
            yield told

    @asynccontextmanager
    async def viewer(self, **settings: object) -> AsyncIterator[asyncio.StreamReader]:
        """Run one with the engine's settings, who has nothing; yield what its libtorrent tells."""
        async with self._peer("viewer", settings) as told:
            yield told

    @asynccontextmanager
    async def _peer(self, name: str, settings: dict[str, Any]) -> AsyncIterator[asyncio.StreamReader]:
        config: webrtc_peer.Config = {
            "torrent": str(self._torrent),
            "folder": str(self._folder / name),
            "seeds": name == "seed",
            "settings": settings,
        }
        async with running(*self._command, json.dumps(config), stdout=asyncio.subprocess.PIPE) as process:
            assert process.stdout is not None
            yield process.stdout


@pytest.fixture
def peers(network: Network, python: Path, tracker: WebSocketTracker, tmp_path: Path) -> Peers:
    """Return what runs peers of a film."""
    return Peers(network, python, tracker, tmp_path)


async def told(lines: asyncio.StreamReader, alert: str) -> None:
    """Return once libtorrent has told an alert; fail at an error of the torrent."""
    async with asyncio.timeout(60):  # s: a Python that starts on a busy machine, and has fallen silent after it
        async for line in lines:
            assert not line.startswith(b"torrent_error_alert"), line
            if line.startswith(alert.encode()):
                return
    raise AssertionError(alert)


class Stun(asyncio.DatagramProtocol):
    """A STUN server that says nothing; `asked` becomes the first packet."""

    def __init__(self) -> None:
        self.asked = asyncio.get_running_loop().create_future()

    @override
    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if not self.asked.done():
            self.asked.set_result(data)


async def test_a_film_comes_from_a_peer_that_speaks_webrtc_alone(
    peers: Peers, tracker: WebSocketTracker, tmp_path: Path
) -> None:
    async with peers.seed():
        await soon(tracker.joined.wait())
        async with peers.viewer(**ON) as viewer:
            await told(viewer, "torrent_finished_alert")
            await told(viewer, "cache_flushed_alert")

    assert (tmp_path / "viewer" / "film.mkv").read_bytes() == DATA


async def test_who_has_it_off_does_not_even_ask_the_tracker(peers: Peers, tracker: WebSocketTracker) -> None:
    async with peers.viewer(stun_server="127.0.0.1:3478") as viewer:
        await told(viewer, "tracker_error_alert")

    assert tracker.connections == 0


async def test_the_stun_server_that_the_user_named_is_asked(peers: Peers, network: Network) -> None:
    loop = asyncio.get_running_loop()
    transport, stun = await loop.create_datagram_endpoint(Stun, local_addr=(network.address, 0))
    try:
        port = transport.get_extra_info("sockname")[1]
        async with peers.viewer(**ON, stun_server=f"{network.address}:{port}"):
            packet = await soon(stun.asked)
    finally:
        transport.close()

    assert (packet[:2], packet[4:8]) == (BINDING_REQUEST, COOKIE)


async def test_the_name_of_a_stun_server_needs_no_dot(peers: Peers, tracker: WebSocketTracker) -> None:
    """A host alone is taken for a scheme, and the torrent stopped."""
    async with peers.viewer(**ON, stun_server="nobody:3478"):
        await soon(tracker.joined.wait())
