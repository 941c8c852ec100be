"""Watches a receiver and tells its sessions what became of them."""

import asyncio
import contextlib
from typing import Final, override
from weakref import WeakKeyDictionary, WeakSet

from homeassistant.components.media_player import ATTR_MEDIA_CONTENT_ID, ATTR_MEDIA_POSITION
from homeassistant.const import EVENT_STATE_CHANGED, STATE_IDLE, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.core import State as HaState
from pychromecast import APP_MEDIA_RECEIVER, Chromecast
from pychromecast.controllers.media import MediaStatus, MediaStatusListener
from pychromecast.controllers.receiver import CastStatus, CastStatusListener
from pychromecast.socket_client import CONNECTION_STATUS_CONNECTED, ConnectionStatus, ConnectionStatusListener

from .messages import is_ours
from .playback import LoadRefused, Playback, Session, State
from .playback.following import GAP
from .views import token_in

# A receiver's player state -> where the session stands.
STATES: Final = {"PLAYING": State.PLAYING, "PAUSED": State.PAUSED}

_watchers: WeakKeyDictionary[Chromecast, Watcher] = WeakKeyDictionary()
_by_state: WeakSet[Session] = WeakSet()  # those that are followed by the state of their Cast entity


@callback
def watch(hass: HomeAssistant, chromecast: Chromecast, session: Session, content_id: str) -> Watcher:
    """Follow `session`, loaded as `content_id`, until it ends."""
    watcher = watcher_of(hass, chromecast)
    watcher.sessions[session] = content_id
    return watcher


@callback
def watcher_of(hass: HomeAssistant, chromecast: Chromecast) -> Watcher:
    """Return what listens to a device.

    Listeners cannot be unregistered, so there is one per Chromecast object, and it holds its sessions weakly.
    """
    watcher = _watchers.get(chromecast)
    if watcher is None:
        watcher = _watchers[chromecast] = Watcher(hass)
        chromecast.media_controller.register_status_listener(watcher)
        chromecast.register_status_listener(watcher)
        chromecast.register_connection_listener(watcher)
        client = chromecast.socket_client
        watcher.is_introduced = client.receiver_controller.status is not None or not client.is_connected
    return watcher


@callback
def async_listen(hass: HomeAssistant, playback: Playback) -> CALLBACK_TYPE:
    """Follow the states of Cast entities for sessions whose receiver is out of sight, until the function is called.

    When its entry is reloaded or its entity renamed, the Cast integration makes a new connection, of which we get no
    status. The film plays on meanwhile.
    """

    @callback
    def _on_state(event: Event[EventStateChangedData]) -> None:
        if (state := event.data["new_state"]) is None:
            return
        followed = [session for session in playback.for_target(state.entity_id) if _is_followed_by_state(session)]
        goes_on = bool(followed) and _has_gone_on(playback.queue(state.entity_id).ready, state)
        for session in followed:
            _follow_entity(session, state, goes_on=goes_on)

    @callback
    def _is_of_ours(data: EventStateChangedData) -> bool:
        return any(session.target == data["entity_id"] for session in playback.sessions)

    return hass.bus.async_listen(EVENT_STATE_CHANGED, _on_state, event_filter=_is_of_ours)


def _is_followed_by_state(session: Session) -> bool:
    return session.was_loaded and (session.disconnected_since is not None or session in _by_state)


def _is_shown(session: Session, state: HaState) -> bool:
    """Tell whether a Cast entity shows what a session plays."""
    content_id = state.attributes.get(ATTR_MEDIA_CONTENT_ID)
    return content_id is not None and (content_id == session.content_id or token_in(content_id) == session.token)


def _has_gone_on(ready: Session | None, state: HaState) -> bool:
    """Tell whether a device has begun with what comes next, out of its own queue; it is followed from then on."""
    if ready is None or ready.following is None or state.state == STATE_IDLE or not _is_shown(ready, state):
        return False
    if not ready.following.join():
        return False
    _follow_entity(ready, state)
    return True


@callback
def _follow_entity(session: Session, state: HaState, *, goes_on: bool = False) -> None:
    content_id = state.attributes.get(ATTR_MEDIA_CONTENT_ID)
    is_ours = _is_shown(session, state)
    if state.state in {STATE_UNAVAILABLE, STATE_UNKNOWN}:
        session.lose_device()
        _by_state.discard(session)  # before the next connection has told what plays, the entity is idle
    elif is_ours and state.state != STATE_IDLE:
        _by_state.add(session)
        session.disconnected_since = None
        _follow(session, state.state.upper(), None, state.attributes.get(ATTR_MEDIA_POSITION))
    elif is_ours or (content_id is None and session in _by_state):
        session.end(_seen_ending(session))
    elif content_id is not None:
        session.replaced_by = content_id
        session.end(_seen_ending(session) if goes_on else State.STOPPED)  # else somebody has loaded something else


def _seen_ending(session: Session) -> State:
    """Return how a session ended, by where it was: a state does not say whether the film was over or stopped."""
    is_over = session.following is not None and session.following.playhead.is_at_end
    return State.FINISHED if is_over else State.STOPPED


