"""LOAD: has a Cast device take a stream, and sees that it comes for it."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, override
from uuid import UUID

from homeassistant.core import HomeAssistant
from pychromecast import Chromecast
from pychromecast.controllers.media import DefaultMediaReceiverController
from pychromecast.error import PyChromecastError
from yarl import URL

from .engine import TorrentCastError
from .media.hls import CONTENT_TYPE
from .media.subtitles import CONTENT_TYPE as SUBTITLE_TYPE
from .playback import (
    LoadRefused,
    NoReachableUrl,
    NoSuchTrack,
    Session,
    SessionEnded,
    State,
    TargetUnavailable,
    Track,
)
from .views import subtitle_path
from .watcher import watch, watcher_of

_LOGGER = logging.getLogger(__name__)

# A device asks for the stream within a second of LOAD; after this long it cannot reach us. s
REQUEST_TIMEOUT: Final = 10.0
# What a device may take from its first request to saying that it plays or cannot; s.
LOAD_TIMEOUT: Final = 30.0
# A device tells of the playlist's tracks with its first status after LOAD, or soon after. s
TRACKS_TIMEOUT: Final = 5.0
# pychromecast writes to its TLS connection from several threads; now and then that breaks the connection, the message
# is lost, and it connects anew 5 s later. s
RECONNECT_TIMEOUT: Final = 10.0
FAILURES: Final = frozenset({"LOAD_FAILED", "INVALID_REQUEST", "INVALID_PLAYER_STATE"})
# What a receiver does not see from the playlist (Cast's HlsSegmentFormat, HlsVideoSegmentFormat).
HLS_INFO: Final = {"hlsSegmentFormat": "fmp4", "hlsVideoSegmentFormat": "fmp4"}
# White with a black edge on a shade: readable on any picture (Cast's TextTrackStyle, colours with opacity at the end).
TEXT_STYLE: Final = {
    "foregroundColor": "#FFFFFFFF",
    "backgroundColor": "#00000066",
    "edgeType": "OUTLINE",
    "edgeColor": "#000000FF",
}
# Somebody else's LOAD took the place of ours.
CANCELLED: Final = "LOAD_CANCELLED"

type Answer = dict[str, Any]

# Devices that do not know contentUrl: they get the address as contentId, which shows the token in their status.
_needs_plain_url: set[UUID] = set()


class _NotSentError(Exception):
    """The message did not reach the device."""


class _Receiver(DefaultMediaReceiverController):
    """The receiver's media app, with what pychromecast has no argument for."""

    active_tracks: list[int] | None  # None: those that the playlist says

    @override
    def send_message(self, data: Any, **how: Any) -> None:
        active = {} if self.active_tracks is None else {"activeTrackIds": self.active_tracks}
        super().send_message(data | active, **how)


@dataclass(frozen=True, slots=True)
class _Load:
    """One LOAD message."""

    content_id: str
    content_type: str
    title: str
    position: float
    media_info: dict[str, Any]
    active_tracks: list[int] | None
    metadata: dict[str, Any]

    def send(
        self,
        chromecast: Chromecast,
        controller: _Receiver,
        on_reply: Callable[[bool, Answer | None], None],
    ) -> None:
        """Launch the receiver's media app if needed and send. Blocks."""
        controller.active_tracks = self.active_tracks
        chromecast.register_handler(controller)
        controller.play_media(
            self.content_id,
            self.content_type,
            title=self.title,
            metadata=dict(self.metadata),
            current_time=self.position,
            stream_type="BUFFERED",
            media_info=self.media_info,
            callback_function=on_reply,
        )


