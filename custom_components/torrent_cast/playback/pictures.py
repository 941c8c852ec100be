"""Pictures of films and songs, made of what is downloaded already and kept in the cache directory."""

import asyncio
import contextlib
import re
import shutil
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from ..engine import Torrent, TorrentCastError, TorrentFile
from ..engine.contents import Contents
from ..engine.futures import retrieved
from ..media import Kind, Probe, Reason, Unplayable, cover, picture, probe, still
from .artwork import Artwork
from .shared import Shared

if TYPE_CHECKING:
    from ..media import Worker

NAME: Final = re.compile(r"(?P<key>[0-9a-f]{40,64})-(?P<index>[0-9]{1,9})(?:-(?P<look>art))?\.jpg")
# Of the film: beyond titles and logos, before what would give it away. The first that is there is taken.
MOMENTS: Final = (0.3, 0.2, 0.4, 0.1, 0.5)
# A key frame of 4K has seldom more. Bytes
KEY_FRAME: Final = 1 << 20
NOT_THE_FILE: Final = frozenset({Reason.STOPPED, Reason.UNAVAILABLE})
# A machine that is short of memory or of time, for once.
PERHAPS_NOT_THE_FILE: Final = frozenset({Reason.CRASHED, Reason.TIMEOUT})
# A torrent all of whose films are there may be kept awake for so long by a picture that nobody has; s.
PATIENCE: Final = 60.0

# One try; what is read was there when it began, but may have to come once more where a disk has lost it. s
TRY: Final = 30.0

# What is looked for in a file.
COVER: Final = "cover"
FRAME: Final = "moment"
STILL: Final = "picture"

type Name = tuple[str, int]
"""The info-hash and the index of the file that a picture is of."""

type Where = tuple[str, int, str]
"""The info-hash and the index of the file that a picture is made of, and what is looked for in it."""


class Look(StrEnum):
    """What a picture shows."""

    FRAME = "frame"
    """A moment of the film."""
    ART = "art"
    """What its makers want to be seen: a cover, a poster. It takes the place of a frame."""


class NotThere(Exception):
    """The bytes have not been downloaded yet, and are not to be for a picture's sake."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A way to a picture."""

    where: Where
    look: Look
    make: Callable[[], Awaitable[bytes]]


