"""The subtitles of a session: which files of the torrent belong to the film, and their text when a device asks."""

import asyncio
import logging
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final

from ..engine import TorrentCastError, TorrentFile
from ..engine.files import folded, parts_of, printable
from ..engine.futures import retrieved
from ..media import Stream, Unplayable
from ..media.languages import language_of, name_of
from ..media.renditions import quotable
from ..media.subtitles import MAX_BYTES, SUFFIXES, delayed

_LOGGER = logging.getLogger(__name__)

# A receiver waits so long for a track, about, before it gives the film up; then it plays without. s
PATIENCE: Final = 8.0
# What a device is sent for subtitles that cannot be read: it would refuse the whole film without.
NOTHING: Final = b"WEBVTT\n\n"
# More than a menu shows.
MAX_TRACKS: Final = 40
MAX_LABEL: Final = 60  # characters
# Of a path: more than anybody makes, and a stranger's ten thousand files may each have thousands.
MAX_PARTS: Final = 20
WORDS: Final = re.compile(r"[^\W_]+(?:-[^\W_]+)?")
# Not the size of a picture, as 1920x1080.
EPISODE: Final = re.compile(r"s(\d{1,3})[ ._-]?e(\d{1,4})|(?<!\d)(\d{1,2})x(\d{1,4})", re.IGNORECASE)
# Drawn subtitles by the suffix of their file: PGS, and VobSub, which is a .sub beside an index.
PGS_SUFFIX: Final = ".sup"
VOBSUB_SUFFIX: Final = ".sub"
INDEX_SUFFIX: Final = ".idx"
# What people call the formats of subtitles that FFmpeg knows by other names.
FORMATS: Final = {
    PGS_SUFFIX: "PGS", VOBSUB_SUFFIX: "VobSub", "hdmv_pgs_subtitle": "PGS", "dvd_subtitle": "VobSub",
    "dvb_subtitle": "DVB", "dvb_teletext": "teletext", "subrip": "SRT", "mov_text": "timed text", "webvtt": "WebVTT",
}  # fmt: skip
# What names say of subtitles beside their language.
FORCED: Final = frozenset({"forced", "foreign"})
HEARING: Final = frozenset({"sdh", "cc", "hi"})
# Hindi, and "hearing impaired" beside another language.
HINDI: Final = "hi"


class Show(StrEnum):
    """When subtitles are shown that nobody has asked for."""

    AUTO = "auto"
    """When the sound is in another language."""
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Side:
    """A file of subtitles beside a film; `language` as ISO 639 has it, None where its name does not say."""

    file: TorrentFile
    language: str | None
    is_forced: bool
    is_for_deaf: bool

    @property
    def label(self) -> str:
        """Return what a menu calls it."""
        name = name_of(self.language) if self.language else PurePosixPath(self.file.name).stem
        kind = "forced" if self.is_forced else "SDH" if self.is_for_deaf else ""
        return f"{name} ({kind})" if kind else name


def beside(files: Sequence[TorrentFile], film: TorrentFile) -> list[Side]:
    """Return the subtitles of a film among the files of its torrent, by their names. Not for the event loop."""
    indexed = _indexed(files)
    return _own([file for file in files if _is_text(file, indexed)], files, film)


def drawn_beside(files: Sequence[TorrentFile], film: TorrentFile) -> list[Side]:
    """Return those of a film that are pictures, as `beside` does: PGS, and VobSub once for its two files."""
    indexed = _indexed(files)
    return _own([file for file in files if file.size and _is_drawn(file, indexed)], files, film)


def _own(found: Sequence[TorrentFile], files: Sequence[TorrentFile], film: TorrentFile) -> list[Side]:
    films, stem = _Films(files), _stem(film)
    own = [file for file in found if films.belongs(file, film)]
    return sorted((_side(file, stem) for file in own), key=_order)[:MAX_TRACKS]


