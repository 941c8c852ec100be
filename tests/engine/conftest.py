"""Real libtorrent seeders on loopback, in this process, and an engine that finds them by the magnet's `x.pe`."""

import random
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

import pytest

from custom_components.torrent_cast.engine import Engine, EngineSettings, Renamed, Torrent
from tests.basics import KIB, PATIENCE, PIECE, soon, until
from tests.rig.torrents import Torrent as Metainfo
from tests.rig.torrents import Version, make_torrent

if TYPE_CHECKING:
    import libtorrent as lt

# What a test asks its conftest for, wherever it is defined.
__all__ = ["KIB", "PATIENCE", "PIECE", "soon", "until"]

LOCAL: Final = EngineSettings(dht=False, lsd=False, upnp=False)


@pytest.fixture(autouse=True)
def auto_enable_custom_integrations() -> None:
    """Start no Home Assistant: the engine knows of none."""


def noise(size: int, seed: int = 0) -> bytes:
    """Return `size` bytes, the same for the same seed."""
    return random.Random(seed).randbytes(size)


def write(path: Path, data: bytes) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@dataclass(frozen=True, slots=True)
class Seed:
    """A torrent that somebody seeds."""

    metainfo: Metainfo
    address: str
    port: int
    handle: lt.torrent_handle

    @property
    def magnet(self) -> str:
        """Return a magnet link with the seeder's address (BEP 9)."""
        return self.metainfo.magnet + self.peer

    @property
    def peer(self) -> str:
        """Return the seeder's address as magnet links have it."""
        return f"&x.pe={self.address}:{self.port}"

    @property
    def key(self) -> str:
        """Return the info-hash."""
        return self.metainfo.info_hash


class Seeders:
    """libtorrent sessions that have everything, or claim to."""

    def __init__(self, libtorrent: ModuleType) -> None:
        self._lt = libtorrent
        self._sessions: dict[str, lt.session] = {}

    def seed(
        self,
        content: Path,
        piece_length: int = PIECE,
        *,
        upload: int = 0,
        address: str = "127.0.0.1",
        version: Version = Version.V1,
    ) -> Seed:
        """Seed a file or a folder, at no more than `upload` bytes/s."""
        metainfo = make_torrent(content, piece_length, version=version)
        return self.share(metainfo, content.parent, upload=upload, address=address)

    def share(self, metainfo: Metainfo, folder: Path, *, upload: int = 0, address: str = "127.0.0.1") -> Seed:
        """Claim to have all of a torrent in `folder`, whatever is there."""
        session = self._session(address)
        params = self._lt.load_torrent_buffer(metainfo.metainfo)
        params.save_path = str(folder)
        flags = self._lt.torrent_flags
        params.flags = (params.flags & ~(flags.auto_managed | flags.paused)) | flags.seed_mode
        handle = session.add_torrent(params)
        handle.set_upload_limit(upload)
        while not handle.status().is_seeding:  # who calls before is sent away, and comes back after 10 s only
            time.sleep(0.001)
        return Seed(metainfo, address, session.listen_port(), handle)

    def describe(self, metainfo: Metainfo, folder: Path, *, address: str = "127.0.0.1") -> Seed:
        """Have the metadata of a torrent and nothing else."""
        session = self._session(address)
        params = self._lt.load_torrent_buffer(metainfo.metainfo)
        params.save_path = str(folder)
        flags = self._lt.torrent_flags
        params.flags = (params.flags & ~(flags.auto_managed | flags.paused)) | flags.upload_mode
        return Seed(metainfo, address, session.listen_port(), session.add_torrent(params))

    def share_uplink(self, rate: int, address: str = "127.0.0.1") -> None:
        """Have all torrents at `address` share an uplink of `rate` bytes/s."""
        session = self._session(address)
        local = self._lt.session.local_peer_class_id  # everybody here
        session.set_peer_class(local, session.get_peer_class(local) | {"upload_limit": rate})

    def _session(self, address: str) -> lt.session:
        if address not in self._sessions:
            self._sessions[address] = self._lt.session(
                {
                    "listen_interfaces": f"{address}:0",
                    "enable_dht": False,
                    "enable_lsd": False,
                    "enable_upnp": False,
                    "enable_natpmp": False,
                    "allow_multiple_connections_per_ip": True,
                    "disable_hash_checks": True,
                    "min_reconnect_time": 0,
                    "tick_interval": 100,
                    "unchoke_interval": 1,
                    "alert_mask": 0,
                }
            )
        return self._sessions[address]


@pytest.fixture
def seeders(libtorrent: ModuleType) -> Iterator[Seeders]:
    """Return what seeds files and folders until the test ends."""
    seeders = Seeders(libtorrent)
    yield seeders
    seeders._sessions.clear()


type StartEngine = Callable[..., Awaitable[Engine]]


@pytest.fixture
async def start_engine(libtorrent: ModuleType, tmp_path: Path) -> AsyncIterator[StartEngine]:
    """Return what starts an engine on the same directory each time; what runs at the test's end is stopped."""
    engines: list[Engine] = []

    async def start(settings: EngineSettings = LOCAL) -> Engine:
        engines.append(await Engine.start(libtorrent, tmp_path / "downloads", settings))
        return engines[-1]

    yield start
    for engine in engines:
        await soon(engine.stop())
    await until(lambda: not any(thread.name.startswith("torrent_cast") for thread in threading.enumerate()))


@pytest.fixture
async def engine(start_engine: StartEngine) -> Engine:
    """Return a running engine."""
    return await start_engine()


def failed_pieces(engine: Engine) -> list[int]:
    """Return a list that grows with each piece of which libtorrent says that its hash is wrong."""
    failed: list[int] = []
    handle = engine._handlers[engine._lt.hash_failed_alert]

    def on_hash_failed(alert: lt.hash_failed_alert) -> None:
        failed.append(alert.piece_index)
        handle(alert)

    engine._handlers[engine._lt.hash_failed_alert] = on_hash_failed
    return failed


async def add(engine: Engine, source: str | bytes) -> Torrent:
    """Return a torrent of `source` whose files are known."""
    named = await engine.parse(source)
    while True:
        try:
            torrent = await soon(engine.add(named))
            await torrent.metadata(PATIENCE)
        except Renamed as renamed:
            named = renamed.source
        else:
            return torrent


async def read_all(torrent: Torrent, index: int = 0) -> bytes:
    """Return all bytes of a file."""
    file = torrent.files[index]
    async with torrent.open(file) as reader:
        return await soon(reader.read_exactly(file.size))
