"""Magnet links that name nobody: a real DHT of several nodes on loopback."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from custom_components.torrent_cast.engine import Engine, EngineSettings, settings
from custom_components.torrent_cast.engine import engine as module
from tests.engine.conftest import LOCAL, PATIENCE, PIECE, StartEngine, add, noise, read_all, soon, write
from tests.rig.torrents import Torrent, Version, make_torrent

if TYPE_CHECKING:
    import libtorrent as lt

DATA = noise(20 * PIECE + 99)
WITH_DHT = replace(LOCAL, dht=True)


class Dht:
    """libtorrent sessions that know each other by DHT alone; the first is what the others bootstrap from."""

    def __init__(self, libtorrent: ModuleType) -> None:
        self._lt = libtorrent
        self._nodes = [self._node("")]
        self.bootstrap = f"{self._address(0)}:{self._nodes[0].listen_port()}"
        for _ in range(3):
            self._nodes.append(self._node(self.bootstrap))
            self._next(self._nodes[-1], libtorrent.dht_bootstrap_alert)

    @staticmethod
    def _address(node: int) -> str:
        """Return an address; nodes that share a /24 are not all taken (`dht_restrict_routing_ips`)."""
        return f"127.0.{71 + node}.1"

    def _node(self, bootstrap: str) -> lt.session:
        category = self._lt.alert.category_t
        return self._lt.session(  # type: ignore[no-any-return]  # the module is untyped here
            {
                "listen_interfaces": f"{self._address(len(getattr(self, '_nodes', ())))}:0",
                "dht_bootstrap_nodes": bootstrap,
                "enable_lsd": False,
                "enable_upnp": False,
                "enable_natpmp": False,
                "tick_interval": 100,
                "alert_mask": category.dht_notification,
            }
        )

    def _next(self, session: lt.session, kind: type) -> None:
        """Wait until `session` posts an alert of `kind`."""
        deadline = time.monotonic() + PATIENCE
        while not any(isinstance(alert, kind) for alert in session.pop_alerts()):
            assert time.monotonic() < deadline, kind
            time.sleep(0.005)

    def seed(self, torrent: Torrent, folder: Path) -> None:
        """Seed a torrent and wait until the DHT has heard of it."""
        params = self._lt.load_torrent_buffer(torrent.metainfo)
        params.save_path = str(folder)
        flags = self._lt.torrent_flags
        params.flags = (params.flags & ~(flags.auto_managed | flags.paused)) | flags.seed_mode
        self._nodes[0].pop_alerts()
        self._nodes[1].add_torrent(params)
        self._next(self._nodes[0], self._lt.dht_announce_alert)


@pytest.fixture
def dht(libtorrent: ModuleType) -> Iterator[Dht]:
    """Return a running DHT."""
    dht = Dht(libtorrent)
    yield dht
    dht._nodes.clear()


@pytest.fixture
async def engine(start_engine: StartEngine, dht: Dht, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Return an engine with a DHT, told where to begin and to listen on loopback: elsewhere it hears nothing of it."""
    production: Callable[[ModuleType, EngineSettings], dict[str, Any]] = settings.session_settings

    def on_loopback(libtorrent: ModuleType, chosen: EngineSettings) -> dict[str, Any]:
        here = {"dht_bootstrap_nodes": dht.bootstrap, "listen_interfaces": "127.0.80.1:0"}
        return production(libtorrent, chosen) | here

    monkeypatch.setattr(module, "session_settings", on_loopback)
    return await start_engine()


@pytest.mark.parametrize("version", Version)
async def test_a_magnet_that_names_nobody_finds_its_seeds(
    engine: Engine, dht: Dht, tmp_path: Path, version: Version
) -> None:
    """Also when the DHT bootstraps only after the torrent was added, as in an engine that starts for it."""
    metainfo = make_torrent(write(tmp_path / "film.mkv", DATA), PIECE, version=version)
    dht.seed(metainfo, tmp_path)
    torrent = await soon(engine.add(await engine.parse(metainfo.magnet)))

    engine.apply(WITH_DHT)

    await torrent.metadata(PATIENCE)
    assert await read_all(torrent) == DATA


async def test_an_info_hash_alone_finds_its_seeds(engine: Engine, dht: Dht, tmp_path: Path) -> None:
    metainfo = make_torrent(write(tmp_path / "film.mkv", DATA), PIECE)
    dht.seed(metainfo, tmp_path)
    engine.apply(WITH_DHT)

    assert await read_all(await add(engine, metainfo.info_hash)) == DATA