class _Films:
    """The films of a torrent, to tell which of them a file of subtitles belongs to."""

    def __init__(self, files: Sequence[TorrentFile]) -> None:
        videos = [file for file in files if file.is_video]
        self._stems = {_stem(file) for file in videos}
        self._in: defaultdict[tuple[str, ...], list[TorrentFile]] = defaultdict(list)
        self._below: defaultdict[tuple[str, ...], list[TorrentFile]] = defaultdict(list)
        for file in videos:
            if not file.is_extra:
                folders = _folders(file)
                for folder in folders[:1]:
                    self._in[folder].append(file)
                for folder in folders:
                    self._below[folder].append(file)

    def belongs(self, side: TorrentFile, film: TorrentFile) -> bool:
        """Tell whether subtitles are those of a film: by their name, their number, the nearest folder that says so."""
        if (named := self._named(_stem(side))) is not None:
            return named == _stem(film)
        number, its = _episode(side.name), _episode(film.name)
        if number is not None and its is not None:
            return number == its
        return self._is_near(side, film)

    def _named(self, name: str) -> str | None:
        """Return the name of a film that another one begins with: the longest, "Toy Story 2" before "Toy Story"."""
        ends = (end for end in range(len(name), 0, -1) if end == len(name) or not name[end].isalnum())
        return next((name[:end] for end in ends if name[:end] in self._stems), None)

    def _is_near(self, side: TorrentFile, film: TorrentFile) -> bool:
        """Tell whether a film is the only one there, in the folder of subtitles or above, or that is called like it."""
        is_met = False
        for folder in _folders(side):
            if folder and (name := folded(folder[-1])) in self._stems:
                return name == _stem(film)
            if not is_met and (there := self._in.get(folder) or self._below.get(folder)):
                if len(there) == 1:
                    return film in there
                is_met = True
        return False


def _stem(file: TorrentFile) -> str:
    """Return the name of a file without its suffix, as it compares."""
    return folded(PurePosixPath(file.name).stem)


def _folders(file: TorrentFile) -> list[tuple[str, ...]]:
    """Return the folders that a file is in, the innermost first, as the parts of their paths; none of too many."""
    parts = parts_of(file.path)
    return [parts[:end] for end in range(len(parts) - 1, -1, -1)] if len(parts) <= MAX_PARTS else []


def _indexed(files: Sequence[TorrentFile]) -> set[str]:
    """Return the paths, in lower case and without their suffix, of what has an index of VobSub."""
    paths = (file.path.lower() for file in files)
    return {path.removesuffix(INDEX_SUFFIX) for path in paths if path.endswith(INDEX_SUFFIX)}


def _is_text(file: TorrentFile, indexed: Container[str]) -> bool:
    """Tell by its name whether a file holds subtitles as text."""
    if PurePosixPath(file.path).suffix.lower() not in SUFFIXES or not 0 < file.size <= MAX_BYTES:
        return False
    return not _is_drawn(file, indexed)


def _is_drawn(file: TorrentFile, indexed: Container[str]) -> bool:
    """Tell by its name whether a file holds subtitles as pictures."""
    path = file.path.lower()
    return path.endswith(PGS_SUFFIX) or (path.endswith(VOBSUB_SUFFIX) and path.removesuffix(VOBSUB_SUFFIX) in indexed)


def _episode(name: str) -> tuple[int, int] | None:
    found = EPISODE.search(name)
    if found is None:
        return None
    season, episode = (group for group in found.groups() if group is not None)
    return int(season), int(episode)


def _side(file: TorrentFile, stem: str) -> Side:
    own = _stem(file)
    words = WORDS.findall(own.removeprefix(stem))
    found, rest = (FORCED | HEARING).intersection(words), [word for word in words if word not in FORCED | HEARING]
    # Words of a title may be languages ("It"): of a name that does not begin with the film's only the last counts.
    named = rest if own.startswith(stem) else rest[-1:]
    codes = (code for word in reversed(named) if (code := language_of(word)) and len(code) == 2)  # noqa: PLR2004  # ISO 639-1
    language = next(codes, None)
    if language is None and HINDI in found:
        language, found = HINDI, found - {HINDI}
    return Side(file, language, bool(found & FORCED), bool(found & HEARING))


def _order(side: Side) -> tuple[str, bool, bool, str]:
    return side.language or "~", side.is_forced, side.is_for_deaf, side.file.path


@dataclass(frozen=True, slots=True)
class Track:
    """Subtitles as a device is offered them: `id` counts from 1; `stream` is what the film itself has of them."""

    id: int
    label: str
    language: str | None
    is_forced: bool = False
    is_for_deaf: bool = False
    stream: int | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """Subtitles that a film has and a device cannot be offered: drawn ones, and those within a file sent as it is."""

    label: str
    language: str | None


def missing_of(sides: Sequence[Side], streams: Sequence[Stream]) -> tuple[Missing, ...]:
    """Return what cannot be offered: files beside a film, and streams within it. Not for the event loop."""
    named = [(side.label, side.language, PurePosixPath(side.file.name).suffix.lower()) for side in sides]
    named += [_named(stream) for stream in streams]
    formats = ((name, language, FORMATS.get(form, form)) for name, language, form in named)
    return tuple(Missing(f"{name} ({form})" if name else form, language) for name, language, form in formats)


