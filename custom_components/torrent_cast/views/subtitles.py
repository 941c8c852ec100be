"""The subtitles of a session."""

from typing import Any, override

from aiohttp import hdrs, web

from ..const import DOMAIN
from ..media.renditions import text_name
from ..media.subtitles import CONTENT_TYPE
from ..playback import Session, Track
from .access import SideView, TokenView, path_of, side_path_of


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


class TracksView(TokenView):
    """Tells the script in the browser which subtitles there are."""

    url = f"/api/{DOMAIN}/{{token}}/subtitles/tracks.json"
    name = f"api:{DOMAIN}:tracks"

    @override
    async def answer(self, request: web.Request, session: Session) -> web.Response:
        """Answer with a track each, none for a session that nobody prepared."""
        tracks = session.subtitles.tracks if session.subtitles is not None else ()
        headers = {hdrs.CACHE_CONTROL: "no-store"}
        return self.json([_told(session, track) for track in tracks], headers=headers)


def _told(session: Session, track: Track) -> dict[str, Any]:
    """Return what a browser makes a track of, and where its lines are: in a file, or in the segments of a playlist."""
    if track.stream is None:
        where = {"file": subtitle_path(session, track.id)}
    else:
        where = {"playlist": path_of(session, f"hls/{text_name(track.stream)}")}
    return where | {
        "kind": "captions" if track.is_for_deaf else "subtitles",
        "label": track.label,
        "language": track.language or "",
        "shown": track.id == session.shown,
    }
