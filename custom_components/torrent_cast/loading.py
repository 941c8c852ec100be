"""LOAD: has a Cast device take a stream, and sees that it comes for it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final
from uuid import UUID
from weakref import WeakKeyDictionary

from homeassistant.core import HomeAssistant
from pychromecast import Chromecast
from pychromecast.const import CAST_TYPE_CHROMECAST
from pychromecast.error import NotConnected, PyChromecastError, UnsupportedNamespace
from yarl import URL

from .engine import TorrentCastError
from .engine.futures import retrieved
from .messages import Answer, Load, Receiver, item_in, message_of, out_of_date_in
from .playback import (
    Following,
    LoadRefused,
    NoReachableUrl,
    NoScreen,
    NoSuchTrack,
    Session,
    SessionEnded,
    State,
    TargetUnavailable,
    Track,
)
from .views import delivery_path
from .watcher import watch, watcher_of

_LOGGER = logging.getLogger(__name__)

# A device asks for the stream within a second of LOAD; after this long it cannot reach us. s
REQUEST_TIMEOUT: Final = 10.0
# What a device may take from its first request to saying that it plays or cannot; s.
LOAD_TIMEOUT: Final = 30.0
# A device tells of the playlist's tracks with its first status after LOAD, or soon after. s
TRACKS_TIMEOUT: Final = 5.0
# pychromecast writes to its TLS connection from several threads; now and then that breaks the connection, the message
# is lost, and it connects anew 5 s later. Once connected, a device tells of itself within ms. s
RECONNECT_TIMEOUT: Final = 10.0
FAILURES: Final = frozenset({"LOAD_FAILED", "INVALID_REQUEST", "INVALID_PLAYER_STATE"})
# Names of containers in which there may be sound alone, too.
MAY_BE_SOUND: Final = (".mp4", ".webm")
# Somebody else's LOAD took the place of ours.
CANCELLED: Final = "LOAD_CANCELLED"

type Describe = Callable[[Session, URL], Awaitable[dict[str, Any]]]

# pychromecast's connection breaks where two threads write to it at once.
_turns: WeakKeyDictionary[Chromecast, asyncio.Lock] = WeakKeyDictionary()
# Devices that do not know contentUrl: they get the address as contentId, which shows the token in their status.
_needs_plain_url: set[UUID] = set()


class _NotSentError(Exception):
    """The message did not reach the device."""


class CastDevice:
    """A Cast device that is to play a session from `url`."""

    def __init__(
        self, hass: HomeAssistant, chromecast: Chromecast, session: Session, base: URL, describe: Describe
    ) -> None:
        """Have a device play a session; it reaches us at `base`, and shows of a session what `describe` tells."""
        self._hass = hass
        self._chromecast = chromecast
        self._session = session
        self._describe = describe
        self._url = base.with_path(delivery_path(session))
        self._item: int | None = None  # in the device's own queue
        self._queue: int | None = None  # which that is: its media session
        self._app: str | None = None  # and where: the run of the receiver's app

    @property
    def name(self) -> str:
        """Return what its owner calls it."""
        return str(self._chromecast.name)

    async def pause(self) -> None:
        """Pause. Raises TargetUnavailable."""
        await self._command({"type": "PAUSE"})

    async def play(self) -> None:
        """Go on. Raises TargetUnavailable."""
        await self._command({"type": "PLAY"})

    async def settled(self) -> None:
        """Wait until everything that is to be sent is on its way."""
        async with _turn(self._chromecast):
            return

    async def show_subtitles(self, track: Track | None) -> None:
        """Show a track of subtitles, or none. Raises TargetUnavailable, NoSuchTrack."""
        if track is None:
            await self._command({"type": "EDIT_TRACKS_INFO", "activeTrackIds": []})
            return
        number = track.id if track.stream is None else await self._number_of(track)
        if number not in self._chromecast.media_controller.status.current_subtitle_tracks:
            await self._command({"type": "EDIT_TRACKS_INFO", "activeTrackIds": [number]})

    async def _number_of(self, track: Track) -> int:
        """Return what the device calls one of the film's own tracks, once it has read the playlist."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TRACKS_TIMEOUT):
                while (number := self._offered_as(track)) is None:
                    await watcher_of(self._hass, self._chromecast).status()
                return number
        raise NoSuchTrack("tracks_not_read", device=self.name)

    async def queue(self, session: Session, begun: Callable[[], None]) -> None:
        """Put a prepared session into the device's own queue.

        Raises NoScreen, LoadRefused, TargetUnavailable, SessionEnded.
        """
        assert session.playhead is not None  # it is prepared for a device that says where it is
        check_screen(session, self._chromecast)
        session.metadata = await self._describe(session, self._url.origin())
        if session.is_over or self._session.is_over:
            raise SessionEnded("session_ended")  # the queue may be somebody else's by now
        device = CastDevice(self._hass, self._chromecast, session, self._url.origin(), self._describe)
        plain = self._chromecast.uuid in _needs_plain_url
        message = message_of(session, device._url, session.start_position, plain=plain)
        watch(self._hass, self._chromecast, session, message.content_id)
        session.following = Following(session, device, session.playhead)
        session.following.wait(begun)
        device._queue = self._chromecast.media_controller.status.media_session_id
        device._app = self._chromecast.socket_client.session_id
        # Where no answer comes the device may have it all the same: if it begins with it, that is followed.
        answer = await self._send({"type": "QUEUE_INSERT", "items": [message.item()]}, device._queue)
        if answer.get("type") != "MEDIA_STATUS":
            session.following = None
            raise LoadRefused("load_refused", detail=str(answer.get("type")))
        device._item = item_in(answer, message.content_id)
        device._take_out(out_of_date_in(answer, message.content_id))
        if session.state.is_end:  # something else was put before it meanwhile
            device.withdraw()

    def withdraw(self) -> None:
        """Take the session out of the device's own queue."""
        if self._item is not None:
            self._take_out([self._item])

    def _take_out(self, items: list[int]) -> None:
        """Take items out of the device's own queue, by and by."""
        if items:
            self._hass.async_create_background_task(self._surely_without(items), "torrent_cast queue")

    async def _surely_without(self, items: list[int]) -> None:
        """Take items out, once more after a reconnect if that got lost."""
        with contextlib.suppress(TorrentCastError, TimeoutError):  # gone: so is its queue
            try:
                await self._remove(items)
            except TargetUnavailable:
                async with asyncio.timeout(RECONNECT_TIMEOUT):
                    await watcher_of(self._hass, self._chromecast).status()
                await self._remove(items)

    async def _remove(self, items: list[int]) -> None:
        if self._chromecast.socket_client.session_id != self._app:  # another app's, or out of reach for now
            raise TargetUnavailable("device_unavailable", device=self.name)
        await self._send({"type": "QUEUE_REMOVE", "itemIds": items}, self._queue)

    async def _command(self, message: dict[str, Any]) -> None:
        """Have the device do something with what it shows. Raises TargetUnavailable.

        pychromecast's own commands wait for the answer in their thread, and who is to write next would wait with them.
        """
        if (shown := self._chromecast.media_controller.status.media_session_id) is None:
            raise TargetUnavailable("device_unavailable", device=self.name)
        await self._send(message, shown)

    async def _send(self, message: dict[str, Any], queue: int | None) -> Answer:
        """Send a message about a media session and return the answer. Raises TargetUnavailable."""
        media = self._chromecast.media_controller
        reply: asyncio.Future[Answer | None] = self._hass.loop.create_future()

        def on_reply(sent: bool, answer: Answer | None) -> None:  # noqa: FBT001  # pychromecast calls it so
            """Carry the reply from pychromecast's thread to the loop."""
            self._hass.loop.call_soon_threadsafe(_set, reply, answer if sent else None)

        whole = message | {"mediaSessionId": queue}  # another sender's, which may be there by now, has another

        def send() -> None:
            """Send; pychromecast's `send_message` launches the app where somebody has put on another one."""
            if not media.is_active:
                raise UnsupportedNamespace
            media.send_message_nocheck(whole, inc_session_id=True, callback_function=on_reply)

        try:
            await _write(self._hass, self._chromecast, send)
            async with asyncio.timeout(REQUEST_TIMEOUT):
                answer = await reply
        except (PyChromecastError, TimeoutError) as err:
            raise TargetUnavailable("device_unavailable", device=self.name) from err
        if answer is None:
            raise TargetUnavailable("device_unavailable", device=self.name)
        return answer

    def _offered_as(self, track: Track) -> int | None:
        """Return the number under which the device offers a track of the playlist, None where it does not (yet)."""
        status, subtitles = self._chromecast.media_controller.status, self._session.subtitles
        if status.content_id not in {self._session.content_id, str(self._url)}:  # of what played before
            return None
        ours = {one.id for one in subtitles.tracks if one.stream is None} if subtitles is not None else set()
        theirs = [one for one in status.subtitle_tracks or () if one.get("type") == "TEXT"]
        theirs = [one for one in theirs if one["trackId"] not in ours]
        named = (int(one["trackId"]) for one in theirs if one.get("name") == track.label)
        spoken = (int(one["trackId"]) for one in theirs if track.language and one.get("language") == track.language)
        return next(named, None) or next(spoken, None)

    async def load(self, position: float) -> None:
        """Play from `position` s. Raises LoadRefused, NoReachableUrl, TargetUnavailable, SessionEnded."""
        session, uuid = self._session, self._chromecast.uuid
        session.set_state(State.LOADING)
        session.requested.clear()
        plain = uuid in _needs_plain_url
        message = partial(message_of, session, self._url, position)
        try:
            await _load_surely(self._hass, self._chromecast, session, message(plain=plain), self._url)
        except LoadRefused:
            if plain or session.requested.is_set():
                raise
            await _load_surely(self._hass, self._chromecast, session, message(plain=True), self._url)
            _needs_plain_url.add(uuid)
        session.was_loaded = True  # from here on the receiver's status decides
        await self.begun()

    async def begun(self) -> None:
        """See that a device shows what the playlist says; a film without subtitles is better than none."""
        if (track := self._session.shown_track) is None or track.stream is None:
            return
        try:
            await self.show_subtitles(track)
        except TorrentCastError as err:
            _LOGGER.warning("%s shows no subtitles: %s", self.name, err.reason)
            self._session.shown = None


