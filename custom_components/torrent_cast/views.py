"""HTTP in Home Assistant: who may have the stream of a session. No torrent logic."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Final

from aiohttp import hdrs, web
from homeassistant.components.http import KEY_HASS, HomeAssistantView
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.network import is_cloud_connection
from homeassistant.util.network import is_local

from .const import DOMAIN
from .engine import StorageError, TorrentCastError
from .media import Unplayable
from .media.hls import CONTENT_TYPE, PLAYLIST, SEGMENT_TYPE
from .media.subtitles import CONTENT_TYPE as SUBTITLE_TYPE
from .playback import Playback, Session, State
from .serving import MAX_CONNECTIONS, answer, answer_once_made

_LOGGER = logging.getLogger(__name__)

# The torrent's own name could hold what Home Assistant's security filter refuses.
STEM: Final = "stream"
# A picture stays as it is; s.
PICTURE_AGE: Final = 24 * 3600


@callback
def playback_of(hass: HomeAssistant) -> Playback | None:
    """Return the loaded entry's playback."""
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        playback: Playback = entry.runtime_data
        return playback
    return None


@callback
def loaded_playback(hass: HomeAssistant) -> Playback:
    """Return the loaded entry's playback. Raises ServiceValidationError when there is none."""
    if (playback := playback_of(hass)) is None:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="not_loaded")
    return playback


def stream_path(session: Session) -> str:
    """Return the path of a session's stream; it holds the token."""
    suffix = PurePosixPath(session.file.name).suffix.lower() if session.file else ""
    return f"/api/{DOMAIN}/{session.token}/{STEM}{suffix if suffix[1:].isalnum() and suffix.isascii() else ''}"


def delivery_path(session: Session) -> str:
    """Return the path under which a prepared session's device gets the film; it holds the token."""
    return stream_path(session) if session.hls is None else f"/api/{DOMAIN}/{session.token}/hls/{PLAYLIST}"


def subtitle_path(session: Session, track: int) -> str:
    """Return the path of a track of subtitles; it holds the token."""
    return f"/api/{DOMAIN}/{session.token}/subtitles/{track}.vtt"


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
        session = _session(request, token)
        try:
            await session.resolve()
        except (TorrentCastError, Unplayable) as err:
            raise web.HTTPServiceUnavailable from err
        return await answer(request, _Content(session))


def picture_path(key: str, index: int) -> str:
    """Return the path of a file's picture."""
    return f"/api/{DOMAIN}/thumbnail/{key}/{index}"


class PictureView(HomeAssistantView):
    """Serves pictures of films to whoever is logged in, as the media browser is."""

    url = f"/api/{DOMAIN}/thumbnail/{{key:[0-9a-f]{{40,64}}}}/{{index:[0-9]{{1,9}}}}"
    name = f"api:{DOMAIN}:thumbnail"

    async def get(self, request: web.Request, key: str, index: str) -> web.Response:
        """Answer with a JPEG."""
        playback = playback_of(request.app[KEY_HASS])
        if playback is None or playback.stopping or (data := await playback.picture(key, int(index))) is None:
            raise web.HTTPNotFound
        headers = {hdrs.CACHE_CONTROL: f"private, max-age={PICTURE_AGE}"}
        return web.Response(body=data, content_type="image/jpeg", headers=headers)


class SubtitleView(HomeAssistantView):
    """Serves subtitles to whoever knows the token."""

    url = f"/api/{DOMAIN}/{{token}}/subtitles/{{track:[0-9]{{1,9}}}}.vtt"
    name = f"api:{DOMAIN}:subtitles"
    requires_auth = False
    cors_allowed = True

    async def get(self, request: web.Request, token: str, track: str) -> web.Response:
        """Answer with WebVTT."""
        session = _session(request, token)
        text = await session.subtitles.text(int(track)) if session.subtitles is not None else None
        if text is None:
            raise web.HTTPNotFound
        headers = {hdrs.CACHE_CONTROL: "no-store"}
        return web.Response(body=text, content_type=SUBTITLE_TYPE, charset="utf-8", headers=headers)


def art_path(session: Session) -> str:
    """Return the path of a picture of what a session plays; it holds the token."""
    return f"/api/{DOMAIN}/{session.token}/art/film.jpg"


class ArtView(HomeAssistantView):
    """Serves a picture of the film to whoever knows the token, as the device that shows it does."""

    url = f"/api/{DOMAIN}/{{token}}/art/film.jpg"
    name = f"api:{DOMAIN}:art"
    requires_auth = False
    cors_allowed = True

    async def get(self, request: web.Request, token: str) -> web.Response:
        """Answer with a JPEG."""
        session = _session(request, token)
        playback = playback_of(request.app[KEY_HASS])
        if playback is None or session.file is None:
            raise web.HTTPNotFound
        if (data := await playback.picture(session.source.key, session.file.index)) is None:
            raise web.HTTPNotFound
        return web.Response(body=data, content_type="image/jpeg")


class HlsView(HomeAssistantView):
    """Serves a film in segments to whoever knows the token, which the segments inherit from the playlist's path."""

    url = f"/api/{DOMAIN}/{{token}}/hls/{{name}}"
    name = f"api:{DOMAIN}:hls"
    requires_auth = False
    cors_allowed = True

    async def head(self, request: web.Request, token: str, name: str) -> web.StreamResponse:
        """Answer with the headers."""
        return await self.get(request, token, name)

    async def get(self, request: web.Request, token: str, name: str) -> web.StreamResponse:
        """Answer with the playlist or a segment."""
        session = _session(request, token)
        task = asyncio.current_task()
        if (stream := session.hls) is None or task is None:
            raise web.HTTPNotFound
        with session.connected(task.cancel):
            if name == PLAYLIST:
                headers = {hdrs.CACHE_CONTROL: "no-store"}
                return web.Response(text=stream.playlist, content_type=CONTENT_TYPE, headers=headers)
            if (make := stream.find(name)) is None:
                raise web.HTTPNotFound
            return await answer_once_made(request, SEGMENT_TYPE, partial(_made, session, make))


async def _made(session: Session, make: Callable[[], Awaitable[bytes]]) -> bytes:
    """Return what `make` does; raises what it raises."""
    try:
        return await make()
    except TorrentCastError as err:
        _note(session, err)
        raise


def _session(request: web.Request, token: str) -> Session:
    """Return the session that `token` opens. Raises HTTPNotFound, HTTPServiceUnavailable."""
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
    return session


def _is_local(request: web.Request) -> bool:
    try:
        return request.remote is not None and is_local(ip_address(request.remote))
    except ValueError:
        return False


class _Content:
    """The file of a resolved session, as it is served."""

    def __init__(self, session: Session) -> None:
        assert session.torrent is not None
        assert session.file is not None
        self.size = session.file.size
        self.etag = f'"{session.torrent.key}-{session.file.index}"'
        self.content_type = session.content_type
        self.stream = session.stream
        self._session = session

    def failed(self, error: TorrentCastError) -> None:
        """End the session if need be."""
        _note(self._session, error)


def _note(session: Session, error: TorrentCastError) -> None:
    """End a session if it is the disk that failed: no other connection will fare better."""
    if isinstance(error, StorageError):
        _LOGGER.error("Playback on %s stops: %s", session.target, error.details.get("error", error.reason))
        session.end(State.FAILED, error)
