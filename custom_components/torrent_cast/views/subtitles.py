"""The subtitles of a session."""

from typing import override

from aiohttp import hdrs, web

from ..const import DOMAIN
from ..media.subtitles import CONTENT_TYPE
from ..playback import Session
from .access import SideView, side_path_of


def subtitle_path(session: Session, track: int) -> str:
    """Return the path of a track of subtitles; it holds the side token."""
    return side_path_of(session, f"subtitles/{track}.vtt")


class SubtitleView(SideView):
    """Serves subtitles."""

    url = f"/api/{DOMAIN}/{{token}}/subtitles/{{track:[0-9]{{1,9}}}}.vtt"
    name = f"api:{DOMAIN}:subtitles"

    @override
    async def answer(self, request: web.Request, session: Session) -> web.Response:
        """Answer with WebVTT."""
        track = int(request.match_info["track"])
        text = await session.subtitles.text(track) if session.subtitles is not None else None
        if text is None:
            raise web.HTTPNotFound
        headers = {hdrs.CACHE_CONTROL: "no-store"}
        return web.Response(body=text, content_type=CONTENT_TYPE, charset="utf-8", headers=headers)
