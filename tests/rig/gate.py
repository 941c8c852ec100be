"""A way to a tracker that can be shut, lead elsewhere, or answer in the tracker's place."""

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

    from tests.rig.tracker import Tracker

HEAD_END: Final = b"\r\n\r\n"


class Gate:
    """An address at which announces are answered by `tracker`, or with `answer` (bytes of HTTP) while there is one.

    An async context manager. Until `open`, and after `shut`, connections are refused.
    """

    def __init__(self, tracker: Tracker, address: str = "127.0.0.1") -> None:
        """Take an address; nobody else gets it."""
        self.tracker = tracker
        self.answer: bytes | None = None
        self.asked = 0  # announces answered, by whomever
        self._address = address
        self._port = 0
        self._server: asyncio.Server | None = None
        self._claim: socket.socket | None = self._claimed()

    @property
    def url(self) -> str:
        """Return the announce URL."""
        return f"http://{self._address}:{self._port}/announce"

    async def __aenter__(self) -> Self:
        """Stay shut."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the address go."""
        await self.shut()
        if self._claim is not None:
            self._claim.close()

    async def open(self) -> None:
        """Let announces through."""
        self._server = await asyncio.start_server(self._serve, sock=self._claim)
        self._claim = None

    async def shut(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None
            self._claim = self._claimed()

    def _claimed(self) -> socket.socket:
        """Return a socket that holds the address and refuses connections: it does not listen."""
        claim = socket.socket()
        claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        claim.bind((self._address, self._port))
        self._port = claim.getsockname()[1]
        return claim

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            request = await reader.readuntil(HEAD_END)
            writer.write(await self._answer(request) if self.answer is None else self.answer)
            await writer.drain()
            self.asked += 1
        writer.close()

    async def _answer(self, request: bytes) -> bytes:
        """Return what the tracker says; it ends the connection after it."""
        reader, writer = await asyncio.open_connection(self.tracker.address, self.tracker.port)
        try:
            writer.write(request)
            return await reader.read(-1)
        finally:
            writer.close()