def check_screen(session: Session, chromecast: Chromecast) -> None:
    """See that a device can show what a session plays, as far as that is known by now. Raises NoScreen."""
    if chromecast.cast_type != CAST_TYPE_CHROMECAST and _has_pictures(session):
        raise NoScreen("speaker", device=str(chromecast.name))


def _has_pictures(session: Session) -> bool:
    """Tell whether a session plays pictures: as probed, else by a name that sound alone has never."""
    if session.probe is not None:
        return session.probe.video is not None
    return session.file is not None and session.file.is_video and not session.file.path.lower().endswith(MAY_BE_SOUND)


async def _load_surely(hass: HomeAssistant, chromecast: Chromecast, session: Session, message: Load, url: URL) -> None:
    """Send LOAD, once more after a reconnect if it got lost."""
    watcher = watch(hass, chromecast, session, message.content_id)
    connections = watcher.connections
    try:
        try:
            await _load_once(hass, chromecast, session, message, url)
        except _NotSentError:
            async with asyncio.timeout(RECONNECT_TIMEOUT):
                await watcher.reconnected(connections)
            await _load_once(hass, chromecast, session, message, url)
    except (_NotSentError, TimeoutError, PyChromecastError) as err:
        raise TargetUnavailable("device_unavailable", device=str(chromecast.name)) from err


