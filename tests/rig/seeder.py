"""One seed or leecher of the rig's swarm, a process of its own: `seeder.py CONFIG`, CONFIG as JSON.

Needs nothing but libtorrent. Prints "announced" when the tracker has answered, and runs until it is ended.
"""

import importlib
import json
import select
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict

if TYPE_CHECKING:
    import libtorrent as lt


class Config(TypedDict):
    """What one seed does."""

    torrent: str  # path of the .torrent file
    folder: str  # where its content is
    leeches: bool  # whether it has nothing yet
    interface: str  # address:port to listen on
    announced: int  # the port the tracker is told, 0 for the one it listens on
    upload: int  # libtorrent's own limit in bytes/s, 0 for none


SETTINGS: Final = {
    # The tracker must be the only way to find a peer.
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "allow_multiple_connections_per_ip": True,  # on loopback every peer is one address
    "tick_interval": 100,  # ms; the default of 500 adds half a second to a connection
    "seeding_outgoing_connections": False,  # seeds have nothing to say to each other
    "disable_hash_checks": True,  # the rig's files are right, or wrong on purpose
}
# It waits for who comes: what seeds could send it is of no use here.
LEECHES: Final = {"connection_speed": 0, "torrent_connect_boost": 0}


class Alerts:
    """A session's alerts, for a thread that waits for them.

    The binding's `wait_for_alert` returns the first alert by a pointer that libtorrent's threads may free meanwhile:
    the queue moves when it grows. It crashed once in some dozens of downloads on a busy machine.
    """

    def __init__(self, session: lt.session) -> None:
        """Have `session` tell of its alerts here."""
        self._session = session
        self._readable, self._writable = socket.socketpair()
        self._readable.settimeout(0)
        self._writable.settimeout(0)
        session.set_alert_fd(self._writable.fileno())

    def next(self, timeout: float | None = None) -> list[Any]:
        """Return the alerts there are, waiting up to `timeout` s for the first; they are valid until the next call."""
        if select.select([self._readable], [], [], timeout)[0]:
            self._readable.recv(4096)
        return self._session.pop_alerts()


def main(config: Config) -> None:
    """Seed until the process is ended."""
    lt = importlib.import_module("libtorrent")
    category = lt.alert.category_t
    mask = category.tracker_notification | category.error_notification | category.status_notification
    session = lt.session(
        {
            **SETTINGS,
            **(LEECHES if config["leeches"] else {}),
            "listen_interfaces": config["interface"],
            "announce_port": config["announced"],
            "alert_mask": mask,
        }
    )
    info = lt.torrent_info(lt.bdecode(Path(config["torrent"]).read_bytes()))
    flags = lt.torrent_flags.disable_pex | (0 if config["leeches"] else lt.torrent_flags.seed_mode)
    handle = session.add_torrent({"ti": info, "save_path": config["folder"], "flags": flags})
    handle.set_upload_limit(config["upload"])
    alerts = Alerts(session)
    announced = False
    while True:
        for alert in alerts.next():
            if isinstance(alert, lt.tracker_reply_alert) and not announced:
                announced = True
                print("announced", flush=True)
            elif alert.category() & category.error_notification:
                print(alert.message(), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
