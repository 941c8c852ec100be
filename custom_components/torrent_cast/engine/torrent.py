"""One torrent: its metadata, its files, and what its readers wait for."""

import asyncio
import contextlib
import logging
import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from . import scheduler
from .comparison import Comparison, OnDisk
from .copies import Copies
from .errors import MetadataTimeout, StorageError, TorrentCastError
from .evidence import Endpoint
from .files import TorrentFile, files_of, printable
from .futures import future
from .hangs import Hangs
from .have import Have
from .lies import Lies
from .lost import Lost
from .pieces import Pieces, Run
from .reader import PLAN_STEP, Cursor, Reader, leading, without_ghosts
from .scheduler import Viewer
from .selection import Selection
from .source import Source, info_hashes
from .steering import Steering
from .storage import paths_of
from .supply import Statistics, Supply
from .verified import Copy

if TYPE_CHECKING:
    import libtorrent as lt

_LOGGER = logging.getLogger(__name__)


class Host(Protocol):
    """What a torrent needs of the engine."""

    @property
    def libtorrent(self) -> ModuleType:
        """Return the binding."""

    @property
    def run(self) -> Run:
        """Return what runs blocking work."""

    async def piece_layers(self, torrent: Torrent) -> Mapping[bytes, bytes]:
        """Return a v2 torrent's piece layers as far as peers have sent them."""

    def misnamed(self, torrent: Torrent, info: lt.torrent_info) -> None:
        """Let a torrent go by the info-hash that its metadata show."""

    async def look_at_peers(self, torrent: Torrent) -> None:
        """Learn what the connected peers of a torrent bear."""

    def count_candidates(self) -> None:
        """Have libtorrent count anew whom it could connect to."""

    def renew(self, torrent: Torrent) -> None:
        """Add a torrent anew, as what a liar sent has left it with too few peers, or with a piece that is wrong."""


