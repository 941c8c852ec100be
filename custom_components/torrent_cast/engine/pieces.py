"""The bytes of pieces: read through libtorrent, checked against the metadata, kept for a while."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, Protocol

from lru import LRU

from .errors import StorageError, TorrentCastError, TorrentGone
from .futures import retrieved
from .hashes import hashes_of

if TYPE_CHECKING:
    import libtorrent as lt

_LOGGER = logging.getLogger(__name__)

# Verified pieces kept for readers of the same place: a player, its probe, a second connection after a seek.
CACHE_BYTES: Final = 32 * 1024 * 1024
# More only queue up in libtorrent's disk threads and hold a piece each.
READS_AT_ONCE: Final = 2
# A read that libtorrent cannot serve although it has the piece: try again, then check the files.
READ_ATTEMPTS: Final = 2
# A piece that passes libtorrent's check of the files so often and is wrong again when read: the disk cannot be used.
RECHECKS: Final = 2
# A v2 torrent's layers come from peers, and libtorrent does not tell when; a round trip and a little. s
LAYERS_INTERVAL: Final = 0.25


class Run(Protocol):
    """Runs blocking work in the engine's threads."""

    async def __call__[**P, T](self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `function` returns."""


class Pieces:
    """Reads pieces that libtorrent has, each once however many want it, and never more than `READS_AT_ONCE`."""

    def __init__(
        self,
        handle: lt.torrent_handle,
        info: lt.torrent_info,
        run: Run,
        layers: Callable[[], Awaitable[Mapping[bytes, bytes]]],
    ) -> None:
        self._handle: lt.torrent_handle | None = handle
        self._info = info
        self._run = run
        self._hashes = hashes_of(info)
        self._fetch_layers = layers
        self._cache: LRU[int, bytes] = LRU(1)
        self._reads: dict[int, asyncio.Task[bytes | None]] = {}
        self._answers: dict[int, asyncio.Future[bytes]] = {}
        self._slots = asyncio.Semaphore(READS_AT_ONCE)
        self._bad: Counter[int] = Counter()
        self._failure: TorrentCastError | None = None
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def keep_for(self, readers: int) -> None:
        """Bound the cache in bytes, but leave each reader the piece it is in."""
        if not readers:
            self._cache.clear()
        self._cache.set_size(max(1, readers, CACHE_BYTES // self._info.piece_length()))

    def cached(self, piece: int) -> bytes | None:
        """Return the verified bytes of `piece` if they were read a short while ago."""
        return self._cache.get(piece)

    async def read(self, piece: int) -> bytes | None:
        """Return the verified bytes of `piece`, None when they are not right on disk. Raises StorageError."""
        if (task := self._reads.get(piece)) is None:
            task = self._reads[piece] = asyncio.create_task(self._read(piece), name=f"torrent_cast read {piece}")
            task.add_done_callback(retrieved)
        # Not `await task`: a reader that is cancelled must not end the read for the others.
        await asyncio.wait([task])
        return task.result()

    def answer(self, piece: int, data: bytes | None) -> None:
        """Take libtorrent's answer to `read_piece`; None is an error."""
        answer = self._answers.get(piece)
        if answer is None or answer.done():
            return
        if data is None:
            answer.set_exception(OSError(f"piece {piece} cannot be read"))
        else:
            answer.set_result(data)

    def ask_again(self) -> None:
        """Ask once more for the answers that are due: they may have been lost."""
        if self._handle is not None:
            for piece in self._answers:
                self._handle.read_piece(piece)

    def move(self, handle: lt.torrent_handle | None) -> None:
        """Ask another handle of the same torrent from now on; None: wait for one."""
        self._handle = handle
        self.ask_again()

    def fail(self, error: TorrentCastError) -> None:
        """End all reads with `error`."""
        self._failure = error
        if not self._over.done():
            self._over.set_result(None)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(error)

    async def close(self) -> None:
        """Wait until no read runs any more; `fail` has ended them. What was kept is dropped."""
        if self._reads:
            await asyncio.wait(self._reads.values())
        self._cache.clear()

    async def _read(self, piece: int) -> bytes | None:
        try:
            await self.learn_hash(piece)
            async with self._slots:
                for _ in range(READ_ATTEMPTS):
                    data = await self._read_once(piece)
                    if data is not None:
                        self._cache[piece] = data
                        del self._bad[piece]
                        return data
        finally:
            del self._reads[piece]
        self._bad[piece] += 1
        if self._bad[piece] > RECHECKS:
            raise StorageError("unreadable_piece", piece=piece)
        return None

    async def learn_hash(self, piece: int) -> None:
        """Wait until there is a hash to compare `piece` with, and so for all of its file. Raises TorrentGone."""
        while not self._hashes.knows(piece):
            if self._failure is not None:
                raise self._failure
            await self._run(self._hashes.learn, await self._fetch_layers())
            if not self._hashes.knows(piece):
                await asyncio.wait([self._over], timeout=LAYERS_INTERVAL)

    async def _read_once(self, piece: int) -> bytes | None:
        """Return the bytes of `piece` if they have the hash the metadata gives, else None."""
        if self._failure is not None:
            raise self._failure
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers[piece] = answer
        try:
            if self._handle is not None:
                self._handle.read_piece(piece)
            data = await answer
        except OSError:
            return None
        except RuntimeError as err:  # the handle is no longer valid
            raise TorrentGone("torrent_gone") from err
        finally:
            del self._answers[piece]
        return data if await self._run(self.matches, piece, data) else None

    def matches(self, piece: int, data: bytes) -> bool:
        """Tell whether the metadata's hash says that `data` is `piece`. Blocks."""
        return self._hashes.matches(piece, data)
