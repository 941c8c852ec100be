"""What all tests share."""

from types import ModuleType

import pytest
import pytest_socket

from tests.rig.network import SUBNET
from tests.rig.torrents import libtorrent as load_libtorrent


@pytest.fixture(autouse=True)
def auto_enable_custom_integrations(enable_custom_integrations: None) -> None:
    """Let Home Assistant find this repository's integration."""


@pytest.fixture
def rig_sockets(socket_enabled: None) -> None:
    """Open loopback and the rig's own network to this process; pytest-socket undoes it at the test's end."""
    pytest_socket.socket_allow_hosts(["127.0.0.0/8", f"{SUBNET}.0.0/16"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def libtorrent() -> ModuleType:
    """Return the libtorrent that the integration would use."""
    return load_libtorrent()
