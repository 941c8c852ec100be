"""A forward proxy on loopback that writes down, to the byte, what a browser asked for and was sent."""

import asyncio
import contextlib
import hashlib
import ipaddress
import re
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict

from .models import HEAD

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from aiohttp.typedefs import LooseHeaders

CHUNK = 64 * 1024
"""Bytes passed on at a time."""

SOCKET_BUFFER = 128 * 1024
"""Bytes of kernel buffer on either side: the default grows to megabytes, which would hide back-pressure."""

HOP_BY_HOP = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    }
)  # fmt: skip
"""Header fields of one connection only (RFC 9110 §7.6.1)."""

FIRST_BYTE = re.compile(r"bytes=(\d+)-")
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


@dataclass
class Exchange:
    """One request, and what was sent in answer. Times are `time.monotonic`, s."""

    method: str
    url: str
    range: str | None
    requested: float
    first_byte: float | None = None
    """When the first byte of the body came."""
    ended: float | None = None
    status: int | None = None
    """None while, or if, there is no answer."""
    content_type: str = ""
    content_range: str | None = None
    content_length: int | None = None
    start: int = 0
    """Offset of the first byte of the body in the file."""
    count: int = 0
    """Bytes of the body passed on to the browser; up to 200 KB of them may be lost where it hung up."""
    complete: bool = False
    """Whether the whole body was passed on."""
    digest: hashlib._Hash = field(default_factory=hashlib.sha256, repr=False)
    head: bytes = field(default=b"", repr=False)
    """The first bytes of the body."""

    @property
    def sha256(self) -> str:
        """Return the hash of exactly the bytes passed on."""
        return self.digest.hexdigest()

    @property
    def is_media(self) -> bool:
        """Return whether bytes of a film were sent: all that comes through here is, whatever type it claims."""
        return self.status in {200, 206} and self.method == "GET"

    @property
    def is_as_asked(self) -> bool:
        """Return whether the answer begins where the request said."""
        asked = FIRST_BYTE.match(self.range or "")
        return self.start == (int(asked[1]) if asked else 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison with the source gave."""

    bytes: int
    """Bytes compared."""
    ranges: int
    """Ranges compared."""
    wrong: tuple[Exchange, ...]
    """Those that differ from the source."""

    def __bool__(self) -> bool:
        """Return whether something was compared and all of it was right."""
        return self.bytes > 0 and not self.wrong


def verify(exchanges: Iterable[Exchange], source: Path) -> Verdict:
    """Compare the bytes of every media exchange with the range of `source` that was asked for, by SHA-256."""
    checked = [exchange for exchange in exchanges if exchange.is_media and exchange.count]
    wrong = tuple(
        exchange for exchange in checked if not exchange.is_as_asked or _hash(source, exchange) != exchange.sha256
    )
    return Verdict(sum(exchange.count for exchange in checked), len(checked), wrong)


def _hash(source: Path, exchange: Exchange) -> str:
    """Return the SHA-256 of the file's own bytes where the exchange says it was."""
    digest = hashlib.sha256()
    left = exchange.count
    with source.open("rb") as file:
        file.seek(exchange.start)
        while left and (data := file.read(min(left, 1024 * 1024))):
            digest.update(data)
            left -= len(data)
    return digest.hexdigest()


class Recorder:
    """The proxy, and its record."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        """Listen on a free port of loopback."""
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, socket_factory=_small_socket),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),  # s; the browser decides about the rest
            skip_auto_headers=[hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.USER_AGENT, hdrs.CONTENT_TYPE],
            auto_decompress=False,
            read_bufsize=CHUNK,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=1)  # s; nobody is left to wait for
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up on both sides."""
        await self._runner.cleanup()
        await self._client.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Pass one request on."""
        if not _is_address(request):
            return web.Response(status=403)  # the browser's own talk with its maker stays inside, and off the record
        _shrink_send_buffer(request)
        exchange = Exchange(request.method, str(request.url), request.headers.get(hdrs.RANGE), time.monotonic())
        self.exchanges.append(exchange)
        try:
            return await self._forward(request, exchange)
        except aiohttp.ClientError:
            return await _give_up(request, exchange)
        finally:
            exchange.ended = time.monotonic()

    async def _forward(self, request: web.BaseRequest, exchange: Exchange) -> web.StreamResponse:
        body = await request.read() if request.can_read_body else None
        async with self._client.request(
            request.method, request.url, headers=_end_to_end(request.headers), data=body, allow_redirects=False
        ) as answer:
            _note_head(exchange, answer)
            response = web.StreamResponse(
                status=answer.status, reason=answer.reason, headers=_end_to_end(answer.headers)
            )
            try:
                await _pass_on(request, response, answer, exchange)
            except BaseException:
                answer.close()  # the browser is gone: so is the reason for this connection
                raise
            return response


async def _pass_on(
    request: web.BaseRequest, response: web.StreamResponse, answer: aiohttp.ClientResponse, exchange: Exchange
) -> None:
    """Copy the body no faster than the browser takes it."""
    if answer.content_length is None and request.version >= aiohttp.HttpVersion11:
        response.enable_chunked_encoding()
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        async for data in answer.content.iter_any():
            exchange.first_byte = exchange.first_byte or time.monotonic()
            exchange.head += data[: HEAD - len(exchange.head)]
            await response.write(data)
            exchange.digest.update(data)
            exchange.count += len(data)
    await response.write_eof()
    exchange.complete = True


async def _give_up(request: web.BaseRequest, exchange: Exchange) -> web.StreamResponse:
    """Tell the browser that the other side failed: by a status, or by hanging up in the middle of a body."""
    if exchange.status is None:
        return web.Response(status=502)
    if request.transport is not None:
        request.transport.abort()
    raise asyncio.CancelledError


def _note_head(exchange: Exchange, answer: aiohttp.ClientResponse) -> None:
    exchange.status = answer.status
    exchange.content_type = answer.headers.get(hdrs.CONTENT_TYPE, "")
    exchange.content_range = answer.headers.get(hdrs.CONTENT_RANGE)
    exchange.content_length = answer.content_length
    if exchange.content_range and (found := CONTENT_RANGE.fullmatch(exchange.content_range)):
        exchange.start = int(found[1])


def _end_to_end(headers: LooseHeaders) -> CIMultiDict[str]:
    """Return the fields that are not this connection's alone."""
    fields: CIMultiDict[str] = CIMultiDict(headers)
    named = {name.strip().lower() for value in fields.getall(hdrs.CONNECTION, []) for name in value.split(",")}
    for name in (HOP_BY_HOP | named) & {key.lower() for key in fields}:
        del fields[name]
    return fields


def _is_address(request: web.BaseRequest) -> bool:
    """Return whether the request goes to a host given as an IP address, as the rig's URLs are."""
    try:
        ipaddress.ip_address(request.url.host or "")
    except ValueError:
        return False
    return request.method != hdrs.METH_CONNECT


def _small_socket(address: tuple[object, ...]) -> socket.socket:
    """Return a socket to an upstream that holds little: aiohttp's `socket_factory`."""
    family, kind, protocol, *_ = address
    assert isinstance(family, int)
    assert isinstance(kind, int)
    assert isinstance(protocol, int)
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
    return made


def _shrink_send_buffer(request: web.BaseRequest) -> None:
    if request.transport is None:
        return
    with contextlib.suppress(OSError):
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
