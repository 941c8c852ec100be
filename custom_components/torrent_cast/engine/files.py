"""The files of a torrent, and which of them is meant."""

import fnmatch
import mimetypes
import posixpath
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from .errors import NoPlayableFile

if TYPE_CHECKING:
    import libtorrent as lt

# Containers that `mimetypes` does not know or does not call video.
VIDEO_SUFFIXES: Final = frozenset({".mkv", ".m2ts", ".mts", ".ts", ".webm", ".m4v", ".divx", ".ogm", ".vob", ".rmvb"})
AUDIO_SUFFIXES: Final = frozenset({".flac", ".m4b", ".mka", ".oga", ".ogg", ".opus"})
# Longer ones would take int() its time.
NUMBER: Final = re.compile(r"([0-9]{1,9})")
EXTRAS: Final = re.compile(r"(?:^|[^a-z])(?:sample|trailer)(?:[^a-z]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TorrentFile:
    """One file: `path` as the torrent names it, `size` and `offset` (of its first byte in the torrent) in bytes."""

    index: int
    path: str
    size: int
    offset: int

    @property
    def name(self) -> str:
        """Return the last part of the path."""
        return name_in(self.path)

    @property
    def is_video(self) -> bool:
        """Tell by its name whether this is a video."""
        suffix = posixpath.splitext(self.path)[1].lower()
        return suffix in VIDEO_SUFFIXES or _type_of(suffix).startswith("video/")

    @property
    def is_audio(self) -> bool:
        """Tell by its name whether this is sound alone."""
        suffix = posixpath.splitext(self.path)[1].lower()
        return suffix in AUDIO_SUFFIXES or _type_of(suffix).startswith("audio/")

    @property
    def is_extra(self) -> bool:
        """Tell by its path whether this is a sample or a trailer."""
        return EXTRAS.search(self.path) is not None


def parts_of(path: str) -> tuple[str, ...]:
    """Return the folders and the name in a path: quicker than pathlib, as a torrent may have ten thousand files."""
    return tuple(part for part in path.split("/") if part not in {"", "."})


def name_in(path: str) -> str:
    """Return the last part of a path; of one without parts the path itself."""
    parts = parts_of(path)
    return parts[-1] if parts else path


@lru_cache(maxsize=256)
def _type_of(suffix: str) -> str:
    """Return the MIME type that the system knows for files of a suffix, or nothing."""
    return mimetypes.guess_type(f"x{suffix}")[0] or ""


def files_of(info: lt.torrent_info) -> tuple[TorrentFile, ...]:
    """Return the files of a torrent without its padding files; indexes are the torrent's own."""
    storage = info.files()
    return tuple(
        TorrentFile(index, printable(storage.file_path(index)), storage.file_size(index), storage.file_offset(index))
        for index in range(storage.num_files())
        if not storage.file_flags(index) & storage.flag_pad_file
    )


def printable(text: str) -> str:
    """Return `text` without control and format characters: names come from strangers."""
    kept = (char for char in text.replace("\\", "/") if not _is_control(char))
    return "".join(kept).strip()


def folded(name: str) -> str:
    """Return a name as it compares, however its letters are put together."""
    return unicodedata.normalize("NFC", name.casefold())


def _is_control(char: str) -> bool:
    """Tell whether `char` is a control or format character or ends a line or paragraph."""
    category = unicodedata.category(char)
    return category[0] == "C" or category in ("Zl", "Zp")


def choose(files: Sequence[TorrentFile], wanted: int | str | None = None, only: Sequence[range] = ()) -> TorrentFile:
    """Return the file with index `wanted`, the largest that matches the glob `wanted`, or the largest video.

    Of an album, which has no video, the first song.

    Where nothing is wanted and `only` names indexes, the video is among those. A sample or trailer is chosen only when
    it is asked for or nothing else is there. Raises NoPlayableFile.
    """
    if isinstance(wanted, int):
        return _by_index(files, wanted)
    if wanted is not None:
        return _by_glob(files, wanted)
    if only:
        files = _selected(files, only)
    videos = [file for file in files if file.is_video and file.size]
    if not videos and (songs := [file for file in files if file.is_audio and file.size]):
        return min(songs, key=_song_order)
    if not videos:
        raise NoPlayableFile("no_video", files=len(files))
    return _largest([file for file in videos if not file.is_extra] or videos)


def _song_order(file: TorrentFile) -> list[tuple[int, str]]:
    """Return what sorts songs by path, "2" before "10"."""
    parts = NUMBER.split(file.path.casefold())
    return [(int(part), "") if at % 2 else (0, part) for at, part in enumerate(parts)]


def _selected(files: Sequence[TorrentFile], only: Sequence[range]) -> list[TorrentFile]:
    selected = [file for file in files if any(file.index in span for span in only)]
    if not selected:
        raise _no_such_file(files, only[0].start)
    return selected


def _by_index(files: Sequence[TorrentFile], index: int) -> TorrentFile:
    for file in files:
        if file.index == index:
            return _not_empty(file)
    raise _no_such_file(files, index)


def _no_such_file(files: Sequence[TorrentFile], index: int) -> NoPlayableFile:
    return NoPlayableFile("no_such_file", index=index, last=max((file.index for file in files), default=0))


def _by_glob(files: Sequence[TorrentFile], pattern: str) -> TorrentFile:
    """Match the whole path or the name alone, without regard to case; a name with brackets also matches itself."""
    folded = pattern.casefold()
    matches = [
        file
        for file in files
        for text in {file.path.casefold(), file.name.casefold()}
        if text == folded or fnmatch.fnmatchcase(text, folded)
    ]
    if not matches:
        raise NoPlayableFile("no_match", pattern=printable(pattern))
    return _not_empty(_largest([file for file in matches if file.is_video] or matches))


def _largest(files: Sequence[TorrentFile]) -> TorrentFile:
    return max(files, key=lambda file: file.size)


def _not_empty(file: TorrentFile) -> TorrentFile:
    if not file.size:
        raise NoPlayableFile("empty_file", name=file.name)
    return file
