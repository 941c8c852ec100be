"""HTTP: the stream of a session, in single byte ranges. No torrent logic."""

import logging
import re
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Final

from aiohttp import hdrs, web
from homeassistant.components.http import KEY_HASS, HomeAssistantView
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.network import is_cloud_connection
from homeassistant.util.network import is_local

from .const import DOMAIN
from .engine import StorageError, TorrentCastError
from .media import Unplayable
from .playback import Playback, Session, State

_LOGGER = logging.getLogger(__name__)

# Large enough to keep the number of writes low, small enough not to hold a piece per connection in the socket.
CHUNK_BYTES: Final = 256 * 1024
# A player has two or three; each may hold a piece of 16 MiB in memory.
MAX_CONNECTIONS: Final = 16
# The torrent's own name could hold what Home Assistant's security filter refuses.
STEM: Final = "stream"
# One range of bytes, open at either end (RFC 9110 §14.1.1, §14.1.2). Longer numbers than any file's are not looked at.
RANGE: Final = re.compile(r"bytes=[ \t]*([0-9]{0,20})-([0-9]{0,20})[ \t]*", re.ASCII | re.IGNORECASE)


@callback
def playback_of(hass: HomeAssistant) -> Playback | None:
    """Return the loaded entry's playback."""
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        playback: Playback = entry.runtime_data
        return playback
    return None


def stream_path(session: Session) -> str:
    """Return the path of a session's stream; it holds the token."""
    suffix = PurePosixPath(session.file.name).suffix.lower() if session.file else ""
    return f"/api/{DOMAIN}/{session.token}/{STEM}{suffix if suffix[1:].isalnum() and suffix.isascii() else ''}"


def token_in(path: str) -> str | None:
    """Return the token in a stream's path or URL, None when it is not one of ours."""
    _, ours, rest = path.partition(f"/api/{DOMAIN}/")
    token, slash, _ = rest.partition("/")
    return token if ours and slash and token else None


class StreamView(HomeAssistantView):
    """Serves verified bytes to whoever knows the token."""

    url = f"/api/{DOMAIN}/{{token}}/{{name}}"
    name = f"api:{DOMAIN}:stream"
    requires_auth = False
    cors_allowed = True

    async def head(self, request: web.Request, token: str, name: str) -> web.StreamResponse:
        """Answer with the headers of the stream."""
        return await self.get(request, token, name)

    async def get(self, request: web.Request, token: str, name: str) -> web.StreamResponse:
        """Answer with the stream, or the one range of it that was asked for (RFC 9110 §14)."""
        hass = request.app[KEY_HASS]
        playback = playback_of(hass)
        if playback is None or is_cloud_connection(hass) or not _is_local(request):
            raise web.HTTPNotFound
        if playback.stopping:
            raise web.HTTPServiceUnavailable
        if (session := playback.by_token(token)) is None:
            raise web.HTTPNotFound
        if session.connections >= MAX_CONNECTIONS:
            raise web.HTTPServiceUnavailable
        try:
            await session.resolve()
        except (TorrentCastError, Unplayable) as err:
            raise web.HTTPServiceUnavailable from err
        return await _answer(request, session)


def _is_local(request: web.Request) -> bool:
    try:
        return request.remote is not None and is_local(ip_address(request.remote))
    except ValueError:
        return False


async def _answer(request: web.Request, session: Session) -> web.StreamResponse:
    assert session.torrent is not None  # the session is resolved
    assert session.file is not None
    size = session.file.size
    etag = f'"{session.torrent.key}-{session.file.index}"'
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: session.content_type,
            hdrs.ACCEPT_RANGES: "bytes",
            hdrs.CACHE_CONTROL: "no-store",
            hdrs.ETAG: etag,
        }
    )
    wanted = _wanted_range(request, size, etag)
    if wanted is not None and not wanted:
        response.set_status(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        response.headers[hdrs.CONTENT_RANGE] = f"bytes */{size}"
        response.content_length = 0
        await response.prepare(request)
        return response
    if wanted is not None:
        response.set_status(HTTPStatus.PARTIAL_CONTENT)
        response.headers[hdrs.CONTENT_RANGE] = f"bytes {wanted.start}-{wanted.stop - 1}/{size}"
    span = range(size) if wanted is None else wanted
    response.content_length = len(span)
    if request.method == hdrs.METH_HEAD:
        await response.prepare(request)
        return response
    await _send(request, response, session, span)
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


async def _send(request: web.Request, response: web.StreamResponse, session: Session, span: range) -> None:
    """Copy verified bytes to the socket. A cancelled handler (the client went away) leaves by the `async with`."""
    transport = request.transport
    if transport is None:
        return
    async with session.stream(span.start, span.stop, transport.abort) as reader:
        await response.prepare(request)
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                await response.write(chunk)
        except TorrentCastError as err:
            # The headers promise more bytes than will come: only a broken connection tells the client so.
            transport.abort()
            if isinstance(err, StorageError):
                _LOGGER.error(  # noqa: TRY400  # its text says it all
                    "Playback on %s stops: %s", session.target, err.details.get("error", err.reason)
                )
                session.end(State.FAILED, err)
        except ConnectionError:
            return
