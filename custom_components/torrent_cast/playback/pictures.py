"""Pictures of films, taken out of what is downloaded already and kept in the cache directory."""

import asyncio
import contextlib
import re
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..engine import Torrent, TorrentCastError, TorrentFile
from ..media import Probe, Reason, Unplayable, picture, probe

if TYPE_CHECKING:
    from ..media import Worker

NAME: Final = re.compile(r"(?P<key>[0-9a-f]{40,64})-(?P<index>[0-9]{1,9})\.jpg")
# Of the film: beyond titles and logos, before what would give it away. The first that is there is taken.
MOMENTS: Final = (0.3, 0.2, 0.4, 0.1, 0.5)
# A key frame of 4K has seldom more. Bytes
KEY_FRAME: Final = 1 << 20
NOT_THE_FILE: Final = frozenset({Reason.STOPPED, Reason.UNAVAILABLE})


class NotThere(Exception):
    """The bytes have not been downloaded yet, and are not to be for a picture's sake."""


class Pictures:
    """The pictures at hand, by info-hash and index of the file."""

    def __init__(self, folder: Path, worker: Worker) -> None:
        self._folder = folder
        self._worker = worker
        self._known: set[tuple[str, int]] = set()
        self._hopeless: set[tuple[str, int]] = set()
        self._taking = asyncio.Lock()  # one at a time: a film that starts has to wait for one at most

    async def load(self) -> None:
        """Look which pictures an earlier run left."""
        self._known = await asyncio.to_thread(lambda: set(_names(self._folder)))

    def has(self, key: str, index: int) -> bool:
        """Tell whether there is a picture of a file."""
        return (key, index) in self._known

    def may_take(self, key: str, file: TorrentFile) -> bool:
        """Tell whether it is worth trying to take a picture of a file."""
        return file.is_video and file.size > 0 and (key, file.index) not in self._hopeless

    async def get(self, key: str, index: int) -> bytes | None:
        """Return a picture that was taken."""
        if not self.has(key, index):
            return None
        with contextlib.suppress(OSError):
            return await asyncio.to_thread(self._path(key, index).read_bytes)
        return None

    async def take(self, torrent: Torrent, file: TorrentFile) -> None:
        """Take a picture of a film if there is none and enough of it was downloaded."""
        name = torrent.key, file.index
        async with self._taking:
            if name in self._known or not self.may_take(torrent.key, file):
                return
            try:
                data = await self._picture(torrent, file)
                await asyncio.to_thread(_write, self._path(*name), data)
            except NotThere, OSError, TorrentCastError:
                return
            except Unplayable as err:
                if err.reason not in NOT_THE_FILE:  # another try would be as vain
                    self._hopeless.add(name)
                return
            self._known.add(name)

    async def _picture(self, torrent: Torrent, file: TorrentFile) -> bytes:
        source = Downloaded(torrent, file)
        found = await probe(self._worker, source, file.name)
        for seconds in _moments(found):
            start = found.byte_at(seconds).offset
            with contextlib.suppress(NotThere):
                source.check(start, min(start + KEY_FRAME, file.size))
                return await picture(self._worker, source, seconds)
        raise NotThere

    async def keep_only(self, keys: Collection[str]) -> None:
        """Delete the pictures of all other torrents."""
        gone = {name for name in self._known if name[0] not in keys}
        self._known -= gone
        self._hopeless = {name for name in self._hopeless if name[0] in keys}
        if gone:
            await asyncio.to_thread(_delete, [self._path(*name) for name in gone])

    async def erase(self) -> None:
        """Delete them all."""
        self._known.clear()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _path(self, key: str, index: int) -> Path:
        return self._folder / f"{key}-{index}.jpg"


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
        length = self._torrent.piece_length
        first = (self._file.offset + start) // length
        data = b"".join([await self._torrent.piece(piece) for piece in self._torrent.pieces(self._file, start, end)])
        skip = self._file.offset + start - first * length
        return data[skip : skip + end - start]


def _moments(found: Probe) -> Iterator[float]:
    if found.duration is not None:
        yield from (found.duration * share for share in MOMENTS)
    yield 0.0


def _names(folder: Path) -> Iterator[tuple[str, int]]:
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if (name := NAME.fullmatch(path.name)) is not None:
                yield name["key"], int(name["index"])


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    fresh.replace(path)


def _delete(paths: Collection[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
