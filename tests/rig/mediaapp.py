"""The Default Media Receiver: the app on a Cast device that takes LOAD and drives the player."""

import asyncio
import itertools
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .castv2 import MEDIA
from .player import Event, MediaError, Source, State, TextTrack

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .castv2 import Json
    from .player import Player

COMMANDS = 12303
"""supportedMediaCommands: pause, seek, volume, mute, tracks and rate (CAF's ALL_BASIC_MEDIA)."""

QUEUE_COMMANDS = {"next": 64, "previous": 128}
"""What an app's supportedMediaCommands say of its queue. Google's own Default Media Receiver goes to the next and the
previous item, but has long failed to say so (Google's issue tracker, 139939455): senders like Home Assistant then
offer neither."""

SOURCE_NOT_SUPPORTED = 104
"""Cast's detailedErrorCode MEDIA_SRC_NOT_SUPPORTED."""


class Asker(Protocol):
    """A request and the way back to who sent it."""

    @property
    def payload(self) -> Json:
        """Return what was asked."""

    def reply(self, payload: Json) -> None:
        """Answer, with the request's own id."""


type Broadcast = Callable[[str, Json, Asker | None], None]
"""Sends to every sender that is connected to the app, but not to who asked."""


@dataclass
class Item:
    """An entry of the queue."""

    id: int
    media: Json
    autoplay: bool = True
    start: float = 0.0
    """s"""
    active_tracks: list[int] | None = None
    """None: nobody has said, so that the playlist's own default is shown."""

    def as_json(self) -> Json:
        """Return the QueueItem."""
        return {"itemId": self.id, "media": self.media, "autoplay": self.autoplay, "startTime": self.start}

    def source(self) -> Source:
        """Return what the player is to fetch: contentUrl, where there is one, and not contentId."""
        tracks = tuple(
            TextTrack(track["trackId"], track["trackContentId"], track.get("language", ""), track.get("name", ""))
            for track in self.media.get("tracks") or ()
            if track.get("type") == "TEXT" and "trackContentId" in track
        )
        url = self.media.get("contentUrl") or self.media.get("contentId") or ""
        active = None if self.active_tracks is None else tuple(self.active_tracks)
        return Source(url, self.media.get("contentType", ""), self.start, self.autoplay, tracks, active)

    def learn(self, event: Event) -> None:
        """Take what the player has found: how long it is, and the playlist's own tracks, which senders may choose."""
        if event.duration is not None:
            self.media["duration"] = event.duration
        own = [{**track, "type": "TEXT", "subtype": "SUBTITLES"} for track in event.tracks]
        if own:
            self.media["tracks"] = [*(self.media.get("tracks") or ()), *own]
        if self.active_tracks is None:
            self.active_tracks = list(event.active)


@dataclass
class Session:
    """What MEDIA_STATUS tells of."""

    id: int
    items: list[Item]
    index: int = 0
    state: State = State.LOADING
    idle_reason: str | None = None
    position: float = 0.0
    """s"""
    rate: float = 1.0
    repeat: str = "REPEAT_OFF"
    loading: int | None = None
    """The item of the queue that comes next, when the one before is over."""
    asked: Asker | None = None
    """Whose LOAD is not answered yet."""

    @property
    def item(self) -> Item:
        """Return the current entry of the queue."""
        return self.items[self.index]


