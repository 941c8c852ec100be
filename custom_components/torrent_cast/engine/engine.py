"""The libtorrent session: start, add, remove, stop."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final, Self

from . import certificates, storage
from .alerts import Alerts
from .errors import SourceError, StorageError, TorrentCastError, TorrentGone
from .files import printable
from .naming import Naming
from .peers import is_forgetful, sources
from .ports import Ports
from .pump import Pump
from .registry import Registry
from .renewal import Renewal
from .saving import ANSWER_TIMEOUT, Saving
from .selection import first_priorities
from .settings import EngineSettings, live_settings, session_settings
from .source import Source, from_magnet, from_torrent, info_hashes
from .torrent import Torrent
from .tuning import Tuning

if TYPE_CHECKING:
    import libtorrent as lt

_LOGGER = logging.getLogger(__name__)

# Hashing, disk and the few blocking calls of libtorrent; a third thread would only take a core from playback.
THREADS: Final = 2
# Rates and peer counts are shown to people, and those who wait are looked after, no faster than this, in s.
STATISTICS_INTERVAL: Final = 1.0
# libtorrent's destructor waits for trackers and uTP peers to hear the end, and the binding holds the interpreter all
# the while: everything stands still, measured 0.7 s per stop on loopback and 3 s where a peer was gone. So the session
# is paused first, is given a moment in which the loop goes on, and then waits for nobody. ms and counts
FAREWELL: Final[dict[str, object]] = {
    "utp_min_timeout": 50,
    "utp_connect_timeout": 100,
    "utp_num_resends": 0,
    "utp_fin_resends": 0,
}
# A tracker or peer that answers at all does so in this time; s.
GRACE: Final = 0.25


class Engine:
    """A libtorrent session on the running event loop."""

    def __init__(self, libtorrent: ModuleType, directory: Path, listen_port: int = 0) -> None:
        self._lt = libtorrent
        self._directory = directory
        self.ports = Ports(libtorrent, listen_port)
        self._loop = asyncio.get_running_loop()
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="torrent_cast")
        self._tuning = Tuning(libtorrent, self._apply, self._loop.time)
        self._registry = Registry(libtorrent, lambda: self._tuning.watch_senders(self.torrents))
        self._saving = Saving(libtorrent, self.run)
        self._tasks: set[asyncio.Task[None]] = set()
        self._changing = asyncio.Lock()  # adding and removing touch the same folders
        self._naming = Naming(self, self._changing)
        self._renewal = Renewal(self, self._changing)
        self._stopping: asyncio.Task[None] | None = None
        self._session: lt.session | None = None
        self._pump: Pump | None = None
        self._statistics: asyncio.TimerHandle | None = None
        self._handlers = self._alert_handlers()
        self.on_statistics: Callable[[], None] = _ignore
        """Called whenever there may be new statistics, every `STATISTICS_INTERVAL`."""

    @classmethod
    async def start(cls, libtorrent: ModuleType, directory: Path, settings: EngineSettings) -> Self:
        """Start a session that keeps its torrents below `directory`. Raises StorageError."""
        engine = cls(libtorrent, directory, settings.listen_port)
        try:
            await engine.run(storage.check_directory, directory)
            await engine._open(settings)
        except BaseException:
            if engine._pump is not None:
                engine._pump.close()
            engine._executor.shutdown(wait=False)
            raise
        return engine

    async def _open(self, settings: EngineSettings) -> None:
        self._session = session = await self.run(self._new_session, session_settings(self._lt, settings))
        self._tuning.allow_upload(settings.upload_limit)
        self._pump = Pump(session, self._handlers)
        self._ask_for_statistics()
        self._pump.start()

    def _new_session(self, pack: dict[str, object]) -> lt.session:
        with certificates.authorities():
            session: lt.session = self._lt.session(pack)
        return session

    async def run[**P, T](self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work in the engine's own threads. Raises TorrentGone when they have ended."""
        if self._stopping is not None and self._stopping.done():
            raise TorrentGone("engine_stopped")
        return await self._loop.run_in_executor(self._executor, partial(function, *args, **kwargs))

    @property
    def libtorrent(self) -> ModuleType:
        """Return the binding."""
        return self._lt

    @property
    def torrents(self) -> tuple[Torrent, ...]:
        """Return the torrents, oldest first."""
        return self._registry.torrents

    @property
    def directory(self) -> Path:
        """Return where torrents are kept."""
        return self._directory

    def apply(self, settings: EngineSettings) -> None:
        """Take new rates and discovery switches at once; a new port needs a new session."""
        self._apply(live_settings(self._lt, settings))
        self._tuning.allow_upload(settings.upload_limit)

    def _apply(self, settings: dict[str, object]) -> None:
        if self._session is not None:
            self._session.apply_settings(settings)

    async def parse(self, source: str | bytes) -> Source:
        """Return the validated source for a magnet link or the bytes of a torrent file. Raises SourceError."""
        if isinstance(source, str):
            return from_magnet(self._lt, source)
        return await self.run(from_torrent, self._lt, source)

    async def source_of(self, key: str) -> Source:
        """Return the source of a torrent that is in the session or on disk. Raises SourceError."""
        if (torrent := self._registry.get(key)) is not None and not torrent.failed:
            return Source(key, torrent.name, self._lt.add_torrent_params())
        params = await self.run(storage.resume_params, self._lt, self._directory / key)
        if params is None or params.ti is None:
            raise SourceError("unknown_torrent")
        return Source(key, printable(params.ti.name()), params)

    # --- torrents --------------------------------------------------------------------------------------------------

    async def add(self, source: Source) -> Torrent:
        """Return the torrent `source` names, adding it if it is not there.

        Raises SourceError, StorageError, TorrentGone, and Renamed when the torrent goes by another info-hash.
        """
        async with self._changing:
            known = await self._naming.known(source)
            if known is not None and not known.failed:
                self._introduce(known, source)
                return known
            if known is not None:
                await self.drop(known, delete_files=False)
            added = self._registry.adding(source.key) or await self._ask_to_add(source)
            await asyncio.wait([added], timeout=ANSWER_TIMEOUT)
            if not added.done():
                raise StorageError("disk_error", error="libtorrent does not answer")
            return added.result()

    @staticmethod
    def _introduce(torrent: Torrent, source: Source) -> None:
        """Tell a torrent that is there already whom else `source` names."""
        if (handle := torrent.handle) is None:
            return
        for peer in source.params.peers:
            handle.connect_peer(peer)
        for url in source.params.trackers:
            handle.add_tracker({"url": url})
        for url in source.params.url_seeds:
            handle.add_url_seed(url)

    async def _ask_to_add(self, source: Source) -> asyncio.Future[Torrent]:
        """Have libtorrent add a torrent; the registry takes the answer, should nobody wait for it any more."""
        folder = await self.run(storage.prepare, self._directory, source.key)
        params = await self.run(self._with_resume_data, source, folder)
        params.banned_peers = []  # in the last session, maybe for what others sent
        if params.ti is not None:  # peers may be asked for something before anybody has chosen
            params.piece_priorities = list(first_priorities(params.ti))
        return self.enter(Torrent(self, source, folder), params)

    async def resumed(self, torrent: Torrent) -> lt.add_torrent_params:
        """Return what adds a torrent as it was saved last."""
        return await self.run(self._with_resume_data, torrent.source, torrent.folder)

    def enter(self, torrent: Torrent, params: lt.add_torrent_params) -> asyncio.Future[Torrent]:
        """Have libtorrent add a torrent, new to it or not; return what tells when it has. Raises TorrentGone."""
        params.save_path = str(storage.files_folder(torrent.folder))
        flags = self._lt.torrent_flags
        # What a film's pace or a full disk left behind in the resume data does not hold for this start.
        params.flags &= ~(flags.auto_managed | flags.paused | flags.upload_mode | flags.stop_when_ready)
        params.download_limit = -1
        params.file_priorities = []  # of a magnet's `so=`: which files are wanted is told by pieces
        params.flags |= flags.update_subscribe | flags.duplicate_is_error
        session = self._open_session()
        added = self._registry.expect(torrent)
        session.async_add_torrent(params)
        return added

    def _with_resume_data(self, source: Source, folder: Path) -> lt.add_torrent_params:
        """Return the parameters of `source` with what an earlier session left on disk."""
        params = storage.resume_params(self._lt, folder)
        if params is None or source.key not in info_hashes(params.info_hashes)[:1]:
            return source.params
        params.piece_priorities = []  # the last session's: they could be all zero, which drives seeds away
        params.trackers = list(dict.fromkeys([*params.trackers, *source.params.trackers]))
        params.url_seeds = list(dict.fromkeys([*source.params.url_seeds, *params.url_seeds]))
        params.peers = list(dict.fromkeys([*source.params.peers, *params.peers]))
        return params

    async def remove(self, torrent: Torrent, *, delete_files: bool) -> None:
        """Take a torrent out of the session, with or without what it downloaded. Raises StorageError."""
        async with self._changing:
            if self._registry.get(torrent.key) is torrent:
                await self.drop(torrent, delete_files=delete_files)

    async def drop(self, torrent: Torrent, *, delete_files: bool, because: TorrentCastError | None = None) -> None:
        """Take a torrent out of the session, `remove`'s way; no other may be added or removed meanwhile."""
        # What a failed torrent believes to have is not worth keeping.
        if not delete_files and not torrent.failed:
            await self.save(torrent)
        self._registry.forget(torrent)
        await torrent.close(because or TorrentGone("torrent_gone"))
        if (handle := torrent.handle) is not None:
            await self.let_go(torrent.key, handle, self._lt.options_t.delete_files if delete_files else 0)
        if delete_files:
            await self.run(storage.delete, torrent.folder, torrent.paths)

    async def let_go(self, key: str, handle: lt.torrent_handle, option: int = 0) -> None:
        """Remove a torrent from the session and wait until libtorrent has let go of its files."""
        removed = self._registry.release(key, handle, files=bool(option))
        if self._session is None:
            removed.cancel()
            return
        self._session.remove_torrent(handle, option)
        await asyncio.wait([removed], timeout=ANSWER_TIMEOUT)
        if not removed.done():
            _LOGGER.warning("libtorrent did not let go of a torrent's files within %s s", ANSWER_TIMEOUT)
            removed.cancel()

    async def save(self, torrent: Torrent) -> None:
        """Write the resume data of a torrent, so that the next start need not hash its files.

        One that cannot be written is logged: it costs time at the next start, nothing else.
        """
        await self._saving.save(torrent)

    async def save_progress(self) -> None:
        """Save those torrents of which more has come for a while: what is not saved, a crash loses."""
        async with self._changing:
            due = [torrent for torrent in self.torrents if not torrent.failed and self._saving.is_due(torrent)]
            await asyncio.gather(*(self.save(torrent) for torrent in due))

    async def piece_layers(self, torrent: Torrent) -> Mapping[bytes, bytes]:
        """Return a v2 torrent's piece layers as far as peers have sent them."""
        return await self._saving.piece_layers(torrent)

    def misnamed(self, torrent: Torrent, info: lt.torrent_info) -> None:
        """Let a torrent that was added by its v2 info-hash go by the v1 one that its metadata show."""
        self._spawn(self._naming.rename(torrent, info), "rename")

    def renew(self, torrent: Torrent) -> None:
        """Add a torrent anew, as what a liar sent has left it with too few peers, or with a piece that is wrong."""
        _LOGGER.info("Adding a torrent anew after a peer has sent wrong data")
        self._spawn(self._renewal.renew(torrent), "renew")

    async def peer_sources(self, torrent: Torrent) -> Counter[str]:
        """Return how many of the connected peers came from where (tracker, dht, pex, lsd, resume_data, incoming)."""
        return Counter(name for peer in await self.peers(torrent) for name in sources(peer))

    async def peers(self, torrent: Torrent) -> list[lt.peer_info]:
        """Return the connected peers. In a thread: the binding cannot convert what peer_info_alert holds (2.0.11)."""
        if (handle := torrent.handle) is None or self._session is None:
            return []
        try:
            return await self.run(handle.get_peer_info)
        except RuntimeError:  # removed in the meantime
            return []

    async def look_at_peers(self, torrent: Torrent) -> None:
        """Learn which peers of a torrent are connected, and what they bear."""
        peers = await self.peers(torrent)
        torrent.lost.see(peers)
        torrent.supply.know([(is_forgetful(peer), peer.payload_down_speed) for peer in peers])

    def count_candidates(self) -> None:
        """Have libtorrent count anew whom it could connect to."""
        self._tuning.count_candidates()

    # --- stop ------------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """End the session: readers get TorrentGone, resume data is written, the session's threads end."""
        if self._stopping is None:
            self._stopping = self._loop.create_task(self._stop(), name="torrent_cast stop")
        await asyncio.shield(self._stopping)

    async def _stop(self) -> None:
        gone = TorrentGone("engine_stopped")
        self._registry.close(gone)
        async with self._changing:
            await asyncio.gather(*(self.save(torrent) for torrent in self.torrents))
            await asyncio.gather(*(torrent.close(gone) for torrent in self.torrents))
            self._registry.clear()
            if self._statistics is not None:
                self._statistics.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._saving.close()
            await self._close()
        await asyncio.to_thread(self._executor.shutdown)

    async def _close(self) -> None:
        """Drop the session in a thread: its destructor waits for trackers, disk and uTP peers."""
        if self._session is not None:
            self._session.apply_settings(FAREWELL)
            self._session.pause()
            await asyncio.sleep(GRACE)
            if self._pump is not None:
                self._pump.stop()
            self._session.apply_settings({"stop_tracker_timeout": 0})
        last, self._session = [self._session], None
        try:
            await self.run(last.clear)
        finally:
            if self._pump is not None:
                self._pump.close()

    def _open_session(self) -> lt.session:
        if self._session is None or self._stopping is not None:
            raise TorrentGone("engine_stopped")
        return self._session

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        task = self._loop.create_task(work, name=f"torrent_cast {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- alerts ----------------------------------------------------------------------------------------------------

    def _ask_for_statistics(self) -> None:
        if self._session is not None:
            self._session.post_torrent_updates(0)
            self._statistics = self._loop.call_later(STATISTICS_INTERVAL, self._ask_for_statistics)
            for torrent in self.torrents:
                torrent.on_second()
                if torrent.supply.is_young or torrent.supply.has_plenty is not None:
                    self._spawn(self.look_at_peers(torrent), "peers")
            self._tuning.watch_senders(self.torrents)
            self._loop.call_soon(self._tune)  # once they have planned
            self.on_statistics()

    def _tune(self) -> None:
        self._tuning.shorten_queues(self.torrents)
        self._tuning.spare_uplink(self.torrents)

    def _alert_handlers(self) -> dict[type, Callable[..., None]]:
        lt = self._lt
        return {
            lt.save_resume_data_alert: self._saving.on_resume_data,
            lt.save_resume_data_failed_alert: self._saving.on_no_resume_data,
            lt.torrent_conflict_alert: self._on_conflict,
            lt.dht_bootstrap_alert: self._on_dht,
            lt.alerts_dropped_alert: self._on_dropped,
            **self._registry.handlers(),
            **Alerts(lt, self._registry, self._tuning, self._spawn).handlers(),
            **self.ports.handlers(),
        }

    def _on_conflict(self, alert: lt.torrent_conflict_alert) -> None:
        torrents = (self._registry.of(alert.handle), self._registry.of(alert.conflicting_torrent))
        conflicting = [torrent for torrent in torrents if torrent is not None]
        self._spawn(self._naming.unite(conflicting, alert.metadata), "unite")

    def _on_dht(self, _alert: lt.dht_bootstrap_alert) -> None:
        """Have the DHT asked now: libtorrent asks for a torrent when it is added, and then every 15 minutes."""
        for handle in self._registry.handles:
            handle.force_dht_announce()

    def _on_dropped(self, _alert: lt.alerts_dropped_alert) -> None:
        """Ask again for what the lost alerts may have told."""
        _LOGGER.warning("libtorrent dropped alerts; asking again for what they told")
        self._spawn(self._ask_again(), "recovery")

    async def _ask_again(self) -> None:
        if self._session is None:
            return
        for handle in await self.run(self._session.get_torrents):
            self._registry.adopt(handle)
        for torrent in self.torrents:
            await torrent.on_dropped()


def _ignore() -> None:
    """Do nothing: nobody listens."""
