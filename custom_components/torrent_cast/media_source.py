"""Media source: the torrents in use or on disk, their files, and a stream for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, override

from homeassistant.components.media_player import BrowseError, MediaClass, MediaType
from homeassistant.components.media_source import (
    BrowseMediaSource,
    MediaSource,
    MediaSourceItem,
    PlayMedia,
    Unresolvable,
)
from homeassistant.core import HomeAssistant

from .const import DOMAIN
from .engine import TorrentCastError, TorrentFile
from .engine.storage import KEY
from .errors import translation
from .media import content_type
from .playback import Playback
from .views import playback_of, stream_path

NOT_LOADED: Final[dict[str, Any]] = {"translation_domain": DOMAIN, "translation_key": "not_loaded"}


async def async_get_media_source(hass: HomeAssistant) -> TorrentCastMediaSource:
    """Set the media source up; there is one for all entries, ever."""
    return TorrentCastMediaSource(hass)


@dataclass(frozen=True, slots=True)
class Identifier:
    """What an id means: `key` (an info-hash) is a torrent, `key/index` a file of it."""

    key: str
    index: int | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the identifier `text` writes down. Raises ValueError."""
        key, slash, index = text.partition("/")
        if not KEY.fullmatch(key) or (slash and not (index.isascii() and index.isdigit())):
            raise ValueError(text)
        return cls(key, int(index) if slash else None)


class TorrentCastMediaSource(MediaSource):
    """Torrents, their files, and streams of those."""

    name = "Torrent Cast"

    def __init__(self, hass: HomeAssistant) -> None:
        super().__init__(DOMAIN)
        self._hass = hass

    @override
    async def async_resolve_media(self, item: MediaSourceItem) -> PlayMedia:
        """Return the address of a file's stream. The session it belongs to takes its target when one plays it."""
        if (playback := playback_of(self._hass)) is None:
            raise Unresolvable(**NOT_LOADED)
        try:
            wanted = Identifier.parse(item.identifier)
            session = playback.unclaimed(wanted.key, wanted.index) or playback.start_session(
                await playback.kept_source(wanted.key), wanted=wanted.index
            )
            await session.resolve()
        except ValueError as err:
            raise Unresolvable(translation_domain=DOMAIN, translation_key="unknown_torrent") from err
        except TorrentCastError as err:
            raise Unresolvable(**translation(err)) from err
        return PlayMedia(stream_path(session), session.content_type)

    @override
    async def async_browse_media(self, item: MediaSourceItem) -> BrowseMediaSource:
        """Return the library, or one torrent with its files."""
        if (playback := playback_of(self._hass)) is None:
            raise BrowseError(**NOT_LOADED)
        if not item.identifier:
            return _library(playback)
        try:
            key = Identifier.parse(item.identifier).key
            files = sorted(await playback.files(key), key=lambda file: file.path.casefold())
        except ValueError as err:
            raise BrowseError(translation_domain=DOMAIN, translation_key="unknown_torrent") from err
        except TorrentCastError as err:
            raise BrowseError(**translation(err)) from err
        kept = playback.library.get(key)
        return _torrent(key, kept.name if kept else key, files)


def _library(playback: Playback) -> BrowseMediaSource:
    """Return the torrents in use and on disk, last used first."""
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=None,
        media_class=MediaClass.DIRECTORY,
        media_content_type=MediaType.VIDEO,
        title="Torrent Cast",
        can_play=False,
        can_expand=True,
        children_media_class=MediaClass.DIRECTORY,
        children=[_torrent(kept.key, kept.name) for kept in playback.library.kept],
    )


def _torrent(key: str, name: str, files: Sequence[TorrentFile] | None = None) -> BrowseMediaSource:
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=key,
        media_class=MediaClass.DIRECTORY,
        media_content_type=MediaType.VIDEO,
        title=name,
        can_play=False,
        can_expand=True,
        children_media_class=MediaClass.VIDEO,
        children=None if files is None else [_file(key, file) for file in files if _is_playable(file)],
    )


def _file(key: str, file: TorrentFile) -> BrowseMediaSource:
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=f"{key}/{file.index}",
        media_class=MediaClass.VIDEO,
        media_content_type=content_type(file.name),
        title=file.name,
        can_play=True,
        can_expand=False,
    )


def _is_playable(file: TorrentFile) -> bool:
    return file.size > 0 and content_type(file.name).startswith(("video/", "audio/"))
