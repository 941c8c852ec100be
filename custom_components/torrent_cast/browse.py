"""The levels of the media browser: the library, its torrents, their folders, seasons and files.

Made off the event loop: a torrent may have ten thousand files.
"""

from collections.abc import Iterable, Iterator, Sequence

from homeassistant.components.media_source import BrowseMediaSource
from homeassistant.core import HomeAssistant

from . import labels, nodes, tree
from .engine import SourceError, TorrentFile
from .engine.files import name_in
from .identifiers import Continued, InTorrent, Provided
from .labels import Texts, percent, size_label, so_far, with_state
from .playback import Entry, Playback, Seen
from .providers import Provider
from .titles import Title, titles_of
from .tree import Level


async def library(hass: HomeAssistant, playback: Playback, providers: Iterable[Provider]) -> BrowseMediaSource:
    """Return the torrents in use and on disk, the newest first, and the providers behind them."""
    found = await playback.entries()
    children = await hass.async_add_executor_job(_library, found, labels.texts_of(hass))
    return nodes.folder(
        "", nodes.NAME, [*children, *(nodes.folder(str(Provided(one.id)), one.name) for one in providers)]
    )


async def continued(hass: HomeAssistant, playback: Playback) -> BrowseMediaSource:
    """Return what was begun, the last one first; each goes on where it was left."""
    return await hass.async_add_executor_job(_continued, await playback.entries(), labels.texts_of(hass))


def _continued(entries: Sequence[Entry], texts: Texts) -> BrowseMediaSource:
    begun = sorted(_begun(entries), key=lambda one: one[2].when, reverse=True)
    titles = labels.file_titles([file for _, file, _ in begun])
    children = [
        nodes.file(entry, file, titles[file.path].label + so_far(seen, texts), Continued(entry.key, file.index))
        for entry, file, seen in begun
    ]
    return nodes.folder(str(Continued()), texts.begun, children)


def _begun(entries: Iterable[Entry]) -> Iterator[tuple[Entry, TorrentFile, Seen]]:
    for entry in entries:
        by_index = {file.index: file for file in tree.playable(entry.files)}
        for seen in entry.seen:
            if seen.is_begun and (file := by_index.get(seen.file)) is not None:
                yield entry, file, seen


def _library(entries: Sequence[Entry], texts: Texts) -> list[BrowseMediaSource]:
    names = labels.torrent_names(entries)
    begun = [nodes.folder(str(Continued()), texts.begun)] if any(_begun(entries)) else []
    return [*begun, *(nodes.torrent(entry, with_state(names[entry.key], entry, texts.in_use)) for entry in entries)]


async def torrent(hass: HomeAssistant, playback: Playback, where: InTorrent) -> BrowseMediaSource:
    """Return a torrent, or a folder or season of it. Raises SourceError."""
    entry = await playback.entry(where.key)
    return await hass.async_add_executor_job(_opened, entry, where, labels.texts_of(hass))


def _opened(entry: Entry, where: InTorrent, texts: Texts) -> BrowseMediaSource:
    level = tree.level(tree.playable(entry.files), where.folder or "")
    titles = labels.file_titles(level.files)  # and not of all: ten thousand take their time
    if where.season is not None:
        if not (chosen := tree.seasons(level.files, titles).get(where.season, [])):
            raise SourceError("unknown_torrent")
        return nodes.folder(str(where), texts.season.format(number=where.season), _files(entry, chosen, titles, texts))
    if where.folder and not (level.files or level.folders):
        raise SourceError("unknown_torrent")
    name = name_in(where.folder) if where.folder else labels.torrent_names([entry])[entry.key]
    return nodes.folder(str(where), name, _level(entry, level, titles, texts, is_top=not where.folder))


async def provider(hass: HomeAssistant, one: Provider) -> BrowseMediaSource:
    """Return what a provider lists. Raises ProviderError."""
    items = await one.latest()
    titles = await titles_of(hass, [item.title for item in items])
    return nodes.folder(str(Provided(one.id)), one.name, [nodes.item(one, item, titles[item.title]) for item in items])


async def playable_index(hass: HomeAssistant, playback: Playback, where: InTorrent) -> int:
    """Return which file to play where a torrent, a folder or a season is meant. Raises SourceError."""
    if where.index is not None:
        return where.index
    entry = await playback.entry(where.key)
    if (file := await hass.async_add_executor_job(_first, entry, where)) is None:
        raise SourceError("nothing_to_play")
    return file.index


def _first(entry: Entry, where: InTorrent) -> TorrentFile | None:
    files = tree.below(tree.playable(entry.files), where.folder or "")
    titles = labels.file_titles(files)
    if where.season is not None:
        files = [file for file in files if titles[file.path].season == where.season]
    return tree.first(files, titles)


def _level(
    entry: Entry, level: Level, titles: dict[str, Title], texts: Texts, *, is_top: bool
) -> list[BrowseMediaSource]:
    """Return what is in a folder: folders, seasons where the files of the torrent's own are of several, files."""
    groups = tree.seasons(level.files, titles) if is_top else {}
    if len(groups) < 2:  # noqa: PLR2004  # one season is no choice
        groups = {None: list(level.files)}
    seasons = [
        nodes.folder(str(InTorrent(entry.key, season=season)), texts.season.format(number=season))
        for season in groups
        if season is not None
    ]
    folders = [nodes.folder(str(InTorrent(entry.key, folder=path)), name_in(path)) for path in level.folders]
    return [*folders, *seasons, *_files(entry, groups.get(None, []), titles, texts)]


def _files(
    entry: Entry, files: Sequence[TorrentFile], titles: dict[str, Title], texts: Texts
) -> list[BrowseMediaSource]:
    progress = entry.progress()
    seen = {one.file: one for one in entry.seen}

    def state(file: TorrentFile) -> str:
        return f"{size_label(file.size)}{percent(progress[file.index])}{so_far(seen.get(file.index), texts)}"

    return [nodes.file(entry, file, f"{label} — {state(file)}") for file, label in labels.called(files, titles)]
