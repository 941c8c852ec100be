"""Nodes of the media browser: a folder, a torrent, a file, what a provider has found, what was pasted."""

from collections.abc import Sequence
from typing import Final

from homeassistant.components.media_player import MediaClass, MediaType
from homeassistant.components.media_source import BrowseMediaSource

from . import tree
from .const import DOMAIN
from .engine import TorrentFile
from .identifiers import Continued, InTorrent, Pasted, Provided
from .labels import size_label
from .media import content_type
from .playback import Entry
from .providers import Item, Provider
from .titles import Title
from .views import picture_path

NAME: Final = "Torrent Cast"
# What a search may be narrowed to.
SEARCHED: Final = [MediaClass.VIDEO, MediaClass.MOVIE, MediaClass.TV_SHOW, MediaClass.MUSIC]


def pasted(text: str, name: str) -> BrowseMediaSource:
    """Return the node that plays a magnet link, info-hash or address."""
    return _film(str(Pasted(text)), name)


def folder(identifier: str, title: str, children: Sequence[BrowseMediaSource] | None = None) -> BrowseMediaSource:
    """Return a node that opens; the library itself has an empty identifier."""
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=identifier or None,
        media_class=MediaClass.DIRECTORY,
        media_content_type=MediaType.VIDEO,
        title=title,
        can_play=False,
        can_expand=True,
        can_search=True,
        search_media_classes=SEARCHED,
        children=children,
    )


def torrent(entry: Entry, title: str) -> BrowseMediaSource:
    """Return the node of a torrent of the library."""
    node = folder(str(InTorrent(entry.key)), title)
    files = tree.playable(entry.files)
    node.can_play = bool(files)
    node.thumbnail = next((picture for file in files if (picture := _thumbnail(entry, file))), None)
    if files and all(tree.is_audio(file) for file in files):
        node.media_class, node.media_content_type = MediaClass.ALBUM, MediaType.MUSIC
    return node


def file(entry: Entry, file: TorrentFile, title: str, where: Continued | None = None) -> BrowseMediaSource:
    """Return the node that plays a file: from its beginning, or where it was left."""
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=str(where or InTorrent(entry.key, file.index)),
        media_class=MediaClass.MUSIC if tree.is_audio(file) else MediaClass.VIDEO,
        media_content_type=content_type(file.name),
        title=title,
        can_play=True,
        can_expand=False,
        thumbnail=_thumbnail(entry, file),
    )


def item(one: Provider, found: Item, title: Title) -> BrowseMediaSource:
    """Return the node of what a provider has found, with its own title too, as it tells qualities apart."""
    size = "" if found.size is None else f" — {size_label(found.size)}"
    own = "" if title.label == found.title else f" [{found.title}]"
    return _film(str(Provided(one.id, found.id)), f"{title.label}{own}{size}")


def _film(identifier: str, title: str) -> BrowseMediaSource:
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=identifier,
        media_class=MediaClass.VIDEO,
        media_content_type=MediaType.VIDEO,
        title=title,
        can_play=True,
        can_expand=False,
    )


def _thumbnail(entry: Entry, file: TorrentFile) -> str | None:
    look = entry.pictures.get(file.index)
    return None if look is None else picture_path(entry.key, file.index, look)
