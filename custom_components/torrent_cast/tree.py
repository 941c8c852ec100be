"""The tree below a torrent: folders, seasons, files. Pure functions."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .engine import TorrentFile
from .engine.files import name_in, parts_of
from .media import content_type
from .titles import Title, plain

# Longer ones would take int() its time, and nobody counts so far.
NUMBER: Final = re.compile(r"([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Level:
    """What one folder shows: the paths of the folders in it, and its files."""

    folders: tuple[str, ...]
    files: tuple[TorrentFile, ...]


def playable(files: Iterable[TorrentFile]) -> list[TorrentFile]:
    """Return the films and songs, in natural order, samples and trailers behind the others."""
    found = [file for file in files if is_playable(file)]
    return sorted(found, key=lambda file: (file.is_extra, natural(file.path)))


def is_playable(file: TorrentFile) -> bool:
    """Tell by its name whether a file can be played."""
    return file.size > 0 and content_type(file.name).startswith(("video/", "audio/"))


def is_audio(file: TorrentFile) -> bool:
    """Tell by its name whether a file is sound alone."""
    return content_type(file.name).startswith("audio/")


def natural(text: str) -> list[tuple[int, str]]:
    """Return what sorts "2" before "10"."""
    parts = NUMBER.split(text.casefold())
    return [(int(part), "") if at % 2 else (0, part) for at, part in enumerate(parts)]


def level(files: Sequence[TorrentFile], folder: str = "") -> Level:
    """Return what is directly in `folder`; one that holds nothing but a folder is passed through."""
    depth = len(parts_of(folder))
    folders: dict[str, None] = {}
    direct = []
    for file in below(files, folder):
        parts = parts_of(file.path)
        if len(parts) == depth + 1:
            direct.append(file)
        else:
            folders["/".join(parts[: depth + 1])] = None
    if len(folders) == 1 and not direct:
        return level(files, next(iter(folders)))
    return Level(tuple(sorted(folders, key=natural)), tuple(direct))


def below(files: Iterable[TorrentFile], folder: str) -> list[TorrentFile]:
    """Return the files in `folder` and in its folders."""
    parts = parts_of(folder)
    if not parts:
        return list(files)
    return [file for file in files if parts_of(file.path)[: len(parts)] == parts]


def seasons(files: Iterable[TorrentFile], titles: Mapping[str, Title]) -> dict[int | None, list[TorrentFile]]:
    """Return the files by season, in order, what belongs to none last; all of them under None if there is but one."""
    found: defaultdict[int | None, list[TorrentFile]] = defaultdict(list)
    for file in files:
        found[titles[file.path].season].append(file)
    if len(found.keys() - {None}) <= 1:
        return {None: list(files)}
    return dict(sorted(found.items(), key=lambda item: (item[0] is None, item[0] or 0)))


def in_order(files: Iterable[TorrentFile], titles: Mapping[str, Title]) -> list[TorrentFile]:
    """Return the files as they are to be watched: by season and episode where these are known."""

    def place(file: TorrentFile) -> tuple[bool, float, float, list[tuple[int, str]]]:
        title = titles[file.path]
        first = title.episodes[0] if title.episodes else float("inf")
        season = title.season if title.season is not None else (1 if title.episodes else float("inf"))
        return file.is_extra, season, first, natural(file.path)

    return sorted(files, key=place)


def first(files: Sequence[TorrentFile], titles: Mapping[str, Title]) -> TorrentFile | None:
    """Return what to play of a torrent: the first episode or song, else the largest video; None if there is nothing."""
    videos = [file for file in files if not is_audio(file) and not file.is_extra]
    episodes = [file for file in videos if titles[file.path].episodes]
    if len(episodes) > 1:
        return in_order(episodes, titles)[0]
    if videos:
        return max(videos, key=lambda file: file.size)
    return in_order(files, titles)[0] if files else None


def labels(files: Sequence[TorrentFile], titles: Mapping[str, Title]) -> dict[str, str]:
    """Return what to call each file, by path; where two would be called the same, both keep their own name."""
    called = {file.path: titles[file.path].label or plain(file.path).name for file in files}
    counted: defaultdict[str, int] = defaultdict(int)
    for label in called.values():
        counted[label] += 1
    return {path: label if counted[label] == 1 else name_in(path) for path, label in called.items()}
