"""Pictures of films: for the media browser, and for the device that plays one."""

import asyncio
import contextlib
import time
from typing import Final, override

from aiohttp import hdrs, web
from homeassistant.components.http import KEY_HASS, HomeAssistantView

from ..const import DOMAIN
from ..playback import Look, Session
from ..runtime import playback_of
from .access import SideView, side_path_of

# A picture stays as it is; s.
PICTURE_AGE: Final = 24 * 3600
PICTURE_TYPE: Final = "image/jpeg"
ART: Final = "art/film.jpg"
# Home Assistant, which asks for what the device shows, gives up after 10 s. s
PATIENCE: Final = 8.0


def picture_path(key: str, index: int, look: Look = Look.FRAME) -> str:
    """Return the path of a file's picture: another one for artwork, as browsers keep what they have of the frame."""
    return f"/api/{DOMAIN}/thumbnail/{key}/{index}{'?art' if look is Look.ART else ''}"


def art_path(session: Session) -> str:
    """Return the path of a picture of what a session plays; it holds the side token."""
    return side_path_of(session, ART)


class PictureView(HomeAssistantView):
    """Serves pictures of films to whoever is logged in, as the media browser is."""

    url = f"/api/{DOMAIN}/thumbnail/{{key:[0-9a-f]{{40,64}}}}/{{index:[0-9]{{1,9}}}}"
    name = f"api:{DOMAIN}:thumbnail"

    async def get(self, request: web.Request, key: str, index: str) -> web.StreamResponse:
        """Answer with a JPEG."""
        response = await _picture(request, key, int(index))
        response.headers[hdrs.CACHE_CONTROL] = f"private, max-age={PICTURE_AGE}"
        return response


class ArtView(SideView):
    """Serves a picture of the film to the device that shows it."""

    url = f"/api/{DOMAIN}/{{token}}/{ART}"
    name = f"api:{DOMAIN}:art"

    @override
    async def answer(self, request: web.Request, session: Session) -> web.StreamResponse:
        """Answer with a JPEG, which may be on its way: LOAD names it before it is there."""
        if session.file is None:
            raise web.HTTPNotFound
        began = time.monotonic()
        await session.artwork_found(PATIENCE)
        patience = PATIENCE - (time.monotonic() - began)
        return await _picture(request, session.source.key, session.file.index, patience)


async def _picture(request: web.Request, key: str, index: int, patience: float | None = None) -> web.StreamResponse:
    """Answer with what picture there is when one was taken, or after `patience` s; as a file, to hold none in memory.

    Raises HTTPNotFound.
    """
    playback = playback_of(request.app[KEY_HASS])
    if playback is None or playback.stopping:
        raise web.HTTPNotFound
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await playback.take_picture(key, index)
    if (path := playback.pictures.path(key, index)) is None:
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={hdrs.CONTENT_TYPE: PICTURE_TYPE})