class Torrent:
    """A torrent in the session; pieces come out of it only after their hash was checked here."""

    def __init__(self, host: Host, source: Source, folder: Path) -> None:
        self._host = host
        self._loop = asyncio.get_running_loop()
        self.source = source
        self.key = source.key
        self.name = source.name
        self.folder = folder
        self.supply = Supply(self._loop.time)
        self.lost = Lost(self._loop.time)
        self._handle: lt.torrent_handle | None = None
        self._info: lt.torrent_info | None = None
        self._ready: asyncio.Future[None] = future()
        self._files: tuple[TorrentFile, ...] = ()
        self._have = Have()
        self._selection = Selection()
        self._is_new = False  # its metadata came from a peer, so there is nothing of it on disk
        self._readers: set[Cursor] = set()
        self._pieces: Pieces | None = None
        self.lies: Lies | None = None
        """What is known of those who sent wrong data; None before there is metadata."""
        self._copies: Copies | None = None
        self._steering: Steering | None = None
        self._hangs: Hangs | None = None
        self._rechecking = False
        self._scheduled = False
        self._is_read = False  # by somebody who misses something
        self._unplanned = 0  # bytes that have come since the last plan
        self._shares = True
        self._is_paused = False
        self._knows_peers = False
        self.is_halted = False
        """Whether somebody has paused the torrent: nothing is downloaded or given."""
        self.only_seeds = False
        """Whether nothing more is wanted and the rest is for others."""
        self._failure: TorrentCastError | None = None

    # --- what users of a torrent see -------------------------------------------------------------------------------

    async def metadata(self, timeout: float) -> None:  # noqa: ASYNC109  # the limit is part of the error
        """Wait until the files are known. Raises MetadataTimeout after `timeout` s, and what ended the torrent."""
        await asyncio.wait([self._ready], timeout=timeout)
        if self._failure is not None:
            raise self._failure
        if not self._ready.done():
            raise MetadataTimeout("no_metadata", seconds=round(timeout), peers=self.statistics.peers)

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
    def info_hashes(self) -> tuple[str, ...]:
        """Return all info-hashes that are known, the key first."""
        return info_hashes(self._info.info_hashes()) if self._info else self.source.info_hashes

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths of all files, padding too, as libtorrent writes them on disk."""
        return paths_of(self._info) if self._info else ()

    def select(self, file: TorrentFile) -> None:
        """Want `file`; every select is undone by one `deselect`."""
        self._selection.add(file)
        self._prioritize()

    def deselect(self, file: TorrentFile) -> None:
        """Want `file` no more than before its last `select`."""
        self._selection.remove(file)
        self._prioritize()

    @contextlib.contextmanager
    def beside(self, file: TorrentFile) -> Iterator[None]:
        """Want `file`, a small one, too: after what is about to be read, before the rest of what is selected."""
        self._selection.beside[file.index] += 1
        self._prioritize()
        try:
            yield
        finally:
            self._selection.beside -= Counter([file.index])
            self._prioritize()

    def hurry(self, *, hurries: bool) -> None:
        """Say whether to download at full speed however much those who play have in hand."""
        self.supply.hurries = hurries
        self.reschedule()

    def rate_for(self, viewer: Viewer) -> float:
        """Return the part of the download rate that is for `viewer`, bytes/s."""
        return self.statistics.download_rate * scheduler.share(viewer, self._reserves(without_ghosts(self._readers)))

    @property
    def statistics(self) -> Statistics:
        """Return what libtorrent said last."""
        return self.supply.statistics

    @property
    def is_checking(self) -> bool:
        """Tell whether libtorrent hashes the files: until then nothing comes. It does not while somebody has paused."""
        return self._rechecking or (self.statistics.is_checking and not self.is_halted)

    @property
    def share_ratio(self) -> float:
        """Return how many bytes were given to others for each that was taken from them, or is there all the same."""
        there = sum(file.size - self.missing_bytes(file) for file in self._files)
        return self.statistics.uploaded / max(self.statistics.downloaded, there, 1)

    def share_when_complete(self, shares: bool) -> None:  # noqa: FBT001  # one fact
        """Say whether to go on giving to others when nothing that is wanted is missing."""
        self._shares = shares
        self._pause_or_resume()

    def halt(self, *, halts: bool) -> None:
        """Say whether to stand still; what is there can be read all the same."""
        self.is_halted = halts
        self._pause_or_resume()

    def only_seed(self) -> None:
        """Want nothing more; what is there is for others. Seeds hang up then: to download again, add it anew."""
        self.only_seeds = True
        if self._steering is not None and self._failure is None and not self._rechecking:
            self._steering.select(bytes(len(self._have.pieces)))

    def open(self, file: TorrentFile, start: int = 0, end: int | None = None, viewer: Viewer | None = None) -> Reader:
        """Return a reader over bytes `start` to `end` (exclusive) of `file`, to be used with `async with`.

        `viewer` plays what it reads: while everybody has enough in hand, the download keeps to their bitrates.
        """
        return Reader(self, file, start, file.size if end is None else end, viewer)

    def cursor(self, file: TorrentFile, position: int = 0, viewer: Viewer | None = None) -> Cursor:
        """Return a cursor at byte `position` of `file`, to be used with `async with`: what `viewer` will want next."""
        return Cursor(self, file, position, file.size, viewer)

    def pieces(self, file: TorrentFile, start: int = 0, end: int | None = None) -> range:
        """Return the pieces that hold bytes `start` to `end` (exclusive) of `file`."""
        stop = file.size if end is None else min(end, file.size)
        if start >= stop:
            return range(0)
        return range((file.offset + start) // self.piece_length, (file.offset + stop - 1) // self.piece_length + 1)

    def has(self, piece: int) -> bool:
        """Tell whether libtorrent has verified `piece`."""
        return bool(self._have.pieces[piece])

    @property
    def verified_pieces(self) -> int:
        """Return how many pieces are there; none while the files are checked again."""
        return self._have.pieces.count(1)

    def verified(self, file: TorrentFile) -> Iterator[tuple[int, int]]:
        """Yield the byte ranges [start, end) of `file` that are there, in order."""
        begin: int | None = None
        pieces = self.pieces(file)
        for piece in pieces:
            edge = max(0, piece * self.piece_length - file.offset)
            if self._have.pieces[piece] and begin is None:
                begin = edge
            elif not self._have.pieces[piece] and begin is not None:
                yield begin, edge
                begin = None
        if begin is not None:
            yield begin, file.size

    def missing_bytes(self, file: TorrentFile) -> int:
        """Return how many bytes of `file` are still to be downloaded."""
        return file.size - sum(end - start for start, end in self.verified(file))

    def in_hand(self, cursor: Cursor) -> float:
        """Return how many contiguous bytes are verified from `cursor` on, infinity when that is all of the rest."""
        return cursor.ahead(self._have.pieces)

    async def piece(self, index: int) -> bytes:
        """Return the verified bytes of a piece, however long it takes to come. Raises TorrentGone, StorageError."""
        while True:
            if self._pieces is not None and (data := self._pieces.cached(index)) is not None:
                return data
            await self.wait_for_piece(index)
            if (data := await self._read(index)) is not None:
                return data

    async def wait_for_piece(self, index: int) -> None:
        """Wait until libtorrent has verified a piece. Raises TorrentGone, StorageError."""
        await self._have.wait(index)

    def copy(self, file: TorrentFile) -> Copy | None:
        """Return what is known of `file` on disk, None unless libtorrent says that all of it is there."""
        if self._copies is None or self._failure is not None or self._have.lacks(self.pieces(file)):
            return None
        return self._copies.of(file)

    async def wait_for_range(self, file: TorrentFile, start: int, end: int) -> None:
        """Wait until bytes `start` to `end` (exclusive) of `file` are verified, and see to it that they come."""
        async with self.open(file, start, end) as reader:
            await reader.wait()

    # --- what readers tell -----------------------------------------------------------------------------------------

    def attach(self, reader: Cursor) -> None:
        """Schedule for `reader` from now on."""
        self._readers.add(reader)
        self._keep_pieces()
        self.reschedule()

    def detach(self, reader: Cursor) -> None:
        """Free what `reader` asked for."""
        self._readers.discard(reader)
        self._keep_pieces()
        self.reschedule()

    def reschedule(self) -> None:
        """Plan anew before the loop waits again; many calls in one turn plan once."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._apply_plan)

    def _keep_pieces(self) -> None:
        if self._pieces is not None:
            self._pieces.keep_for(sum(isinstance(reader, Reader) for reader in self._readers))

    def _apply_plan(self) -> None:
        self._scheduled = False
        self._unplanned = 0
        steering = self._steering
        if steering is None or self._failure is not None or self._rechecking:
            return
        for reader in self._readers:
            reader.settle(self._have.pieces)
        cursors = without_ghosts(self._readers)
        reserves = self._reserves(cursors)
        self._is_read = any(math.isfinite(reserve.ahead) for reserve in reserves)
        self._pause_or_resume()
        self.supply.look(reserves)
        steering.limit_to(self.supply.pace(reserves, self.piece_length, steering.limit))
        wants = [self._watched(want) for cursor in cursors if (want := cursor.want)]
        current = () if self._hangs is not None and self._hangs.has_news() else steering.deadlines
        steering.follow(scheduler.plan(wants, self._have.pieces, self.piece_length, current), self._have.pieces)

    def _reserves(self, cursors: Collection[Cursor]) -> list[scheduler.Reserve]:
        have = self._have.pieces
        return [scheduler.Reserve(cursor.ahead(have), cursor.viewer) for cursor in leading(cursors, have)]

    def _watched(self, want: scheduler.Want) -> scheduler.Want:
        """Return a wish, stuck if it is known to be; from now on it is known of the target of a jump."""
        if self._hangs is None or self._handle is None or not (want.jumped and want.urgent):
            return want
        if not self._have.pieces[want.first]:
            self._hangs.watch(self._handle, want.first)
        return replace(want, stuck=want.stuck or self._hangs.is_found(want.first))

    def _prioritize(self) -> None:
        """Want the selected files, all of each at all times.

        With nothing selected any more the priorities stay, and so they do before the first choice if there may be
        something on disk: with nothing wanted that is missing we would call ourselves "upload only", seeds close such
        connections, and it takes `min_reconnect_time` to get them back.
        """
        if self._steering is None or self._failure is not None or self._rechecking:
            return
        if not self._selection and (self._selection.is_made or not self._is_new):
            return
        self._pause_or_resume()
        self._steering.select(scheduler.base(self._wanted(), len(self._have.pieces), self._beside()))
        self._host.count_candidates()

    def _pause_or_resume(self) -> None:
        """Pause when told to, and once all that is wanted is there unless it is to be shared.

        What is there can be read all the same.
        """
        if self._handle is None or self._failure is not None or self._rechecking:
            return
        if (self.is_halted or (self._is_complete and not self._shares)) is not self._is_paused:
            self._is_paused = not self._is_paused
            (self._handle.pause if self._is_paused else self._handle.resume)()

    @property
    def is_at_rest(self) -> bool:
        """Tell whether nothing is to come: all that is wanted is there, nothing is wanted, or somebody has paused."""
        return self.is_halted or self.only_seeds or self._is_complete

    @property
    def _is_complete(self) -> bool:
        """Tell whether files are selected and all of them are there, and whatever else is read."""
        is_there = not any(map(self._have.lacks, chain(self._wanted(), self._beside())))
        return bool(self._selection) and is_there and not self._is_read

    def _wanted(self) -> Iterator[range]:
        return self._selection.spans(self._files, self.pieces)

    def _beside(self) -> Iterator[range]:
        return self._selection.spans_beside(self._files, self.pieces)

    # --- what the engine tells -------------------------------------------------------------------------------------

    @property
    def handle(self) -> lt.torrent_handle | None:
        """Return libtorrent's handle, None before the session has taken the torrent."""
        return self._handle

    def on_added(self, handle: lt.torrent_handle, info: lt.torrent_info | None) -> None:
        """Take the handle; with a torrent file the metadata is there at once."""
        self._handle = handle
        if self._info is not None:
            self._return(handle)
        elif info is not None:
            self._take_info(info)

    async def leave(self) -> None:
        """Let go of libtorrent's handle until `on_added` brings another one; those who read wait meanwhile."""
        self._rechecking = True
        if self.lies is not None:
            await self.lies.close()
        if self._hangs is not None:
            await self._hangs.close()
        self._have.forget()
        self._handle = None
        if self._pieces is not None:
            self._pieces.move(None)

    def _return(self, handle: lt.torrent_handle) -> None:
        """Go on with another handle; what is there is asked for when libtorrent has looked at it."""
        self._is_paused = False
        self._knows_peers = False
        if self.lies is not None:
            self.lies.move(handle)

    async def on_metadata(self) -> None:
        """Fetch the metadata that a peer has just sent."""
        if self._handle is None or self._info is not None:
            return
        try:
            info = await self._host.run(self._handle.torrent_file)
        except RuntimeError:  # removed in the meantime
            return
        await self.look_at_peers()  # before the first jump
        if info is not None and self._info is None and self._failure is None:
            self._is_new = True
            self._take_info(info)

    async def look_at_peers(self) -> None:
        """Learn what the connected peers bear."""
        await self._host.look_at_peers(self)

    def _take_info(self, info: lt.torrent_info) -> None:
        if self.key not in info_hashes(info.info_hashes())[:1]:
            self._host.misnamed(self, info)
            return
        assert self._handle is not None  # for the type checker: metadata come after the handle
        self._have.begin(info.num_pieces())
        self._pieces = pieces = Pieces(self._handle, info, self._host.run, partial(self._host.piece_layers, self))
        self._copies = Copies(info, self.folder, self._host.run, pieces.learn_hash, pieces.matches, self._mend)
        self._steering = Steering(self._handle, info.num_pieces())
        self._hangs = Hangs(self._steering, self._host.run, self._loop.time, self.reschedule)
        comparison = Comparison(OnDisk(info, self.folder), self._host.run)
        self.lies = Lies(
            self._handle, info, self._host.run, self._steering, comparison, self._loop.time, self._renew_if_due
        )
        self._info = info
        self.supply.begin()
        self._files = files_of(info)
        self.name = printable(info.name()) or self.name
        self._prioritize()
        self.ask_for_pieces()

    def on_status(self, status: lt.torrent_status) -> None:
        """Take rates and, when they were asked for, the pieces that are there."""
        self.supply.learn(status)
        if status.list_peers and not self._knows_peers:
            self._knows_peers = True
            self._host.count_candidates()
        if self._info is None:
            return
        for piece, there in enumerate(status.pieces):
            if there:
                self.on_piece(piece)
        if status.pieces and not self._ready.done():
            self._ready.set_result(None)

    def on_second(self) -> None:
        """Look after those who wait: of a swarm that has gone libtorrent tells nothing."""
        if self._handle is None or self._failure is not None or self._rechecking:
            return
        if self.lies is not None and not self.is_at_rest:
            self.lies.look()
            self._renew_if_due()
        self.reschedule()  # a reader may be stuck by now, or a ghost
        for peer in self.lost.due() if self.supply.has_plenty is not None else ():
            self._handle.connect_peer(peer, self._host.libtorrent.peer_info.tracker)
        is_awaited = self._info is None or self._have.is_awaited
        if self.supply.should_announce(waiting=is_awaited and not self.is_halted):
            self._handle.force_reannounce(0, -1, self._host.libtorrent.reannounce_flags_t.ignore_min_interval)
            self._handle.force_dht_announce()
        if self.supply.should_count():
            self._host.count_candidates()

    def _renew_if_due(self) -> None:
        """Have the torrent added anew when that lets more come in, or something better."""
        if self.lies is None or self._failure is not None or self.is_at_rest:
            return
        if self.lies.should_renew(waiting=self._have.is_awaited):
            self._host.renew(self)

    def on_piece(self, piece: int) -> None:
        """Note that libtorrent has verified `piece`."""
        if self._rechecking or self._have.pieces[piece]:
            return
        if self.lies is not None and not self.lies.on_right(piece):
            return
        self._have.add(piece)
        if not self._shares:
            self._pause_or_resume()
        self._unplanned += self.piece_length
        if self._steering is not None and (self._steering.arrived(piece) or self._unplanned >= PLAN_STEP):
            self.reschedule()

    def on_failed_piece(self, piece: int) -> None:
        """Note that what came for `piece` is wrong."""
        if self.lies is not None and self._failure is None and not self._rechecking:
            self.lies.on_failed(piece)

    def on_block(self, piece: int, block: int, sender: Endpoint) -> None:
        """Note who sent a block."""
        if self.lies is not None and self._failure is None and not self._rechecking:
            self.lies.on_block(piece, block, sender)

    def on_checked(self) -> None:
        """Ask what libtorrent found on disk; after a recheck it has to be told everything again."""
        if self._rechecking:
            self._rechecking = False
            if self._pieces is not None and self._steering is not None and self._handle is not None:
                self._steering.move(self._handle)
                self._pieces.move(self._handle)
            self._pause_or_resume()
            self._prioritize()
            if self.only_seeds:
                self.only_seed()
            self.reschedule()
        self.ask_for_pieces()

    def on_read(self, piece: int, data: bytes | None) -> None:
        """Take libtorrent's answer to `read_piece`; None is an error."""
        if self._pieces is not None:
            self._pieces.answer(piece, data)

    async def on_dropped(self) -> None:
        """Ask again for all that alerts tell."""
        if self._failure is not None:
            return
        await self.on_metadata()
        self.ask_for_pieces()
        if self._pieces is not None:
            self._pieces.ask_again()

    def ask_for_pieces(self) -> None:
        """Have libtorrent tell which pieces are there; `on_status` takes the answer."""
        if self._handle is not None and self._failure is None:
            self._handle.post_status(self._host.libtorrent.status_flags_t.query_pieces)

    def fail(self, error: TorrentCastError) -> None:
        """End every wait with `error`, the first that is given; the torrent is of no further use."""
        if self._failure is not None:
            return
        self._failure = error
        self._have.fail(error)
        if not self._ready.done():
            self._ready.set_exception(error)
        if self._pieces is not None:
            self._pieces.fail(error)
        if self._copies is not None:
            self._copies.cancel()

    async def close(self, error: TorrentCastError) -> None:
        """Fail with `error` and wait until nothing of the torrent runs any more."""
        self.fail(error)
        if self._pieces is not None:
            await self._pieces.close()
        if self.lies is not None:
            await self.lies.close()
        if self._hangs is not None:
            await self._hangs.close()
        if self._copies is not None:
            await self._copies.close()

    # --- pieces ----------------------------------------------------------------------------------------------------

    async def _read(self, index: int) -> bytes | None:
        """Return the bytes of a piece, None when it is not there after all."""
        if self._pieces is None:
            raise self._failure or MetadataTimeout("no_metadata", seconds=0, peers=0)
        try:
            data = await self._pieces.read(index)
        except StorageError as err:
            self.fail(err)
            raise
        if data is None and self._failure is None and self._have.pieces[index]:
            _LOGGER.warning("Piece %d does not match its hash on disk; checking the files again", index)
            self._recheck()
        return data

    async def _mend(self, piece: int) -> None:
        """Return when `piece` is right, also where libtorrent reads it: what is wrong there is downloaded again."""
        while await self._read(piece) is None:
            await self.wait_for_piece(piece)

    def _recheck(self) -> None:
        """Forget what is there and let libtorrent hash the files: it has no call to drop a single piece."""
        if self._handle is None or self._steering is None:
            return
        self._have.forget()
        self._pause_or_resume()
        self._rechecking = True
        if self._copies is not None:
            self._copies.forget()
        self._steering.forget()
        self._handle.force_recheck()
        if self._is_paused:  # libtorrent hashes nothing then; so it is to pause by itself once it has
            self._handle.resume()
            self._handle.set_flags(self._host.libtorrent.torrent_flags.stop_when_ready)
