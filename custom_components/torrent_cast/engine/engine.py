"""The libtorrent session: start, add, remove, stop, and the pump that brings its alerts into the event loop."""

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final, Self

from . import storage
from .errors import SourceError, StorageError, TorrentGone
from .files import printable
from .settings import EngineSettings, live_settings, session_settings
from .source import Source, from_magnet, from_torrent
from .torrent import Torrent

if TYPE_CHECKING:
    import libtorrent as lt

_LOGGER = logging.getLogger(__name__)

# Hashing, disk and the few blocking calls of libtorrent; a third thread would only take a core from playback.
THREADS: Final = 2
# Rates and peer counts are shown to people and steer nothing faster than this, in s.
STATISTICS_INTERVAL: Final = 1.0
# libtorrent answers within milliseconds unless its disk hangs; s.
ANSWER_TIMEOUT: Final = 5.0


class Engine:
    """A libtorrent session on the running event loop."""

    def __init__(self, libtorrent: ModuleType, directory: Path) -> None:
        self._lt = libtorrent
        self._directory = directory
        self._loop = asyncio.get_running_loop()
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="torrent_cast")
        self._torrents: dict[str, Torrent] = {}
        self._handles: dict[lt.torrent_handle, Torrent] = {}
        self._removed: dict[tuple[str, bool], asyncio.Future[None]] = {}  # by info-hash and whether its files go too
        self._resumed: dict[lt.torrent_handle, asyncio.Future[bytes | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._adding = asyncio.Lock()
        self._session: lt.session | None = None
        self._wake: tuple[socket.socket, socket.socket] | None = None
        self._statistics: asyncio.TimerHandle | None = None
        self._handlers = self._alert_handlers()

    @classmethod
    async def start(cls, libtorrent: ModuleType, directory: Path, settings: EngineSettings) -> Self:
        """Start a session that keeps its torrents below `directory`. Raises StorageError."""
        engine = cls(libtorrent, directory)
        try:
            await engine.run(storage.check_directory, directory)
            await engine._open(settings)
        except BaseException:
            engine._executor.shutdown(wait=False)
            raise
        return engine

    async def _open(self, settings: EngineSettings) -> None:
        readable, writable = self._wake = socket.socketpair()
        readable.settimeout(0)
        writable.settimeout(0)
        pack = session_settings(self._lt, settings)
        self._session = session = await self.run(self._lt.session, pack)
        session.set_alert_fd(writable.fileno())
        self._loop.add_reader(readable, self._pump)
        self._ask_for_statistics()
        self._pump()

    async def run[**P, T](self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work in the engine's own threads."""
        return await self._loop.run_in_executor(self._executor, partial(function, *args, **kwargs))

    @property
    def torrents(self) -> tuple[Torrent, ...]:
        """Return the torrents, oldest first."""
        return tuple(self._torrents.values())

    @property
    def directory(self) -> Path:
        """Return where torrents are kept."""
        return self._directory

    def apply(self, settings: EngineSettings) -> None:
        """Take new rates and discovery switches at once; a new port needs a new session."""
        if self._session is not None:
            self._session.apply_settings(live_settings(settings))

    async def parse(self, source: str | bytes) -> Source:
        """Return the validated source for a magnet link or the bytes of a torrent file. Raises SourceError."""
        if isinstance(source, str):
            return from_magnet(self._lt, source)
        return await self.run(from_torrent, self._lt, source)

    async def source_of(self, key: str) -> Source:
        """Return the source of a torrent that is in the session or on disk. Raises SourceError."""
        if (torrent := self._torrents.get(key)) is not None:
            return Source(key, torrent.name, self._lt.add_torrent_params())
        params = await self.run(storage.resume_params, self._lt, self._directory / key)
        if params is None or params.ti is None:
            raise SourceError("unknown_torrent")
        return Source(key, printable(params.ti.name()), params)

    # --- torrents --------------------------------------------------------------------------------------------------

    async def add(self, source: Source) -> Torrent:
        """Return the torrent `source` names, adding it if it is not there. Raises SourceError, StorageError."""
        async with self._adding:
            known = self._torrents.get(source.key)
            if known is not None and not known.failed:
                return known
            if known is not None:
                await self.remove(known, delete_files=False)
            return await self._add(source)

    async def _add(self, source: Source) -> Torrent:
        session = self._open_session()
        folder = await self.run(storage.prepare, self._directory, source.key)
        params = await self.run(self._with_resume_data, source, folder)
        params.save_path = str(storage.files_folder(folder))
        flags = self._lt.torrent_flags
        params.flags &= ~(flags.auto_managed | flags.paused)
        params.flags |= flags.update_subscribe | flags.duplicate_is_error
        torrent = Torrent(self._lt, source.key, source.name, folder, self.run)
        self._torrents[source.key] = torrent
        session.async_add_torrent(params)
        return torrent

    def _with_resume_data(self, source: Source, folder: Path) -> lt.add_torrent_params:
        """Return the parameters of `source` with what an earlier session left on disk."""
        params = storage.resume_params(self._lt, folder)
        if params is None or str(params.info_hashes.v1) != source.key:
            return source.params
        params.trackers = list(dict.fromkeys([*params.trackers, *source.params.trackers]))
        params.peers = source.params.peers
        return params

    async def remove(self, torrent: Torrent, *, delete_files: bool) -> None:
        """Take a torrent out of the session, with or without what it downloaded."""
        if self._torrents.get(torrent.key) is not torrent:
            return
        if not delete_files:
            await self.save(torrent)
        self._torrents.pop(torrent.key, None)
        torrent.fail(TorrentGone("torrent_gone"))
        if (handle := torrent.handle) is not None and self._session is not None:
            self._handles.pop(handle, None)
            await self._remove_handle(torrent.key, handle, self._lt.options_t.delete_files if delete_files else 0)
        if delete_files:
            await self.run(storage.delete, torrent.folder, torrent.paths)

    async def _remove_handle(self, key: str, handle: lt.torrent_handle, option: int) -> None:
        """Remove and wait until libtorrent has let go of the files."""
        session = self._open_session()
        removed = self._removed[key, bool(option)] = self._loop.create_future()
        session.remove_torrent(handle, option)
        try:
            await asyncio.wait_for(removed, ANSWER_TIMEOUT)
        except TimeoutError:
            _LOGGER.warning("libtorrent did not let go of a torrent's files within %s s", ANSWER_TIMEOUT)
        finally:
            del self._removed[key, bool(option)]

    async def save(self, torrent: Torrent) -> None:
        """Write the resume data of a torrent, so that the next start need not hash its files."""
        if (handle := torrent.handle) is None or not torrent.has_metadata or self._session is None:
            return
        flags = self._lt.save_resume_flags_t
        answer = self._resumed[handle] = self._loop.create_future()
        handle.save_resume_data(flags.flush_disk_cache | flags.save_info_dict)
        try:
            data = await asyncio.wait_for(answer, ANSWER_TIMEOUT)
        except TimeoutError:
            _LOGGER.warning("libtorrent gave no resume data within %s s", ANSWER_TIMEOUT)
            return
        finally:
            self._resumed.pop(handle, None)
        if data is not None:
            await self.run(storage.save_resume_data, torrent.folder, data)

    async def peer_sources(self, torrent: Torrent) -> Counter[str]:
        """Return how many of the connected peers came from where (tracker, dht, pex, lsd, resume_data, incoming)."""
        if (handle := torrent.handle) is None or self._session is None:
            return Counter()
        # In a thread: the binding has no converter for what peer_info_alert holds (2.0.11).
        peers = await self.run(handle.get_peer_info)
        return Counter(name for peer in peers for name in _sources(peer))

    # --- stop ------------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """End the session: readers get TorrentGone, resume data is written, the session's threads end."""
        if self._session is None:
            return
        await asyncio.gather(*(self.save(torrent) for torrent in self.torrents), return_exceptions=True)
        for torrent in self.torrents:
            torrent.fail(TorrentGone("torrent_gone"))
        self._torrents.clear()
        if self._statistics is not None:
            self._statistics.cancel()
        await self._close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._executor.shutdown(wait=False)

    async def _close(self) -> None:
        """Drop the session in a thread: its destructor waits for trackers and disk."""
        assert self._session is not None  # noqa: S101  # for the type checker: `stop` looked
        assert self._wake is not None  # noqa: S101  # made together with the session
        readable, writable = self._wake
        self._loop.remove_reader(readable)
        self._session.set_alert_fd(-1)
        last = [self._session]
        self._session = None
        self._handles.clear()
        self._resumed.clear()
        await self.run(last.clear)
        readable.close()
        writable.close()

    def _open_session(self) -> lt.session:
        if self._session is None:
            raise TorrentGone("engine_stopped")
        return self._session

    # --- alerts ----------------------------------------------------------------------------------------------------

    def _ask_for_statistics(self) -> None:
        if self._session is not None:
            self._session.post_torrent_updates(0)
            self._statistics = self._loop.call_later(STATISTICS_INTERVAL, self._ask_for_statistics)

    def _pump(self) -> None:
        """Dispatch what libtorrent has to tell. The alerts are valid until the next call, so each is used up here."""
        if self._session is None or self._wake is None:
            return
        with contextlib.suppress(BlockingIOError):
            while self._wake[0].recv(4096):
                pass
        for alert in self._session.pop_alerts():
            if (handler := self._handlers.get(type(alert))) is None:
                continue
            try:
                handler(alert)
            except Exception:  # one bad alert must not swallow those behind it
                _LOGGER.exception("Cannot handle %s", type(alert).__name__)

    def _alert_handlers(self) -> dict[type, Callable[..., None]]:
        lt = self._lt
        return {
            lt.add_torrent_alert: self._on_added,
            lt.metadata_received_alert: self._on_metadata,
            lt.torrent_checked_alert: self._on_checked,
            lt.state_update_alert: self._on_state_update,
            lt.piece_finished_alert: self._on_piece,
            lt.read_piece_alert: self._on_read,
            lt.save_resume_data_alert: self._on_resume_data,
            lt.save_resume_data_failed_alert: self._on_no_resume_data,
            lt.torrent_removed_alert: self._on_removed,
            lt.torrent_deleted_alert: self._on_deleted,
            lt.torrent_delete_failed_alert: self._on_deleted,
            lt.file_error_alert: self._on_file_error,
            lt.torrent_error_alert: self._on_torrent_error,
            lt.listen_failed_alert: self._on_listen_failed,
            lt.alerts_dropped_alert: self._on_dropped,
        }

    def _on_added(self, alert: lt.add_torrent_alert) -> None:
        torrent = self._torrents.get(str(alert.params.info_hashes.v1))
        if torrent is None or torrent.handle is not None:
            return
        if alert.error.value():
            self._torrents.pop(torrent.key, None)
            torrent.fail(SourceError("rejected", error=alert.error.message()))
            return
        self._handles[alert.handle] = torrent
        torrent.on_added(alert.handle, alert.params.ti)

    def _on_metadata(self, alert: lt.metadata_received_alert) -> None:
        if (torrent := self._handles.get(alert.handle)) is not None:
            task = self._loop.create_task(torrent.on_metadata(), name="torrent_cast metadata")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _on_checked(self, alert: lt.torrent_checked_alert) -> None:
        if (torrent := self._handles.get(alert.handle)) is not None:
            torrent.ask_for_pieces()

    def _on_state_update(self, alert: lt.state_update_alert) -> None:
        for status in alert.status:
            if (torrent := self._handles.get(status.handle)) is not None:
                torrent.on_status(status)

    def _on_piece(self, alert: lt.piece_finished_alert) -> None:
        if (torrent := self._handles.get(alert.handle)) is not None and torrent.has_metadata:
            torrent.on_piece(alert.piece_index)

    def _on_read(self, alert: lt.read_piece_alert) -> None:
        if (torrent := self._handles.get(alert.handle)) is not None:
            torrent.on_read(alert.piece, None if alert.error.value() else alert.buffer)

    def _on_resume_data(self, alert: lt.save_resume_data_alert) -> None:
        self._answer(self._resumed.get(alert.handle), self._lt.write_resume_data_buf(alert.params))

    def _on_no_resume_data(self, alert: lt.save_resume_data_failed_alert) -> None:
        self._answer(self._resumed.get(alert.handle), None)

    def _on_removed(self, alert: lt.torrent_removed_alert) -> None:
        self._answer(self._removed.get((str(alert.info_hashes.v1), False)), None)

    def _on_deleted(self, alert: lt.torrent_deleted_alert | lt.torrent_delete_failed_alert) -> None:
        self._answer(self._removed.get((str(alert.info_hashes.v1), True)), None)

    def _on_file_error(self, alert: lt.file_error_alert) -> None:
        self._fail(alert, StorageError("disk_error", error=alert.error.message()))

    def _on_torrent_error(self, alert: lt.torrent_error_alert) -> None:
        self._fail(alert, StorageError("torrent_error", error=alert.error.message()))

    def _fail(self, alert: lt.torrent_alert, error: StorageError) -> None:
        if (torrent := self._handles.get(alert.handle)) is not None:
            _LOGGER.error("A torrent stopped: %s", error.details["error"])
            torrent.fail(error)

    def _on_listen_failed(self, alert: lt.listen_failed_alert) -> None:
        _LOGGER.warning("libtorrent cannot listen: %s", alert.error.message())

    def _on_dropped(self, _alert: lt.alerts_dropped_alert) -> None:
        """Ask again for what the lost alerts may have told."""
        _LOGGER.warning("libtorrent dropped alerts; asking for the pieces again")
        for torrent in self.torrents:
            torrent.ask_for_pieces()

    @staticmethod
    def _answer[T](future: asyncio.Future[T] | None, value: T) -> None:
        if future is not None and not future.done():
            future.set_result(value)


def _sources(peer: lt.peer_info) -> Iterable[str]:
    names = {
        "tracker": peer.tracker,
        "dht": peer.dht,
        "pex": peer.pex,
        "lsd": peer.lsd,
        "resume_data": peer.resume_data,
    }
    found = [name for name, bit in names.items() if peer.source & bit]
    return found or ["incoming"]
