"""Which file of a torrent is played where nobody has said so: its film, or the episode with which a show goes on."""

import asyncio
from collections.abc import Sequence

from .. import tree
from ..engine import TorrentFile, choose
from ..titles import read_titles
from .library import Seen


async def chosen(
    files: Sequence[TorrentFile],
    wanted: int | str | None,
    only: Sequence[range],
    seen: Sequence[Seen] | None,
) -> TorrentFile:
    """Return the file that is `wanted`, see `choose`; of a show without that its first episode.

    With what was `seen` of the torrent, the last one first, the one to go on with. Raises NoPlayableFile.
    """
    file = choose(files, wanted, only)
    if wanted is not None or len(files) == 1:
        return file
    found = tree.playable(one for one in files if not only or any(one.index in span for span in only))
    return await asyncio.to_thread(_meant, file, found, seen)


def heard(files: Sequence[TorrentFile]) -> Sequence[TorrentFile]:
    """Return what is meant where there is no screen: the songs if there are any."""
    return [file for file in files if tree.is_audio(file) and file.size] or files


def _meant(film: TorrentFile, files: Sequence[TorrentFile], seen: Sequence[Seen] | None) -> TorrentFile:
    if seen is not None and (going_on := _going_on(files, seen)) is not None:
        return going_on
    if not film.is_video or not read_titles([film.path])[film.path].episodes:
        return film
    episodes = tree.alike(film, files)
    return tree.first(episodes, read_titles(one.path for one in episodes)) or film


def _going_on(files: Sequence[TorrentFile], seen: Sequence[Seen]) -> TorrentFile | None:
    """Return what was played last, else what comes after that; None where all was played."""
    by_index = {file.index: file for file in files}
    last = next((one for one in seen if one.file in by_index), None)
    if last is None:
        return None
    file = by_index[last.file]
    if last.is_begun or not last.is_watched:
        return file
    paths = () if tree.is_audio(file) else [one.path for one in tree.alike(file, files)]
    return tree.following(file, files, read_titles(paths))
