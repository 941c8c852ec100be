"""What all tests share."""
# ruff: noqa: ARG001, ASYNC240  # fixtures are asked for by name; a test may wait for its own disk

import logging
import random
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_socket
from homeassistant.components.media_player import ATTR_MEDIA_CONTENT_ID, SERVICE_PLAY_MEDIA
from homeassistant.components.media_player import DOMAIN as MEDIA_PLAYER
from homeassistant.const import ATTR_ENTITY_ID, SERVICE_MEDIA_STOP
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.const import (
    CONF_DHT,
    CONF_DIRECTORY,
    CONF_KEEP_HOURS,
    CONF_LSD,
    CONF_METADATA_TIMEOUT,
    CONF_PORT,
    CONF_UPNP,
    DOMAIN,
)
from custom_components.torrent_cast.errors import translate_errors
from custom_components.torrent_cast.playback import Playback, Session, State
from custom_components.torrent_cast.playback.session import SCHEME
from tests.basics import KIB, PATIENCE, PIECE, soon, until
from tests.media.conftest import ffmpeg, moving
from tests.rig.network import SUBNET
from tests.rig.torrents import Torrent, Version, make_torrent
from tests.rig.torrents import libtorrent as load_libtorrent

if TYPE_CHECKING:
    import libtorrent as lt

# What a test asks its conftest for, wherever it is defined.
__all__ = ["KIB", "PATIENCE", "PIECE", "soon", "until"]

LOOPBACK: Final = "127.0.0.1"
OPTIONS: Final[dict[str, Any]] = {
    CONF_DHT: False,
    CONF_LSD: False,
    CONF_UPNP: False,
    CONF_PORT: 0,
    CONF_KEEP_HOURS: 24,
    CONF_METADATA_TIMEOUT: 60,
}
# Twice the length of the film below would take a piece of each; s.
FILM_SECONDS: Final = 12


@pytest.fixture(autouse=True)
def auto_enable_custom_integrations(enable_custom_integrations: None) -> None:
    """Let Home Assistant find this repository's integration."""


@pytest.fixture(autouse=True)
def no_slow_callbacks() -> Iterator[None]:
    """Leave out asyncio's warnings of slow callbacks: they tell how busy the machine is."""
    logger, before = logging.getLogger("asyncio"), logging.getLogger("asyncio").level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(before)


