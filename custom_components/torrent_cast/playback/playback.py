"""Where the sessions live: one engine, one worker, one library for all of them."""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from homeassistant.util import dt as dt_util

from ..engine import (
    Engine,
    EngineSettings,
    Renamed,
    Source,
    SourceError,
    StorageError,
    Torrent,
    TorrentFile,
    TorrentGone,
    choose,
    storage,
)
from ..engine.contents import Shelf
from ..engine.source import from_magnet
from ..media import Extra, Unplayable, Worker
from . import catalogue
from .catalogue import Entry
from .course import Happening
from .library import Library
from .listeners import Listeners, Pulse
from .pictures import Pictures
from .queue import Queue, Queued
from .session import Session
from .state import State
from .status import Status, status
from .wishes import Habits, Wishes

_LOGGER = logging.getLogger(__name__)

# A browser or another player has no media session we could watch; after this long without a request it is gone. s
IDLE_SESSION: Final = 30 * 60
# Somebody who opened a stream's address asks for it at once; an address that nobody wanted is gone after this. s
UNCLAIMED_SESSION: Final = 5 * 60
# A receiver that was cut off comes back within seconds or has been switched off; s.
LOST_RECEIVER: Final = 5 * 60
# A libtorrent session that nobody has needed for so long is ended: it would go on talking to the DHT. s
ENGINE_REST: Final = 10 * 60
# People see rates and states change; twice as often would only fill the recorder. s
PUSH_INTERVAL: Final = 2.0
# How often kept films and idle sessions are looked at; s.
HOUSEKEEPING_INTERVAL: Final = 60
# Below the cache directory.
PICTURES: Final = "thumbnails"


class Seeding(StrEnum):
    """How long a film is given to others."""

    NONE = "none"
    """Until it is complete."""
    WATCHING = "watching"
    """As long as somebody watches it."""
    RATIO = "ratio"
    """While it is kept, until as much was given as the share ratio says."""


@dataclass(frozen=True, slots=True)
class PlaybackSettings:
    """What the user decided; `metadata_timeout` in s, `seed_ratio` in bytes given per byte taken."""

    directory: Path
    engine: EngineSettings
    keep: timedelta
    metadata_timeout: float
    base_url: str | None = None
    whole_film: bool = False
    next_episode: bool = True
    seeding: Seeding = Seeding.WATCHING
    seed_ratio: float = 1.0
    habits: Habits = field(default_factory=Habits)
    extras: Mapping[Extra, frozenset[str]] = field(default_factory=dict)  # the entities of devices that take more

    def extras_of(self, entity_id: str | None) -> frozenset[Extra]:
        """Return what the owner says a device takes beyond what its model tells."""
        return frozenset(extra for extra, devices in self.extras.items() if entity_id in devices)


