"""Media source: browse and search the library, and a stream for each file."""

from typing import Final, override

from homeassistant.components.media_player import BrowseError, SearchMedia, SearchMediaQuery
from homeassistant.components.media_source import (
    BrowseMediaSource,
    MediaSource,
    MediaSourceItem,
    PlayMedia,
    Unresolvable,
)
from homeassistant.components.websocket_api import current_connection
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from . import browse, search
from .const import DOMAIN
from .engine import TorrentCastError
from .errors import translation
from .identifiers import Identifier, InTorrent, Pasted, parse
from .playback import Playback, Session
from .sources import looks_like_source, name_of, read_source
from .titles import titles_of
from .views import playback_of, stream_path

# More results than anybody reads.
MAX_RESULTS: Final = 100


async def async_get_media_source(hass: HomeAssistant) -> TorrentCastMediaSource:
    """Set the media source up; there is one for all entries, ever."""
    return TorrentCastMediaSource(hass)


class TorrentCastMediaSource(MediaSource):
    """Torrents, their files, and streams of those."""

    name = browse.NAME

    def __init__(self, hass: HomeAssistant) -> None:
        super().__init__(DOMAIN)
        self._hass = hass

    @override
    async def async_browse_media(self, item: MediaSourceItem) -> BrowseMediaSource:
        """Return the library, a torrent, or a folder or season of one."""
        playback = _loaded(self._hass, BrowseError)
        match _identifier(item, BrowseError):
            case None:
                return await browse.library(self._hass, playback)
            case InTorrent() as where:
                try:
                    return await browse.torrent(self._hass, playback, where)
                except TorrentCastError as err:
                    raise BrowseError(**translation(err)) from err
            case Pasted():
                raise _unknown(BrowseError)

    @override
    async def async_search_media(self, item: MediaSourceItem, query: SearchMediaQuery) -> SearchMedia:
        """Return what fits below `item`, best first; a source that was pasted is the one result."""
        playback = _loaded(self._hass, BrowseError)
        text = query.search_query.strip()
        try:
            if looks_like_source(text):
                return SearchMedia(result=[await _pasted(self._hass, playback, text)])
            scope = _identifier(item, BrowseError)
            found = await browse.candidates(self._hass, playback, scope)
        except TorrentCastError as err:
            raise BrowseError(**translation(err)) from err
        if wanted := frozenset(query.media_filter_classes or ()):
            found = [candidate for candidate in found if candidate.item.classes & wanted]
        text = text[: search.MAX_QUERY]
        guess = (await titles_of(self._hass, [text]))[text]
        ranked = await self._hass.async_add_executor_job(search.find, text, guess, found)
        return SearchMedia(result=[one.node for one in ranked[:MAX_RESULTS]])

    @override
    async def async_resolve_media(self, item: MediaSourceItem) -> PlayMedia:
        """Return the address of a file's stream, the same for the same player or user as long as its session lives."""
        playback = _loaded(self._hass, Unresolvable)
        identifier = _identifier(item, Unresolvable)
        try:
            session = await self._session(playback, identifier, _holder(item))
            await session.resolve()
        except TorrentCastError as err:
            raise Unresolvable(**translation(err)) from err
        return PlayMedia(stream_path(session), session.content_type)

    async def _session(self, playback: Playback, identifier: Identifier | None, holder: str | None) -> Session:
        match identifier:
            case InTorrent() as where:
                index = await browse.playable_index(self._hass, playback, where)
                if (session := playback.held_by(holder, where.key, index)) is not None:
                    return session
                return playback.start_session(await playback.kept_source(where.key), wanted=index, holder=holder)
            case Pasted(text):
                source = await read_source(self._hass, playback, text)
                if (session := playback.held_by(holder, source.key, None)) is not None:
                    return session
                return playback.start_session(source, holder=holder)
            case None:
                raise _unknown(Unresolvable)


def _loaded(hass: HomeAssistant, kind: type[HomeAssistantError]) -> Playback:
    if (playback := playback_of(hass)) is None:
        raise kind(translation_domain=DOMAIN, translation_key="not_loaded")
    return playback


def _identifier(item: MediaSourceItem, kind: type[HomeAssistantError]) -> Identifier | None:
    try:
        return parse(item.identifier) if item.identifier else None
    except ValueError as err:
        raise _unknown(kind) from err


def _unknown(kind: type[HomeAssistantError]) -> HomeAssistantError:
    return kind(translation_domain=DOMAIN, translation_key="unknown_torrent")


def _holder(item: MediaSourceItem) -> str | None:
    """Return whose session it is to be: the player's, else that of the user who asks over the websocket."""
    if item.target_media_player is not None:
        return item.target_media_player
    connection = current_connection.get()
    return connection.user.id if connection is not None else None


async def _pasted(hass: HomeAssistant, playback: Playback, text: str) -> BrowseMediaSource:
    """Return the node of a source. Raises SourceError for a magnet link that is none."""
    name = name_of(playback, text)
    title = (await titles_of(hass, [name]))[name]
    return browse.pasted(text, title.label or name)
