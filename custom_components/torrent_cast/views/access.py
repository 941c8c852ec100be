"""Who may: devices cannot log in, so that a session's tokens in addresses open what belongs to it."""

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address

from aiohttp import web
from homeassistant.components.http import KEY_HASS, HomeAssistantView
from homeassistant.helpers.network import is_cloud_connection
from homeassistant.util.network import is_local

from ..const import DOMAIN
from ..playback import Playback, Session
from ..runtime import playback_of
from ..serving import MAX_CONNECTIONS


def path_of(session: Session, rest: str) -> str:
    """Return the path of something that belongs to a session; it holds the token."""
    return f"/api/{DOMAIN}/{session.token}/{rest}"


def side_path_of(session: Session, rest: str) -> str:
    """Return the path of something whose address a device tells other senders and Home Assistant's states."""
    return f"/api/{DOMAIN}/{session.side_token}/{rest}"


def token_in(path: str) -> str | None:
    """Return the token in a stream's path or URL, None when it is not one of ours."""
    _, ours, rest = path.partition(f"/api/{DOMAIN}/")
    token, slash, _ = rest.partition("/")
    return token if ours and slash and token else None


class TokenView(HomeAssistantView):
    """Serves whoever knows the token, in any web page; `find` returns the session that it opens."""

    requires_auth = False
    cors_allowed = True
    find = staticmethod(Playback.by_token)

    async def get(self, request: web.Request, token: str, **_names: str) -> web.StreamResponse:
        """Answer GET, and HEAD without the body. Raises HTTPNotFound, HTTPServiceUnavailable."""
        return await self.answer(request, _session(request, partial(self.find, token=token)))

    head = get

    @abstractmethod
    async def answer(self, request: web.Request, session: Session) -> web.StreamResponse:
        """Answer with what belongs to the session."""


class SideView(TokenView):
    """Serves whoever knows the token that opens no stream."""

    find = staticmethod(Playback.by_side_token)


def _session(request: web.Request, find: Callable[[Playback], Session | None]) -> Session:
    hass = request.app[KEY_HASS]
    playback = playback_of(hass)
    if playback is None or is_cloud_connection(hass) or not _is_local(request):
        raise web.HTTPNotFound
    if playback.stopping:
        raise web.HTTPServiceUnavailable
    if (session := find(playback)) is None:
        raise web.HTTPNotFound
    if session.connections >= MAX_CONNECTIONS:
        raise web.HTTPServiceUnavailable
    return session


def _is_local(request: web.Request) -> bool:
    try:
        return request.remote is not None and is_local(ip_address(request.remote))
    except ValueError:
        return False