class Playback:
    """All play sessions of the config entry."""

    def __init__(self, libtorrent: ModuleType, library: Library, settings: PlaybackSettings, cache: Path) -> None:
        self._lt = libtorrent
        self.library = library
        self.settings = settings
        self.worker = Worker()
        self.pictures = Pictures(cache / PICTURES, self.worker)
        self._shelf = Shelf(libtorrent, settings.directory)
        self.cutter = Worker()
        self.stopping = False
        self.changes = Pulse(PUSH_INTERVAL)
        self.happenings: Listeners[[Session, Happening]] = Listeners()
        self.disk: storage.Usage | None = None
        """What was found at the last look, None when there was nothing to look at."""
        self._engine: Engine | None = None
        self._needed = 0.0  # when the engine was last asked for or let go of; monotonic s
        self._starting = asyncio.Lock()
        self._lock = asyncio.Lock()  # adding and letting go of a torrent must not overlap
        self._by_id: dict[str, Session] = {}
        self._by_token: dict[str, Session] = {}
        self._queues: dict[str, Queue] = {}
        self._users: Counter[str] = Counter()
        self._background: set[asyncio.Task[Any]] = set()

    # --- sessions --------------------------------------------------------------------------------------------------

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Return the sessions that have not ended, oldest first."""
        return tuple(self._by_id.values())

    @property
    def torrents(self) -> tuple[Torrent, ...]:
        """Return the torrents in the engine."""
        return self._engine.torrents if self._engine else ()

    @property
    def status(self) -> Status:
        """Return what all sessions and torrents come to."""
        return status(self.sessions, self.torrents)

    @property
    def is_engine_running(self) -> bool:
        """Tell whether there is a libtorrent session: from the first need until some time after the last."""
        return self._engine is not None

    @property
    def libtorrent_version(self) -> str:
        """Return the version of the libtorrent in use."""
        version: str = self._lt.__version__
        return version

    async def peer_sources(self, torrent: Torrent) -> dict[str, int]:
        """Return how many connected peers came from the tracker, the DHT and so on."""
        return dict(await self._engine.peer_sources(torrent)) if self._engine else {}

    def by_id(self, session_id: str) -> Session | None:
        """Return the session with this id, if it has not ended."""
        return self._by_id.get(session_id)

    def by_token(self, token: str) -> Session | None:
        """Return the session whose stream `token` opens, if it has not ended."""
        return self._by_token.get(token)

    def for_target(self, entity_id: str) -> list[Session]:
        """Return the sessions on a device."""
        return [session for session in self.sessions if session.target == entity_id]

    def queue(self, entity_id: str) -> Queue:
        """Return what a device is to play next."""
        return self._queues.setdefault(entity_id, Queue(self.changes.beat))

    def is_busy(self, entity_id: str) -> bool:
        """Tell whether something of ours is on a device, or on its way there."""
        return self.queue(entity_id).is_overtaken or bool(self.for_target(entity_id))

    def claim(self, session: Session, entity_id: str) -> None:
        """Give a device to `session`: what has not got onto its screen by now will not take it later."""
        session.target = entity_id
        for other in self.for_target(entity_id):
            if other is not session and not other.was_loaded:
                other.end()

    def held_by(self, holder: str | None, key: str, wanted: int | None, *, resumes: bool = False) -> Session | None:
        """Return the session in which `holder`, a player or a user, has that file already; a Cast device's is its own.

        One that nobody holds is anybody's until its address was used.
        """
        for session in self.sessions:
            same = (session.source.key, session.wanted, session.holder) == (key, wanted, holder)
            if (
                same
                and session.resumes == resumes
                and session.target is None
                and (holder is not None or not session.was_used)
            ):
                return session
        return None

    async def parse(self, source: str | bytes) -> Source:
        """Return the validated source. Raises SourceError."""
        return await (await self._running_engine()).parse(source)

    async def kept_source(self, key: str) -> Source:
        """Return the source of a torrent that is in use or on disk. Raises SourceError."""
        return await (await self._running_engine()).source_of(key)

    async def entries(self) -> list[Entry]:
        """Return the torrents in use and on disk, the newest first, without starting the engine."""
        return await catalogue.entries(self.library.kept, self.torrents, self._shelf, self._users, self.pictures)

    async def entry(self, key: str) -> Entry:
        """Return a torrent in use or on disk. Raises SourceError."""
        for entry in await self.entries():
            if entry.key == key:
                return entry
        raise SourceError("unknown_torrent")

    async def picture(self, key: str, index: int) -> bytes | None:
        """Return a picture of a file as a JPEG, None where there is none and none can be taken now."""
        for torrent in self.torrents:
            if torrent.key == key and torrent.has_metadata:
                for file in torrent.files:
                    if file.index == index:
                        await self.pictures.take(torrent, file)
        return await self.pictures.get(key, index)

    def name_of(self, magnet: str) -> str:
        """Return what a magnet link or info-hash calls its torrent, else the info-hash. Raises SourceError."""
        source = from_magnet(self._lt, magnet)
        return source.name or source.key

    def start_session(
        self,
        source: Source,
        *,
        wanted: int | str | None = None,
        title: str | None = None,
        start_position: float | None = 0.0,
        target: str | None = None,
        holder: str | None = None,
        downloads: bool = False,
        wishes: Wishes | None = None,
    ) -> Session:
        """Make a session; it does nothing until it is resolved or prepared.

        `start_position` in s, None: where the file was left.
        `target` is the Cast entity it plays on, `holder` the other player or the user that its address was given to.
        """
        if self.stopping:
            raise TorrentGone("engine_stopped")
        session = Session(
            self,
            source,
            wanted=wanted,
            title=title,
            start_position=start_position,
            target=target,
            downloads=downloads,
            wishes=wishes,
        )
        session.holder = holder
        self._by_id[session.id] = session
        self._by_token[session.token] = session
        self._users[source.key] += 1
        self.changes.beat()
        return session

    def start_queued(self, item: Queued, *, target: str | None = None) -> Session:
        """Make a session of what was queued, on no device yet without `target`."""
        return self.start_session(
            item.source,
            wanted=item.wanted,
            title=item.title,
            start_position=item.start_position,
            target=target,
            wishes=item.wishes,
        )

    def start_next(self, entity_id: str, after: Session | None = None) -> Session | None:
        """Give a device the next film of its queue, else what was made ready to follow `after`; None where none is."""
        queue = self.queue(entity_id)
        item = queue.pop()
        session = queue.take_ready(item or after) or (self.start_queued(item) if item is not None else None)
        if session is not None:
            self.claim(session, entity_id)
        return session

    # --- torrents that nobody has to watch ---------------------------------------------------------------------------

    async def download(self, source: Source, wanted: int | str | None = None) -> Session:
        """Have a file on disk without playing it; return once it is known which. Raises TorrentCastError.

        Twice the same is one: the session that is there is returned.
        """
        session = self.start_session(source, wanted=wanted, downloads=True)
        try:
            await session.download()
        except asyncio.CancelledError:
            session.end()
            raise
        for other in self.sessions:
            same = (other.torrent, other.file) == (session.torrent, session.file)
            if other.downloads and same and other is not session:
                session.end()
                return other
        return session

    async def keep(self, source: Source) -> None:
        """Have a torrent in the library: its description, and nothing of its content yet. Raises TorrentCastError."""
        session = self.start_session(source)
        try:
            engine = await self._running_engine()
            torrent = await self._described(engine, session)
            await self.library.used(torrent.key, torrent.name)
            await engine.save(torrent)
        finally:
            session.end()

    def halt(self, key: str | None = None, *, halts: bool) -> None:
        """Have one torrent, or all that are in the engine, stand still or go on."""
        for torrent in self.torrents:
            if key in {None, torrent.key}:
                torrent.halt(halts=halts)
        self.changes.beat()

    async def remove(self, key: str, *, delete_files: bool) -> Path | None:
        """End what plays of a torrent and forget it. Raises StorageError.

        Without `delete_files` what was downloaded stays and is nobody's: returns the directory, if there is one.
        """
        for session in self.sessions:
            if session.source.key == key:
                session.end()
        async with self._lock:
            torrent = next((torrent for torrent in self.torrents if torrent.key == key), None)
            if self._engine is not None and torrent is not None:
                await self._engine.remove(torrent, delete_files=delete_files)
            if delete_files:
                await asyncio.to_thread(storage.delete_torrent, self._lt, self.settings.directory, key)
                left = None
            else:
                left = await asyncio.to_thread(storage.disown, self.settings.directory, key)
            await self.library.forget(key)
        await self._look_at_disk()
        return left

    @property
    def unused(self) -> list[str]:
        """Return the info-hashes of what is kept although nobody uses it."""
        return [kept.key for kept in self.library.kept if kept.key not in self._users]

    async def free(self) -> None:
        """Delete all that nobody uses."""
        async with self._lock:
            for torrent in self.torrents:
                if self._engine is not None and torrent.key not in self._users:
                    await self._engine.remove(torrent, delete_files=False)
            await self._delete([key for key in await self._keys_on_disk() if key not in self._users])
        await self._look_at_disk()

    @property
    def habits(self) -> Habits:
        """Return what viewers want to hear and read unasked."""
        return self.settings.habits

    @property
    def patience(self) -> float:
        """Return how long a swarm may send nothing before it is given up, in s."""
        return self.settings.metadata_timeout

    @property
    def paces(self) -> bool:
        """Tell whether a download may slow down to the film's own pace."""
        return not self.settings.whole_film

    async def resolve(self, session: Session) -> tuple[Torrent, TorrentFile]:
        """Add the torrent, wait for its metadata, choose the file and see that it fits. Raises TorrentCastError."""
        self._in_background(self._warm_up(), "warm up")
        engine = await self._running_engine()
        try:
            torrent = await self._described(engine, session)
            file = choose(torrent.files, session.wanted, session.source.only)
            await engine.run(storage.check_space, engine.directory, self._still_to_come(torrent, file))
            await self.library.used(torrent.key, torrent.name)
            # Before the first byte comes: a start after a crash deletes only what the resume data name.
            await engine.save(torrent)
        except OSError as err:
            raise StorageError("disk_error", error=err.strerror or type(err).__name__) from err
        torrent.select(file)
        return torrent, file

    async def _described(self, engine: Engine, session: Session) -> Torrent:
        """Return the torrent of `session` once its metadata are there."""
        while True:
            try:
                # A torrent half added could not be removed, and its folder would stay.
                torrent = await self._to_its_end(self._add(engine, session.source), "add")
                await self._to_its_end(torrent.metadata(self.settings.metadata_timeout), "metadata")
            except Renamed as err:
                self._users[err.source.key] += 1
                self._leave(session.source.key)
                session.source = err.source
            else:
                return torrent

    def _leave(self, key: str) -> bool:
        """Note that a session uses a torrent no more; tell whether it was the last one."""
        self._users[key] -= 1
        if self._users[key] > 0:
            return False
        del self._users[key]
        return True

    async def _warm_up(self) -> None:
        """Have the worker ready by the time there is something to probe."""
        with contextlib.suppress(Unplayable):  # the probe will say so
            await self.worker.start()

    def _still_to_come(self, torrent: Torrent, file: TorrentFile) -> int:
        """Return how many bytes are needed for `file` and for the films of all other sessions."""
        films = {(session.torrent, session.file) for session in self.sessions} | {(torrent, file)}
        return sum(torrent.missing_bytes(file) for torrent, file in films if torrent and file)

    async def _add(self, engine: Engine, source: Source) -> Torrent:
        async with self._lock:
            known = next((torrent for torrent in engine.torrents if torrent.key == source.key), None)
            if known is not None and known.only_seeds:  # its seeds have hung up: added anew, it has them back at once
                await engine.remove(known, delete_files=False)
            torrent = await engine.add(source)
        torrent.share_when_complete(self.settings.seeding is not Seeding.NONE)
        torrent.halt(halts=False)  # who asks for it now overrules an earlier pause
        return torrent

    async def _to_its_end[T](self, work: Coroutine[object, object, T], name: str) -> T:
        """Return what `work` returns; the caller may be cancelled, `work` goes on."""
        task = self._in_background(work, name)
        task.add_done_callback(_look_at)  # if the caller is gone by then, nobody else does
        await asyncio.wait([task])
        return task.result()

    def _in_background[T](self, work: Coroutine[object, object, T], name: str) -> asyncio.Task[T]:
        """Start `work`, for which `stop` waits."""
        task = asyncio.get_running_loop().create_task(work, name=f"torrent_cast {name}")
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    def happened(self, session: Session, happening: Happening | None) -> None:
        """Pass on that a session has changed, and what there is to tell of it."""
        if not self.stopping:
            self.changes.beat()
        if happening is not None:
            self.happenings.tell(session, happening)

    def ended(self, session: Session) -> None:
        """Forget a session that has just ended and let go of what it held."""
        self._by_id.pop(session.id, None)
        self._by_token.pop(session.token, None)
        self._in_background(self._close(session), "close")

    async def _close(self, session: Session) -> None:
        await session.release()
        await self._remember(session)
        if session.torrent is not None and session.file is not None:
            session.torrent.deselect(session.file)
        key = session.source.key
        async with self._lock:
            if not self._leave(key):
                return
            try:
                await self._let_go(key)
            except StorageError as err:  # housekeeping tries again
                _LOGGER.warning("What a torrent has left cannot be deleted: %s", err.details["error"])
        await self._look_at_disk()

    async def _remember(self, session: Session) -> None:
        """Note where a film was left, for who goes on with it."""
        if not session.was_loaded or session.file is None or session.playhead is None:
            return
        position, duration = session.playhead.seconds, session.probe.duration if session.probe else None
        if session.state is State.FINISHED:  # whatever its header says of its length
            position, duration = 1.0, 1.0
        await self.library.watched(session.source.key, session.file.index, position, duration)

    def position_of(self, session: Session) -> float:
        """Return where the file of a resolved session was left, s."""
        return self.library.position(session.source.key, session.file.index) if session.file else 0.0

    async def _look_at_disk(self) -> None:
        try:
            self.disk = await asyncio.to_thread(storage.usage, self.settings.directory)
        except StorageError:  # who writes there says so
            self.disk = None
        if not self.stopping:
            self.changes.beat()

    async def _let_go(self, key: str) -> None:
        """Take a torrent out of the session; what it downloaded stays only if it is to be kept."""
        torrent = next((torrent for torrent in self.torrents if torrent.key == key), None)
        if self._engine is None or torrent is None:
            return
        kept = self.library.get(key) is not None and self.settings.keep > timedelta()
        self._needed = time.monotonic()
        if kept and self._is_to_be_seeded(torrent):
            torrent.only_seed()
            await self._engine.save(torrent)
            await self.library.used(key, torrent.name)
            return
        await self._engine.remove(torrent, delete_files=not kept)
        if kept:
            await self.library.used(key, torrent.name)
        else:
            await self.library.forget(key)

    def _is_to_be_seeded(self, torrent: Torrent) -> bool:
        settings = self.settings
        if settings.seeding is not Seeding.RATIO or torrent.failed or not torrent.has_metadata:
            return False
        if all(torrent.missing_bytes(file) == file.size for file in torrent.files):  # it was added and never played
            return False
        return torrent.share_ratio < settings.seed_ratio

    # --- housekeeping ----------------------------------------------------------------------------------------------

    async def tidy(self) -> None:
        """End idle sessions, delete what is no longer kept, and what a crash left behind."""
        for session in self.sessions:
            if _is_abandoned(session):
                session.end()
        async with self._lock:
            if self.stopping:  # a successor may be at work in the same directory
                return
            await self._end_seeding()
            on_disk = await self._keys_on_disk()
            await self._delete([key for key in on_disk if key not in self._users and self._is_due(key)])
            gone = {kept.key for kept in self.library.kept} - {*on_disk, *self._users}
            await self.library.forget(*gone)
        await self._rest()
        await self.pictures.keep_only({kept.key for kept in self.library.kept})
        for session in self.sessions:
            await self._remember(session)  # a crash costs no more than the time since
            if session.torrent is not None and session.file is not None:
                await self.pictures.take(session.torrent, session.file)
        await self._look_at_disk()

    async def _end_seeding(self) -> None:
        """Take those torrents out of the session that nobody watches and that have given enough, or are due."""
        for torrent in self.torrents:
            over = not self._is_to_be_seeded(torrent) or self._is_due(torrent.key)
            if self._engine is not None and torrent.key not in self._users and over:
                await self._engine.remove(torrent, delete_files=False)

    async def _rest(self) -> None:
        """End the engine when it has not been needed for a while; the next need starts another."""
        async with self._starting:
            engine = self._engine
            if engine is None or self._users or engine.torrents or time.monotonic() - self._needed < ENGINE_REST:
                return
            self._engine = None
            await engine.stop()

    async def erase(self) -> None:
        """Delete every torrent that is kept. To be called after `stop`."""
        await self._delete(await self._keys_on_disk())
        await self.library.remove()
        await self.pictures.erase()

    async def _keys_on_disk(self) -> list[str]:
        return await asyncio.to_thread(lambda: list(storage.keys(self.settings.directory)))

    async def _delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            try:
                await asyncio.to_thread(storage.delete_torrent, self._lt, self.settings.directory, key)
            except StorageError as err:
                _LOGGER.warning("What a torrent has left cannot be deleted: %s", err.details["error"])
            else:
                await self.library.forget(key)

    def _is_due(self, key: str) -> bool:
        kept = self.library.get(key)
        return kept is None or kept.is_due(self.settings.keep, dt_util.utcnow())

    # --- engine ----------------------------------------------------------------------------------------------------

    async def _running_engine(self) -> Engine:
        """Return the engine, starting it at the first need. Raises StorageError, TorrentGone."""
        async with self._starting:
            if self.stopping:
                raise TorrentGone("engine_stopped")
            self._needed = time.monotonic()
            if self._engine is None:
                self._engine = await Engine.start(self._lt, self.settings.directory, self.settings.engine)
                self._engine.on_statistics = self.changes.beat
            return self._engine

    def apply(self, settings: PlaybackSettings) -> None:
        """Take new settings at once; another directory or port needs a new Playback."""
        self.settings = settings
        if self._engine is not None:
            self._engine.apply(settings.engine)
        for torrent in self.torrents:
            torrent.share_when_complete(settings.seeding is not Seeding.NONE)

    async def stop(self) -> None:
        """End every session, the engine and the worker. Afterwards nothing of ours runs."""
        self.stopping = True
        for session in self.sessions:
            session.end()
        await asyncio.gather(*self._background, return_exceptions=True)
        async with self._lock, self._starting:  # housekeeping too comes to its end
            engine, self._engine = self._engine, None
        if engine is not None:
            await engine.stop()
        self.changes.close()
        await self.worker.stop()
        await self.cutter.stop()


def _look_at(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()


def _is_abandoned(session: Session) -> bool:
    """Tell whether nobody will come back for a session."""
    now = time.monotonic()
    if session.downloads:
        return False
    if session.was_loaded:  # the connections of a TV without power stay open for a quarter of an hour
        return session.disconnected_since is not None and now - session.disconnected_since > LOST_RECEIVER
    patience = IDLE_SESSION if session.was_used else UNCLAIMED_SESSION
    return not session.connections and now - session.last_used > patience
