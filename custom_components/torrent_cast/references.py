"""What a user names that is here already: a media id, an info-hash or magnet link of a torrent that is kept, `last`."""

import re
from dataclasses import dataclass
from typing import Final

from homeassistant.components.media_source import URI_SCHEME
from homeassistant.core import HomeAssistant

from .const import DOMAIN
from .engine import Source, SourceError
from .engine.source import is_info_hash, is_magnet
from .engine.storage import KEY
from .playback import Playback
from .sources import read_source

LAST: Final = "last"
MEDIA_ID: Final = f"{URI_SCHEME}{DOMAIN}/"
# No torrent has a billion files.
INDEX: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Choice:
    """A source, the file of it that is meant, and where to start in it, s; None: not said."""

    source: Source
    file: int | None = None
    position: float | None = None


async def choose_source(hass: HomeAssistant, playback: Playback, text: str) -> Choice:
    """Return what `text` means to play. Raises SourceError."""
    text = text.strip()
    if text.lower() == LAST:
        return await _last(playback)
    if text.startswith(MEDIA_ID):
        key, index = _parsed(text)
        return Choice(await playback.kept_source(key), index)
    return Choice(await read_source(hass, playback, text))


async def find_torrent(playback: Playback, text: str) -> str:
    """Return the info-hash by which a torrent that is here goes. Raises SourceError."""
    text = text.strip()
    if text.lower() == LAST:
        found = {(await _last(playback)).source.key}
    elif text.startswith(MEDIA_ID):
        found = {_parsed(text)[0]}
    elif is_magnet(text) or is_info_hash(text):
        found = set((await playback.parse(text)).info_hashes)
    else:
        raise SourceError("unknown_torrent")
    for torrent in playback.torrents:
        if found.intersection(torrent.info_hashes):
            return torrent.key
    for kept in playback.library.kept:
        if kept.key in found:
            return kept.key
    raise SourceError("unknown_torrent")


async def _last(playback: Playback) -> Choice:
    if (kept := playback.library.last_watched) is None:
        raise SourceError("nothing_watched")
    return Choice(await playback.kept_source(kept.key), kept.file, kept.position)


def _parsed(media_id: str) -> tuple[str, int | None]:
    """Return the info-hash and the file's index in an id of the media source."""
    key, slash, index = media_id.removeprefix(MEDIA_ID).partition("/")
    if not KEY.fullmatch(key) or (slash and not INDEX.fullmatch(index)):
        raise SourceError("unknown_torrent")
    return key, int(index) if slash else None
