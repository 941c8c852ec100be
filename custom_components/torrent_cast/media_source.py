"""Media source: browse and search the library, and a stream for each file."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, override

from homeassistant.components import media_source
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

from . import browse, candidates, nodes, search, titles
from .candidates import Found
from .const import DOMAIN
from .engine import TorrentCastError
from .errors import translation
from .identifiers import Continued, Identifier, InTorrent, Provided, parse
from .media import BROWSER, Unplayable
from .playback import ANYBODY, Playback, Session
from .providing import PATIENCE, PROVIDERS
from .references import choose
from .runtime import playback_of
from .search import Candidate
from .sources import looks_like_source, name_of
from .titles import titles_of
from .views import PICTURE_TYPE, browser_path

if TYPE_CHECKING:
    from homeassistant.components.media_source import MediaImage  # type: ignore[attr-defined]  # new in 2026.11

# More results than anybody reads.
MAX_RESULTS: Final = 100
# Voice has to answer within 3 s. Beside these two, a second for what fails at once (program.py), and half a one to rank
# a library of 10,000 names. Names that were not read by then are searched as they are. s
SPOKEN_READING: Final = 0.3
SPOKEN_PATIENCE: Final = 1.2
# As the frontend spells it, to the letter, where it takes its HLS player.
HLS_TYPE: Final = "application/x-mpegURL"


async def async_get_media_source(hass: HomeAssistant) -> TorrentCastMediaSource:
    """Set the media source up; there is one for all entries, ever."""
    return TorrentCastMediaSource(hass)


class TorrentCastMediaSource(MediaSource):
    """Torrents, their files, and streams of those."""

    name = nodes.NAME

    def __init__(self, hass: HomeAssistant) -> None:
        super().__init__(DOMAIN)
        self._hass = hass

    @override
    async def async_browse_media(self, item: MediaSourceItem) -> BrowseMediaSource:
        """Return the library, a torrent, or a folder or season of one."""
        playback = _loaded(self._hass, BrowseError)
        providers = self._hass.data[PROVIDERS]
        match _identifier(item, BrowseError):
            case None:
                return await browse.library(self._hass, playback, providers.all)
            case InTorrent() as where:
                with _translated(BrowseError):
                    return await browse.torrent(self._hass, playback, where)
            case Continued(None):
                return await browse.continued(self._hass, playback)
            case Provided(provider_id, None):
                with _translated(BrowseError):
                    return await browse.provider(self._hass, providers.get(provider_id))
        raise _unknown(BrowseError)

    @override
    async def async_search_media(self, item: MediaSourceItem, query: SearchMediaQuery) -> SearchMedia:
        """Return what fits below `item`, best first; a source that was pasted is the one result."""
        return await _search(self._hass, _identifier(item, BrowseError), query)

    @override
    async def async_resolve_media(self, item: MediaSourceItem) -> PlayMedia:
        """Return the address of a file's stream, the same for the same player or user as long as its session lives.

        A browser gets the film as it can play it, any other player the file: it knows best what it plays.
        """
        playback = _loaded(self._hass, Unresolvable)
        identifier = _identifier(item, Unresolvable)
        with _translated(Unresolvable):
            session = await self._session(playback, identifier, _holder(item))
            await session.resolve()
            if _is_browser(item) and session.file is not None and session.file.is_video:
                session.profile = BROWSER
                await session.prepare()
        return PlayMedia(browser_path(session), session.content_type if session.hls is None else HLS_TYPE)

    async def async_get_media_image(self, item: MediaSourceItem) -> MediaImage | None:
        """Return the picture of a film, if one was or can be taken: what is sent along where a film is named.

        Home Assistant asks for it from 2026.11 on.
        """
        playback = _loaded(self._hass, Unresolvable)
        match _identifier(item, Unresolvable):
            case InTorrent(key, int(index)) | Continued(str(key), int(index)):
                data = await playback.picture(key, index)
                return None if data is None else media_source.MediaImage(data, PICTURE_TYPE)  # type: ignore[attr-defined]  # as above
        return None

    async def _session(self, playback: Playback, identifier: Identifier | None, holder: str) -> Session:
        choice = await choose(self._hass, playback, identifier)
        held = playback.held_by(holder, choice.source.key, choice.file, resumes=choice.resumes)
        if held is not None:
            return held
        return playback.start_session(
            choice.source, wanted=choice.file, holder=holder, start_position=choice.start_position
        )


@dataclass(frozen=True, slots=True)
class Effort:
    """For how long to read names of the library, and to wait for providers, s; None leaves them out."""

    library: float | None = titles.PATIENCE
    providers: float | None = PATIENCE


async def search_at_hand(hass: HomeAssistant, query: SearchMediaQuery) -> SearchMedia:
    """Return what fits for somebody who waits for an answer: providers are asked only for what is not here."""
    found = await _search(hass, None, query, Effort(library=SPOKEN_READING, providers=None))
    return found if found.result else await _search(hass, None, query, Effort(None, SPOKEN_PATIENCE))


async def _search(
    hass: HomeAssistant, scope: Identifier | None, query: SearchMediaQuery, effort: Effort | None = None
) -> SearchMedia:
    playback = _loaded(hass, BrowseError)
    text = query.search_query.strip()
    if not text:
        return SearchMedia(result=[])
    with _translated(BrowseError):
        if looks_like_source(text):
            return SearchMedia(result=[await _pasted(hass, playback, text)])
        text = text[: search.MAX_QUERY]
        found = await _candidates(hass, playback, scope, text, effort or Effort())
    if wanted := frozenset(query.media_filter_classes or ()):
        found = [candidate for candidate in found if candidate.item.classes & wanted]
    guess = (await titles_of(hass, [text]))[text]
    ranked = await hass.async_add_executor_job(search.find, text, guess, found)
    return SearchMedia(result=[one.node for one in ranked[:MAX_RESULTS]])


async def _candidates(
    hass: HomeAssistant, playback: Playback, scope: Identifier | None, text: str, effort: Effort
) -> list[Candidate[Found]]:
    """Return all that may fit: of one provider, or of the library and what all providers find."""
    providers = hass.data[PROVIDERS]
    if isinstance(scope, Provided):
        one = providers.get(scope.provider)
        return await candidates.found_by(hass, [(one, item) for item in await one.search(text)])
    others: list[Candidate[Found]] = []
    if scope is None and effort.providers is not None:
        others = await candidates.found_by(hass, await providers.search(text, effort.providers))
    if effort.library is None:
        return others
    return [*await candidates.in_library(hass, playback, scope, effort.library), *others]


@contextlib.contextmanager
def _translated(kind: type[HomeAssistantError]) -> Iterator[None]:
    """Raise the library's errors as those that the media browser shows."""
    try:
        yield
    except (TorrentCastError, Unplayable) as err:
        raise kind(**translation(err)) from err


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


def _holder(item: MediaSourceItem) -> str:
    """Return whose session it is to be: the player's, else that of the user who asks over the websocket, if any."""
    if item.target_media_player is not None:
        return item.target_media_player
    connection = current_connection.get()
    return connection.user.id if connection is not None else ANYBODY


def _is_browser(item: MediaSourceItem) -> bool:
    """Tell whether the frontend asks for itself: by the websocket, and for no player."""
    return item.target_media_player is None and current_connection.get() is not None


async def _pasted(hass: HomeAssistant, playback: Playback, text: str) -> BrowseMediaSource:
    """Return the node of a source. Raises SourceError for a magnet link that is none."""
    name = name_of(playback, text)
    title = (await titles_of(hass, [name]))[name]
    return nodes.pasted(text, title.label or name)