async def _load_once(hass: HomeAssistant, chromecast: Chromecast, session: Session, message: Load, url: URL) -> None:
    """Send LOAD and wait for its outcome."""
    reply: asyncio.Future[Answer | None] = hass.loop.create_future()
    controller = Receiver()

    def on_reply(sent: bool, answer: Answer | None) -> None:  # noqa: FBT001  # pychromecast calls it so
        """Carry the reply from pychromecast's thread to the loop."""
        hass.loop.call_soon_threadsafe(_set, reply, answer if sent else None)

    try:
        await _write(hass, chromecast, partial(message.send, chromecast, controller, on_reply))
        await _outcome(session, reply, url)
    except NotConnected as err:
        raise _NotSentError from err
    finally:
        reply.cancel()
        await hass.async_add_executor_job(chromecast.unregister_handler, controller)


def _turn(chromecast: Chromecast) -> asyncio.Lock:
    """Return what who sends to a device holds meanwhile."""
    return _turns.setdefault(chromecast, asyncio.Lock())


async def _write(hass: HomeAssistant, chromecast: Chromecast, send: Callable[[], None]) -> None:
    """Have `send` write to a device when it is its turn, which lasts until it has, also where nobody waits any more.

    Raises NotConnected, TimeoutError where the device is connected and does not tell of itself.
    """

    def write() -> None:
        """Write, unless the device was connected anew in this moment: the loop hears of that later."""
        if chromecast.socket_client.receiver_controller.status is None:
            raise NotConnected("it has not told of itself")
        send()

    turn = _turn(chromecast)
    await turn.acquire()
    try:
        async with asyncio.timeout(RECONNECT_TIMEOUT):
            await watcher_of(hass, chromecast).introduced()
        writing = hass.async_add_executor_job(write)
    except BaseException:
        turn.release()
        raise
    writing.add_done_callback(lambda _: turn.release())
    writing.add_done_callback(retrieved)
    await asyncio.wait([writing])
    writing.result()


