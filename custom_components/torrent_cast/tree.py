"""The tree below a torrent: folders, seasons, files. Pure functions."""

import math
import posixpath
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
# The season that specials are counted as.
SPECIALS: Final = 0


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

    def place(file: TorrentFile) -> tuple[bool, tuple[float, float], list[tuple[int, str]]]:
        return file.is_extra, _numbers(titles[file.path])[0], natural(file.path)

    return sorted(files, key=place)


def _numbers(title: Title) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return season and episode of the first and of the last of what a file holds."""
    season = title.season if title.season is not None else (1 if title.episodes else math.inf)
    episodes = title.episodes or (math.inf,)
    return (season, episodes[0]), (season, episodes[-1])


def alike(file: TorrentFile, files: Iterable[TorrentFile]) -> list[TorrentFile]:
    """Return those among which `file` has its place: the videos or the songs, without samples and trailers."""
    return [one for one in files if is_audio(one) is is_audio(file) and not one.is_extra]


def following(file: TorrentFile, files: Sequence[TorrentFile], titles: Mapping[str, Title]) -> TorrentFile | None:
    """Return the next one of the playable `files`: of an episode that of the same show, of a song that behind it.

    Where there are several copies of an episode it is the one whose folder is nearest.
    """
    same = alike(file, files)
    if file not in same:
        return None
    if is_audio(file):
        return next(iter(same[same.index(file) + 1 :]), None)
    show, (_, last) = _show(titles[file.path]), _numbers(titles[file.path])
    episodes = [one for one in same if titles[one.path].episodes and _show(titles[one.path]) == show]
    firsts = {one: _numbers(titles[one.path])[0] for one in episodes}
    later = [one for one in episodes if firsts[one] > last]
    return min(later, key=lambda one: (firsts[one], -_shared(one, file)), default=None)


def _show(title: Title) -> str:
    """Return the name of a show as it compares: releases differ in case, points and apostrophes."""
    return "".join(char for char in title.name.casefold() if char.isalnum())


def _shared(one: TorrentFile, other: TorrentFile) -> int:
    """Return how many folders two files have in common, from the top."""
    return len(posixpath.commonprefix([parts_of(one.path), parts_of(other.path)]))


def first(files: Sequence[TorrentFile], titles: Mapping[str, Title]) -> TorrentFile | None:
    """Return what to play of a torrent: the largest video, or the first song; None if there is nothing.

    Where that video is an episode it is the first one, of a season if there are any beside the specials: what is made
    about a film is numbered, too.
    """
    videos = [file for file in files if not is_audio(file) and not file.is_extra]
    if not videos:
        return in_order(files, titles)[0] if files else None
    largest = max(videos, key=lambda file: file.size)
    if not titles[largest.path].episodes:
        return largest
    episodes = [file for file in videos if titles[file.path].episodes]
    return in_order([file for file in episodes if titles[file.path].season != SPECIALS] or episodes, titles)[0]


def labels(files: Sequence[TorrentFile], titles: Mapping[str, Title]) -> dict[str, str]:
    """Return what to call each file, by path; where two would be called the same, both keep their own name."""
    called = {file.path: titles[file.path].label or plain(file.path).name for file in files}
    counted: defaultdict[str, int] = defaultdict(int)
    for label in called.values():
        counted[label] += 1
    return {path: label if counted[label] == 1 else name_in(path) for path, label in called.items()}
