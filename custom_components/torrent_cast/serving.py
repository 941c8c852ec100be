"""HTTP: one file in single byte ranges (RFC 9110 §14). Knows neither Home Assistant nor how bytes become verified."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from aiohttp import hdrs, web

from .engine import ChangedOnDisk, Reader, TorrentCastError

if TYPE_CHECKING:
    from io import FileIO

_LOGGER = logging.getLogger(__name__)

# Large enough to keep the number of writes low, small enough not to hold a piece per connection in the socket.
CHUNK_BYTES: Final = 256 * 1024
# A player has two or three; each may hold a piece of 16 MiB in memory.
MAX_CONNECTIONS: Final = 16
# A receiver waits 10 s for the headers of a segment, and forgives 7 s of silence within it. s
SIGN_OF_LIFE: Final = 2.0
# One range of bytes, open at either end (RFC 9110 §14.1.1, §14.1.2). Longer numbers than any file's are not looked at.
RANGE: Final = re.compile(r"bytes=[ \t]*([0-9]{0,20})-([0-9]{0,20})[ \t]*", re.ASCII | re.IGNORECASE)


class Content(Protocol):
    """What is served: `size` in bytes, `etag` with its quotes (RFC 9110 §8.8.3)."""

    @property
    def size(self) -> int:
        """Return the length of the whole."""

    @property
    def etag(self) -> str:
        """Return what names these bytes and no others."""

    @property
    def content_type(self) -> str:
        """Return the MIME type."""

    def stream(self, start: int, end: int, abort: Callable[[], object]) -> AbstractAsyncContextManager[Reader]:
        """Return a reader over [start, end) for one request; `abort` is to be called if the content goes first."""

    def failed(self, error: TorrentCastError) -> None:
        """Take note of what has ended a reader, and its connection."""


async def answer(request: web.Request, content: Content) -> web.StreamResponse:
    """Answer with the content, or the one range of it that was asked for."""
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: content.content_type,
            hdrs.ACCEPT_RANGES: "bytes",
            hdrs.CACHE_CONTROL: "no-store",
            hdrs.ETAG: content.etag,
        }
    )
    wanted = _wanted_range(request, content.size, content.etag)
    if wanted is not None and not wanted:
        response.set_status(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        response.headers[hdrs.CONTENT_RANGE] = f"bytes */{content.size}"
        response.content_length = 0
        await response.prepare(request)
        return response
    if wanted is not None:
        response.set_status(HTTPStatus.PARTIAL_CONTENT)
        response.headers[hdrs.CONTENT_RANGE] = f"bytes {wanted.start}-{wanted.stop - 1}/{content.size}"
    span = range(content.size) if wanted is None else wanted
    response.content_length = len(span)
    if request.method == hdrs.METH_HEAD:
        await response.prepare(request)
        return response
    await _send(request, response, content, span)
    return response


def _wanted_range(request: web.Request, size: int, etag: str) -> range | None:
    """Return the bytes asked for, None for all of them, an empty range for what cannot be satisfied.

    Ignored, as RFC 9110 §14.2 and §13.1.5 allow and demand: a range in a form we do not know, several ranges, one whose
    If-Range does not match, and any that does not come with GET.
    """
    if request.method != hdrs.METH_GET or request.headers.get(hdrs.IF_RANGE, etag) != etag:
        return None
    found = RANGE.fullmatch(request.headers.get(hdrs.RANGE, ""))
    if found is None:
        return None
    first, last = found.groups()
    if not first:
        return range(max(size - int(last), 0), size) if last else None
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, size) if last else size)


async def _send(request: web.Request, response: web.StreamResponse, content: Content, span: range) -> None:
    """Send the bytes of `span`. A cancelled handler (the client or the content went away) leaves by the `async with`.

    Whatever ends it early breaks the connection: the headers promise more bytes than will come, and only that tells
    the client so. Not `transport.abort` but the end of this task comes first: a socket that closes under the loop's
    `sendfile` stays in its selector, and the next connection with that number fails (CPython 3.14).
    """
    task = asyncio.current_task()
    if (transport := request.transport) is None or task is None:
        return
    try:
        async with content.stream(span.start, span.stop, task.cancel) as reader:
            await response.prepare(request)
            await _copy(_Socket(transport), response, reader)
    except ConnectionError, ChangedOnDisk:
        transport.abort()
    except TorrentCastError as err:
        transport.abort()
        content.failed(err)
    except asyncio.CancelledError:
        transport.abort()
        raise


async def answer_once_made(
    request: web.Request,
    content_type: str,
    make: Callable[[], Awaitable[bytes]],
    *,
    opening: bytes,
    filler: bytes,
) -> web.StreamResponse:
    """Answer with `opening` and what `make` returns, the headers at once; `filler`, which means nothing, meanwhile.

    A receiver gives a response up that says nothing for some seconds. What fails breaks the connection before its end.
    """
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: content_type, hdrs.CACHE_CONTROL: "no-store"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD or (transport := request.transport) is None:
        return response
    making = asyncio.ensure_future(make())
    try:
        await response.write(opening)
        while not (await asyncio.wait([making], timeout=SIGN_OF_LIFE))[0]:
            await response.write(filler)
        data = making.result()
        for at in range(0, len(data), CHUNK_BYTES):
            await response.write(data[at : at + CHUNK_BYTES])
        await response.write_eof()
    except BaseException as err:
        making.cancel()
        transport.abort()
        if isinstance(err, Exception):
            _LOGGER.debug("A segment was not sent to its end: %r", err)
            return response
        raise
    return response


async def _copy(socket: _Socket, response: web.StreamResponse, reader: Reader) -> None:
    """Copy verified bytes to the socket, by the kernel where reader and connection allow it."""
    while True:
        if socket.takes_files and await reader.hand_over(socket.send_file):
            continue
        if not (chunk := await reader.read(CHUNK_BYTES)):
            return
        await response.write(chunk)


class _Socket:
    """A connection that may take files from the kernel; not so with TLS, or on an event loop that does not do it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.takes_files = True

    async def send_file(self, file: FileIO, offset: int, count: int) -> int:
        """Send bytes of a file and return how many; 0 once it turns out that this is not possible here."""
        try:
            return await asyncio.get_running_loop().sendfile(self._transport, file, offset, count, fallback=False)
        except RuntimeError:  # before the first byte
            self.takes_files = False
            return 0
