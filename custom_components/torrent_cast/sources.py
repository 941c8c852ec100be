"""Reads what a user names as a source: a magnet link, an info-hash, a .torrent file's path or its address."""

from pathlib import Path
from typing import Final

from homeassistant.components.media_source import Unresolvable, async_resolve_media, is_media_source_id
from homeassistant.core import HomeAssistant

from .engine import Source, SourceError
from .engine.source import MAX_TORRENT_BYTES, is_info_hash, is_magnet
from .fetching import fetch, is_web, parsed
from .playback import Playback

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
    return parsed(text, "bad_url").name.removesuffix(SUFFIX) or text


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
