"""The port at which peers find this machine: is it free, what libtorrent listens on, whether somebody came."""

import logging
import socket
from collections.abc import Callable
from ipaddress import ip_address
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import libtorrent as lt

_LOGGER = logging.getLogger(__name__)

# What libtorrent calls the kind of errors with which a router answers.
ROUTER: Final = "upnp"


def obstacle(port: int) -> str | None:
    """Return in the system's words why `port` cannot be listened at, None where it can; 0 leaves the choice to it."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:  # connections that have just ended are no obstacle
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
                if kind is socket.SOCK_STREAM:
                    probe.listen()
            except OSError as err:
                return err.strerror or str(err)
    return None


class Ports:
    """What a session has told of its port."""

    def __init__(self, libtorrent: ModuleType, wanted: int) -> None:
        """Begin with the port that was chosen, 0 for any."""
        self.wanted = wanted
        self.opened: bool | None = None
        """Whether a router said that it lets peers in; None where none answered."""
        self.refused: str | None = None
        """What a router said that does not want to open the port; that none answered is no refusal."""
        self.was_reached = False
        """Whether a peer from outside the local network has come by itself."""
        self._lt = libtorrent
        self._listening: dict[tuple[str, object], int] = {}  # by address and protocol

    @property
    def listening(self) -> int | None:
        """Return the port in use, that in place of the chosen one where it is not; None before anything listens."""
        return min(self._listening.values(), key=lambda port: port == self.wanted, default=None)

    @property
    def is_taken(self) -> bool:
        """Tell whether the chosen port was not to be had: libtorrent then tries the next ones."""
        return bool(self.wanted) and any(port != self.wanted for port in self._listening.values())

    @property
    def is_closed(self) -> bool:
        """Tell whether a router keeps peers out, as far as that shows: it said so, and none has come all the same."""
        return self.refused is not None and not self.opened and not self.was_reached

    def handlers(self) -> dict[type, Callable[..., None]]:
        """Return what to do with libtorrent's alerts about ports."""
        return {
            self._lt.listen_succeeded_alert: self._on_listening,
            self._lt.listen_failed_alert: self._on_failed,
            self._lt.portmap_alert: self._on_opened,
            self._lt.portmap_error_alert: self._on_not_opened,
            self._lt.incoming_connection_alert: self._on_incoming,
        }

    def _on_listening(self, alert: lt.listen_succeeded_alert) -> None:
        self._listening[alert.address, alert.socket_type] = alert.port

    def _on_failed(self, alert: lt.listen_failed_alert) -> None:
        _LOGGER.warning("libtorrent cannot listen: %s", alert.error.message())

    def _on_opened(self, _alert: lt.portmap_alert) -> None:
        self.opened = True

    def _on_not_opened(self, alert: lt.portmap_error_alert) -> None:
        self.opened = self.opened or False  # of several ways one is enough
        if alert.error.category().name() == ROUTER:
            self.refused = alert.error.message()

    def _on_incoming(self, alert: lt.incoming_connection_alert) -> None:
        self.was_reached = self.was_reached or ip_address(alert.endpoint[0]).is_global