class Pictures:
    """The pictures at hand, by info-hash and index of the file; `changed` is called when there is another one."""

    def __init__(self, folder: Path, worker: Worker, changed: Callable[[], None]) -> None:
        self._folder = folder
        self._worker = worker
        self._changed = changed
        self._known: dict[Name, Look] = {}
        self._hopeless: set[Where] = set()
        self._doubtful: set[Where] = set()  # hopeless after the next try
        self._artwork: WeakKeyDictionary[Torrent, Artwork] = WeakKeyDictionary()
        self._taking = asyncio.Lock()  # one at a time: a film that starts has to wait for one at most
        self._asked: Shared[Name] = Shared()
        self._trying: set[asyncio.Task[bool]] = set()

    async def stop(self) -> None:
        """Break off what is being made."""
        await self._asked.stop()
        for task in (trying := tuple(self._trying)):
            task.cancel()
        await asyncio.gather(*trying, return_exceptions=True)

    async def load(self) -> None:
        """Look which pictures an earlier run left."""
        self._known = await asyncio.to_thread(
            lambda: dict(sorted(_found(self._folder), reverse=True))
        )  # art comes last

    def look(self, key: str, index: int) -> Look | None:
        """Return what the picture of a file shows, None where there is none."""
        return self._known.get((key, index))

    def may_take(self, key: str, file: TorrentFile) -> bool:
        """Tell whether it is worth trying to take a moment of a film as its picture."""
        return file.is_video and file.size > 0 and (key, file.index, FRAME) not in self._hopeless

    def at_hand(self, key: str, contents: Contents, *, is_live: bool) -> Iterator[tuple[int, Look]]:
        """Yield of which files, by index, there is a picture, or is when somebody asks for it."""
        there = {file.index: there for file, there in zip(contents.files, contents.there, strict=True)}
        artwork = Artwork(file for file in contents.files if is_live and there[file.index] == file.size)
        for file in contents.files:
            if (look := self.look(key, file.index)) is not None:
                yield file.index, look
            elif _is_shown(file) and is_live and self._is_near(key, file, artwork, has_begun=there[file.index] > 0):
                yield file.index, Look.FRAME

    def _is_near(self, key: str, file: TorrentFile, artwork: Artwork, *, has_begun: bool) -> bool:
        return (has_begun and self.may_take(key, file)) or bool(self._hopeful(key, file, artwork))

    def is_promising(self, torrent: Torrent, file: TorrentFile) -> bool:
        """Tell whether a film or song is likely to have artwork, in it as far as that is known, or beside it."""
        where = torrent.key, file.index, COVER
        return where not in self._hopeless or bool(self._hopeful(torrent.key, file, self._artwork_of(torrent)))

    def path(self, key: str, index: int) -> Path | None:
        """Return where a picture is that was taken."""
        look = self.look(key, index)
        return None if look is None else self._path((key, index), look)

    async def get(self, key: str, index: int) -> bytes | None:
        """Return a picture that was taken."""
        if (path := self.path(key, index)) is None:
            return None
        with contextlib.suppress(OSError):
            return await asyncio.to_thread(path.read_bytes)
        return None

    # --- making them -----------------------------------------------------------------------------------------------

    async def take(self, torrent: Torrent, file: TorrentFile) -> None:
        """Take the best picture of a file that can be had of what was downloaded, if there is none as good.

        Once for all who ask at the same time.
        """
        await self._asked.once((torrent.key, file.index), partial(self._take, torrent, file))

    async def _take(self, torrent: Torrent, file: TorrentFile) -> None:
        if await self._take_art(torrent, file) or self.look(torrent.key, file.index) is not None:
            return
        if self.may_take(torrent.key, file):
            where = torrent.key, file.index, FRAME
            await self._try(torrent, file, [_Attempt(where, Look.FRAME, partial(self._frame, torrent, file))])

    async def fetch(self, torrent: Torrent, file: TorrentFile, found: Probe | None) -> None:
        """Have the artwork of a file: what is in it, as `found` tells, else what lies beside it, which is downloaded.

        That comes behind what is about to be played, and is given up where nobody has it.
        """
        if found is not None and not any(stream.kind is Kind.COVER for stream in found.streams):
            self._hopeless.add((torrent.key, file.index, COVER))
        if await self._take_art(torrent, file):
            return
        for side in self._hopeful(torrent.key, file, self._artwork_of(torrent)):
            with contextlib.suppress(TorrentCastError), torrent.beside(side):
                await _come(torrent, file, side)
            if await self._take_art(torrent, file):
                return

    async def _take_art(self, torrent: Torrent, file: TorrentFile) -> bool:
        """Take the cover of a file, or a picture beside it that is there; tell whether there is artwork of it now."""
        name = torrent.key, file.index
        if self.look(*name) is Look.ART:
            return True
        if not _is_shown(file):
            return False
        sides = self._hopeful(torrent.key, file, self._artwork_of(torrent))
        inside = _Attempt((*name, COVER), Look.ART, lambda: cover(self._worker, Downloaded(torrent, file)))
        beside = [_Attempt(_where(torrent.key, side), Look.ART, partial(self._still, torrent, side)) for side in sides]
        return await self._try(torrent, file, [inside, *beside])

    async def _try(self, torrent: Torrent, file: TorrentFile, attempts: Collection[_Attempt]) -> bool:
        """Make the first picture that can be made, unless somebody has meanwhile; tell whether there is one."""
        name = torrent.key, file.index
        async with self._taking:
            for attempt in attempts:
                if self.look(*name) in {attempt.look, Look.ART}:
                    return True
                if attempt.where not in self._hopeless and await self._to_its_end(self._succeeds(name, attempt)):
                    return True
        return False

    async def _to_its_end(self, trying: Coroutine[object, object, bool]) -> bool:
        """Return what a try comes to; it goes on where who asked goes away, as to break it off ends the worker."""
        task = asyncio.create_task(trying, name="torrent_cast picture")
        self._trying.add(task)
        task.add_done_callback(self._trying.discard)
        task.add_done_callback(retrieved)
        await asyncio.wait([task])
        return task.result()

    async def _succeeds(self, name: Name, attempt: _Attempt) -> bool:
        try:
            async with asyncio.timeout(TRY):
                data = await attempt.make()
            await asyncio.to_thread(_write, self._path(name, attempt.look), data)
        except NotThere, OSError, TorrentCastError:
            return False
        except Unplayable as err:
            self._doubt(attempt.where, err)
            return False
        self._known[name] = attempt.look
        self._changed()
        return True

    def _doubt(self, where: Where, error: Unplayable) -> None:
        """Take note that a file has no picture, as far as that is known: another try may be as vain."""
        if error.reason in PERHAPS_NOT_THE_FILE and where not in self._doubtful:
            self._doubtful.add(where)
        elif error.reason not in NOT_THE_FILE:
            self._hopeless.add(where)

    def _artwork_of(self, torrent: Torrent) -> Artwork:
        if (artwork := self._artwork.get(torrent)) is None:
            artwork = self._artwork[torrent] = Artwork(torrent.files)
        return artwork

    def _hopeful(self, key: str, file: TorrentFile, artwork: Artwork) -> list[TorrentFile]:
        """Return the artwork beside a file, best first, without what has turned out to be none."""
        return [side for side in artwork.of(file) if _where(key, side) not in self._hopeless]

    async def _still(self, torrent: Torrent, side: TorrentFile) -> bytes:
        return await still(self._worker, await Downloaded(torrent, side).read_range(0, side.size))

    async def _frame(self, torrent: Torrent, file: TorrentFile) -> bytes:
        source = Downloaded(torrent, file)
        found = await probe(self._worker, source, file.name)
        for seconds in _moments(found):
            start = found.byte_at(seconds).offset
            with contextlib.suppress(NotThere):
                source.check(start, min(start + KEY_FRAME, file.size))
                return await picture(self._worker, source, seconds)
        raise NotThere

    # --- forgetting them -------------------------------------------------------------------------------------------

    async def keep_only(self, keys: Collection[str]) -> None:
        """Delete the pictures of all other torrents."""
        gone = [name for name in self._known if name[0] not in keys]
        for name in gone:
            del self._known[name]
        self._hopeless = {one for one in self._hopeless if one[0] in keys}
        self._doubtful = {one for one in self._doubtful if one[0] in keys}
        if gone:
            await asyncio.to_thread(_delete, [self._path(name, look) for name in gone for look in Look])

    async def erase(self) -> None:
        """Delete them all."""
        self._known.clear()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _path(self, name: Name, look: Look) -> Path:
        key, index = name
        return self._folder / (f"{key}-{index}-{look}.jpg" if look is Look.ART else f"{key}-{index}.jpg")


