"""The nodes of the media browser: the library, its torrents, their folders, seasons and files.

Made off the event loop: a torrent may have ten thousand files.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from homeassistant.components.media_player import MediaClass, MediaType
from homeassistant.components.media_source import BrowseMediaSource
from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_cached_translations

from . import tree
from .const import DOMAIN
from .engine import SourceError, TorrentFile
from .identifiers import Continued, Identifier, InTorrent, Pasted, Provided
from .media import content_type
from .playback import Entry, Playback, Seen
from .providers import Item, Provider
from .search import Candidate
from .titles import Title, plain, read_titles, titles_of
from .views import picture_path

NAME: Final = "Torrent Cast"
MB: Final = 10**6
GB: Final = 10**9
# What a search may be narrowed to.
SEARCHED: Final = [MediaClass.VIDEO, MediaClass.MOVIE, MediaClass.TV_SHOW, MediaClass.MUSIC]
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


# --- browsing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Texts:
    """What is said of nodes; `season` takes a `number`, `left_at` a `time`."""

    in_use: str
    season: str
    begun: str
    watched: str
    left_at: str


async def library(hass: HomeAssistant, playback: Playback, providers: Iterable[Provider]) -> BrowseMediaSource:
    """Return the torrents in use and on disk, the newest first, and the providers behind them."""
    found = await playback.entries()
    children = await hass.async_add_executor_job(_library, found, _texts(hass))
    return _folder("", NAME, [*children, *(_folder(str(Provided(one.id)), one.name) for one in providers)])


async def continued(hass: HomeAssistant, playback: Playback) -> BrowseMediaSource:
    """Return what was begun, the last one first; each goes on where it was left."""
    return await hass.async_add_executor_job(_continued, await playback.entries(), _texts(hass))


def _continued(entries: Sequence[Entry], texts: _Texts) -> BrowseMediaSource:
    begun = sorted(_begun(entries), key=lambda one: one[2].when, reverse=True)
    titles = _titles([file for _, file, _ in begun])
    children = [
        _file(entry, file, f"{titles[file.path].label}{_so_far(seen, texts)}", Continued(entry.key, file.index))
        for entry, file, seen in begun
    ]
    return _folder(str(Continued()), texts.begun, children)


def _begun(entries: Iterable[Entry]) -> Iterator[tuple[Entry, TorrentFile, Seen]]:
    for entry in entries:
        by_index = {file.index: file for file in tree.playable(entry.files)}
        for seen in entry.seen:
            if seen.is_begun and (file := by_index.get(seen.file)) is not None:
                yield entry, file, seen


def _library(entries: Sequence[Entry], texts: _Texts) -> list[BrowseMediaSource]:
    names = _names(entries)
    begun = [_folder(str(Continued()), texts.begun)] if any(_begun(entries)) else []
    return [*begun, *(_torrent(entry, _with_state(names[entry.key], entry, texts.in_use)) for entry in entries)]


async def torrent(hass: HomeAssistant, playback: Playback, where: InTorrent) -> BrowseMediaSource:
    """Return a torrent, or a folder or season of it. Raises SourceError."""
    entry = await playback.entry(where.key)
    return await hass.async_add_executor_job(_opened, entry, where, _texts(hass))


def _opened(entry: Entry, where: InTorrent, texts: _Texts) -> BrowseMediaSource:
    files = tree.playable(entry.files)
    titles = _titles(files)
    if where.season is not None:
        chosen = tree.seasons(tree.level(files).files, titles).get(where.season, [])
        return _folder(str(where), texts.season.format(number=where.season), _files(entry, chosen, titles, texts))
    name = PurePosixPath(where.folder).name if where.folder else _names([entry])[entry.key]
    return _folder(str(where), name, _level(entry, files, titles, where.folder or "", texts))


async def provider(hass: HomeAssistant, one: Provider) -> BrowseMediaSource:
    """Return what a provider lists. Raises ProviderError."""
    items = await one.latest()
    titles = await titles_of(hass, [item.title for item in items])
    return _folder(str(Provided(one.id)), one.name, [_item(one, item, titles[item.title]) for item in items])


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
    titles = _titles(files)
    if where.season is not None:
        files = [file for file in files if titles[file.path].season == where.season]
    return tree.first(files, titles)


def _level(
    entry: Entry, files: Sequence[TorrentFile], titles: dict[str, Title], folder: str, texts: _Texts
) -> list[BrowseMediaSource]:
    """Return what is in a folder: folders, seasons where its files are of several, files."""
    level = tree.level(files, folder)
    groups = {} if folder else tree.seasons(level.files, titles)
    if len(groups) < 2:  # noqa: PLR2004  # one season is no choice
        groups = {None: list(level.files)}
    seasons = [
        _folder(str(InTorrent(entry.key, season=season)), texts.season.format(number=season))
        for season in groups
        if season is not None
    ]
    folders = [_folder(str(InTorrent(entry.key, folder=path)), PurePosixPath(path).name) for path in level.folders]
    return [*folders, *seasons, *_files(entry, groups.get(None, []), titles, texts)]


def _files(
    entry: Entry, files: Sequence[TorrentFile], titles: dict[str, Title], texts: _Texts
) -> list[BrowseMediaSource]:
    progress = entry.progress()
    seen = {one.file: one for one in entry.seen}

    def state(file: TorrentFile) -> str:
        return f"{_size(file.size)}{_percent(progress[file.index])}{_so_far(seen.get(file.index), texts)}"

    return [_file(entry, file, f"{label} — {state(file)}") for file, label in _called(files, titles)]


# --- what a search looks through -------------------------------------------------------------------------------------


async def candidates(hass: HomeAssistant, playback: Playback, scope: Identifier | None) -> list[Candidate[Found]]:
    """Return all that can be found in the library, or in one torrent, folder or season. Raises SourceError."""
    if isinstance(scope, InTorrent):
        entry = await playback.entry(scope.key)
        return await hass.async_add_executor_job(_in_one, entry, scope)
    return await hass.async_add_executor_job(_in_all, await playback.entries())


def _in_one(entry: Entry, scope: InTorrent) -> list[Candidate[Found]]:
    return _in_torrent(entry, scope, _titles(tree.playable(entry.files)))


def _in_all(entries: Sequence[Entry]) -> list[Candidate[Found]]:
    names = _names(entries)
    # All at once: what takes too long is cut short once, not once a torrent.
    titles = _titles([file for entry in entries for file in tree.playable(entry.files)])
    seasons = read_titles([entry.name for entry in entries])
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
    found = Found(_torrent(entry, name), SHOW if is_show else _folder_classes(files))
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
        *(_of_file(entry, file, titles[file.path], label) for file, label in _called(files, titles)),
    ]


async def found_by(hass: HomeAssistant, found: Iterable[tuple[Provider, Item]]) -> list[Candidate[Found]]:
    """Return what providers have found, the best seeded first."""
    best = sorted(found, key=lambda pair: -(pair[1].seeders or 0))
    titles = await titles_of(hass, [item.title for _, item in best])
    return [_of_item(one, item, titles[item.title]) for one, item in best]


def _of_item(one: Provider, item: Item, title: Title) -> Candidate[Found]:
    classes = EPISODE if title.episodes or title.season is not None else FILM
    return Candidate(Found(_item(one, item, title), classes), title.label, item.title, title.season, title.episodes)


def _called(files: Sequence[TorrentFile], titles: dict[str, Title]) -> list[tuple[TorrentFile, str]]:
    called = tree.labels(files, titles)
    return [(file, called[file.path]) for file in tree.in_order(files, titles)]


def _folders(files: Iterable[TorrentFile], below: str) -> list[str]:
    """Return the paths of the folders below one, without the torrent's own."""
    depth = max(1, len(PurePosixPath(below).parts))
    parents = {
        "/".join(parts[:end])
        for file in files
        for parts in [PurePosixPath(file.path).parts]
        for end in range(depth + 1, len(parts))
    }
    return sorted(parents, key=tree.natural)


