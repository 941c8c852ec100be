"""pytest plugin `-p tests.bare`: the engine's tests where Home Assistant is not installed."""

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
from packaging import _musllinux

import custom_components
from tests.rig.torrents import libtorrent as load_libtorrent

# Its own `__init__` is for Home Assistant; the packages below need only to be found.
PACKAGE = "custom_components.torrent_cast"
bare = ModuleType(PACKAGE)
bare.__path__ = [str(Path(__file__).parents[1] / "custom_components" / "torrent_cast")]
custom_components.torrent_cast = sys.modules.setdefault(PACKAGE, bare)  # type: ignore[attr-defined]  # it stands in

# What musl's loader would say, where it runs only inside an emulator and cannot be asked.
if version := os.environ.get("EMULATED_MUSL"):
    found = _musllinux._MuslVersion(*map(int, version.split(".")[:2]))
    _musllinux._get_musl_version = lambda _executable: found  # type: ignore[assignment]  # a stand-in needs no cache


@pytest.fixture(scope="session")
def libtorrent() -> ModuleType:
    """Return the libtorrent that the integration would use."""
    return load_libtorrent()


@pytest.fixture
def rig_sockets() -> None:
    """Let tests open sockets: nothing forbids it here."""