class MediaApp:
    """The app's state machine; single-threaded, like the page that it is on a real device."""

    def __init__(self, player: Player, broadcast: Broadcast, accepts: Callable[[Json], bool]) -> None:
        """Play what `accepts` (of a MediaInformation) lets pass with `player`; `broadcast` reaches the senders."""
        self.session: Session | None = None
        self.volume: Json = {"level": 1.0, "muted": False}
        self.tells_of_queue = True
        self._player = player
        self._broadcast = broadcast
        self._accepts = accepts
        self._lock = asyncio.Lock()
        self._loading: asyncio.Task[None] | None = None
        self._session_ids = itertools.count(1)
        self._item_ids = itertools.count(1)
        self._forget = player.listen(self._on_event)
        self._commands: dict[str, Callable[[Asker, Session], Awaitable[None]]] = {
            "PLAY": self._play,
            "PAUSE": self._pause,
            "SEEK": self._seek,
            "STOP": self._stop,
            "SET_VOLUME": self._set_volume,
            "SET_PLAYBACK_RATE": self._set_rate,
            "EDIT_TRACKS_INFO": self._edit_tracks,
            "QUEUE_INSERT": self._queue_insert,
            "QUEUE_UPDATE": self._queue_update,
            "QUEUE_REMOVE": self._queue_remove,
            "QUEUE_REORDER": self._queue_reorder,
            "QUEUE_NEXT": self._queue_next,
            "QUEUE_PREV": self._queue_previous,
            "QUEUE_GET_ITEM_IDS": self._queue_item_ids,
            "QUEUE_GET_ITEMS": self._queue_items,
        }

    @property
    def state(self) -> State:
        """Return what the app does; IDLE too when there is no session."""
        return State.IDLE if self.session is None else self.session.state

    async def close(self) -> None:
        """End the app; senders learn of it from the receiver."""
        self._forget()
        await self._abandon_load()
        self.session = None
        await self._player.stop()

    async def break_off(self) -> None:
        """End what plays with an error."""
        assert self.session is not None
        self._end(self.session, "ERROR")
        await self._player.stop()

    async def handle(self, asker: Asker) -> None:
        """Do what a message on the media namespace asks for, one message after the other."""
        async with self._lock:
            await self._handle(asker)

    async def _handle(self, asker: Asker) -> None:
        kind = asker.payload.get("type", "")
        if kind == "GET_STATUS":
            asker.reply(self.status(with_media=True))
        elif kind in {"LOAD", "QUEUE_LOAD"}:
            await self._load(asker)
        elif (command := self._commands.get(kind)) is None:
            asker.reply({"type": "INVALID_REQUEST", "reason": "INVALID_COMMAND"})
        elif self.session is None:
            asker.reply({"type": "INVALID_PLAYER_STATE"})
        elif asker.payload.get("mediaSessionId") != self.session.id:
            asker.reply({"type": "INVALID_REQUEST", "reason": "INVALID_MEDIA_SESSION_ID"})
        else:
            await command(asker, self.session)

    # What senders are told

    def status(self, *, with_media: bool = False) -> Json:
        """Return a MEDIA_STATUS; as on a device, the media is in it only when it is new or asked for."""
        session = self.session
        entries = [] if session is None else [self._entry(session, with_media=with_media)]
        return {"type": "MEDIA_STATUS", "status": entries}

    def _entry(self, session: Session, *, with_media: bool) -> Json:
        entry: Json = {
            "mediaSessionId": session.id,
            "playbackRate": session.rate,
            "playerState": session.state,
            "currentTime": session.position,
            "supportedMediaCommands": self._supported(session),
            "volume": self.volume,
            "activeTrackIds": session.item.active_tracks or [],
            "currentItemId": session.item.id,
            "repeatMode": session.repeat,
        }
        if with_media:
            entry |= {"media": session.item.media, "items": [item.as_json() for item in session.items]}
        if session.loading is not None:
            entry["loadingItemId"] = session.loading
        if session.idle_reason is not None:
            entry["idleReason"] = session.idle_reason
        if session.state is State.LOADING:
            # A device that loads calls itself idle, and says what it is about to play beside that.
            loading = {"playerState": "LOADING", "media": session.item.media, "mediaSessionId": session.id}
            entry |= {"playerState": "IDLE", "extendedStatus": loading}
        return entry

    def _supported(self, session: Session) -> int:
        commands = COMMANDS
        if not self.tells_of_queue:
            return commands
        if session.index + 1 < len(session.items):
            commands |= QUEUE_COMMANDS["next"]
        if session.index > 0:
            commands |= QUEUE_COMMANDS["previous"]
        return commands

    def _tell(self, asker: Asker | None = None, *, with_media: bool = False) -> None:
        """Send the status to all; to who asked, as the answer."""
        status = self.status(with_media=with_media)
        if asker is not None:
            asker.reply(status)
        self._broadcast(MEDIA, status, asker)

    # What the player says

    def _on_event(self, event: Event) -> None:
        session = self.session
        if session is None or session.state in {State.IDLE, State.LOADING}:
            return
        if event.error is not None:
            self._end(session, "ERROR")
            self._loading = asyncio.create_task(self._player.stop())
        elif event.ended:
            self._on_ended(session)
        elif event.state is not State.LOADING:
            self._follow(session, event)

    def _follow(self, session: Session, event: Event) -> None:
        """Take the player's state over, and tell senders if it is another."""
        session.position = event.position
        if event.state is not session.state:
            session.state = event.state
            self._tell()

    def _on_ended(self, session: Session) -> None:
        following = self._following(session)
        if following is None:
            self._end(session, "FINISHED")
            return
        session.state, session.idle_reason, session.loading = State.IDLE, "FINISHED", session.items[following].id
        self._tell()
        session.idle_reason = session.loading = None
        self._start(session, following, None)

    def _following(self, session: Session) -> int | None:
        """Return the index of what comes after the current item."""
        if session.repeat == "REPEAT_SINGLE":
            return session.index
        if session.index + 1 < len(session.items):
            return session.index + 1
        return 0 if session.repeat == "REPEAT_ALL" else None

    def _end(self, session: Session, reason: str, asker: Asker | None = None) -> None:
        session.state, session.idle_reason = State.IDLE, reason
        self._tell(asker)
        self.session = None

    # LOAD

    async def _load(self, asker: Asker) -> None:
        items, index = self._wanted(asker.payload)
        if not items or not 0 <= index < len(items) or not items[index].media.get("contentId"):
            asker.reply({"type": "INVALID_REQUEST", "reason": "INVALID_PARAMS"})
            return
        await self._replace()
        repeat = asker.payload.get("repeatMode") or "REPEAT_OFF"
        self.session = Session(next(self._session_ids), items, repeat=repeat)
        self._start(self.session, index, asker)

    def _wanted(self, payload: Json) -> tuple[list[Item], int]:
        """Return the queue of a LOAD or QUEUE_LOAD, and where in it to begin."""
        queue = payload.get("queueData") or payload
        if "items" in queue:
            return [self._item(item) for item in queue["items"]], queue.get("startIndex", 0)
        return [self._item({**payload, "startTime": payload.get("currentTime")})], 0

    def _item(self, data: Json) -> Item:
        return Item(
            next(self._item_ids),
            dict(data.get("media") or {}),
            data.get("autoplay", True),
            data.get("startTime") or 0.0,
            data.get("activeTrackIds"),
        )

    async def _replace(self) -> None:
        """Make room for another LOAD: whoever waits for the last one is told, and what plays is interrupted."""
        await self._abandon_load()
        if self.session is not None:
            self._end(self.session, "INTERRUPTED")

    async def _abandon_load(self) -> None:
        if self._loading is None:
            return
        task, self._loading = self._loading, None
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        if self.session is not None and self.session.asked is not None:
            self.session.asked.reply({"type": "LOAD_CANCELLED", "itemId": self.session.item.id})
            self.session.asked = None

    def _start(self, session: Session, index: int, asker: Asker | None) -> None:
        """Begin to load one item of the queue."""
        session.index, session.state, session.position, session.asked = index, State.LOADING, 0.0, asker
        self._tell()
        self._loading = asyncio.create_task(self._fetch(session))

    async def _fetch(self, session: Session) -> None:
        if not self._accepts(session.item.media):
            self._fail(session, SOURCE_NOT_SUPPORTED)
            return
        try:
            event = await self._player.load(session.item.source())
        except MediaError as error:
            self._fail(session, error.code)
            return
        finally:
            if self._loading is asyncio.current_task():
                self._loading = None
        asker, session.asked = session.asked, None
        session.item.learn(event)
        session.state, session.position = event.state, event.position
        self._tell(asker, with_media=True)

    def _fail(self, session: Session, code: int) -> None:
        asker, session.asked = session.asked, None
        self._end(session, "ERROR")
        if asker is not None:
            asker.reply({"type": "LOAD_FAILED", "itemId": session.item.id, "detailedErrorCode": code})

    # Commands on what plays

    async def _play(self, asker: Asker, session: Session) -> None:
        self._answer(asker, session, await self._player.play())

    async def _pause(self, asker: Asker, session: Session) -> None:
        self._answer(asker, session, await self._player.pause())

    async def _set_rate(self, asker: Asker, session: Session) -> None:
        session.rate = asker.payload.get("playbackRate") or session.rate * asker.payload.get("relativePlaybackRate", 1)
        self._answer(asker, session, await self._player.set_rate(session.rate))

    async def _edit_tracks(self, asker: Asker, session: Session) -> None:
        known = {track["trackId"] for track in session.item.media.get("tracks") or ()}
        wanted = list(asker.payload.get("activeTrackIds") or ())
        if not known.issuperset(wanted):
            asker.reply({"type": "INVALID_REQUEST", "reason": "INVALID_PARAMS"})
            return
        session.item.active_tracks = wanted
        self._answer(asker, session, await self._player.set_tracks(tuple(wanted)))

    def _answer(self, asker: Asker, session: Session, event: Event) -> None:
        if session.state is not State.LOADING:
            session.position = event.position
            session.state = event.state
        self._tell(asker)

    async def _seek(self, asker: Asker, session: Session) -> None:
        if session.state is State.LOADING:
            asker.reply({"type": "INVALID_PLAYER_STATE"})
            return
        target = asker.payload.get("currentTime")
        if target is None:
            target = session.position + asker.payload.get("relativeTime", 0.0)
        duration = session.item.media.get("duration")
        session.position = max(0.0, target if duration is None else min(target, duration))
        session.state = State.BUFFERING
        self._tell(asker)  # at once: the pictures come later
        await self._player.seek(session.position)
        resume = asker.payload.get("resumeState")
        if resume == "PLAYBACK_START":
            await self._player.play()
        elif resume == "PLAYBACK_PAUSE":
            await self._player.pause()

    async def _stop(self, asker: Asker, session: Session) -> None:
        await self._abandon_load()
        self._end(session, "CANCELLED", asker)
        await self._player.stop()

    async def _set_volume(self, asker: Asker, session: Session) -> None:
        del session
        self.volume = {**self.volume, **(asker.payload.get("volume") or {})}
        self._tell(asker)

    # The queue

    def _index(self, session: Session, item_id: int | None) -> int | None:
        """Return where in the queue an item is."""
        return next((index for index, item in enumerate(session.items) if item.id == item_id), None)

    async def _queue_insert(self, asker: Asker, session: Session) -> None:
        fresh = [self._item(item) for item in asker.payload.get("items") or ()]
        before = self._index(session, asker.payload.get("insertBefore"))
        at = len(session.items) if before is None else before
        session.items[at:at] = fresh
        if at <= session.index:
            session.index += len(fresh)
        self._queue_changed(asker, "INSERT", [item.id for item in fresh])

    async def _queue_remove(self, asker: Asker, session: Session) -> None:
        gone = set(asker.payload.get("itemIds") or ())
        if session.item.id in gone:  # short of a device's: it would go on with the next
            asker.reply({"type": "INVALID_REQUEST", "reason": "INVALID_PARAMS"})
            return
        self._rearrange(session, [item for item in session.items if item.id not in gone])
        self._queue_changed(asker, "REMOVE", sorted(gone))

    async def _queue_reorder(self, asker: Asker, session: Session) -> None:
        moved = asker.payload.get("itemIds") or []
        by_id = {item.id: item for item in session.items}
        rest = [item for item in session.items if item.id not in moved]
        before = asker.payload.get("insertBefore")
        at = next((index for index, item in enumerate(rest) if item.id == before), len(rest))
        rest[at:at] = [by_id[number] for number in moved if number in by_id]
        self._rearrange(session, rest)
        self._queue_changed(asker, "UPDATE", [item.id for item in session.items])

    def _rearrange(self, session: Session, items: list[Item]) -> None:
        current = session.item
        session.items = items
        session.index = items.index(current)

    def _queue_changed(self, asker: Asker, change: str, item_ids: list[int]) -> None:
        self._broadcast(MEDIA, {"type": "QUEUE_CHANGE", "changeType": change, "itemIds": item_ids}, None)
        self._tell(asker, with_media=True)

    async def _queue_update(self, asker: Asker, session: Session) -> None:
        session.repeat = asker.payload.get("repeatMode") or session.repeat
        target = self._index(session, asker.payload.get("currentItemId"))
        if target is None and "jump" in asker.payload:
            target = session.index + asker.payload["jump"]
        if target is None:
            self._tell(asker)
        else:
            await self._jump(asker, session, target)

    async def _queue_next(self, asker: Asker, session: Session) -> None:
        await self._jump(asker, session, session.index + 1)

    async def _queue_previous(self, asker: Asker, session: Session) -> None:
        await self._jump(asker, session, session.index - 1)

    async def _jump(self, asker: Asker, session: Session, target: int) -> None:
        if not 0 <= target < len(session.items):
            asker.reply({"type": "INVALID_REQUEST", "reason": "INVALID_PARAMS"})
            return
        await self._abandon_load()
        self._start(session, target, asker)

    async def _queue_item_ids(self, asker: Asker, session: Session) -> None:
        asker.reply({"type": "QUEUE_ITEM_IDS", "itemIds": [item.id for item in session.items]})

    async def _queue_items(self, asker: Asker, session: Session) -> None:
        wanted = asker.payload.get("itemIds") or ()
        asker.reply({"type": "QUEUE_ITEMS", "items": [item.as_json() for item in session.items if item.id in wanted]})
