"""The sessions that have not ended: how they are found, what they need, and what becomes of them at the end."""

import contextlib
import time
from typing import Final, Unpack

from ..engine import Renamed, Source, Torrent, TorrentFile, TorrentGone
from ..media import Unplayable, Worker
from ..media.ffmpeg import Ffmpeg
from .background import Background
from .choosing import chosen, heard
from .course import Happening
from .library import Library
from .listeners import Listeners, Pulse
from .session import Play, Session
from .state import State
from .torrents import Torrents
from .wishes import Habits

# Holds what was given to somebody who did not say their name.
ANYBODY: Final = ""
# A browser or another player has no media session we could watch; after this long without a request it is gone. s
IDLE_SESSION: Final = 30 * 60
# Somebody who opened a stream's address asks for it at once; an address that nobody wanted is gone after this. s
UNCLAIMED_SESSION: Final = 5 * 60
# A receiver that was cut off comes back within seconds or has been switched off; s.
LOST_RECEIVER: Final = 5 * 60


class Sessions:
    """Owns the sessions: gives each its torrent, remembers where it was left, lets go of what it held."""

    def __init__(
        self, torrents: Torrents, library: Library, worker: Worker, background: Background, changes: Pulse
    ) -> None:
        self.worker = worker
        self.cutter = Worker()
        self._ffmpeg: Ffmpeg | None = None
        self.happenings: Listeners[[Session, Happening]] = Listeners()
        self._torrents = torrents
        self._library = library
        self._background = background
        self._changes = changes
        self._by_id: dict[str, Session] = {}
        self._by_token: dict[str, Session] = {}
        self._by_side_token: dict[str, Session] = {}

    # --- which there are -------------------------------------------------------------------------------------------

    @property
    def all(self) -> tuple[Session, ...]:
        """Return the sessions that have not ended, oldest first."""
        return tuple(self._by_id.values())

    def by_id(self, session_id: str) -> Session | None:
        """Return the session with this id, if it has not ended."""
        return self._by_id.get(session_id)

    def by_token(self, token: str) -> Session | None:
        """Return the session whose stream `token` opens, if it has not ended."""
        return self._by_token.get(token)

    def by_side_token(self, token: str) -> Session | None:
        """Return the session whose picture and subtitles `token` opens, if it has not ended."""
        return self._by_side_token.get(token)

    def held_by(self, holder: str, key: str, wanted: int | None, *, resumes: bool) -> Session | None:
        """Return the session in which `holder` has that file already; one of `ANYBODY` as long as it was not used."""
        for session in self.all:
            same = (session.source.key, session.wanted, session.holder) == (key, wanted, holder)
            if (
                same
                and session.resumes == resumes
                and session.target is None
                and (holder != ANYBODY or not session.was_used)
            ):
                return session
        return None

    def start(self, source: Source, **asked: Unpack[Play]) -> Session:
        """Make a session; it does nothing until it is resolved or prepared. Raises TorrentGone."""
        if self._torrents.engine.stopping:
            raise TorrentGone("engine_stopped")
        session = Session(self, source, **asked)
        self._by_id[session.id] = session
        self._by_token[session.token] = session
        self._by_side_token[session.side_token] = session
        self._torrents.use(source.key)
        self._changes.beat()
        return session

    # --- what they need --------------------------------------------------------------------------------------------

    @property
    def habits(self) -> Habits:
        """Return what viewers want to hear and read unasked."""
        return self._torrents.settings.habits

    @property
    def ffmpeg(self) -> Ffmpeg | None:
        """Return what converts video, None where the user does not want that."""
        binary = self._torrents.settings.ffmpeg
        if binary is None or self._ffmpeg is None or self._ffmpeg.binary != binary:
            self._ffmpeg = None if binary is None else Ffmpeg(binary)
        return self._ffmpeg

    @property
    def patience(self) -> float:
        """Return how long a swarm may send nothing before it is given up, in s."""
        return self._torrents.settings.metadata_timeout

    async def resolve(self, session: Session) -> tuple[Torrent, TorrentFile]:
        """Add the torrent, wait for its metadata, choose the file and see that it fits. Raises TorrentCastError."""
        self._background.start(self._warm_up(), "warm up")
        torrent = await self.describe(session)
        seen = self._library.seen(session.source.key) if session.resumes else None
        files = heard(torrent.files) if session.is_only_heard and session.wanted is None else torrent.files
        file = await chosen(files, session.wanted, session.source.only, seen)
        films = {(other.torrent, other.file) for other in self.all} | {(torrent, file)}
        await self._torrents.check_space((torrent, file) for torrent, file in films if torrent and file)
        # Before the first byte comes: a start after a crash deletes only what the resume data name.
        await self._torrents.keep(torrent)
        if session.downloads:
            await self._library.set_download(torrent.key, file.index, wanted=True)
        torrent.select(file)
        return torrent, file

    async def describe(self, session: Session) -> Torrent:
        """Return the torrent of `session` once its metadata are there. Raises TorrentCastError."""
        while True:
            try:
                return await self._torrents.described(session.source, stays_paused=session.goes_on)
            except Renamed as err:
                self._torrents.use(err.source.key)
                self._torrents.leave(session.source.key)
                session.source = err.source

    async def _warm_up(self) -> None:
        """Have the worker ready by the time there is something to probe."""
        with contextlib.suppress(Unplayable):  # the probe will say so
            await self.worker.start()

    def position_of(self, session: Session) -> float:
        """Return where the file of a resolved session was left, s."""
        return self._library.position(session.source.key, session.file.index) if session.file else 0.0

    # --- what becomes of them --------------------------------------------------------------------------------------

    def happened(self, session: Session, happening: Happening | None) -> None:
        """Pass on that a session has changed, and what there is to tell of it."""
        self._changes.beat()
        if happening is not None:
            self.happenings.tell(session, happening)

    def ended(self, session: Session) -> None:
        """Forget a session that has just ended and let go of what it held."""
        self._by_id.pop(session.id, None)
        self._by_token.pop(session.token, None)
        self._by_side_token.pop(session.side_token, None)
        self._background.start(self._close(session), "close")

    async def _close(self, session: Session) -> None:
        await session.release()
        await self.remember(session)
        if session.torrent is not None and session.file is not None:
            if not session.rests:
                session.torrent.deselect(session.file)
            if session.downloads and session.state is State.FINISHED:  # a restart goes on with the rest
                await self._library.set_download(session.source.key, session.file.index, wanted=False)
        await self._torrents.release(session.source.key)

    async def remember(self, session: Session) -> None:
        """Note where a film was left, for who goes on with it."""
        if not session.was_loaded or session.file is None or session.playhead is None:
            return
        position, duration = session.playhead.seconds, session.probe.duration if session.probe else None
        if session.state is State.FINISHED:  # whatever its header says of its length
            position, duration = 1.0, 1.0
        await self._library.watched(session.source.key, session.file.index, position, duration)

    def end_abandoned(self) -> None:
        """End those that nobody will come back for."""
        for session in self.all:
            if _is_abandoned(session):
                session.end()

    async def stop(self) -> None:
        """End the processes; to be called when the sessions have ended."""
        await self.worker.stop()
        await self.cutter.stop()


def _is_abandoned(session: Session) -> bool:
    now = time.monotonic()
    if session.downloads or session.waits:
        return False
    if session.was_loaded:  # the connections of a TV without power stay open for a quarter of an hour
        return session.disconnected_since is not None and now - session.disconnected_since > LOST_RECEIVER
    patience = IDLE_SESSION if session.was_used else UNCLAIMED_SESSION
    return not session.connections and now - session.last_used > patience
