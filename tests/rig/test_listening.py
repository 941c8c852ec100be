"""Clients of the slow TLS server come and go at any time."""

import asyncio
import ssl
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest
import pytest_socket

from . import castv2
from .listening import listening
from .receiver import CAST_PORT, own_host

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HOST = own_host()
DEADLINE = 30  # s, only so that what hangs fails instead


@pytest.fixture(autouse=True)
def sockets(socket_enabled: None) -> None:  # noqa: ARG001  # it has to run before
    """Open loopback, the server's own address too."""
    pytest_socket.socket_allow_hosts(["127.0.0.0/8"], allow_unix_socket=True)


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)


@asynccontextmanager
async def _client() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(HOST, CAST_PORT, ssl=context)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def test_who_leaves_before_the_handshake_is_in_nobodys_way() -> None:
    async with asyncio.timeout(DEADLINE), listening(_echo, HOST, CAST_PORT, castv2.server_context(HOST)):
        _, gone = await asyncio.open_connection(HOST, CAST_PORT)
        gone.transport.abort()
        async with _client() as (reader, writer):
            writer.write(b"hello\n")
            assert await reader.readline() == b"hello\n"


async def test_the_end_hangs_up_on_who_has_talked_and_on_who_waits_for_the_handshake() -> None:
    async with asyncio.timeout(DEADLINE):
        async with AsyncExitStack() as clients:
            async with listening(_echo, HOST, CAST_PORT, castv2.server_context(HOST)):
                talking, writer = await clients.enter_async_context(_client())
                writer.write(b"hello\n")
                await talking.readline()
                waiting, gone = await asyncio.open_connection(HOST, CAST_PORT)
            assert await waiting.read() == b""
            gone.close()
            with suppress(ConnectionError):  # how it is hung up on is the kernel's to say
                assert await talking.read() == b""
