"""Brings what a libtorrent session has to tell into the event loop."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import libtorrent as lt

_LOGGER = logging.getLogger(__name__)


class Pump:
    """Calls a handler by the type of each alert, on the event loop: one socket, no thread of Python's."""

    def __init__(self, session: lt.session, handlers: Mapping[type, Callable[..., None]]) -> None:
        self._session: lt.session | None = session
        self._handlers = handlers
        self._loop = asyncio.get_running_loop()
        self._readable, self._writable = socket.socketpair()
        self._readable.settimeout(0)
        self._writable.settimeout(0)

    def start(self) -> None:
        """Dispatch from now on, what there is already too."""
        if self._session is None:
            return
        self._session.set_alert_fd(self._writable.fileno())
        self._loop.add_reader(self._readable, self.run)
        self.run()

    def pause(self) -> None:
        """Leave the alerts where they are."""
        self._loop.remove_reader(self._readable)

    def run(self) -> None:
        """Dispatch what there is. The alerts are valid until the next call, so each is used up here."""
        if self._session is None:
            return
        with contextlib.suppress(BlockingIOError):
            while self._readable.recv(4096):
                pass
        for alert in self._session.pop_alerts():
            if (handler := self._handlers.get(type(alert))) is None:
                continue
            try:
                handler(alert)
            except Exception:  # one bad alert must not swallow those behind it
                _LOGGER.exception("Cannot handle %s", type(alert).__name__)

    def stop(self) -> None:
        """Let go of the session, so that it can end; nothing is dispatched any more."""
        self.pause()
        if self._session is not None:
            self._session.set_alert_fd(-1)
            self._session = None

    def close(self) -> None:
        """Close the socket. libtorrent's threads may write to it until the session has ended."""
        self.stop()
        self._readable.close()
        self._writable.close()
