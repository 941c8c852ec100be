"""One play session: a file, a target, a token, and where they stand."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypedDict, Unpack

from ..engine import Cursor, Reader, Source, Torrent, TorrentFile, Viewer
from ..engine.files import printable
from ..media import Kind, Probe, Profile, Refused, Remux, Stream, content_type, deliver, probe
from ..media.converting import ConvertingCutter
from ..media.growing import Scanner
from ..media.hls import Cutter
from ..media.subtitles import webvtt
from .course import Course, Happening
from .errors import BadPosition, NoData, SessionEnded
from .growing import Growing
from .hls import Hls, Place, follow
from .playhead import Playhead
from .state import State
from .subtitles import PATIENCE, Subtitles, Track, beside, drawn_beside, missing_of
from .wishes import Habits, Wishes, audio_of, find_track, track_of

if TYPE_CHECKING:
    from ..media.ffmpeg import Ffmpeg
    from ..media.worker import Worker
    from .following import Following

_LOGGER = logging.getLogger(__name__)

# What a player wants in hand before its first frame; s.
START_SECONDS: Final = 2.0
# A device that has jumped shows nothing for a moment; for so long that is no stall. s
JUMP_SECONDS: Final = 5.0
SCHEME: Final = "torrent-cast"
# 256 bits: nobody guesses it, so the address alone may authorise a device that cannot log in.
TOKEN_BYTES: Final = 32
# More than a screen shows, and little beside the 64 KiB a Cast message may have; names come from strangers.
MAX_TITLE: Final = 200  # characters


# What finds artwork of a file, by what is known of that.
type FindArtwork = Callable[[Torrent, TorrentFile, Probe | None], Coroutine[object, object, None]]
ARTWORK: Final = "artwork"


class Owner(Protocol):
    """What a session needs of the place it lives in."""

    worker: Worker
    cutter: Worker  # a process of its own: a film that plays does not wait for what another one does to the probe

    @property
    def ffmpeg(self) -> Ffmpeg | None:
        """Return what converts video that a device does not play, None where it is refused."""

    @property
    def patience(self) -> float:
        """Return how long a swarm may send nothing before it is given up, in s."""

    async def resolve(self, session: Session) -> tuple[Torrent, TorrentFile]:
        """Find the torrent and the file of a session."""

    @property
    def habits(self) -> Habits:
        """Return what viewers want to hear and read unasked."""

    def position_of(self, session: Session) -> float:
        """Return where the file of a resolved session was left, s."""

    def happened(self, session: Session, happening: Happening | None) -> None:
        """Take note that a session has changed, and of what there is to tell of it."""

    def ended(self, session: Session) -> None:
        """Take note that a session has ended."""


class Play(TypedDict, total=False):
    """What is asked of a session."""

    wanted: int | str | None
    """The index of a file or a part of its path; None: the film that is meant."""
    title: str | None
    start_position: float | None
    """In s, None: where the file was left."""
    target: str | None
    """The Cast entity it plays on."""
    holder: str | None
    """The other player or the user that its address was given to, None: nobody has it."""
    downloads: bool
    """Nobody watches: the file is wanted on disk."""
    goes_on: bool
    """An earlier run began it: if the torrent was paused it stays so."""
    wishes: Wishes | None


class Session:
    """A play of one file on one target. `id` may be shown; `token` opens the stream and never leaves for a log.

    `side_token` opens what a device tells everybody the address of: a picture, subtitles.
    """

    def __init__(self, owner: Owner, source: Source, **asked: Unpack[Play]) -> None:
        self._owner = owner
        self.source = source
        self.wanted = asked.get("wanted")
        start_position = asked.get("start_position", 0.0)
        self.resumes = start_position is None
        self.start_position = start_position or 0.0  # s; of one that resumes once it is resolved
        self.target = asked.get("target")
        self.holder = asked.get("holder")
        self.downloads = asked.get("downloads", False)
        self.goes_on = asked.get("goes_on", False)
        self.id = secrets.token_hex(8)
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        self.side_token = secrets.token_urlsafe(TOKEN_BYTES)
        self.torrent: Torrent | None = None
        self.file: TorrentFile | None = None
        self.viewer = Viewer()  # to the engine
        self.probe: Probe | None = None
        self.is_only_heard = False  # the device has no screen: of an album with a film a song is meant
        self.profile: Profile | None = None  # what the device plays; None: whoever asks gets the file as it is
        self.wishes = asked.get("wishes") or Wishes()
        self.label: str | None = None  # what to call it, if nobody has said
        self.metadata: dict[str, Any] = {}  # what the device shows of it beside its title
        self.audio: Stream | None = None  # what is heard
        self.subtitles: Subtitles | None = None
        self.shown: int | None = None  # the track of subtitles
        self.hls: Hls | None = None  # the film in segments, for a device that does not take the file
        self._converting: ConvertingCutter | None = None  # makes them where the video has to be converted
        self.growing: Growing | None = None  # of a film without an index: what goes over it
        self.playhead: Playhead | None = None  # of a device that says where it is
        self.following: Following | None = None
        self.requested = asyncio.Event()
        self.was_loaded = False  # the receiver has shown our content
        self.replaced_by: str | None = None  # what the receiver shows in its place
        self.waits = False  # it is made ready to follow another one, whose turn is not over
        self.rests = False  # meanwhile nothing more is wanted for it: that one is of the same torrent
        self._ahead: Cursor | None = None  # what a player reads next is planned for here
        self.was_used = False  # somebody has asked for the stream
        self.last_used = time.monotonic()
        self.disconnected_since: float | None = None  # the receiver is out of reach; monotonic s
        self._title = asked.get("title")
        self._state = State.RESOLVING
        self._error: Exception | None = None
        self._course = Course()
        self._changed = asyncio.Event()
        self._work: dict[str, asyncio.Task[None]] = {}
        self._cursors = contextlib.AsyncExitStack()
        self._connections: set[Callable[[], object]] = set()
        self._streams: list[tuple[Place, int]] = []  # what is being sent, and since which jump

    # --- what it is ------------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """Return where the session stands."""
        return self._state

    @property
    def content_id(self) -> str:
        """Return the id the session goes by in Home Assistant's states; it opens nothing."""
        return f"{SCHEME}:{self.id}"

    @property
    def is_over(self) -> bool:
        """Tell whether the session has ended, one way or another."""
        return self._state.is_end

    @property
    def is_streaming(self) -> bool:
        """Tell whether the film is on a device's screen and nobody has paused it."""
        return self._course.is_streaming

    @property
    def error(self) -> Exception | None:
        """Return why the session has failed."""
        return self._error

    @property
    def title(self) -> str:
        """Return what to call the film."""
        title = (
            printable(self._title or "")
            or printable(self.label or "")
            or (self.file.name if self.file else self.source.name)
        )
        return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}…"

    @property
    def given_title(self) -> str | None:
        """Return what somebody has called the film."""
        return self._title

    @property
    def content_type(self) -> str:
        """Return the MIME type of the file: as probed, else by its name."""
        if self.probe is not None:
            return self.probe.content_type
        return content_type(self.file.name) if self.file else "video/mp4"

    @property
    def seekable_seconds(self) -> int | None:
        """Return up to which second the device can seek in a film without an index, None for anywhere."""
        until = self.growing.until if self.growing is not None else None
        return None if until is None else int(until)

    @property
    def is_converted(self) -> bool:
        """Tell whether the video has to be converted while it plays."""
        return self._converting is not None

    @property
    def _reports(self) -> bool:
        """Tell whether the device says where it is."""
        return self.profile is None or self.profile.reports

    @property
    def connections(self) -> int:
        """Return how many HTTP requests are being answered."""
        return len(self._connections)

    # --- getting ready ---------------------------------------------------------------------------------------------

    async def resolve(self) -> None:
        """Find the file: afterwards it can be served. Raises TorrentCastError, and the session has failed then."""
        await self._once("resolve", self._resolve)

    async def prepare(self) -> None:
        """Find the file, probe it, and wait until a player could start at once. Raises like `resolve`, and Unplayable.

        The session has failed if it raises.
        """
        await self._once("prepare", self._prepare)

    async def download(self) -> None:
        """Find the file and go on until all of it is there, which ends the session. Raises TorrentCastError."""
        await self.resolve()
        if not self.is_over:
            self._work["download"] = asyncio.create_task(self._attempt(self._download), name="torrent_cast download")

    def find_artwork(self, find: FindArtwork) -> None:
        """Have artwork of the file found, once and as long as the session lasts; to be called once it is resolved."""
        if self.torrent is not None and self.file is not None and ARTWORK not in self._work and not self.is_over:
            finding = find(self.torrent, self.file, self.probe)
            self._work[ARTWORK] = asyncio.create_task(finding, name=f"torrent_cast {ARTWORK}")

    @property
    def is_finding_artwork(self) -> bool:
        """Tell whether artwork is looked for."""
        return ARTWORK in self._work and not self._work[ARTWORK].done()

    async def artwork_found(self, patience: float) -> None:
        """Wait `patience` s at most until artwork was found, or is known to be none."""
        if ARTWORK in self._work:
            await asyncio.wait([self._work[ARTWORK]], timeout=patience)

    async def _download(self) -> None:
        assert self.torrent is not None  # for the type checker: it is resolved
        assert self.file is not None
        for piece in self.torrent.pieces(self.file):
            await self.torrent.wait_for_piece(piece)
        self.end(State.FINISHED)

    async def _once(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Wait for `work`, done once for all who ask; one of them going away leaves it to the others."""
        if self.is_over:
            raise self._end_error()
        if name not in self._work:
            self._work[name] = asyncio.create_task(self._attempt(work), name=f"torrent_cast {name}")
        task = self._work[name]
        await asyncio.wait([task])
        if self.is_over or task.cancelled():
            raise self._end_error()

    async def _attempt(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work`; what goes wrong ends the session, which tells everybody who waits."""
        try:
            await work()
        except Exception as err:  # noqa: BLE001  # kept for those who wait
            self.end(State.FAILED, err)

    def _end_error(self) -> Exception:
        return self._error or SessionEnded("session_ended")

    async def _resolve(self) -> None:
        self.torrent, self.file = await self._owner.resolve(self)
        if self.resumes:
            self.start_position = self._owner.position_of(self)

    async def _prepare(self) -> None:
        await self.resolve()
        assert self.torrent is not None  # for the type checker: `resolve` set both
        assert self.file is not None
        self.set_state(State.BUFFERING)
        cursor = self.torrent.cursor(self.file, viewer=self.viewer)
        ahead = self._ahead = await self._cursors.enter_async_context(cursor)
        await self._while_data_comes(self.torrent, self.file, self._first_seconds(self.torrent, self.file, ahead))

    async def _first_seconds(self, torrent: Torrent, file: TorrentFile, ahead: Cursor) -> None:
        """Probe the file and wait for what a player reads before its first frame."""
        self.probe = found = await probe(self._owner.worker, FileBytes(torrent, file), file.name)
        if found.duration is not None and self.start_position >= found.duration:
            raise BadPosition("beyond_end", position=f"{self.start_position:g}", duration=f"{found.duration:.0f}")
        self.audio = await asyncio.to_thread(audio_of, found, self.wishes, self._owner.habits)
        self.hls = self._segmented(torrent, file, found, ahead)
        await self._find_subtitles(torrent, file)
        if self.growing is not None:
            self._work["grow"] = asyncio.create_task(self._attempt(self.growing.run), name="torrent_cast grow")
            await self.growing.reach(self.start_position)
            found = self.probe
        if self._converting is not None and self.hls is not None:
            await self._converting.prepare(self.hls.at(self.start_position))
        self.viewer.bitrate = found.bytes_per_second
        first = found.byte_at(self.start_position).offset
        last = max(found.byte_at(self.start_position + START_SECONDS).offset, first + 1)
        if first:
            ahead.seek(first)
        if self._reports:
            self.playhead = Playhead(ahead, found, self.start_position)
        for start, end in (*found.index, (first, last)):
            await torrent.wait_for_range(file, start, end)
        if not self._reports and self.hls is None:
            await self.release()  # its requests alone say what it wants
        self._owner.happened(self, Happening.READY)

    def rest(self) -> None:
        """Want nothing more of the torrent for now; what is there stays."""
        if self.is_over or self.rests or self.torrent is None or self.file is None or self._ahead is None:
            return
        self.rests = True
        self.torrent.detach(self._ahead)
        self.torrent.deselect(self.file)

    def wake(self) -> None:
        """Want again what a player reads next."""
        if self.is_over or not self.rests or self.torrent is None or self.file is None or self._ahead is None:
            return
        self.rests = False
        self.torrent.select(self.file)
        self.torrent.attach(self._ahead)

    def _segmented(self, torrent: Torrent, file: TorrentFile, found: Probe, ahead: Cursor) -> Hls | None:
        """Return the film in segments if the device needs it so. Raises Refused."""
        if self.profile is None:
            self.audio = found.audio
            return None
        ffmpeg = self._owner.ffmpeg
        converts = ffmpeg is not None
        try:
            remux = deliver(found, self.profile, self.audio, converts=converts)
        except Refused:
            if self.audio is found.audio or self.wishes.audio_language is not None:
                raise
            self.audio = found.audio  # better in another language than not at all
            remux = deliver(found, self.profile, converts=converts)
        if not isinstance(remux, Remux):
            return None
        data = FileBytes(torrent, file)
        cutter = Cutter(self._owner.cutter, data, found, remux)
        if remux.conversion is not None and ffmpeg is not None:
            cutter = self._converting = ConvertingCutter(self._owner.cutter, data, found, remux, ffmpeg)
        hls = Hls(cutter, remux, found, self._heard if self._reports else partial(follow, ahead))
        if remux.grows:
            self.growing = Growing(torrent, file, Scanner(self._owner.cutter, data, found), hls, self._learn)
        return hls

    def _learn(self, found: Probe) -> None:
        """Take what is known of a film by now that has no index."""
        self.probe = found
        self.viewer.bitrate = found.bytes_per_second
        if self.playhead is not None:
            self.playhead.learn(found)
        self._owner.happened(self, None)

    async def _find_subtitles(self, torrent: Torrent, file: TorrentFile) -> None:
        """Find what the device is offered, and begin to read what it is to show. Raises NoSuchTrack."""
        inside = self.hls.texts if self.hls is not None else ()
        streams = self.probe.streams if self.probe is not None else ()
        others = [stream for stream in streams if stream.kind is Kind.SUBTITLE and stream not in inside]

        async def read(side: TorrentFile) -> bytes:
            data = await FileBytes(torrent, side).read_range(0, side.size)
            return await webvtt(self._owner.worker, data, self.probe.picture_rate if self.probe is not None else None)

        def find() -> Subtitles:
            sides = beside(torrent.files, file)
            missing = missing_of(drawn_beside(torrent.files, file), others)
            patience = PATIENCE if self._reports else None
            is_cut = self.hls is not None
            return Subtitles(sides, self.wishes.given, read, inside, missing, patience, in_segments=is_cut)

        found = self.subtitles = await asyncio.to_thread(find)
        if self.hls is not None:
            self.hls.offer(found.tracks, lambda: self.shown)
        if found.tracks or self.wishes.subtitles is not None:
            track = await asyncio.to_thread(track_of, found, self.wishes, self._owner.habits, self.audio)
            self.shown = track.id if track is not None else None
        if self.shown is not None:
            found.begin(self.shown)

    async def show_subtitles(self, wanted: str) -> None:
        """Have the device show subtitles by language or number, or none for `off`. Raises TorrentCastError."""
        if self.following is None or self.subtitles is None:
            return
        track = await asyncio.to_thread(find_track, self.subtitles, wanted)
        await self.following.show_subtitles(track)
        self.wishes = replace(self.wishes, subtitles=wanted)
        self._owner.happened(self, None)

    async def check_audio(self, wanted: str) -> bool:
        """Tell whether the sound of a language is another one than what is heard. Raises NoSuchTrack."""
        if self.probe is None:
            return False
        wishes = Wishes(audio_language=wanted)
        return await asyncio.to_thread(audio_of, self.probe, wishes, self._owner.habits) != self.audio

    @property
    def shown_track(self) -> Track | None:
        """Return the subtitles that are shown."""
        return self.subtitles.track(self.shown) if self.subtitles is not None else None

    async def _while_data_comes(self, torrent: Torrent, file: TorrentFile, work: Awaitable[None]) -> None:
        """Await `work`; give up when no part of the file comes for as long as the owner is patient. Raises NoData.

        The time in which libtorrent checks files does not count.
        """
        task = asyncio.ensure_future(work)
        missing = -1
        try:
            while not task.done():
                before, missing = missing, torrent.missing_bytes(file)
                if torrent.is_checking:
                    missing = -1
                elif missing and missing == before and not torrent.statistics.download_rate:
                    raise NoData("no_data", seconds=f"{self._owner.patience:g}", peers=torrent.statistics.peers)
                await asyncio.wait([task], timeout=self._owner.patience)
            await task
        finally:
            task.cancel()

    # --- where it stands -------------------------------------------------------------------------------------------

    def set_state(self, state: State) -> None:
        """Go on to `state`; an ended session stays ended."""
        if self.is_over or state is self._state:
            return
        _LOGGER.debug("Session %s: %s", self.id, state)
        self._state = state
        self._changed.set()
        self._changed = asyncio.Event()
        self._owner.happened(self, self._course.go_on(state, is_held=self._is_held, has_just_jumped=self._has_jumped))

    @property
    def _is_held(self) -> bool:
        return self.following is not None and self.following.hold.is_held

    @property
    def _has_jumped(self) -> bool:
        return self.playhead is not None and self.playhead.since_jump < JUMP_SECONDS

    async def wait_for(self, *states: State) -> None:
        """Wait for one of `states`; raises the session's error if it ends in another way."""
        while self._state not in states:
            if self.is_over:
                raise self._end_error()
            await self._changed.wait()

    def end(self, state: State = State.STOPPED, error: Exception | None = None) -> None:
        """Revoke the token, drop the connections, let go of the torrent. Twice is as good as once."""
        if self.is_over:
            return
        self._error = error
        self.set_state(state)
        for task in self._work.values():
            if task is not asyncio.current_task():
                task.cancel()
        for abort in tuple(self._connections):
            abort()
        if self.following is not None:
            self.following.close()
        if self.subtitles is not None:
            self.subtitles.close()
        self._owner.ended(self)

    @contextlib.contextmanager
    def ends_with(self) -> Iterator[None]:
        """Have what goes wrong in this block end the session, and be raised all the same."""
        try:
            yield
        except asyncio.CancelledError:
            self.end()
            raise
        except Exception as err:
            self.end(State.FAILED, err)
            raise

    def lose_device(self) -> None:
        """Take note that the receiver is out of reach."""
        if self.disconnected_since is None:
            self.disconnected_since = time.monotonic()
        if self.playhead is not None:
            self.playhead.on_lost()

    async def release(self) -> None:
        """Want nothing more of the torrent."""
        await self._cursors.aclose()

    # --- the stream ------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def stream(self, start: int, end: int, abort: Callable[[], object]) -> AsyncIterator[Reader]:
        """Yield a reader over [start, end) for one HTTP request; `abort` is called when the session ends first."""
        assert self.torrent is not None  # the view resolved the session before
        assert self.file is not None
        async with self.torrent.open(self.file, start, end, self.viewer) as reader:
            with self.connected(abort), self._heard(reader, start, end):
                yield reader

    @contextlib.contextmanager
    def _heard(self, reader: Place, start: int, end: int) -> Iterator[None]:
        """Have the playhead learn what a request says of it."""
        if self.playhead is None:
            yield
            return
        for other, jump in self._streams:
            self.playhead.on_sent(jump, other.position)
        stream = reader, self.playhead.on_request(start, end)
        self._streams.append(stream)
        try:
            yield
        finally:
            self._streams.remove(stream)
            self.playhead.on_sent(stream[1], reader.position)

    @contextlib.contextmanager
    def connected(self, abort: Callable[[], object]) -> Iterator[None]:
        """Count a request; `abort` is called when the session ends before it."""
        self._connections.add(abort)
        self.was_used = True
        self.requested.set()
        try:
            yield
        finally:
            self._connections.discard(abort)
            self.last_used = time.monotonic()


class FileBytes:
    """The verified bytes of a file, for the probe."""

    def __init__(self, torrent: Torrent, file: TorrentFile) -> None:
        self._torrent = torrent
        self._file = file
        self.size = file.size

    async def read_range(self, start: int, end: int) -> bytes:
        """Return bytes [start, end), waiting for them."""
        async with self._torrent.open(self._file, start, end) as reader:
            return await reader.read_exactly(end - start)