class Watcher(MediaStatusListener, CastStatusListener, ConnectionStatusListener):
    """Carries a receiver's status from pychromecast's thread to the loop."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self.sessions: WeakKeyDictionary[Session, str] = WeakKeyDictionary()
        self.connections = 0  # how often the device was connected since it is watched
        self.is_introduced = True  # connected as it is, it has told of itself
        self._interrupted: WeakSet[Session] = WeakSet()  # and not seen to play since
        self._connected = asyncio.Event()
        self._told = asyncio.Event()
        self._introduced = asyncio.Event()

    async def reconnected(self, since: int) -> None:
        """Wait until the device has been connected more often than `since`."""
        while self.connections <= since:
            self._connected.clear()
            await self._connected.wait()

    async def introduced(self) -> None:
        """Wait until a device that has just been connected has told of itself.

        pychromecast opens its channel to the device and asks it that in a thread of its own. What another thread sends
        meanwhile may reach the device before that channel is open: the device drops it, and nobody is told.
        """
        while not self.is_introduced:
            self._introduced.clear()
            await self._introduced.wait()

    async def status(self) -> None:
        """Wait until the device tells its media status again."""
        self._told.clear()
        await self._told.wait()

    @override
    def new_media_status(self, status: MediaStatus) -> None:
        # pychromecast goes on changing the object: take what is needed now.
        self._hass.loop.call_soon_threadsafe(
            self._on_media, status.content_id, status.player_state, status.idle_reason, status.current_time
        )

    @override
    def load_media_failed(self, queue_item_id: int, error_code: int) -> None:
        """Do nothing: the reply to LOAD says the same, and says it also without an item id."""

    @override
    def new_cast_status(self, status: CastStatus) -> None:
        self._hass.loop.call_soon_threadsafe(self._on_app, status.app_id)

    @override
    def new_connection_status(self, status: ConnectionStatus) -> None:
        self._hass.loop.call_soon_threadsafe(self._on_connection, status.status == CONNECTION_STATUS_CONNECTED)

    @callback
    def _on_media(
        self, content_id: str | None, player_state: str, idle_reason: str | None, position: float | None
    ) -> None:
        self._told.set()
        live = self._live()
        # By itself, out of its own queue: with what comes next, or with what is out of date.
        goes_on = content_id is not None and is_ours(content_id) and content_id not in live.values()
        for session, queued_as in live.items():
            if queued_as == content_id and session.following is not None and session.following.join():
                goes_on = True
        for session, loaded_as in live.items():
            if loaded_as == content_id:
                self._follow_media(session, player_state, idle_reason, position)
            elif content_id is not None and session.was_loaded:
                session.replaced_by = content_id
                # Else another sender, or another session of ours, has loaded something else.
                session.end(_seen_ending(session) if goes_on else State.STOPPED)

    def _live(self) -> dict[Session, str]:
        """Return the sessions that have not ended, and what the device calls them: the others are nobody's concern."""
        for session in [session for session in self.sessions if session.is_over]:
            del self.sessions[session]
        return dict(self.sessions)

    def _follow_media(
        self, session: Session, player_state: str, idle_reason: str | None, position: float | None
    ) -> None:
        """Follow a session; what is interrupted while another one waits in the device's queue may be going on there."""
        waits = any(other.following is not None and other.following.is_waiting for other in self.sessions)
        if player_state == "IDLE" and idle_reason == "INTERRUPTED" and waits and session.was_loaded:
            self._interrupted.add(session)
            self._hass.async_create_background_task(self._end_by_and_by(session), "torrent_cast interrupted")
            return
        if player_state != "IDLE":
            self._interrupted.discard(session)
        _follow(session, player_state, idle_reason, position)

    async def _end_by_and_by(self, session: Session) -> None:
        """End a session that was interrupted, unless what the device goes on with ends it, or it plays after all."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GAP):
                await session.wait_for(State.FINISHED, State.STOPPED, State.FAILED)
        if session in self._interrupted:
            session.end()

    @callback
    def _on_app(self, app_id: str | None) -> None:
        """End what was playing when another app takes the receiver over or the receiver has restarted."""
        self._introduce(is_introduced=True)
        if app_id == APP_MEDIA_RECEIVER:
            return
        for session in self._live():
            if session.was_loaded:
                session.end()

    def _introduce(self, *, is_introduced: bool) -> None:
        self.is_introduced = is_introduced
        if is_introduced:
            self._introduced.set()

    @callback
    def _on_connection(self, connected: bool) -> None:  # noqa: FBT001  # one fact, from a listener
        self._introduce(is_introduced=not connected)  # what is not connected says so itself to who sends
        if connected:
            self.connections += 1
            self._connected.set()
        for session in self._live():
            if connected:
                session.disconnected_since = None
                _by_state.discard(session)
            else:
                session.lose_device()


def _follow(session: Session, player_state: str, idle_reason: str | None, position: float | None) -> None:
    if player_state == "IDLE":
        if session.was_loaded and idle_reason is not None:
            _end(session, idle_reason)
        return
    session.was_loaded = True
    if session.following is not None:  # before the state: whether a break is a stall depends on where it is
        session.following.on_status(STATES.get(player_state), position)
    if player_state == "BUFFERING" and session.state in {State.PLAYING, State.PAUSED}:
        session.set_state(State.STALLED)
    elif (state := STATES.get(player_state)) is not None:
        session.set_state(state)


def _end(session: Session, idle_reason: str) -> None:
    """End `session` as the receiver did; CANCELLED and INTERRUPTED are somebody's wish."""
    if idle_reason != "ERROR":
        session.end(State.FINISHED if idle_reason == "FINISHED" else State.STOPPED)
    elif session.following is not None:
        session.following.on_error(LoadRefused("load_refused", detail=idle_reason))
    else:
        session.end(State.FAILED, LoadRefused("load_refused", detail=idle_reason))
