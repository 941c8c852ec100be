"""A peer of a libtorrent that knows WebTorrent, with the engine's settings: `webrtc_peer.py CONFIG`, CONFIG as JSON.

There is no such libtorrent for the Python of the engine. This runs in an older one, and needs nothing else. Prints what
libtorrent tells until it is ended, a line each: the alert's name and text.
"""

import importlib
import importlib.util
import json
import select
import socket
import sys
from pathlib import Path
from typing import Any, Final, TypedDict

SETTINGS: Final = Path(__file__).parents[2] / "custom_components" / "torrent_cast" / "engine" / "settings.py"
# Whoever has these off is reached by WebRTC alone.
WITHOUT: Final = dict.fromkeys(
    ("enable_outgoing_tcp", "enable_incoming_tcp", "enable_outgoing_utp", "enable_incoming_utp"), False
)


class Config(TypedDict):
    """What one peer does."""

    torrent: str  # path of the .torrent file
    folder: str  # where its content is, or comes
    seeds: bool  # and speaks WebRTC alone
    settings: dict[str, Any]  # of the engine


def engine_settings() -> Any:  # noqa: ANN401  # a module
    """Return the engine's module, by its file: the package around it needs a newer Python."""
    spec = importlib.util.spec_from_file_location("settings", SETTINGS)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["settings"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(config: Config) -> None:
    """Seed, or download, until the process is ended."""
    lt = importlib.import_module("libtorrent")
    ours = engine_settings()
    pack = ours.session_settings(lt, ours.EngineSettings(dht=False, lsd=False, upnp=False, **config["settings"]))
    session = lt.session(pack | WITHOUT if config["seeds"] else pack)
    readable, writable = socket.socketpair()
    writable.setblocking(False)  # noqa: FBT003  # the name of a method
    session.set_alert_fd(writable.fileno())
    params = lt.load_torrent_file(config["torrent"])
    params.save_path = config["folder"]
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    if config["seeds"]:
        params.flags |= lt.torrent_flags.seed_mode
    session.async_add_torrent(params)
    while select.select([readable], [], [])[0]:
        readable.recv(4096)
        for alert in session.pop_alerts():
            print(type(alert).__name__, alert.message(), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