class Downloaded:
    """The verified bytes of a file, as far as they are there: nothing is waited for."""

    def __init__(self, torrent: Torrent, file: TorrentFile) -> None:
        self._torrent = torrent
        self._file = file
        self.size = file.size

    def check(self, start: int, end: int) -> None:
        """Raise NotThere unless all bytes [start, end) are there."""
        if not all(map(self._torrent.has, self._torrent.pieces(self._file, start, end))):
            raise NotThere

    async def read_range(self, start: int, end: int) -> bytes:
        """Return bytes [start, end). Raises NotThere, TorrentGone, StorageError."""
        self.check(start, end)
        length, begin, stop = self._torrent.piece_length, self._file.offset + start, self._file.offset + end
        parts = []  # of pieces that may be far larger than what is asked for
        for piece in self._torrent.pieces(self._file, start, end):
            data = await self._torrent.piece(piece)
            parts.append(data[max(0, begin - piece * length) : stop - piece * length])
        return b"".join(parts)


async def _come(torrent: Torrent, film: TorrentFile, side: TorrentFile) -> None:
    """Wait for all of a small file: for long only while there is more to come of the film. Raises TorrentCastError."""

    async def pieces() -> None:
        for piece in torrent.pieces(side):
            await torrent.wait_for_piece(piece)

    coming = asyncio.ensure_future(pieces())
    try:
        while not coming.done():
            was_complete = not torrent.missing_bytes(film)
            await asyncio.wait([coming], timeout=PATIENCE)
            if was_complete and not coming.done():
                return
        coming.result()
    finally:
        coming.cancel()


def _is_shown(file: TorrentFile) -> bool:
    return file.size > 0 and (file.is_video or file.is_audio)


def _where(key: str, side: TorrentFile) -> Where:
    """Return where a picture beside a film is to be found: one that is none is none beside all of them."""
    return key, side.index, STILL


def _moments(found: Probe) -> Iterator[float]:
    if found.duration is not None:
        yield from (found.duration * share for share in MOMENTS)
    yield 0.0


def _found(folder: Path) -> Iterator[tuple[Name, Look]]:
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if (name := NAME.fullmatch(path.name)) is not None:
                yield (name["key"], int(name["index"])), Look(name["look"] or Look.FRAME)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    fresh.replace(path)


def _delete(paths: Collection[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