def _of_folder(entry: Entry, path: str) -> Candidate[Found]:
    name = PurePosixPath(path).name
    node = _folder(str(InTorrent(entry.key, folder=path)), name)
    return Candidate(Found(node, FOLDER), name, path)


def _of_file(entry: Entry, file: TorrentFile, title: Title, label: str) -> Candidate[Found]:
    classes = SONG if tree.is_audio(file) else (EPISODE if title.episodes else FILM)
    found = Found(_file(entry, file, label), classes)
    return Candidate(found, label, f"{entry.name} {file.path}", title.season, title.episodes)


# --- nodes -----------------------------------------------------------------------------------------------------------


def pasted(text: str, name: str) -> BrowseMediaSource:
    """Return the node that plays a magnet link, info-hash or address."""
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=str(Pasted(text)),
        media_class=MediaClass.VIDEO,
        media_content_type=MediaType.VIDEO,
        title=name,
        can_play=True,
        can_expand=False,
    )


def _folder(identifier: str, title: str, children: Sequence[BrowseMediaSource] | None = None) -> BrowseMediaSource:
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


def _torrent(entry: Entry, title: str) -> BrowseMediaSource:
    node = _folder(str(InTorrent(entry.key)), title)
    files = tree.playable(entry.files)
    node.can_play = bool(files)
    node.thumbnail = next((picture for file in files if (picture := _thumbnail(entry, file))), None)
    if files and all(tree.is_audio(file) for file in files):
        node.media_class, node.media_content_type = MediaClass.ALBUM, MediaType.MUSIC
    return node


