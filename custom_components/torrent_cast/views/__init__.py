"""HTTP in Home Assistant: who may have what of a session. No torrent logic."""

from typing import Final

from .access import token_in
from .captioning import ScriptView, async_show_in_browser
from .pictures import PICTURE_TYPE, ArtView, PictureView, art_path, picture_path
from .streams import HlsView, StreamView, browser_path, delivery_path, stream_path
from .subtitles import SubtitleView, TracksView, subtitle_path

# Opened by a token, not by a log-in.
TOKEN_VIEWS: Final = (StreamView, HlsView, SubtitleView, TracksView, ArtView)
VIEWS: Final = (*TOKEN_VIEWS, PictureView, ScriptView)

__all__ = [
    "PICTURE_TYPE",
    "TOKEN_VIEWS",
    "VIEWS",
    "art_path",
    "async_show_in_browser",
    "browser_path",
    "delivery_path",
    "picture_path",
    "stream_path",
    "subtitle_path",
    "token_in",
]
