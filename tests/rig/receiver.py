"""A Google Cast receiver for tests: CASTV2 on port 8009 and the set-up endpoints beside it, as senders know them."""

import asyncio
import logging
import os
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from aiohttp import web
from google.protobuf.message import DecodeError

from . import castv2
from .castv2 import CONNECTION, EVERYONE, HEARTBEAT, MEDIA, PLATFORM, RECEIVER, Envelope
from .listening import listening
from .mediaapp import MediaApp
from .player import NoPlayer, State

if TYPE_CHECKING:
    from .castv2 import Json
    from .mediaapp import Asker
    from .player import Player

_LOGGER = logging.getLogger(__name__)

CAST_PORT = 8009
"""Home Assistant's known hosts have no port: it is always this one."""

LATENCY = 0.02
"""s until an answer is on its way, about a Wi-Fi device's.

pychromecast writes in several threads without a lock: an answer that comes while the writer has not yet returned makes
another thread write at the same time, and the TLS connection breaks. On loopback, without this: 1 of 50 launches.
"""

SETUP_PORT = 8008
SETUP_TLS_PORT = 8443

BACKDROP = "E8C28D3C"
"""The app a receiver shows when nothing else runs."""

DEFAULT_MEDIA_RECEIVER = "CC1AD845"

YOUTUBE = "233637DE"

APPS = {BACKDROP: "Backdrop", DEFAULT_MEDIA_RECEIVER: "Default Media Receiver", YOUTUBE: "YouTube"}
"""Apps that can be launched here, with their names."""

CONTENT_TYPES = (
    "audio/",
    "image/",
    "video/mp4",
    "video/webm",
    "video/mp2t",
    "video/ogg",
    "application/ogg",
    "application/x-mpegurl",
    "application/vnd.apple.mpegurl",
    "application/dash+xml",
    "application/vnd.ms-sstr+xml",
)
"""What Google lists for Cast devices: not Matroska, not AVI."""


def own_host(number: int = 0) -> str:
    """Return a loopback address that only this process uses: the port is fixed, and rigs run side by side.

    `number` (0 to 2) tells one process's receivers apart; process ids have 22 bits at most.
    """
    pid = os.getpid()
    return f"127.{1 + (pid >> 16) + 64 * number}.{pid >> 8 & 255}.{pid & 255}"


@dataclass(eq=False)
class Connection:
    """A sender's TLS connection, and the virtual ones within it."""

    writer: asyncio.StreamWriter
    channels: set[tuple[str, str]] = field(default_factory=set)
    """(sender, destination) of every CONNECT."""
    _outbox: asyncio.Queue[tuple[float, bytes]] = field(default_factory=asyncio.Queue)

    def send(self, envelope: Envelope) -> None:
        """Send, in a moment."""
        self._outbox.put_nowait((asyncio.get_running_loop().time() + LATENCY, envelope.encode()))

    async def deliver(self) -> None:
        """Pass on what is to be sent, for ever."""
        while True:
            due, frame = await self._outbox.get()
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            if not self.writer.is_closing():
                self.writer.write(frame)

    def reaches(self, transport: str) -> bool:
        """Return whether some sender of this connection is connected to `transport`."""
        return any(destination == transport for _, destination in self.channels)


@dataclass(eq=False)
class Request:
    """A message and the way back."""

    connection: Connection
    envelope: Envelope

    @property
    def payload(self) -> Json:
        """Return what was asked."""
        return self.envelope.payload

    def reply(self, payload: Json) -> None:
        """Answer, with the request's own id."""
        asked = self.envelope
        answer = {**payload, "requestId": asked.payload.get("requestId", 0)}
        self.connection.send(Envelope(asked.destination, asked.source, asked.namespace, answer))


@dataclass(eq=False)
class Local:
    """A request by a sender that is not in the room: nobody hears the answers."""

    payload: Json
    answers: list[Json] = field(default_factory=list)

    def reply(self, payload: Json) -> None:
        """Keep the answer."""
        self.answers.append(payload)