def _file(entry: Entry, file: TorrentFile, title: str, where: Continued | None = None) -> BrowseMediaSource:
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


def _item(one: Provider, item: Item, title: Title) -> BrowseMediaSource:
    """Return the node of what a provider has found; its own title too, as it tells qualities apart."""
    size = "" if item.size is None else f" — {_size(item.size)}"
    own = "" if title.label == item.title else f" [{item.title}]"
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=str(Provided(one.id, item.id)),
        media_class=MediaClass.VIDEO,
        media_content_type=MediaType.VIDEO,
        title=f"{title.label}{own}{size}",
        can_play=True,
        can_expand=False,
    )


def _thumbnail(entry: Entry, file: TorrentFile) -> str | None:
    return picture_path(entry.key, file.index) if file.index in entry.pictures else None


async def file_titles(hass: HomeAssistant, files: Sequence[TorrentFile]) -> dict[str, Title]:
    """Return the titles of files by path; a song keeps its name."""
    return await hass.async_add_executor_job(_titles, files)


async def torrent_names(hass: HomeAssistant, entries: Sequence[Entry]) -> dict[str, str]:
    """Return what to call torrents, by info-hash."""
    return await hass.async_add_executor_job(_names, entries)


# --- texts -----------------------------------------------------------------------------------------------------------


def _titles(files: Sequence[TorrentFile]) -> dict[str, Title]:
    """Return the titles of files by path; a song keeps its name."""
    films = read_titles(file.path for file in files if not tree.is_audio(file))
    return {file.path: films.get(file.path) or plain(file.path) for file in files}


def _names(entries: Sequence[Entry]) -> dict[str, str]:
    """Return what to call torrents, by info-hash; one without films keeps its name."""
    films = [entry.name for entry in entries if any(file.is_video for file in entry.files)]
    titles = read_titles(films)
    return {entry.key: titles[entry.name].label if entry.name in titles else entry.name for entry in entries}


def _with_state(name: str, entry: Entry, in_use: str) -> str:
    state = f", {in_use}" if entry.in_use else ""
    share = entry.bytes_there / entry.size if entry.size else 1.0
    return f"{name} — {_size(entry.size)}{_percent(share)}{state}"


def _percent(share: float) -> str:
    """Return how much is there; nothing where all is."""
    return "" if share >= 1 else f", {int(share * 100)} %"


def _so_far(seen: Seen | None, texts: _Texts) -> str:
    """Return how much of a file was seen; nothing where that is not worth a word."""
    if seen is None or not (seen.is_begun or seen.is_watched):
        return ""
    if not seen.is_begun:
        return f", {texts.watched}"
    minutes, seconds = divmod(int(seen.position), 60)
    hours, minutes = divmod(minutes, 60)
    time = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f", {texts.left_at.format(time=time)}"


def _size(size: int) -> str:
    return f"{size / GB:.1f} GB" if size >= GB else f"{-(-size // MB)} MB"


def _texts(hass: HomeAssistant) -> _Texts:
    return _Texts(
        in_use=_text(hass, "in_use"),
        season=_text(hass, "season"),
        begun=_text(hass, "continue"),
        watched=_text(hass, "watched"),
        left_at=_text(hass, "left_at"),
    )


def _text(hass: HomeAssistant, key: str) -> str:
    """Return a text in Home Assistant's own language: the media browser does not say whose it is."""
    name = f"component.{DOMAIN}.common.{key}"
    return async_get_cached_translations(hass, hass.config.language, "common", DOMAIN)[name]
