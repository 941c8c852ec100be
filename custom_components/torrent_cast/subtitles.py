"""Reads the subtitles that a user gives: by web address, or by the path of a file."""

from pathlib import Path, PurePosixPath
from typing import Final

from homeassistant.core import HomeAssistant
from yarl import URL

from .engine import SourceError
from .engine.files import printable
from .fetching import fetch, is_web
from .media.subtitles import MAX_BYTES, SUFFIXES, webvtt
from .playback import Given, Playback

# More than a menu shows.
MAX_NAME: Final = 60


async def read_subtitles(hass: HomeAssistant, playback: Playback, text: str) -> Given | None:
    """Return the subtitles that `text` names, None where it names no file. Raises SourceError, Unplayable."""
    text = text.strip()
    if is_web(text):
        data, name = await _fetched(hass, text), URL(text).name
    elif text.startswith("/"):
        data, name = await hass.async_add_executor_job(_read, hass, text), PurePosixPath(text).name
    else:
        return None
    return Given(printable(name)[:MAX_NAME] or "?", await webvtt(playback.worker, data))


async def _fetched(hass: HomeAssistant, text: str) -> bytes:
    try:
        data = await fetch(hass, text)
    except SourceError as err:
        raise SourceError("subtitles_unreachable") from err
    if isinstance(data, str):  # a magnet link
        raise SourceError("subtitles_unreachable")
    return data


def _read(hass: HomeAssistant, text: str) -> bytes:
    """Return a file of subtitles, one byte too many where it is too large. Blocks."""
    path = Path(text)
    try:
        if path.suffix.lower() not in SUFFIXES or not hass.config.is_allowed_path(text) or not path.is_file():
            raise SourceError("subtitles_unreachable")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as err:
        raise SourceError("subtitles_unreachable") from err
