"""All that plays, and all that is kept: what the platforms speak with."""

from pathlib import Path
from types import ModuleType
from typing import Final, Unpack

from ..engine import Ports, Source, SourceError, Torrent, has_webtorrent, storage
from ..engine.contents import Shelf
from ..engine.source import from_magnet
from ..media import Worker
from . import catalogue, unwatched
from .background import Background
from .catalogue import Entry
from .course import Happening
from .library import Library
from .listeners import Pulse
from .pictures import Pictures
from .queue import Enqueue, Queue, Queued
from .session import Play, Session
from .sessions import Sessions
from .settings import PlaybackSettings
from .status import Status, status
from .torrents import Torrents

# People see rates and states change; twice as often would only fill the recorder. s
PUSH_INTERVAL: Final = 2.0
# How often kept films and idle sessions are looked at; s.
HOUSEKEEPING_INTERVAL: Final = 60
# Below the cache directory.
PICTURES: Final = "thumbnails"


class Playback:
    """The sessions, the torrents and the library of the config entry."""

    def __init__(self, libtorrent: ModuleType, library: Library, settings: PlaybackSettings, cache: Path) -> None:
        self.worker = Worker()
        self.library = library
        self.changes = Pulse(PUSH_INTERVAL)
        self.pictures = Pictures(cache / PICTURES, self.worker, self.changes.beat)
        self._lt = libtorrent
        self._shelf = Shelf(libtorrent, settings.directory)
        self._background = Background()
        self._torrents = Torrents(libtorrent, library, settings, self._background, self.changes.beat)
        self._sessions = Sessions(self._torrents, library, self.worker, self._background, self.changes)
        self._queues: dict[str, Queue] = {}
        self.happenings = self._sessions.happenings
        self.happenings.add(self._on_happening)

    # --- sessions --------------------------------------------------------------------------------------------------

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Return the sessions that have not ended, oldest first."""
        return self._sessions.all

    @property
    def status(self) -> Status:
        """Return what all sessions and torrents come to."""
        return status(self.sessions, self.torrents)

    def by_id(self, session_id: str) -> Session | None:
        """Return the session with this id, if it has not ended."""
        return self._sessions.by_id(session_id)

    def by_token(self, token: str) -> Session | None:
        """Return the session whose stream `token` opens, if it has not ended."""
        return self._sessions.by_token(token)

    def by_side_token(self, token: str) -> Session | None:
        """Return the session whose picture and subtitles `token` opens, if it has not ended."""
        return self._sessions.by_side_token(token)

    def held_by(self, holder: str, key: str, wanted: int | None, *, resumes: bool = False) -> Session | None:
        """Return the session in which `holder`, a player or a user, has that file already; a Cast device's is its own.

        One that `ANYBODY` holds is the next one's who asks, until its address was used.
        """
        return self._sessions.held_by(holder, key, wanted, resumes=resumes)

    def start_session(self, source: Source, **asked: Unpack[Play]) -> Session:
        """Make a session; it does nothing until it is resolved or prepared. Raises TorrentGone."""
        return self._sessions.start(source, **asked)

    # --- devices ---------------------------------------------------------------------------------------------------

    def for_target(self, entity_id: str) -> list[Session]:
        """Return the sessions on a device."""
        return [session for session in self.sessions if session.target == entity_id]

    def queue(self, entity_id: str) -> Queue:
        """Return what a device is to play next."""
        return self._queues.setdefault(entity_id, Queue(self.changes.beat))

    def rename(self, entity_id: str, new: str) -> None:
        """Take note that a device goes by another entity id: what plays there and what is queued goes with it."""
        for session in self.for_target(entity_id):
            session.target = new
        if (queue := self._queues.pop(entity_id, None)) is not None:
            self.queue(new).clear()
            self._queues[new] = queue
        self.changes.beat()

    def move_queue(self, entity_id: str, to: str) -> None:
        """Have what a device was to play next played on another one, before what is queued there."""
        items = self.queue(entity_id).items
        self.queue(entity_id).clear()
        self.queue(to).put(items, Enqueue.NEXT)

    def is_busy(self, entity_id: str) -> bool:
        """Tell whether something of ours is on a device, or on its way there."""
        return self.queue(entity_id).is_overtaken or bool(self.for_target(entity_id))

    def put_on(self, session: Session, entity_id: str) -> None:
        """Take note that a session is on a device, or next there; who plays it overrules a pause of its torrent."""
        session.target = entity_id
        session.waits = False
        session.wake()
        if session.torrent is not None and session.torrent.is_halted:
            self.halt(session.torrent.key, halts=False)

    def claim(self, session: Session, entity_id: str) -> None:
        """Give a device to `session`: what has not got onto its screen by now will not take it later."""
        self.put_on(session, entity_id)
        for other in self.for_target(entity_id):
            if other is not session and not other.was_loaded:
                other.end()

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

    # --- sources and the library -----------------------------------------------------------------------------------

    async def parse(self, source: str | bytes) -> Source:
        """Return the validated source. Raises SourceError."""
        return await (await self._torrents.engine.get()).parse(source)

    async def kept_source(self, key: str) -> Source:
        """Return the source of a torrent that is in use or on disk. Raises SourceError."""
        return await (await self._torrents.engine.get()).source_of(key)

    def name_of(self, magnet: str) -> str:
        """Return what a magnet link or info-hash calls its torrent, else the info-hash. Raises SourceError."""
        source = from_magnet(self._lt, magnet)
        return source.name or source.key

    async def entries(self) -> list[Entry]:
        """Return the torrents in use and on disk, the newest first, without starting the engine."""
        in_use = self._torrents.in_use
        return await catalogue.entries(self.library, self.torrents, self._shelf, in_use, self.pictures)

    async def entry(self, key: str) -> Entry:
        """Return a torrent in use or on disk. Raises SourceError."""
        for entry in await self.entries():
            if entry.key == key:
                return entry
        raise SourceError("unknown_torrent")

    def has_picture(self, session: Session) -> bool:
        """Tell whether there is a picture of what a session plays, or is soon: artwork that is being fetched."""
        if session.torrent is None or session.file is None:
            return False
        if self.pictures.look(session.source.key, session.file.index) is not None:
            return True
        return session.is_finding_artwork and self.pictures.is_promising(session.torrent, session.file)

    async def picture(self, key: str, index: int) -> bytes | None:
        """Return a picture of a file as a JPEG, None where there is none and none can be taken now."""
        await self.take_picture(key, index)
        return await self.pictures.get(key, index)

    async def take_picture(self, key: str, index: int) -> None:
        """Take a picture of a file, if there is none and one can be taken now."""
        for torrent in self.torrents:
            if torrent.key == key and torrent.has_metadata:
                for file in torrent.files:
                    if file.index == index:
                        await self.pictures.take(torrent, file)

    def _on_happening(self, session: Session, happening: Happening) -> None:
        if happening is Happening.READY:  # what a player waits for is there
            session.find_artwork(self.pictures.fetch)

    # --- torrents that nobody has to watch -------------------------------------------------------------------------

    async def download(self, source: Source, wanted: int | str | None = None) -> Session:
        """Have a file on disk without playing it; return once it is known which. Raises TorrentCastError."""
        return await unwatched.download(self._sessions, source, wanted)

    async def go_on(self) -> None:
        """Go on with what an earlier run has not downloaded to its end."""
        await unwatched.go_on(self._sessions, self._torrents, self.library)

    async def keep(self, source: Source) -> None:
        """Have a torrent in the library: its description, and nothing of its content yet. Raises TorrentCastError."""
        await unwatched.keep(self._sessions, self._torrents, source)

    def halt(self, key: str | None = None, *, halts: bool) -> None:
        """Have one torrent, or all that are in the engine, stand still or go on."""
        self._torrents.halt(key, halts=halts)

    async def remove(self, key: str, *, delete_files: bool) -> Path | None:
        """End what plays of a torrent and forget it. Raises StorageError.

        Without `delete_files` what was downloaded stays and is nobody's: returns the directory, if there is one.
        """
        for queue in self._queues.values():
            queue.forget(key)
        for session in self.sessions:
            if session.source.key == key:
                session.end()
        return await self._torrents.remove(key, delete_files=delete_files)

    @property
    def unused(self) -> list[str]:
        """Return the info-hashes of what is kept although nobody uses it."""
        return [kept.key for kept in self.library.kept if kept.key not in self._torrents.in_use]

    async def free(self) -> None:
        """Delete all that nobody uses."""
        await self._torrents.free()

    # --- the engine and the disk -----------------------------------------------------------------------------------

    @property
    def torrents(self) -> tuple[Torrent, ...]:
        """Return the torrents in the engine."""
        return self._torrents.live

    @property
    def disk(self) -> storage.Usage | None:
        """Return what was found on disk at the last look, None when there was nothing to look at."""
        return self._torrents.disk

    @property
    def is_engine_running(self) -> bool:
        """Tell whether there is a libtorrent session: from the first need until some time after the last."""
        return self._torrents.engine.running is not None

    @property
    def ports(self) -> Ports | None:
        """Return what is known of the port for peers, None while there is no libtorrent session."""
        engine = self._torrents.engine.running
        return engine.ports if engine else None

    @property
    def libtorrent_version(self) -> str:
        """Return the version of the libtorrent in use."""
        version: str = self._lt.__version__
        return version

    @property
    def has_webtorrent(self) -> bool:
        """Tell whether the libtorrent in use knows WebTorrent."""
        return has_webtorrent(self._lt)

    async def peer_sources(self, torrent: Torrent) -> dict[str, int]:
        """Return how many connected peers came from the tracker, the DHT and so on."""
        engine = self._torrents.engine.running
        return dict(await engine.peer_sources(torrent)) if engine else {}

    # --- from the start to the end ---------------------------------------------------------------------------------

    @property
    def settings(self) -> PlaybackSettings:
        """Return what the user decided."""
        return self._torrents.settings

    def apply(self, settings: PlaybackSettings) -> None:
        """Take new settings at once; another directory or port needs a new Playback."""
        self._torrents.apply(settings)

    async def tidy(self) -> None:
        """End idle sessions, delete what is no longer kept, remember what plays and take pictures of it."""
        self._sessions.end_abandoned()
        await self._torrents.tidy()
        if self.stopping:
            return
        await self.pictures.keep_only({kept.key for kept in self.library.kept})
        for session in self.sessions:
            await self._sessions.remember(session)  # a crash costs no more than the time since
            if session.torrent is not None and session.file is not None:
                session.find_artwork(self.pictures.fetch)  # of what nobody has prepared: a download
                await self.pictures.take(session.torrent, session.file)
        await self._torrents.look_at_disk()

    @property
    def stopping(self) -> bool:
        """Tell whether all has ended or is about to."""
        return self._torrents.engine.stopping

    async def stop(self) -> None:
        """End every session, the engine and the worker. Afterwards nothing of ours runs."""
        self.changes.close()
        self._torrents.engine.stopping = True
        for session in self.sessions:
            session.end()
        await self.pictures.stop()
        await self._background.wait()
        await self._torrents.stop()
        await self._sessions.stop()

    async def erase(self) -> None:
        """Delete every torrent that is kept; what was seen is remembered. To be called after `stop`."""
        await self._torrents.erase()
        await self.library.forget(*(kept.key for kept in self.library.kept))
        await self.pictures.erase()