def _named(stream: Stream) -> tuple[str, str | None, str]:
    """Return what to call a stream, by its language, else its title, if there is one; its language; its codec."""
    language = language_of(stream.language)
    name = name_of(language) if language else printable(stream.title or "")[:MAX_LABEL]
    return name, language, stream.codec or "?"


@dataclass(frozen=True, slots=True)
class Given:
    """Subtitles that somebody gave, as WebVTT."""

    name: str
    text: bytes


def _inside(stream: Stream, number: int, taken: set[str]) -> Track:
    """Return the track of a stream: its title tells what its flags do not. By its label it is found on a device.

    That has it from a playlist, which cannot say every name.
    """
    language, title = language_of(stream.language), quotable(printable(stream.title or ""))[:MAX_LABEL].strip()
    words = set(WORDS.findall(title.casefold()))
    is_forced, is_for_deaf = stream.is_forced or bool(words & FORCED), bool(words & HEARING)
    name = name_of(language) if language else ""
    if title and title.casefold() != name.casefold():
        label = f"{name} ({title})" if name and name.casefold() not in words else title
    else:
        label = f"{name} (forced)" if name and is_forced else name
    if not label or label in taken:
        label = f"{label or 'Track'} {number}"
    return Track(number, label, language, is_forced, is_for_deaf, stream.index)


type Read = Callable[[TorrentFile], Awaitable[bytes]]


class Subtitles:
    """The subtitles of one session; `read` returns a file's as WebVTT."""

    def __init__(
        self,
        sides: Sequence[Side],
        given: Given | None,
        read: Read,
        inside: Sequence[Stream] = (),
        missing: Sequence[Missing] = (),
        patience: float | None = PATIENCE,
        *,
        in_segments: bool = False,
    ) -> None:
        """Offer what somebody gave, files beside the film, and streams within it. Not for the event loop.

        What is `missing` is only told. Who asks for a track waits `patience` s at most, None for as long as it takes.
        `in_segments` says that the film goes so: its pictures are a little later then.
        """
        first = 1
        self.missing: Final = tuple(missing)
        self._given: dict[int, bytes] = {}
        tracks: list[Track] = []
        if given is not None:
            tracks.append(Track(first, given.name, None))
            self._given[first] = given.text
        self._files: dict[int, TorrentFile] = {}
        for number, side in enumerate(sides, first + len(tracks)):
            tracks.append(Track(number, side.label, side.language, side.is_forced, side.is_for_deaf))
            self._files[number] = side.file
        for number, stream in enumerate(inside, first + len(tracks)):
            tracks.append(_inside(stream, number, {track.label for track in tracks}))
        self.tracks: Final = tuple(tracks)
        self._read = read
        self._patience = patience
        self._in_segments = in_segments
        self._reading: dict[int, asyncio.Task[bytes]] = {}

    def find(self, language: str) -> Track | None:
        """Return the track of a language that says all, else one for the deaf, else none."""
        found = [track for track in self.tracks if track.language == language and not track.is_forced]
        return min(found, key=lambda track: track.is_for_deaf, default=None)

    def default(self, show: Show, language: str, spoken: str | None) -> Track | None:
        """Return the track to show unasked: for who reads `language`, with sound in the language `spoken`."""
        if self._given:
            return self.tracks[0]
        forced = next((track for track in self.tracks if track.is_forced and track.language == language), None)
        if show is Show.NEVER:
            return None
        if show is Show.AUTO and spoken in {None, language}:
            return forced
        return self.find(language) or forced

    def track(self, number: int | None) -> Track | None:
        """Return the track of that number."""
        return next((track for track in self.tracks if track.id == number), None)

    def begin(self, number: int) -> None:
        """Read a track's file ahead."""
        if number not in self._reading and (file := self._files.get(number)) is not None:
            self._reading[number] = asyncio.ensure_future(self._read(file))
            self._reading[number].add_done_callback(retrieved)  # perhaps nobody asks for it

    async def text(self, number: int) -> bytes | None:
        """Return a track as WebVTT, without a line where it cannot be read; None for a number that is none."""
        text = await self._text(number)
        return await asyncio.to_thread(delayed, text) if text and self._in_segments else text

    async def _text(self, number: int) -> bytes | None:
        if (given := self._given.get(number)) is not None:
            return given
        if number not in self._files:
            return None
        self.begin(number)
        done, _ = await asyncio.wait([self._reading[number]], timeout=self._patience)
        if not done:
            return NOTHING
        try:
            return self._reading[number].result()
        except (TorrentCastError, Unplayable) as err:
            _LOGGER.warning("Subtitles %d cannot be read: %s", number, err.reason)
            return NOTHING

    def close(self) -> None:
        """Read nothing more."""
        for task in self._reading.values():
            task.cancel()
