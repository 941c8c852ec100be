"""The port for peers: taken ones are noticed, and what routers and peers show is kept."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import errno
import os
import socket
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import pytest

from custom_components.torrent_cast.engine import Engine, EngineSettings, Ports, obstacle
from tests.basics import until
from tests.engine.conftest import LOCAL, StartEngine
from tests.rig.ports import free_port

pytestmark = pytest.mark.usefixtures("rig_sockets")


@pytest.fixture
def taken(rig_sockets: None) -> Iterator[int]:
    """Return a port that another program listens at."""
    with socket.create_server(("", 0)) as other:
        yield other.getsockname()[1]


def asking(port: int) -> EngineSettings:
    return EngineSettings(listen_port=port, dht=False, lsd=False, upnp=False)


def test_a_free_port_has_no_obstacle_and_zero_has_none() -> None:
    assert obstacle(free_port()) is None
    assert obstacle(0) is None


def test_a_taken_port_is_told(taken: int) -> None:
    assert obstacle(taken) == os.strerror(errno.EADDRINUSE)


def test_a_port_that_only_takes_datagrams_is_taken_too() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind(("", 0))
        assert obstacle(other.getsockname()[1]) == os.strerror(errno.EADDRINUSE)


async def test_the_engine_listens_where_it_was_told(start_engine: StartEngine) -> None:
    engine = await start_engine(asking(port := free_port()))
    await until(lambda: engine.ports.listening)
    assert (engine.ports.listening, engine.ports.is_taken) == (port, False)


async def test_a_taken_port_is_noticed_with_the_one_in_its_place(start_engine: StartEngine, taken: int) -> None:
    engine = await start_engine(asking(taken))
    await until(lambda: engine.ports.is_taken)
    assert engine.ports.listening not in {None, 0, taken}


async def test_no_port_was_taken_where_none_was_chosen(engine: Engine) -> None:
    assert LOCAL.listen_port == 0
    await until(lambda: engine.ports.listening)
    assert not engine.ports.is_taken


@pytest.mark.parametrize(
    ("alerts", "opened"),
    [
        ([], None),
        (["portmap_error_alert"], False),
        (["portmap_error_alert", "portmap_alert"], True),
        (["portmap_alert", "portmap_error_alert"], True),
    ],
)
def test_one_way_through_a_router_is_enough(libtorrent: ModuleType, alerts: list[str], opened: bool | None) -> None:
    ports = Ports(libtorrent, 6881)
    for name in alerts:
        ports.handlers()[getattr(libtorrent, name)](SimpleNamespace(error=refusal(libtorrent)))
    assert ports.opened is opened
    assert ports.is_closed is (opened is False)


def refusal(libtorrent: ModuleType) -> object:
    """Return the error of a router that has given the port to somebody else (UPnP's ConflictInMappingEntry)."""
    return libtorrent.error_code(718, libtorrent.upnp_category())


def test_a_network_without_a_router_that_answers_is_not_a_closed_port(libtorrent: ModuleType) -> None:
    ports = Ports(libtorrent, 6881)
    silence = libtorrent.error_code(errno.ETIMEDOUT, libtorrent.system_category())
    ports.handlers()[libtorrent.portmap_error_alert](SimpleNamespace(error=silence))
    assert (ports.opened, ports.is_closed) == (False, False)


def test_a_port_that_was_refused_is_open_once_somebody_came(libtorrent: ModuleType) -> None:
    ports = Ports(libtorrent, 6881)
    ports.handlers()[libtorrent.portmap_error_alert](SimpleNamespace(error=refusal(libtorrent)))
    assert ports.refused
    assert ports.is_closed
    ports.handlers()[libtorrent.incoming_connection_alert](SimpleNamespace(endpoint=("1.2.3.4", 50000)))
    assert not ports.is_closed


@pytest.mark.parametrize(
    ("address", "was_reached"),
    [("1.2.3.4", True), ("2a00:1450::1", True), ("192.168.1.7", False), ("127.0.0.1", False), ("fe80::1%eth0", False)],
)
def test_only_who_comes_from_outside_shows_that_the_port_is_open(
    libtorrent: ModuleType, address: str, was_reached: bool
) -> None:
    ports = Ports(libtorrent, 6881)
    ports.handlers()[libtorrent.incoming_connection_alert](SimpleNamespace(endpoint=(address, 50000)))
    assert ports.was_reached is was_reached
