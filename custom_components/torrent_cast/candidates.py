"""What a search looks through: the library, and what providers have found.

Made off the event loop: a torrent may have ten thousand files.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from homeassistant.components.media_player import MediaClass
from homeassistant.components.media_source import BrowseMediaSource
from homeassistant.core import HomeAssistant

from . import labels, nodes, tree
from .engine import TorrentFile
from .engine.files import name_in, parts_of
from .identifiers import Identifier, InTorrent
from .playback import Entry, Playback
from .providers import Item, Provider
from .search import Candidate
from .titles import Title, read_titles, titles_of

FILM: Final = frozenset({MediaClass.VIDEO, MediaClass.MOVIE})
EPISODE: Final = frozenset({MediaClass.VIDEO, MediaClass.EPISODE, MediaClass.TV_SHOW})
SHOW: Final = frozenset({MediaClass.DIRECTORY, MediaClass.TV_SHOW, MediaClass.SEASON})
SONG: Final = frozenset({MediaClass.MUSIC, MediaClass.TRACK})
FOLDER: Final = frozenset({MediaClass.DIRECTORY})


@dataclass(frozen=True, slots=True)
class Found:
    """A node that a search may lead to, and all that it passes for."""

    node: BrowseMediaSource
    classes: frozenset[MediaClass]


async def in_library(
    hass: HomeAssistant, playback: Playback, scope: Identifier | None, patience: float
) -> list[Candidate[Found]]:
    """Return all that can be found in the library, or in one torrent, folder or season. Raises SourceError.

    Names that were not read within `patience` s are searched as they are.
    """
    until = time.monotonic() + patience
    if isinstance(scope, InTorrent):
        entry = await playback.entry(scope.key)
        return await hass.async_add_executor_job(_in_one, entry, scope, until)
    return await hass.async_add_executor_job(_in_all, await playback.entries(), until)


def _in_one(entry: Entry, scope: InTorrent, until: float) -> list[Candidate[Found]]:
    return _in_torrent(entry, scope, labels.file_titles(tree.playable(entry.files), until))


def _in_all(entries: Sequence[Entry], until: float) -> list[Candidate[Found]]:
    names = labels.torrent_names(entries, until)
    seasons = read_titles([entry.name for entry in entries], until)
    # Last, and all at once: what takes too long is cut short, and that once.
    titles = labels.file_titles([file for entry in entries for file in tree.playable(entry.files)], until)
    return [
        candidate
        for entry in entries
        for candidate in _of_library(entry, names[entry.key], seasons[entry.name].season, titles)
    ]


def _of_library(entry: Entry, name: str, season: int | None, titles: dict[str, Title]) -> list[Candidate[Found]]:
    inside = _in_torrent(entry, InTorrent(entry.key), titles)
    files = [file for file in tree.playable(entry.files) if not file.is_extra]
    if len(files) <= 1:
        return inside
    is_show = season is not None or any(MediaClass.EPISODE in one.item.classes for one in inside)
    found = Found(nodes.torrent(entry, name), SHOW if is_show else _folder_classes(files))
    return [Candidate(found, name, entry.name, season), *inside]


def _folder_classes(files: Iterable[TorrentFile]) -> frozenset[MediaClass]:
    songs = all(tree.is_audio(file) for file in files)
    return frozenset({MediaClass.DIRECTORY, MediaClass.ALBUM, MediaClass.MUSIC}) if songs else FOLDER | FILM


def _in_torrent(entry: Entry, scope: InTorrent, titles: dict[str, Title]) -> list[Candidate[Found]]:
    files = tree.below(tree.playable(entry.files), scope.folder or "")
    if scope.season is not None:
        files = [file for file in files if titles[file.path].season == scope.season]
    folders = [] if scope.season is not None else _folders(files, scope.folder or "")
    return [
        *(_of_folder(entry, path) for path in folders),
        *(_of_file(entry, file, titles[file.path], label) for file, label in labels.called(files, titles)),
    ]


async def found_by(hass: HomeAssistant, found: Iterable[tuple[Provider, Item]]) -> list[Candidate[Found]]:
    """Return what providers have found, the best seeded first."""
    best = sorted(found, key=lambda pair: -(pair[1].seeders or 0))
    titles = await titles_of(hass, [item.title for _, item in best])
    return [_of_item(one, item, titles[item.title]) for one, item in best]


def _of_item(one: Provider, item: Item, title: Title) -> Candidate[Found]:
    classes = EPISODE if title.episodes or title.season is not None else FILM
    return Candidate(
        Found(nodes.item(one, item, title), classes), title.label, item.title, title.season, title.episodes
    )


def _folders(files: Iterable[TorrentFile], below: str) -> list[str]:
    """Return the paths of the folders below one, without the torrent's own."""
    depth = max(1, len(parts_of(below)))
    parents = {
        "/".join(parts[:end])
        for file in files
        for parts in [parts_of(file.path)]
        for end in range(depth + 1, len(parts))
    }
    return sorted(parents, key=tree.natural)


def _of_folder(entry: Entry, path: str) -> Candidate[Found]:
    name = name_in(path)
    node = nodes.folder(str(InTorrent(entry.key, folder=path)), name)
    return Candidate(Found(node, FOLDER), name, path)


def _of_file(entry: Entry, file: TorrentFile, title: Title, label: str) -> Candidate[Found]:
    classes = SONG if tree.is_audio(file) else (EPISODE if title.episodes else FILM)
    found = Found(nodes.file(entry, file, label), classes)
    return Candidate(found, label, f"{entry.name} {file.path}", title.season, title.episodes)
