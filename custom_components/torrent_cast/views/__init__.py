"""HTTP in Home Assistant: who may have what of a session. No torrent logic."""

from typing import Final

from .access import token_in
from .pictures import PICTURE_TYPE, ArtView, PictureView, art_path, picture_path
from .streams import HlsView, StreamView, browser_path, delivery_path, stream_path
from .subtitles import SubtitleView, subtitle_path

# Opened by a token, not by a log-in.
TOKEN_VIEWS: Final = (StreamView, HlsView, SubtitleView, ArtView)
VIEWS: Final = (*TOKEN_VIEWS, PictureView)

__all__ = [
    "PICTURE_TYPE",
    "TOKEN_VIEWS",
    "VIEWS",
    "art_path",
    "browser_path",
    "delivery_path",
    "picture_path",
    "stream_path",
    "subtitle_path",
    "token_in",
]
