"""A film as it is, or in segments."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import PurePosixPath
from typing import Final, override

from aiohttp import hdrs, web

from .. import serving
from ..const import DOMAIN
from ..engine import StorageError, TorrentCastError
from ..media import Unplayable
from ..media.hls import PLAYLIST
from ..media.renditions import MASTER
from ..playback import Session, State
from .access import TokenView, path_of

_LOGGER = logging.getLogger(__name__)

# The torrent's own name could hold what Home Assistant's security filter refuses.
STEM: Final = "stream"


def stream_path(session: Session) -> str:
    """Return the path of a session's stream; it holds the token."""
    suffix = PurePosixPath(session.file.name).suffix.lower() if session.file else ""
    return path_of(session, f"{STEM}{suffix if suffix[1:].isalnum() and suffix.isascii() else ''}")


def delivery_path(session: Session) -> str:
    """Return the path under which a prepared session's device gets the film; it holds the token."""
    return stream_path(session) if session.hls is None else path_of(session, f"hls/{MASTER}")


def browser_path(session: Session) -> str:
    """Return the path under which the frontend's own player gets a prepared session's film; it holds the token.

    Of a playlist that leads to one other that player takes the other one, but not by a path without a host: it would
    show nothing (frontend 20260930, ha-hls-player).
    """
    return stream_path(session) if session.hls is None else path_of(session, f"hls/{PLAYLIST}")


class StreamView(TokenView):
    """Serves verified bytes."""

    url = f"/api/{DOMAIN}/{{token}}/{{name}}"
    name = f"api:{DOMAIN}:stream"

    @override
    async def answer(self, request: web.Request, session: Session) -> web.StreamResponse:
        """Answer with the stream, or the one range of it that was asked for (RFC 9110 §14)."""
        try:
            await session.resolve()
        except (TorrentCastError, Unplayable) as err:
            raise web.HTTPServiceUnavailable from err
        return await serving.answer(request, _Content(session))


class HlsView(TokenView):
    """Serves a film in segments, which inherit the token from the playlist's path."""

    url = f"/api/{DOMAIN}/{{token}}/hls/{{name}}"
    name = f"api:{DOMAIN}:hls"

    @override
    async def answer(self, request: web.Request, session: Session) -> web.StreamResponse:
        """Answer with a playlist or a segment."""
        task = asyncio.current_task()
        if (stream := session.hls) is None or task is None:
            raise web.HTTPNotFound
        with session.connected(task.cancel):
            if (part := stream.find(request.match_info["name"])) is None:
                raise web.HTTPNotFound
            make = partial(_made, session, part.make)
            if part.filler is not None:
                return await serving.answer_once_made(
                    request, part.content_type, make, opening=part.opening, filler=part.filler
                )
            try:
                text = await make()
            except (TorrentCastError, Unplayable) as err:
                raise web.HTTPServiceUnavailable from err
            headers = {hdrs.CACHE_CONTROL: "no-store"}
            return web.Response(body=text, content_type=part.content_type, charset="utf-8", headers=headers)


async def _made(session: Session, make: Callable[[], Awaitable[bytes]]) -> bytes:
    """Return what `make` does; raises what it raises."""
    try:
        return await make()
    except TorrentCastError as err:
        _note(session, err)
        raise


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
