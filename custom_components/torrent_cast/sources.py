"""Reads what a user names as a source: a magnet link, an info-hash, a .torrent file's path or its address."""

import asyncio
import socket
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import hdrs
from homeassistant.components.media_source import Unresolvable, async_resolve_media, is_media_source_id
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import SSRFRedirectError, async_get_clientsession
from yarl import URL

from .engine import Source, SourceError
from .engine.source import MAX_TORRENT_BYTES, is_info_hash, is_magnet
from .playback import Playback

# A torrent file comes at once or its server is down; s for all of it, redirects included.
FETCH_TIMEOUT: Final = 20.0
# Indexers redirect once or twice, often to a magnet link.
MAX_REDIRECTS: Final = 5
REDIRECTION: Final = 3  # 3xx (RFC 9110 §15.4)
WEB: Final = frozenset({"http", "https"})
SUFFIX: Final = ".torrent"
CONTENT_TYPE: Final = "application/x-bittorrent"
# Of Home Assistant's own media, which it shows by media type.
LOCAL_MEDIA: Final = "media-source://media_source/"


def looks_like_source(text: str) -> bool:
    """Tell whether `text` is a magnet link, an info-hash, a web address or a .torrent file in local media."""
    return is_magnet(text) or is_info_hash(text) or is_web(text) or _is_local_torrent(text)


def name_of(playback: Playback, text: str) -> str:
    """Return what a source calls its torrent, before anything is fetched. Raises SourceError for a bad magnet link."""
    if is_magnet(text) or is_info_hash(text):
        return playback.name_of(text)
    return _url(text, "bad_url").name.removesuffix(SUFFIX) or text


async def read_source(hass: HomeAssistant, playback: Playback, text: str) -> Source:
    """Return the validated source. Raises SourceError."""
    text = text.strip()
    if not text:
        raise SourceError("empty_source")
    if is_magnet(text) or is_info_hash(text):
        return await playback.parse(text)
    if is_web(text):
        return await playback.parse(await fetch(hass, text))
    if _is_local_torrent(text):
        return await playback.parse(await hass.async_add_executor_job(content, await _media_path(hass, text)))
    return await playback.parse(await hass.async_add_executor_job(_read, hass, text))


def is_web(text: str) -> bool:
    """Tell whether `text` is a web address."""
    return text.partition("://")[0].lower() in WEB


def _is_local_torrent(text: str) -> bool:
    return text.startswith(LOCAL_MEDIA) and is_media_source_id(text) and text.lower().endswith(SUFFIX)


async def _media_path(hass: HomeAssistant, media_id: str) -> Path:
    """Return where a file of Home Assistant's own media is."""
    try:
        path = (await async_resolve_media(hass, media_id, None)).path
    except Unresolvable as err:
        raise SourceError("unknown_media") from err
    if path is None:
        raise SourceError("unknown_media")
    return path


def _read(hass: HomeAssistant, text: str) -> bytes:
    """Return the torrent file at a path Home Assistant may read. Blocks."""
    path = Path(text)
    if path.suffix.lower() != SUFFIX or not path.is_absolute():
        raise SourceError("unknown_source")
    try:
        if not hass.config.is_allowed_path(text):
            raise SourceError("path_not_allowed")
    except (OSError, ValueError) as err:
        raise _unreadable(err) from err
    return content(path)


def content(path: Path) -> bytes:
    """Return what is in a torrent file, one byte too many where it is too large. Blocks."""
    try:
        if path.exists() and not path.is_file():  # a pipe would block for ever
            raise SourceError("not_a_file")
        with path.open("rb") as file:
            return file.read(MAX_TORRENT_BYTES + 1)
    except (OSError, ValueError) as err:
        raise _unreadable(err) from err


def _unreadable(err: OSError | ValueError) -> SourceError:
    return SourceError("unreadable_path", error=getattr(err, "strerror", None) or str(err))


async def fetch(hass: HomeAssistant, text: str, *, origin: str | None = None) -> str | bytes:
    """Return what is at a web address, or the magnet link it redirects to. Raises SourceError.

    `origin` is whose link it is: one that leads to this machine is followed only from there.
    """
    try:
        url = _url(text, "bad_url")
        if origin is not None:
            _check(url, URL(origin))
        async with asyncio.timeout(FETCH_TIMEOUT):
            return await _follow(hass, url)
    except TimeoutError as err:
        raise SourceError("fetch_timeout", seconds=f"{FETCH_TIMEOUT:g}") from err
    except SSRFRedirectError as err:
        raise SourceError("bad_redirect") from err
    except (aiohttp.ClientError, ValueError) as err:
        raise SourceError("fetch_failed", error=type(err).__name__) from err


def _check(url: URL, origin: URL) -> None:
    """Raise SourceError unless `origin` may lead to `url`."""
    if url.scheme not in WEB or (_is_this_machine(url) and _place(url) != _place(origin)):
        raise SourceError("bad_redirect")


def _url(text: str, reason: str) -> URL:
    try:
        return URL(text)
    except ValueError as err:
        raise SourceError(reason) from err


async def _follow(hass: HomeAssistant, url: URL) -> str | bytes:
    origin = url
    for _ in range(MAX_REDIRECTS + 1):
        async with async_get_clientsession(hass).get(url, allow_redirects=False) as response:
            location = response.headers.get(hdrs.LOCATION)
            if location is None or response.status // 100 != REDIRECTION:
                return await _body(response)
        if is_magnet(location):
            return location
        url = url.join(_url(location, "bad_redirect"))
        _check(url, origin)
    raise SourceError("bad_redirect")


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


def _place(url: URL) -> tuple[str | None, int | None]:
    return url.host, url.port


def _is_this_machine(url: URL) -> bool:
    """Tell whether `url` names this machine; names that only resolve to it are Home Assistant's session's to refuse."""
    host = (url.host or "").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and (address.is_loopback or address.is_unspecified)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that `host` spells, the old forms (127.1, 2130706433) that resolvers know included."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError, ValueError:
        return None
