"""pytest plugin `-p tests.bare`: the engine's tests where Home Assistant is not installed."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.rig.torrents import libtorrent as load_libtorrent

# Its own `__init__` is for Home Assistant; the packages below need only to be found.
PACKAGE = "custom_components.torrent_cast"
bare = ModuleType(PACKAGE)
bare.__path__ = [str(Path(__file__).parents[1] / "custom_components" / "torrent_cast")]
sys.modules.setdefault(PACKAGE, bare)


@pytest.fixture(scope="session")
def libtorrent() -> ModuleType:
    """Return the libtorrent that the integration would use."""
    return load_libtorrent()


@pytest.fixture
def rig_sockets() -> None:
    """Let tests open sockets: nothing forbids it here."""
