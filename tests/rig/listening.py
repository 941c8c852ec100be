"""A TLS server that lets each client wait for the handshake, as small devices do."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Final

_LOGGER = logging.getLogger(__name__)

# s from a connection to its handshake. Home Assistant's Cast entity calls itself unavailable in the line after the one
# that begins to connect: a device that is connected to by then stays unavailable. Devices on a network are never that
# quick; on loopback, with the event loop held up for 0.1 s between the two lines, 9 of 9 were, and with 0.25 s none.
HANDSHAKE: Final = 0.5

type Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(handler: Handler, host: str, port: int, context: ssl.SSLContext) -> AsyncIterator[None]:
    """Have `handler` serve whoever connects; at the end everybody is hung up on and `handler` cancelled."""
    loop = asyncio.get_running_loop()
    clients: set[asyncio.Task[None]] = set()

    async def accept(server: socket.socket) -> None:
        while True:
            client, _ = await loop.sock_accept(server)
            task = loop.create_task(_welcome(client, context, handler))
            clients.add(task)
            task.add_done_callback(clients.discard)

    with socket.create_server((host, port)) as server:
        server.settimeout(0)  # the event loop waits for it
        accepting = loop.create_task(accept(server))
        try:
            yield
        finally:
            tasks = [accepting, *clients]
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _welcome(client: socket.socket, context: ssl.SSLContext, handler: Handler) -> None:
    """Serve one client, until `handler` has done with it."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    with ExitStack() as held:
        held.enter_context(client)
        await asyncio.sleep(HANDSHAKE)
        held.pop_all()  # from here on it is the transport's
    try:
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, client, ssl=context)
    except OSError as err:  # ssl.SSLError is one
        _LOGGER.info("a client is gone before the handshake: %r", err)
        return
    try:
        await handler(reader, asyncio.StreamWriter(transport, protocol, reader, loop))
    finally:
        transport.abort()
