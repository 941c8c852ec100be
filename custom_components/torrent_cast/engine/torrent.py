"""One torrent: its metadata, its files, and its verified pieces."""

import asyncio
import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final, Protocol

from lru import LRU

from . import scheduler
from .errors import MetadataTimeout, SourceError, StorageError, TorrentCastError, TorrentGone
from .files import TorrentFile, files_of, printable
from .reader import Reader
from .storage import paths_of

if TYPE_CHECKING:
    import libtorrent as lt

_LOGGER = logging.getLogger(__name__)

# Verified pieces kept for readers of the same place: a player, its probe, a second connection after a seek.
CACHE_BYTES: Final = 32 * 1024 * 1024
# More only queue up in libtorrent's disk threads and hold a piece each.
READS_AT_ONCE: Final = 2
# A read that libtorrent cannot serve although it has the piece: try again, then check the files.
READ_ATTEMPTS: Final = 2


class Run(Protocol):
    """Runs blocking work in the engine's threads."""

    async def __call__[**P, T](self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `function` returns."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What libtorrent said last: rates in bytes/s, peers by where they were learnt from."""

    download_rate: int = 0
    upload_rate: int = 0
    peers: int = 0
    seeds: int = 0


class Torrent:
    """A torrent in the session; pieces come out of it only after their hash was checked here."""

    def __init__(self, libtorrent: ModuleType, key: str, name: str, folder: Path, run: Run) -> None:
        self._lt = libtorrent
        self._run = run
        self._loop = asyncio.get_running_loop()
        self.key = key
        self.name = name
        self.folder = folder
        self.statistics = Statistics()
        self._handle: lt.torrent_handle | None = None
        self._info: lt.torrent_info | None = None
        self._ready = self._future()
        self._files: tuple[TorrentFile, ...] = ()
        self._have = bytearray()
        self._selected: Counter[int] = Counter()
        self._readers: set[Reader] = set()
        self._waiters: defaultdict[int, set[asyncio.Future[None]]] = defaultdict(set)
        self._reads: dict[int, asyncio.Task[bytes | None]] = {}
        self._answers: dict[int, asyncio.Future[bytes]] = {}
        self._read_slots = asyncio.Semaphore(READS_AT_ONCE)
        self._cache: LRU[int, bytes] = LRU(1)
        self._deadlines: dict[int, int] = {}
        self._priorities: dict[int, int] = {}
        self._scheduled = False
        self._failure: TorrentCastError | None = None

    # --- what users of a torrent see -------------------------------------------------------------------------------

    async def metadata(self, timeout: float) -> None:  # noqa: ASYNC109  # the limit is part of the error
        """Wait until the files are known. Raises MetadataTimeout after `timeout` s."""
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(self._ready)
        except TimeoutError as err:
            raise MetadataTimeout("no_metadata", seconds=round(timeout), peers=self.statistics.peers) from err

    @property
    def has_metadata(self) -> bool:
        """Tell whether the files are known."""
        return self._ready.done() and not self._ready.cancelled() and self._ready.exception() is None

    @property
    def failed(self) -> bool:
        """Tell whether the torrent has ended with an error."""
        return self._failure is not None

    @property
    def files(self) -> tuple[TorrentFile, ...]:
        """Return the files; empty until the metadata is there."""
        return self._files

    @property
    def piece_length(self) -> int:
        """Return the length of a piece in bytes; the last one may be shorter."""
        return self.info.piece_length()

    @property
    def info(self) -> lt.torrent_info:
        """Return libtorrent's view of the metadata. Raises MetadataTimeout before it is there."""
        if self._info is None:
            raise self._failure or MetadataTimeout("no_metadata", seconds=0, peers=0)
        return self._info

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths of all files, padding too, as libtorrent writes them on disk."""
        return paths_of(self._info) if self._info else ()

    def select(self, file: TorrentFile) -> None:
        """Want `file`; every select is undone by one `deselect`."""
        self._selected[file.index] += 1
        self._prioritize()

    def deselect(self, file: TorrentFile) -> None:
        """Want `file` no more than before its last `select`."""
        self._selected -= Counter([file.index])
        self._prioritize()

    def open(self, file: TorrentFile, start: int = 0, end: int | None = None) -> Reader:
        """Return a reader over bytes `start` to `end` (exclusive) of `file`, to be used with `async with`."""
        return Reader(self, file, start, file.size if end is None else end)

    def pieces(self, file: TorrentFile, start: int = 0, end: int | None = None) -> range:
        """Return the pieces that hold bytes `start` to `end` (exclusive) of `file`."""
        stop = file.size if end is None else min(end, file.size)
        if start >= stop:
            return range(0)
        return range((file.offset + start) // self.piece_length, (file.offset + stop - 1) // self.piece_length + 1)

    def has(self, piece: int) -> bool:
        """Tell whether libtorrent has verified `piece`."""
        return bool(self._have[piece])

    def verified(self, file: TorrentFile) -> Iterator[tuple[int, int]]:
        """Yield the byte ranges [start, end) of `file` that are there, in order."""
        begin: int | None = None
        pieces = self.pieces(file)
        for piece in pieces:
            edge = max(0, piece * self.piece_length - file.offset)
            if self._have[piece] and begin is None:
                begin = edge
            elif not self._have[piece] and begin is not None:
                yield begin, edge
                begin = None
        if begin is not None:
            yield begin, file.size

    def missing_bytes(self, file: TorrentFile) -> int:
        """Return how many bytes of `file` are still to be downloaded."""
        return file.size - sum(end - start for start, end in self.verified(file))

    async def piece(self, index: int) -> bytes:
        """Return the verified bytes of a piece, however long it takes to come. Raises TorrentGone, StorageError."""
        while True:
            if (data := self._cache.get(index)) is not None:
                return data
            await self._wait_for(index)
            if index not in self._reads:
                self._reads[index] = self._loop.create_task(self._read(index), name=f"torrent_cast read {index}")
            if (data := await asyncio.shield(self._reads[index])) is not None:
                return data

    async def wait_for_range(self, file: TorrentFile, start: int, end: int) -> None:
        """Wait until bytes `start` to `end` (exclusive) of `file` are verified, and see to it that they come."""
        async with self.open(file, start, end):
            for piece in self.pieces(file, start, end):
                await self._wait_for(piece)

    # --- what readers tell -----------------------------------------------------------------------------------------

    def attach(self, reader: Reader) -> None:
        """Schedule for `reader` from now on."""
        self._readers.add(reader)
        self.reschedule()

    def detach(self, reader: Reader) -> None:
        """Free what `reader` asked for."""
        self._readers.discard(reader)
        self.reschedule()

    def reschedule(self) -> None:
        """Plan anew before the loop waits again; many calls in one turn plan once."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._apply_plan)

    def _apply_plan(self) -> None:
        self._scheduled = False
        handle = self._handle
        if handle is None or self._info is None or self._failure is not None:
            return
        for reader in self._readers:
            reader.settle(self._have)
        wants = [want for reader in self._readers if (want := reader.want)]
        plan = scheduler.plan(wants, self._have, self.piece_length, self._deadlines)
        self._apply_deadlines(handle, plan)
        self._apply_priorities(handle, plan)

    def _apply_deadlines(self, handle: lt.torrent_handle, plan: scheduler.Plan) -> None:
        """Set what is new; clearing gives the pieces priority 1, which is noted for what comes after."""
        gone = self._deadlines.keys() - plan.deadlines.keys()
        if self._deadlines and (plan.fresh or gone):
            # Requests in flight are cancelled only when the list of deadlines goes from empty to not empty.
            handle.clear_piece_deadlines()
            self._priorities |= dict.fromkeys(self._deadlines, scheduler.BASE_PRIORITY)
            self._deadlines.clear()
        for piece, deadline in plan.deadlines.items():
            if piece not in self._deadlines:
                handle.set_piece_deadline(piece, deadline)
                self._deadlines[piece] = deadline

    def _apply_priorities(self, handle: lt.torrent_handle, plan: scheduler.Plan) -> None:
        """Tell libtorrent the priorities that differ from what it was told before."""
        changes = {
            piece: priority
            for piece, priority in plan.priorities.items()
            if piece not in plan.deadlines and self._priorities.get(piece, scheduler.BASE_PRIORITY) != priority
        }
        for piece in self._priorities.keys() - plan.priorities.keys() - plan.deadlines.keys():
            if self._priorities[piece] != scheduler.BASE_PRIORITY and not self._have[piece]:
                changes[piece] = scheduler.BASE_PRIORITY
        if changes:
            handle.prioritize_pieces(list(changes.items()))
        self._priorities = dict(plan.priorities)

    def _prioritize(self) -> None:
        """Want the selected files, all of each at all times: without a wanted piece the peers go away."""
        if self._handle is None or self._info is None:
            return
        priorities = bytearray(self._info.num_pieces())
        for file in self._files:
            if file.index in self._selected:
                for piece in self.pieces(file):
                    priorities[piece] = scheduler.BASE_PRIORITY
        # Clearing a deadline gives its piece priority 1, so the priorities come after it.
        self._handle.clear_piece_deadlines()
        self._deadlines.clear()
        self._priorities.clear()
        self._handle.prioritize_pieces(list(priorities))
        self.reschedule()

    # --- what the engine tells -------------------------------------------------------------------------------------

    @property
    def handle(self) -> lt.torrent_handle | None:
        """Return libtorrent's handle, None before the session has taken the torrent."""
        return self._handle

    def on_added(self, handle: lt.torrent_handle, info: lt.torrent_info | None) -> None:
        """Take the handle; with a torrent file the metadata is there at once."""
        self._handle = handle
        if info is not None:
            self._take_info(info)

    async def on_metadata(self) -> None:
        """Fetch the metadata that a peer has just sent."""
        if self._handle is None or self._info is not None:
            return
        info = await self._run(self._handle.torrent_file)
        if info is not None and self._info is None:
            self._take_info(info)

    def _take_info(self, info: lt.torrent_info) -> None:
        if not info.info_hashes().has_v1():
            self.fail(SourceError("v2_only"))
            return
        self._have = bytearray(info.num_pieces())
        self._cache = LRU(max(1, CACHE_BYTES // info.piece_length()))
        self._info = info
        self._files = files_of(info)
        self.name = printable(info.name()) or self.name
        self._prioritize()
        self.ask_for_pieces()

    def on_status(self, status: lt.torrent_status) -> None:
        """Take rates and, when they were asked for, the pieces that are there."""
        self.statistics = Statistics(
            download_rate=status.download_payload_rate,
            upload_rate=status.upload_payload_rate,
            peers=status.num_peers,
            seeds=status.num_seeds,
        )
        if self._info is None:
            return
        if any(reader.is_waiting for reader in self._readers):
            self.reschedule()
        for piece, there in enumerate(status.pieces):
            if there:
                self.on_piece(piece)
        if status.pieces and not self._ready.done():
            self._ready.set_result(None)

    def on_piece(self, piece: int) -> None:
        """Note that libtorrent has verified `piece`."""
        if self._have[piece]:
            return
        self._have[piece] = 1
        self._deadlines.pop(piece, None)
        for waiter in self._waiters.pop(piece, ()):
            if not waiter.done():
                waiter.set_result(None)
        self.reschedule()

    def on_read(self, piece: int, data: bytes | None) -> None:
        """Take libtorrent's answer to `read_piece`; None is an error."""
        answer = self._answers.pop(piece, None)
        if answer is None or answer.done():
            return
        if data is None:
            answer.set_exception(OSError(f"piece {piece} cannot be read"))
        else:
            answer.set_result(data)

    def fail(self, error: TorrentCastError) -> None:
        """End every wait with `error`; the torrent is of no further use."""
        self._failure = error
        waiting = {waiter for group in self._waiters.values() for waiter in group} | {self._ready}
        self._waiters.clear()
        for waiter in waiting:
            if not waiter.done():
                waiter.set_exception(error)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(error)
        self._answers.clear()

    # --- pieces ----------------------------------------------------------------------------------------------------

    async def _wait_for(self, piece: int) -> None:
        if self._failure is not None:
            raise self._failure
        if self._have[piece]:
            return
        waiter = self._future()
        self._waiters[piece].add(waiter)
        try:
            await waiter
        finally:
            self._waiters[piece].discard(waiter)
            if not self._waiters[piece]:
                del self._waiters[piece]

    def ask_for_pieces(self) -> None:
        """Have libtorrent tell which pieces are there; `on_status` takes the answer."""
        if self._handle is not None:
            self._handle.post_status(self._lt.status_flags_t.query_pieces)

    async def _read(self, piece: int) -> bytes | None:
        """Read and check a piece; None when it has to be downloaded again."""
        try:
            async with self._read_slots:
                for _ in range(READ_ATTEMPTS):
                    data = await self._read_once(piece)
                    if data is not None:
                        self._cache[piece] = data
                        return data
        finally:
            del self._reads[piece]
        _LOGGER.warning("Piece %d does not match its hash on disk; checking the files again", piece)
        self._recheck()
        return None

    async def _read_once(self, piece: int) -> bytes | None:
        """Return the bytes of `piece` if they have the hash the metadata gives, else None."""
        if self._failure is not None:
            raise self._failure
        if self._handle is None:
            raise TorrentGone("torrent_gone")
        answer: asyncio.Future[bytes] = self._loop.create_future()
        self._answers[piece] = answer
        self._handle.read_piece(piece)
        try:
            data = await answer
        except OSError:
            return None
        finally:
            self._answers.pop(piece, None)
        return data if await self._run(self._matches, piece, data) else None

    def _matches(self, piece: int, data: bytes) -> bool:
        """Compare with the v1 hash (BEP 3); a hybrid's pad bytes (BEP 47) are zeros that libtorrent leaves out."""
        padding = bytes(self.info.piece_size(piece) - len(data))
        digest = hashlib.sha1(data + padding if padding else data, usedforsecurity=False).digest()
        return digest == self.info.hash_for_piece(piece)

    def _recheck(self) -> None:
        """Forget what is there and let libtorrent hash the files: it has no call to drop a single piece."""
        if self._handle is None:
            raise StorageError("unreadable_piece")
        self._have = bytearray(len(self._have))
        self._deadlines.clear()
        self._handle.force_recheck()

    def _future(self) -> asyncio.Future[None]:
        future: asyncio.Future[None] = self._loop.create_future()
        future.add_done_callback(_retrieved)
        return future


def _retrieved(future: asyncio.Future[None]) -> None:
    """Mark an exception as seen: a wait that everybody gave up is no news."""
    if not future.cancelled():
        future.exception()
