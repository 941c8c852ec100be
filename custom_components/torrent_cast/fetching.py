"""Fetches small files from the web, and refuses to be led to places of the home network that nobody named."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, override

import aiohttp
from aiohttp import hdrs
from aiohttp.abc import AbstractResolver, ResolveResult
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import (
    SERVER_SOFTWARE,
    HomeAssistantTCPConnector,
    SSRFRedirectError,
    async_get_clientsession,
)
from homeassistant.util.ssl import get_default_context
from yarl import URL

from .engine import SourceError
from .engine.source import MAX_TORRENT_BYTES, is_magnet

# A torrent file comes at once or its server is down; s for all of it, redirects included.
FETCH_TIMEOUT: Final = 20.0
# Indexers redirect once or twice, often to a magnet link.
MAX_REDIRECTS: Final = 5
REDIRECTION: Final = 3  # 3xx (RFC 9110 §15.4)
WEB: Final = frozenset({"http", "https"})
# Addresses of IPv4 in the clothes of IPv6 (RFC 6052); routers turn them back.
NAT64: Final = IPv6Network("64:ff9b::/96")


def is_web(text: str) -> bool:
    """Tell whether `text` is a web address."""
    return text.partition("://")[0].lower() in WEB


async def fetch(
    hass: HomeAssistant, text: str, *, origin: str | None = None, stays_outside: bool = False
) -> str | bytes:
    """Return what is at a web address, or the magnet link it redirects to. Raises SourceError.

    `origin` is the address of whose link it is; without it a user has given the address. Who was named may be anywhere.
    What that leads on to has to be on the public internet, or at the same place again. Who was named by a name that
    leads to the public internet, now or when it was given (`stays_outside`), has to stay there: whoever owns a name can
    have it lead into the home network a moment later.
    """
    try:
        url = parsed(text, "bad_url")
        named = url if origin is None else URL(origin)
        async with asyncio.timeout(FETCH_TIMEOUT):
            at_home = not stays_outside and _is_same_place(url, named) and not await is_outside(hass, named)
            return await _follow(hass, url, named, at_home=at_home)
    except TimeoutError as err:
        raise SourceError("fetch_timeout", seconds=f"{FETCH_TIMEOUT:g}") from err
    except SSRFRedirectError as err:
        raise SourceError("bad_redirect") from err
    except (aiohttp.ClientError, ValueError) as err:
        raise SourceError("fetch_failed", error=_why(err)) from err


def _why(error: Exception) -> str:
    """Return what is wrong in words that hold nothing of the address: there may be a key in it."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "no machine has this name"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientSSLError):  # whose errno is OpenSSL's, not the system's
        return "it does not speak TLS as is needed"
    code = error.os_error.errno if isinstance(error, aiohttp.ClientConnectorError) else None
    return os.strerror(code) if code else type(error).__name__


def parsed(text: str, reason: str) -> URL:
    """Return an address. Raises SourceError."""
    try:
        return URL(text)
    except ValueError as err:
        raise SourceError(reason) from err


async def is_outside(hass: HomeAssistant, url: URL) -> bool:
    """Tell whether an address leads to the public internet and nowhere else."""
    host = url.host or ""
    if (address := address_in(host)) is not None:
        return is_public(address)
    if not host or _is_this_machine(url):
        return False
    connector = async_get_clientsession(hass).connector
    assert isinstance(connector, HomeAssistantTCPConnector)  # for the type checker
    try:
        return all(map(_is_public, await connector.async_resolve_host(host)))
    except OSError:  # it will not be reached either
        return False


async def _follow(hass: HomeAssistant, url: URL, named: URL, *, at_home: bool) -> str | bytes:
    """Return what redirects lead to; who has once been led away from the place that was named does not come back."""
    for _ in range(MAX_REDIRECTS + 1):
        if url.scheme not in WEB:
            raise SourceError("bad_redirect")
        at_home = at_home and _is_same_place(url, named)
        async with (
            _session(hass, url, is_trusted=at_home) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            location = response.headers.get(hdrs.LOCATION)
            if location is None or response.status // 100 != REDIRECTION:
                return await _body(response)
        if is_magnet(location):
            return location
        url = url.join(parsed(location, "bad_redirect"))
    raise SourceError("bad_redirect")


@asynccontextmanager
async def _session(hass: HomeAssistant, url: URL, *, is_trusted: bool) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield Home Assistant's session, or for a place that is not trusted one that reaches public addresses only."""
    shared = async_get_clientsession(hass)
    if is_trusted:
        yield shared
        return
    address = address_in(url.host or "")
    if _is_this_machine(url) or (address is not None and not is_public(address)):
        raise SourceError("bad_redirect")
    assert isinstance(shared.connector, HomeAssistantTCPConnector)  # for the type checker
    connector = aiohttp.TCPConnector(
        resolver=PublicResolver(shared.connector), use_dns_cache=False, ssl=get_default_context(), force_close=True
    )
    async with aiohttp.ClientSession(connector=connector, headers={hdrs.USER_AGENT: SERVER_SOFTWARE}) as session:
        yield session


class PublicResolver(AbstractResolver):
    """Finds the addresses of names by Home Assistant's resolver, and none that is not public.

    What it returns is what is connected to: there is no second look-up that could be answered differently.
    """

    def __init__(self, connector: HomeAssistantTCPConnector) -> None:
        self._connector = connector

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._connector.async_resolve_host(host)
        if not all(map(_is_public, found)):
            raise SourceError("bad_redirect")
        return [{**one, "port": port} for one in found]

    @override
    async def close(self) -> None:
        """Leave Home Assistant's resolver open."""


def _is_public(found: ResolveResult) -> bool:
    return is_public(ip_address(found["host"].partition("%")[0]))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address belongs to one machine on the public internet."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def _is_same_place(url: URL, named: URL) -> bool:
    """Tell whether an address leads to the host that was named; on this machine each port is a place of its own."""
    if (url.host or "").rstrip(".").lower() != (named.host or "").rstrip(".").lower():
        return False
    return url.port == named.port or not _is_this_machine(url)


def _is_this_machine(url: URL) -> bool:
    host = (url.host or "").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = address_in(host)
    return address is not None and (address.is_loopback or address.is_unspecified)


def address_in(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that `host` spells, the old forms (127.1, 2130706433) that resolvers know included."""
    try:
        return ip_address(host.rstrip("."))
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError, ValueError:
        return None


async def _body(response: aiohttp.ClientResponse) -> bytes:
    if response.status != HTTPStatus.OK:
        raise SourceError("fetch_failed", error=f"HTTP {response.status}")
    if response.content_type == "text/html":
        raise SourceError("not_a_torrent_file")
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > MAX_TORRENT_BYTES:
            raise SourceError("torrent_too_large", limit=MAX_TORRENT_BYTES >> 20)
    return bytes(data)