def _set(reply: asyncio.Future[Answer | None], answer: Answer | None) -> None:
    if not reply.done():
        reply.set_result(answer)


async def _outcome(session: Session, reply: asyncio.Future[Answer | None], url: URL) -> None:
    """Wait until the device has taken the stream, has refused it, or the session was ended."""
    requested = asyncio.ensure_future(session.requested.wait())
    shown = asyncio.ensure_future(session.wait_for(State.PLAYING, State.PAUSED))
    ended = asyncio.ensure_future(session.wait_for())
    try:
        await _first(reply, requested, shown, within=REQUEST_TIMEOUT)
        _check(reply)
        await _first(requested, shown, within=REQUEST_TIMEOUT)
        if shown.done():
            shown.result()  # what is loaded again it may show without asking
        elif not requested.done():
            raise NoReachableUrl("no_request", address=str(url.origin()))
        await _first(reply, ended, within=LOAD_TIMEOUT)
        _check(reply)
        if ended.done() and not reply.done():
            ended.result()
    finally:
        for future in (requested, shown, ended):
            future.add_done_callback(retrieved)
            future.cancel()


async def _first(*futures: asyncio.Future[Any], within: float) -> None:
    """Wait for the first of `futures`, `within` s at most."""
    await asyncio.wait(futures, timeout=within, return_when=asyncio.FIRST_COMPLETED)


def _check(reply: asyncio.Future[Answer | None]) -> None:
    if not reply.done():
        return
    if (answer := reply.result()) is None:
        raise _NotSentError
    if answer.get("type") == CANCELLED:
        raise SessionEnded("session_ended")
    if answer.get("type") in FAILURES:
        raise LoadRefused("load_refused", detail=f"{answer.get('type')} {answer.get('detailedErrorCode', '')}".strip())
