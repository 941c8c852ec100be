"""What a user names that is here already: a media id, an info-hash or magnet link of a torrent that is kept, `last`."""

from dataclasses import dataclass
from typing import Final

from homeassistant.components.media_source import URI_SCHEME
from homeassistant.core import HomeAssistant

from . import browse
from .const import DOMAIN
from .engine import Source, SourceError, TorrentCastError
from .engine.source import is_info_hash, is_magnet
from .fetching import is_web
from .identifiers import Continued, Identifier, InTorrent, Pasted, Provided, parse
from .nodes import NAME
from .playback import Playback
from .providing import PROVIDERS
from .sources import CONTENT_TYPE, SUFFIX, looks_like_source, name_of, read_source

LAST: Final = "last"
MEDIA_ID: Final = f"{URI_SCHEME}{DOMAIN}/"


@dataclass(frozen=True, slots=True)
class Choice:
    """A source, the file of it that is meant, and where to start in it, s; None: not said."""

    source: Source
    file: int | None = None
    position: float | None = None
    resumes: bool = False
    """Whether it is to go on where the file was left."""

    @property
    def start_position(self) -> float | None:
        """Where a session of it starts, s; None: where the file was left."""
        return None if self.resumes else self.position or 0.0


async def choose_source(hass: HomeAssistant, playback: Playback, text: str) -> Choice:
    """Return what `text` means to play. Raises SourceError."""
    text = text.strip()
    if text.lower() == LAST:
        return await _last(playback)
    if text.startswith(MEDIA_ID):
        return await choose(hass, playback, _identifier(text))
    return Choice(await read_source(hass, playback, text))


async def choose(hass: HomeAssistant, playback: Playback, identifier: Identifier | None) -> Choice:
    """Return what an id of the media source means to play. Raises SourceError, ProviderError."""
    match identifier:
        case InTorrent() as where:
            index = await browse.playable_index(hass, playback, where)
            return Choice(await playback.kept_source(where.key), index)
        case Continued(str(key), int(index)):
            return Choice(await playback.kept_source(key), index, resumes=True)
        case Pasted(text):
            return Choice(await read_source(hass, playback, text))
        case Provided(provider_id, str(item_id)):
            provider = hass.data[PROVIDERS].get(provider_id)
            return Choice(await provider.read(provider.item(item_id), playback))
    raise SourceError("unknown_torrent")


def is_ours(media_type: str, media_id: str) -> bool:
    """Tell whether a player of ours knows what to do with a media id; a web address may be anybody's.

    An empty one is ours to refuse: others stumble over it.
    """
    if media_id.startswith(MEDIA_ID) or media_type == CONTENT_TYPE or media_id.strip().lower() in {"", LAST}:
        return True
    if media_id.startswith("/"):
        return media_id.lower().endswith(SUFFIX)
    if not looks_like_source(media_id):
        return False
    return not is_web(media_id) or media_id.partition("?")[0].lower().endswith(SUFFIX)


def name_of_choice(hass: HomeAssistant, playback: Playback, text: str) -> str:
    """Return what to call what could not be read; no address, as there may be a key in it."""
    try:
        identifier = parse(text.removeprefix(MEDIA_ID)) if text.startswith(MEDIA_ID) else Pasted(text.strip())
        if isinstance(identifier, Provided) and identifier.item is not None:
            return hass.data[PROVIDERS].get(identifier.provider).item(identifier.item).title
        if not isinstance(identifier, Pasted) or identifier.text.lower() == LAST:
            return NAME
        return name_of(playback, identifier.text) or NAME
    except TorrentCastError, ValueError:
        return NAME


async def find_torrent(playback: Playback, text: str) -> str:
    """Return the info-hash by which a torrent that is here goes. Raises SourceError."""
    text = text.strip()
    if text.lower() == LAST:
        found = {(await _last(playback)).source.key}
    elif text.startswith(MEDIA_ID):
        identifier = _identifier(text)
        key = identifier.key if isinstance(identifier, InTorrent | Continued) else None
        found = set() if key is None else {key}
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
    if (last := playback.library.last_watched) is None:
        raise SourceError("nothing_watched")
    key, seen = last
    try:
        source = await playback.kept_source(key)
    except SourceError:  # gone from disk: its info-hash is all that is left, by which the DHT finds it
        source = await playback.parse(key)
    return Choice(source, seen.file, seen.position)


def _identifier(media_id: str) -> Identifier:
    """Return what an id of the media source names. Raises SourceError."""
    try:
        return parse(media_id.removeprefix(MEDIA_ID))
    except ValueError as err:
        raise SourceError("unknown_torrent") from err
