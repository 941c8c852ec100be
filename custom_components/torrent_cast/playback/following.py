"""Follows a device while it plays a session: where it is, how safe that is, and what to do about it."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from ..engine import TorrentCastError
from .errors import LoadRefused, TargetUnavailable
from .health import Health, assess
from .hold import Action, Hold
from .playhead import CONFIRM_SECONDS, JUMP_SECONDS, Playhead
from .session import Session
from .state import State
from .subtitles import Track

_LOGGER = logging.getLogger(__name__)

# libtorrent's rates are means over a second and more; looking oftener shows nothing new. s
LOOK_INTERVAL: Final = 1.0
# A stream that dies more often has something wrong with it.
MAX_RELOADS: Final = 3
# A device goes on with what is in its queue within a second or two. s
GAP: Final = 5.0


@dataclass(frozen=True, slots=True)
class Jump:
    """A jump that a viewer asked for, to `seconds` of the film, at `when`, s of the loop's clock."""

    seconds: float
    when: float

    def is_over(self, now: float) -> bool:
        """Tell whether a device has had its time to say where it has got to."""
        return now - self.when >= CONFIRM_SECONDS


class Device(Protocol):
    """A device that has been given a session."""

    @property
    def name(self) -> str:
        """Return what its owner calls it."""

    async def pause(self) -> None:
        """Pause. Raises TargetUnavailable."""

    async def play(self) -> None:
        """Go on. Raises TargetUnavailable."""

    async def settled(self) -> None:
        """Wait until everything that is to be sent is on its way."""

    async def show_subtitles(self, track: Track | None) -> None:
        """Show a track of subtitles, or none. Raises TargetUnavailable."""

    async def load(self, position: float) -> None:
        """Load the session at `position` s. Raises TorrentCastError."""

    async def queue(self, session: Session, begun: Callable[[], None]) -> None:
        """Have the device go on with a prepared session by itself; `begun` is called when it does.

        Raises TorrentCastError.
        """

    def withdraw(self) -> None:
        """Have the device not go on with the session, which it has in its queue."""

    async def begun(self) -> None:
        """Have the device show what belongs to the session that it has begun with by itself."""