@pytest.fixture
def rig_sockets(socket_enabled: None) -> None:
    """Open loopback and the rig's own network to this process; pytest-socket undoes it at the test's end."""
    pytest_socket.socket_allow_hosts(["127.0.0.0/8", f"{SUBNET}.0.0/16"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def libtorrent() -> ModuleType:
    """Return the libtorrent that the integration would use."""
    return load_libtorrent()


# --- a swarm of one --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seed:
    """A torrent somebody seeds: `magnet` names the seeder, `lonely_magnet` and `torrent` name nobody."""

    torrent: Torrent
    content: Path
    port: int
    handle: lt.torrent_handle

    @property
    def lonely_magnet(self) -> str:
        """Return a magnet link by which no peer is found."""
        return self.torrent.magnet

    @property
    def magnet(self) -> str:
        """Return a magnet link with the seeder's address (BEP 9)."""
        return f"{self.torrent.magnet}&x.pe={LOOPBACK}:{self.port}"

    @property
    def key(self) -> str:
        """Return the info-hash."""
        return self.torrent.info_hash

    def connect(self, playback: Playback) -> None:
        """Have the seeder call on the integration."""
        handle: Any = self.handle
        handle.connect_peer((LOOPBACK, libtorrent_session(playback).listen_port()))


def libtorrent_session(playback: Playback) -> Any:  # noqa: ANN401  # libtorrent's session
    """Return the session of the engine that runs."""
    assert playback._torrents.engine.running is not None
    return playback._torrents.engine.running._session


def stranger(libtorrent: ModuleType) -> Any:  # noqa: ANN401  # libtorrent's session
    """Return a session of somebody else on loopback, who is found by nothing but an address."""
    return libtorrent.session(
        {
            "listen_interfaces": f"{LOOPBACK}:0",
            "enable_dht": False,
            "enable_lsd": False,
            "enable_upnp": False,
            "enable_natpmp": False,
            "allow_multiple_connections_per_ip": True,
            "min_reconnect_time": 0,
            "tick_interval": 100,
            "unchoke_interval": 1,
            "alert_mask": 0,
        }
    )


class Seeder:
    """A libtorrent session that has everything."""

    def __init__(self, libtorrent: ModuleType) -> None:
        self._lt = libtorrent
        self._session = stranger(libtorrent)

    def seed(self, content: Path, piece_length: int = PIECE, version: Version = Version.V1) -> Seed:
        """Seed a file or a folder."""
        torrent = make_torrent(content, piece_length, version=version)
        params = self._lt.load_torrent_buffer(torrent.metainfo)
        params.save_path = str(content.parent)
        flags = self._lt.torrent_flags
        params.flags = (params.flags & ~(flags.auto_managed | flags.paused)) | flags.seed_mode
        handle = self._session.add_torrent(params)
        return Seed(torrent, content, self._session.listen_port(), handle)

    def describe(self, torrent: Torrent, folder: Path) -> int:
        """Have the metadata of a torrent and nothing else; return the port."""
        params = self._lt.load_torrent_buffer(torrent.metainfo)
        params.save_path = str(folder)
        flags = self._lt.torrent_flags
        params.flags = (params.flags & ~(flags.auto_managed | flags.paused)) | flags.upload_mode
        self._session.add_torrent(params)
        port: int = self._session.listen_port()
        return port

    def forget(self, seed: Seed) -> None:
        """Seed it no longer."""
        self._session.remove_torrent(seed.handle)


@pytest.fixture(scope="session")
def shared_seeder(libtorrent: ModuleType) -> Seeder:
    """Return a seeder for the whole run."""
    return Seeder(libtorrent)


@pytest.fixture
def seeder(shared_seeder: Seeder) -> Iterator[Callable[[Path], Seed]]:
    """Return what seeds a file or folder until the test ends."""
    seeds: list[Seed] = []

    def seed(content: Path, piece_length: int = PIECE) -> Seed:
        seeds.append(shared_seeder.seed(content, piece_length))
        return seeds[-1]

    yield seed
    for one in seeds:
        shared_seeder.forget(one)


def random_bytes(size: int, seed: int = 1) -> bytes:
    """Return the same `size` bytes of noise each time."""
    return random.Random(seed).randbytes(size)


@pytest.fixture(scope="session")
def film_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small real film."""
    path = tmp_path_factory.mktemp("film") / "The film (2026).mp4"
    ffmpeg(
        *moving(FILM_SECONDS),
        *("-c:v", "libx264", "-preset", "ultrafast", "-b:v", "1M", "-g", "50", "-c:a", "aac"),
        *("-movflags", "+faststart", path),
    )
    return path


@pytest.fixture
def film(film_file: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return a torrent of a real film."""
    return seeder(film_file)


@pytest.fixture
def noise(tmp_path: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return a torrent of one file that only claims to be a film: 10.5 pieces of noise."""
    path = tmp_path / "seeder" / "noise.mp4"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(random_bytes(10 * PIECE + PIECE // 2 + 3))
    return seeder(path)


# --- the integration -------------------------------------------------------------------------------------------------


@pytest.fixture
def allowed(hass: HomeAssistant, tmp_path: Path) -> Path:
    """Return a directory that Home Assistant may read."""
    directory = tmp_path / "allowed"
    directory.mkdir()
    hass.config.allowlist_external_dirs = {str(directory)}
    return directory


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Have a configuration directory of the test's own."""
    return hass_tmp_config_dir


@pytest.fixture
def options() -> dict[str, Any]:
    """Return the entry's options; modules and tests override it."""
    return dict(OPTIONS)


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    """Return the download directory."""
    return tmp_path / "downloads"


@pytest.fixture
def new_entry(hass: HomeAssistant, downloads: Path, options: dict[str, Any], libtorrent: ModuleType) -> MockConfigEntry:
    """Return an entry that is not set up yet."""
    entry = MockConfigEntry(domain=DOMAIN, title="Torrent Cast", data={CONF_DIRECTORY: str(downloads)}, options=options)
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
async def entry(hass: HomeAssistant, new_entry: MockConfigEntry, rig_sockets: None) -> MockConfigEntry:
    """Return an entry that is set up."""
    assert await hass.config_entries.async_setup(new_entry.entry_id)
    await hass.async_block_till_done()
    return new_entry


@pytest.fixture
def playback(entry: MockConfigEntry) -> Playback:
    """Return the playback of the entry."""
    found: Playback = entry.runtime_data
    return found


class Television:
    """A Cast entity without a receiver: it has the session prepared, as `cast.py` does, and says that it plays."""

    def __init__(self, hass: HomeAssistant, name: str) -> None:
        registry = er.async_get(hass)
        self.entity_id = registry.async_get_or_create(MEDIA_PLAYER, "cast", name, suggested_object_id=name).entity_id
        hass.states.async_set(self.entity_id, "idle")
        self.played: list[str] = []  # media content ids
        self.error: Exception | None = None
        self.how = self._play
        self.stopped = 0

    async def play(self, session: Session | None, content_id: str) -> None:
        """Do what the Cast integration does with a media id of ours."""
        self.played.append(content_id)
        if self.error is not None:
            raise self.error
        assert session is not None
        await self.how(session)

    @staticmethod
    async def _play(session: Session) -> None:
        with translate_errors():
            await session.prepare()
        session.was_loaded = True
        session.set_state(State.PLAYING)


class Televisions:
    """All Cast entities, and the two actions of theirs that the integration uses."""

    def __init__(self, hass: HomeAssistant, playback: Playback) -> None:
        self._hass = hass
        self._playback = playback
        self._by_id: dict[str, Television] = {}
        self.contexts: list[Any] = []
        hass.services.async_register(MEDIA_PLAYER, SERVICE_PLAY_MEDIA, self._play)
        hass.services.async_register(MEDIA_PLAYER, SERVICE_MEDIA_STOP, self._stop)

    def add(self, name: str) -> Television:
        """Make one."""
        television = Television(self._hass, name)
        self._by_id[television.entity_id] = television
        return television

    async def _play(self, call: ServiceCall) -> None:
        self.contexts.append(call.context)
        content_id = call.data[ATTR_MEDIA_CONTENT_ID]
        session = self._playback.by_id(content_id.removeprefix(f"{SCHEME}:"))
        await self._by_id[call.data[ATTR_ENTITY_ID]].play(session, content_id)

    async def _stop(self, call: ServiceCall) -> None:
        self._by_id[call.data[ATTR_ENTITY_ID]].stopped += 1


@pytest.fixture
def televisions(hass: HomeAssistant, playback: Playback) -> Televisions:
    """Return the place to make Cast entities in."""
    return Televisions(hass, playback)


@pytest.fixture
def tv(televisions: Televisions) -> Television:
    """Return a Cast entity."""
    return televisions.add("tv")


async def settled(playback: Playback) -> None:
    """Wait until ended sessions have let go of everything."""
    await until(lambda: playback._background.is_idle)


async def kept(playback: Playback, seed: Seed) -> None:
    """Have the metadata of a torrent in the library, and nobody who uses it."""
    session = playback.start_session(await playback.parse(seed.torrent.metainfo), wanted=0)
    await soon(session.resolve())
    session.end()
    await settled(playback)


def torrents_in_libtorrent(playback: Playback) -> list[Any]:
    """Return what libtorrent itself holds."""
    return list(libtorrent_session(playback).get_torrents()) if playback.is_engine_running else []


async def assert_nothing_left(playback: Playback, downloads: Path) -> None:
    """See that no session, torrent, reader, folder or file is left."""
    await settled(playback)
    assert playback.sessions == ()
    assert playback._sessions._by_token == playback._sessions._by_side_token == {}
    assert playback._torrents._users == {}
    assert playback.torrents == ()
    assert torrents_in_libtorrent(playback) == []
    assert [str(path.relative_to(downloads)) for path in downloads.rglob("*")] == []
    assert playback.library.kept == ()


@pytest.fixture
async def session(playback: Playback, film: Seed) -> AsyncIterator[Session]:
    """Return a session on the film that is resolved."""
    session = playback.start_session(await playback.parse(film.magnet))
    await soon(session.resolve())
    yield session
    session.end()