class CastDevice:
    """A Cast device that is to play a session from `url`."""

    def __init__(self, hass: HomeAssistant, chromecast: Chromecast, session: Session, url: URL) -> None:
        self._hass = hass
        self._chromecast = chromecast
        self._session = session
        self._url = url

    @property
    def name(self) -> str:
        """Return what its owner calls it."""
        return str(self._chromecast.name)

    async def pause(self) -> None:
        """Pause. Raises TargetUnavailable."""
        await self._ask(self._chromecast.media_controller.pause)

    async def play(self) -> None:
        """Go on. Raises TargetUnavailable."""
        await self._ask(self._chromecast.media_controller.play)

    async def show_subtitles(self, track: Track | None) -> None:
        """Show a track of subtitles, or none. Raises TargetUnavailable, NoSuchTrack."""
        media = self._chromecast.media_controller
        if track is None:
            await self._ask(media.disable_subtitle)
            return
        number = track.id if track.stream is None else await self._number_of(track)
        if number not in media.status.current_subtitle_tracks:
            await self._ask(partial(media.enable_subtitle, number))

    async def _number_of(self, track: Track) -> int:
        """Return what the device calls one of the film's own tracks, once it has read the playlist."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TRACKS_TIMEOUT):
                while (number := self._offered_as(track)) is None:
                    await watcher_of(self._hass, self._chromecast).status()
                return number
        raise NoSuchTrack("tracks_not_read", device=self.name)

    def _offered_as(self, track: Track) -> int | None:
        """Return the number under which the device offers a track of the playlist, None where it does not (yet)."""
        status, subtitles = self._chromecast.media_controller.status, self._session.subtitles
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
        message = partial(_message, session, self._url, position)
        try:
            await _load_surely(self._hass, self._chromecast, session, message(plain=plain), self._url)
        except LoadRefused:
            if plain or session.requested.is_set():
                raise
            await _load_surely(self._hass, self._chromecast, session, message(plain=True), self._url)
            _needs_plain_url.add(uuid)
        session.was_loaded = True  # from here on the receiver's status decides
        if (track := session.shown_track) is not None and track.stream is not None:
            await self._begin_with(track)

    async def _begin_with(self, track: Track) -> None:
        """See that a device shows what the playlist says; a film without subtitles is better than none."""
        try:
            await self.show_subtitles(track)
        except TorrentCastError as err:
            _LOGGER.warning("%s shows no subtitles: %s", self.name, err.reason)
            self._session.shown = None

    async def _ask(self, command: Callable[[], None]) -> None:
        try:
            await self._hass.async_add_executor_job(command)
        except PyChromecastError as err:
            raise TargetUnavailable("device_unavailable", device=self.name) from err


async def _load_surely(hass: HomeAssistant, chromecast: Chromecast, session: Session, message: _Load, url: URL) -> None:
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


def _message(session: Session, url: URL, position: float, *, plain: bool) -> _Load:
    """Return the message; by `contentUrl` the token stays out of the states that other senders see."""
    info: dict[str, Any] = {} if plain else {"contentUrl": str(url)}
    if session.probe is not None and session.probe.duration is not None:
        info["duration"] = session.probe.duration
    if session.hls is not None:
        info |= HLS_INFO
    if session.subtitles is not None and session.subtitles.tracks:
        info |= {"tracks": _tracks(session, url), "textTrackStyle": TEXT_STYLE}
    return _Load(
        content_id=str(url) if plain else session.content_id,
        content_type=session.content_type if session.hls is None else CONTENT_TYPE,
        title=session.title,
        position=position,
        media_info=info,
        active_tracks=_active(session),
        metadata=session.metadata,
    )


def _active(session: Session) -> list[int] | None:
    """Return what LOAD says is to be shown."""
    if (track := session.shown_track) is None:
        return []
    return [track.id] if track.stream is None else None


def _tracks(session: Session, url: URL) -> list[dict[str, Any]]:
    """Return the subtitles beside the film as Cast's Track has them; its own are in the playlist."""
    return [
        {
            "trackId": track.id,
            "type": "TEXT",
            "subtype": "CAPTIONS" if track.is_for_deaf else "SUBTITLES",
            "trackContentId": str(url.with_path(subtitle_path(session, track.id))),
            "trackContentType": SUBTITLE_TYPE,
            "name": track.label,
            "language": track.language or "",
        }
        for track in (session.subtitles.tracks if session.subtitles else ())
        if track.stream is None
    ]


async def _load_once(hass: HomeAssistant, chromecast: Chromecast, session: Session, message: _Load, url: URL) -> None:
    """Send LOAD and wait for its outcome."""
    reply: asyncio.Future[Answer | None] = hass.loop.create_future()
    controller = _Receiver()

    def on_reply(sent: bool, answer: Answer | None) -> None:  # noqa: FBT001  # pychromecast calls it so
        """Carry the reply from pychromecast's thread to the loop."""
        hass.loop.call_soon_threadsafe(_set, reply, answer if sent else None)

    try:
        await hass.async_add_executor_job(message.send, chromecast, controller, on_reply)
        await _outcome(session, reply, url)
    finally:
        reply.cancel()
        await hass.async_add_executor_job(chromecast.unregister_handler, controller)


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
    finally:
        for future in (requested, shown, ended):
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