class Following:
    """One device and one session, from the first LOAD to the end of either."""

    def __init__(self, session: Session, device: Device, playhead: Playhead) -> None:
        self._session = session
        self._device = device
        self.playhead = playhead
        self.hold = Hold()
        self.loads = 0
        """How often the device was given the session to load, each time with a queue of its own that is empty."""
        self._reloads = 0
        self._is_loading = False
        self._broken: LoadRefused | None = None  # what the device said last, not yet answered
        self._reloading: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._asked: Jump | None = None
        self._begun: Callable[[], None] | None = None  # while it waits in the device's own queue: to be told then
        self._is_decided = asyncio.Event()  # whether it begins with it out of its queue
        self._has_joined = False
        self._beginning: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Have the device load the session, and follow it from then on. Raises TorrentCastError."""
        self._look()
        await self._load(self._session.start_position)

    async def queue(self, session: Session, begun: Callable[[], None]) -> None:
        """Have the device go on with another session by itself, see `Device`."""
        await self._device.queue(session, begun)

    async def settled(self) -> None:
        """Wait until the device has been told all that it is to be told, so that others may speak with it."""
        await self._device.settled()

    def wait(self, begun: Callable[[], None]) -> None:
        """Take note that the device has the session in its queue; `begun` is called when it begins with it."""
        self._begun = begun

    def join(self) -> bool:
        """Follow the session if the device has begun with it out of its queue; tell whether it has just done so."""
        if (begun := self._begun) is None:
            return False
        self._begun = None
        self._session.set_state(State.LOADING)
        self._session.was_loaded = True
        self.playhead.begin()
        self._look()
        self._has_joined = True
        self._is_decided.set()
        begun()
        self._beginning = asyncio.create_task(self._device.begun(), name="torrent_cast begin")
        return True

    async def joined(self) -> bool:
        """Wait for a device that is to go on by itself; tell whether it does so in time."""
        if self.is_waiting:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GAP):
                    await self._is_decided.wait()
        return self._has_joined

    @property
    def is_waiting(self) -> bool:
        """Tell whether the device has the session in its queue, and has not begun with it."""
        return self._begun is not None

    def close(self) -> None:
        """Leave the device alone."""
        if self._begun is not None:
            self._begun = None  # what the device begins with all the same is not followed
            self._is_decided.set()
            self._device.withdraw()
        self.playhead.close()
        for task in (self._looking, self._reloading, self._beginning):
            if task is not None and task is not asyncio.current_task():
                task.cancel()

    @property
    def health(self) -> Health | None:
        """Return how safe playback is, None while nothing can be said."""
        torrent, viewer = self._session.torrent, self._session.viewer
        if torrent is None or not viewer.bitrate:
            return None
        return assess(self.playhead.bytes_in_hand, torrent.rate_for(viewer), viewer.bitrate)

    # --- what the device and its users do --------------------------------------------------------------------------

    def on_status(self, state: State | None, seconds: float | None) -> None:
        """Take a status: `state` as far as it is one of ours, the position in s."""
        is_said = state is not None or not self._is_loading  # before it has loaded a film it is nowhere, or says 0
        if seconds is not None and is_said:
            before = self.playhead.seconds
            self.playhead.on_status(seconds, runs=state is State.PLAYING)
            self._see_landing(state, before, seconds)
        if state is not None:
            self.hold.on_state(state)

    def on_seek(self, seconds: float) -> None:
        """Take a seek that is on its way to the device."""
        self.playhead.seek(seconds)
        if self._session.growing is not None:
            self._asked = Jump(seconds, asyncio.get_running_loop().time())

    def on_pause(self) -> None:
        """Take a user's wish to pause, or to play after all: from then on it is theirs."""
        self.hold.overrule()

    def on_error(self, error: LoadRefused) -> None:
        """Load once more where playback broke off; after `MAX_RELOADS` times the session has failed with `error`."""
        self._broken = error
        if not self._is_loading:
            self._load_again()

    async def show_subtitles(self, track: Track | None) -> None:
        """Have the device show a track of subtitles, or none. Raises TargetUnavailable."""
        await self._device.show_subtitles(track)
        self._session.shown = None if track is None else track.id

    def _see_landing(self, state: State | None, before: float, seconds: float) -> None:
        """Load the session where a jump was meant to end, where it has not ended and the device does not get by itself.

        It takes a film that grows to end where it did when it was loaded, or where it has played on since. Before it
        plays it may say that it is wherever it was sent.
        """
        jump, film = self._asked, self._session.growing
        if jump is None or film is None or self._is_loading:
            return
        misses = abs(seconds - jump.seconds) > JUMP_SECONDS
        is_elsewhere = misses and (
            abs(seconds - before) > JUMP_SECONDS or jump.is_over(asyncio.get_running_loop().time())
        )
        is_ahead = film.is_ahead_of_device(jump.seconds)
        if is_elsewhere or is_ahead or (state is not None and not misses):
            self._asked = None
        if (is_elsewhere or is_ahead) and film.holds(jump.seconds):
            self.playhead.seek(jump.seconds)
            self._reloading = asyncio.create_task(self._reload(jump.seconds), name="torrent_cast jump")

    # --- what is done about it -------------------------------------------------------------------------------------

    async def _load(self, position: float) -> None:
        self._is_loading = True
        self.loads += 1
        try:
            await self._device.load(position)
        finally:
            self._is_loading = False
        if self._broken is not None:
            self._load_again()

    def _load_again(self) -> None:
        error, self._broken = self._broken, None
        if self._reloads >= MAX_RELOADS:
            self._session.end(State.FAILED, error)
            return
        self._reloads += 1
        _LOGGER.warning("%s broke off at %.0f s; loading again", self._device.name, self.playhead.seconds)
        self._reloading = asyncio.create_task(self._reload(self.playhead.seconds), name="torrent_cast reload")

    async def _reload(self, position: float) -> None:
        self._session.was_loaded = False
        try:
            await self._load(position)
        except TorrentCastError as err:
            self._session.end(State.FAILED, err)

    def _look(self) -> None:
        self._looking = asyncio.create_task(self._look_on(), name="torrent_cast look")

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_INTERVAL)
            self.playhead.advance()
            if (health := self.health) is not None:
                await self._act(self.hold.look(self._session.state, health, self.playhead.since_jump))

    async def _act(self, action: Action | None) -> None:
        if action is None:
            return
        _LOGGER.info(
            "%s: %s", self._device.name, "too little in hand, pausing" if action is Action.PAUSE else "going on"
        )
        try:
            await (self._device.pause() if action is Action.PAUSE else self._device.play())
        except TargetUnavailable:
            self.hold.let_go()