@dataclass(eq=False)
class App:
    """A running app."""

    id: str
    media: MediaApp | None = None
    transport: str = field(default_factory=lambda: str(uuid.uuid4()))

    def as_json(self) -> Json:
        """Return the app as RECEIVER_STATUS tells of it."""
        name = APPS.get(self.id, self.id)
        return {
            "appId": self.id,
            "appType": "WEB",
            "displayName": name,
            "iconUrl": "",
            "isIdleScreen": self.id == BACKDROP,
            "launchedFromCloud": False,
            "namespaces": [{"name": MEDIA}] if self.id != BACKDROP else [],
            "sessionId": self.transport,
            "statusText": "" if self.id == BACKDROP else name,
            "transportId": self.transport,
            "universalAppId": self.id,
        }


class Receiver:
    """A Cast device on one loopback address."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        name: str = "Rig TV",
        model: str = "Chromecast",
        player: Player | None = None,
        *,
        refuse: bool = False,
        screen: bool = True,
    ) -> None:
        """Without a `player` every LOAD is taken and nothing ever plays; with `refuse` every LOAD fails (104).

        Without a `screen` it is a speaker.
        """
        self.host = host
        self.name = name
        self.model = model
        self.player: Player = player or NoPlayer()
        self.refuse = refuse
        self._screen = screen
        self.knows_content_url = True
        """An old receiver looks at contentId only."""
        self.lose_next_load = False
        """Break the connection at the next LOAD instead of answering it."""
        self.uuid = uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.{host}.rig")
        self.loads: list[Json] = []
        self.seeks: list[Json] = []
        self.messages: list[Json] = []
        """Everything senders sent but heartbeats and connects, oldest first."""
        self._volume: Json = {"controlType": "attenuation", "level": 1.0, "muted": False, "stepInterval": 0.05}
        self._context = castv2.server_context(host)
        self._connections: set[Connection] = set()
        self._watchers: set[asyncio.Future[None]] = set()
        self._app = App(BACKDROP)
        self._power = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Switch on."""
        await self.power_on()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Switch off."""
        await self.close()

    # What tests look at and do

    @property
    def app_id(self) -> str:
        """Return the app on screen."""
        return self._app.id

    @property
    def state(self) -> State:
        """Return what the media session does."""
        return State.IDLE if self._app.media is None else self._app.media.state

    async def power_on(self) -> None:
        """Listen for senders."""
        try:
            await self._power_on()
        except BaseException:
            await self._power.aclose()
            raise

    async def power_off(self) -> None:
        """Hang up on everyone, as when the plug is pulled, and forget what played."""
        await self._power.aclose()
        await self._end_app()
        self._app = App(BACKDROP)

    async def close(self) -> None:
        """Switch off for good."""
        await self.power_off()

    async def restart(self) -> None:
        """Reboot: every connection breaks, every session is forgotten, then senders may come back."""
        await self.power_off()
        await self.power_on()

    async def take_over(self, app_id: str = YOUTUBE) -> None:
        """Have some other sender launch another app."""
        await self._run(App(app_id))

    async def quit_app(self) -> None:
        """Have someone end the app by the TV's own remote control."""
        await self._run(App(BACKDROP))

    async def load_by_other(self, media: Json, **fields: object) -> None:
        """Have some other sender LOAD `media` (MediaInformation) into the app that runs, or launch it for that."""
        app = await self._launched(DEFAULT_MEDIA_RECEIVER)
        assert app.media is not None
        await app.media.handle(Local({"type": "LOAD", "media": media, "autoplay": True, **fields}))

    async def command_by_other(self, kind: str, **fields: object) -> None:
        """Have some other sender, or the TV's remote control, send PLAY, PAUSE, SEEK or STOP for what plays."""
        media = self._app.media
        if media is None or media.session is None:
            raise RuntimeError("nothing plays")
        await media.handle(Local({"type": kind, "mediaSessionId": media.session.id, **fields}))

    async def break_off(self) -> None:
        """Have the player fail in the middle of the film, as when its network or its decoder does."""
        assert self._app.media is not None
        await self._app.media.break_off()

    async def reaches(self, *states: State) -> State:
        """Wait until the media session is in one of `states`."""
        while self.state not in states:
            await self._change()
        return self.state

    async def connected(self, senders: int = 1) -> None:
        """Wait until so many senders are connected."""
        while len(self._connections) < senders:
            await self._change()

    # Network

    async def _power_on(self) -> None:
        await self._power.enter_async_context(listening(self._serve, self.host, CAST_PORT, self._context))
        setup = web.Application()
        setup.router.add_get("/setup/eureka_info", self._eureka_info)
        runner = web.AppRunner(setup, access_log=None, shutdown_timeout=1)  # s; nothing here takes long
        await runner.setup()
        self._power.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, self.host, SETUP_PORT).start()
        await web.TCPSite(runner, self.host, SETUP_TLS_PORT, ssl_context=self._context).start()

    async def _eureka_info(self, request: web.Request) -> web.Response:
        """Tell who this is; `params` asks for more, as senders do."""
        info: Json = {"name": self.name, "version": 12, "build_version": "1.0", "connected": True}
        if "multizone" in request.query.get("params", ""):
            info["multizone"] = {"dynamic_groups": [], "groups": []}
        info["device_info"] = {
            "ssdp_udn": str(self.uuid),
            "manufacturer": "Google Inc.",
            "model_name": self.model,
            "capabilities": {"display_supported": self._screen, "multizone_supported": False},
        }
        return web.json_response(info)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(writer)
        self._connections.add(connection)
        self._note_change()
        delivery = asyncio.create_task(connection.deliver())
        try:
            while (envelope := await _next(reader)) is not None:
                await self._handle(Request(connection, envelope))
        finally:
            delivery.cancel()
            await asyncio.wait([delivery])
            self._connections.remove(connection)
            self._note_change()

    # Messages

    async def _handle(self, request: Request) -> None:
        envelope = request.envelope
        if envelope.namespace == CONNECTION:
            self._connect(request)
        elif envelope.namespace == HEARTBEAT:
            if envelope.type == "PING":
                request.connection.send(Envelope(PLATFORM, envelope.source, HEARTBEAT, {"type": "PONG"}))
        elif (envelope.source, envelope.destination) not in request.connection.channels:
            request.connection.send(Envelope(envelope.destination, envelope.source, CONNECTION, {"type": "CLOSE"}))
        else:
            self.messages.append(envelope.payload)
            await self._dispatch(request)

    def _connect(self, request: Request) -> None:
        envelope, connection = request.envelope, request.connection
        channel = (envelope.source, envelope.destination)
        if envelope.type == "CLOSE":
            connection.channels.discard(channel)
        elif envelope.type == "CONNECT":
            if envelope.destination in {PLATFORM, self._app.transport}:
                connection.channels.add(channel)
            else:
                connection.send(Envelope(envelope.destination, envelope.source, CONNECTION, {"type": "CLOSE"}))

    async def _dispatch(self, request: Request) -> None:
        envelope = request.envelope
        if envelope.destination == PLATFORM and envelope.namespace == RECEIVER:
            await self._on_platform(request)
        elif envelope.destination == self._app.transport and envelope.namespace == MEDIA:
            await self._on_media(request)

    async def _on_media(self, request: Request) -> None:
        kind = request.envelope.type
        if kind == "LOAD":
            self.loads.append(request.payload)
            if self.lose_next_load:
                self.lose_next_load = False
                request.connection.writer.transport.abort()
                return
        elif kind == "SEEK":
            self.seeks.append(request.payload)
        if self._app.media is not None:
            await self._app.media.handle(request)
        elif kind == "GET_STATUS":
            request.reply({"type": "MEDIA_STATUS", "status": []})

    async def _on_platform(self, request: Request) -> None:
        match request.envelope.type:
            case "GET_STATUS":
                request.reply(self._status())
            case "GET_APP_AVAILABILITY":
                request.reply(_availability(request.payload))
            case "LAUNCH":
                await self._on_launch(request)
            case "STOP":
                await self._on_stop(request)
            case "SET_VOLUME":
                self._volume |= request.payload.get("volume") or {}
                self._tell(request)
            case _:
                request.reply({"type": "INVALID_REQUEST", "reason": "INVALID_COMMAND"})

    async def _on_launch(self, request: Request) -> None:
        app_id = str(request.payload.get("appId"))
        if app_id not in APPS:
            request.reply({"type": "LAUNCH_ERROR", "reason": "NOT_FOUND"})
            return
        await self._launched(app_id, request)

    async def _on_stop(self, request: Request) -> None:
        if request.payload.get("sessionId") not in {None, self._app.transport}:
            request.reply({"type": "INVALID_REQUEST", "reason": "INVALID_SESSION_ID"})
            return
        await self._run(App(BACKDROP), request)

    # Apps

    async def _launched(self, app_id: str, request: Request | None = None) -> App:
        """Return the app `app_id`, running; who asked is answered either way."""
        if self._app.id != app_id:
            await self._run(App(app_id), request)
        elif request is not None:
            request.reply(self._status())
        return self._app

    async def _run(self, app: App, request: Request | None = None) -> None:
        """Put another app on screen."""
        await self._end_app()
        if app.id == DEFAULT_MEDIA_RECEIVER:
            app.media = MediaApp(self.player, self._broadcast_media, self._accepts)
        self._app = app
        self._tell(request)

    async def _end_app(self) -> None:
        """End the running app; whoever is connected to it is told so."""
        app = self._app
        if app.media is not None:
            await app.media.close()
            app.media = None
        for connection in self._connections:
            for channel in [channel for channel in connection.channels if channel[1] == app.transport]:
                connection.channels.discard(channel)
                connection.send(Envelope(app.transport, channel[0], CONNECTION, {"type": "CLOSE"}))
        self._note_change()

    def _accepts(self, media: Json) -> bool:
        """Return whether this device would try: by the MIME type, as Chromium itself plays more."""
        playable = self.knows_content_url or str(media.get("contentId", "")).startswith("http")
        return playable and not self.refuse and str(media.get("contentType", "")).lower().startswith(CONTENT_TYPES)

    def _broadcast_media(self, namespace: str, payload: Json, asker: Asker | None) -> None:
        self._broadcast(self._app.transport, namespace, payload, asker)
        self._note_change()

    def _broadcast(self, transport: str, namespace: str, payload: Json, asker: Asker | None) -> None:
        """Send to every connection with a channel to `transport`, but for that of who asked: it has its answer."""
        answered = asker.connection if isinstance(asker, Request) else None
        for connection in self._connections:
            if connection is not answered and connection.reaches(transport):
                connection.send(Envelope(transport, EVERYONE, namespace, {**payload, "requestId": 0}))

    def _tell(self, request: Request | None) -> None:
        """Send the receiver's status to all, to who asked as the answer."""
        if request is not None:
            request.reply(self._status())
        self._broadcast(PLATFORM, RECEIVER, self._status(), request)
        self._note_change()

    def _status(self) -> Json:
        status: Json = {
            "applications": [self._app.as_json()],
            "isActiveInput": True,
            "isStandBy": False,
            "userEq": {},
            "volume": self._volume,
        }
        return {"type": "RECEIVER_STATUS", "status": status}

    # Waiting

    def _note_change(self) -> None:
        for watcher in self._watchers:
            if not watcher.done():
                watcher.set_result(None)

    async def _change(self) -> None:
        watcher = asyncio.get_running_loop().create_future()
        self._watchers.add(watcher)
        try:
            await watcher
        finally:
            self._watchers.discard(watcher)


async def _next(reader: asyncio.StreamReader) -> Envelope | None:
    """Return what a sender says next; None when it is gone, politely or not, or makes no sense."""
    try:
        return await castv2.read(reader)
    except (OSError, EOFError, ValueError, TypeError, DecodeError) as err:
        _LOGGER.info("a sender is gone: %r", err)
        return None


def _availability(payload: Json) -> Json:
    """Return which of the apps asked for can be launched."""
    availability = {
        app_id: "APP_AVAILABLE" if app_id in APPS else "APP_UNAVAILABLE" for app_id in payload.get("appId") or ()
    }
    return {"responseType": "GET_APP_AVAILABILITY", "availability": availability}
