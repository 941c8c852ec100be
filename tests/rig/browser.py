"""The player of the rig's receivers: a page in headless Chromium that really fetches, demuxes and decodes."""

import asyncio
import hashlib
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, override

from aiohttp import web

from . import rig_cache
from .built import Built
from .devtools import Chromium, DevToolsError
from .films import clock_layout
from .models import MODELS, beyond
from .player import Event, Frame, MediaError, Player, PlayerStats, Source, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from .films import ClockLayout
    from .recorder import Recorder

PAGE = Path(__file__).with_name("player.html")

LOCK = Path(__file__).with_name("package-lock.json")
"""What `scripts/setup` installs by npm, into a directory of the cache that is named after it."""

SKIPPED_TRACK = re.compile(r"skipping invalid or unsupported (audio|video) track")
"""What Chromium's demuxer logs when it plays a file without one of its tracks."""

CLOCK_SAMPLES = 5
"""Round trips to Chromium to line up its clock with ours; the quickest is right to well under 1 ms."""


class BrowserPlayer(Built, Player):
    """One Chromium with one `<video>`, its page on an origin of its own, so that CORS is as real as on a device."""

    def __init__(
        self, recorder: Recorder | None = None, *, clock: ClockLayout | None = None, model: str | None = None
    ) -> None:
        """With a `recorder`, all but the page itself is fetched through it; `clock` is where films show the time.

        Then what a `model` that is known here does not play is refused, also where Chromium would.
        """
        super().__init__()
        self._model = model if model in MODELS else None
        self.beyond: list[str] = []
        """What was refused so."""
        self._clock = clock or clock_layout()
        self._recorder = recorder
        self._listeners: list[Callable[[Event], None]] = []
        self._ready = asyncio.Event()
        self._clock_offset = 0.0
        self._order = 0
        self._media_id = ""

    @property
    def version(self) -> str:
        """Return the browser's name and version."""
        return self._chromium.version

    @override
    async def _build(self) -> None:
        """Start the browser, open the page."""
        port = await self._serve_page()
        self._chromium = await self._stack.enter_async_context(Chromium(*self._proxy_flags(port)))
        self._chromium.on("Runtime.bindingCalled", self._on_binding)
        await self._chromium.call("Page.enable")
        await self._chromium.call("Runtime.enable")
        await self._chromium.call("Runtime.addBinding", name="rigReport")
        self._chromium.on("Media.playerCreated", self._on_created)
        self._chromium.on("Media.playerMessagesLogged", self._on_media_log)
        await self._chromium.call("Media.enable")
        await self._chromium.open(f"http://127.0.0.1:{port}/")
        async with asyncio.timeout(30):  # s: a local page on a machine that may be busy
            await self._ready.wait()
        await self._ask("useClock", self._clock)
        await self._line_up_clocks()

    async def _serve_page(self) -> int:
        """Serve the page on a free port of loopback, return the port."""
        page = PAGE.read_text()

        async def get(_: web.Request) -> web.Response:
            return web.Response(text=page, content_type="text/html")

        async def shaka(_: web.Request) -> web.FileResponse:
            return web.FileResponse(shaka_player())

        app = web.Application()
        app.router.add_get("/", get)
        app.router.add_get("/shaka-player.js", shaka)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return int(runner.addresses[0][1])

    def _proxy_flags(self, page_port: int) -> tuple[str, ...]:
        """Return the flags that send everything but the page through the recorder, loopback too."""
        if self._recorder is None:
            return ("--no-proxy-server",)
        bypass = f"<-loopback>;127.0.0.1:{page_port}"
        return (f"--proxy-server={self._recorder.url}", f"--proxy-bypass-list={bypass}")

    async def _line_up_clocks(self) -> None:
        """Learn what to add to the page's `performance.now()` (s) to have `time.monotonic()`."""
        samples = []
        for _ in range(CLOCK_SAMPLES):
            before = time.monotonic()
            there = float(await self._chromium.evaluate("performance.now()")) / 1000
            after = time.monotonic()
            samples.append((after - before, (before + after) / 2 - there))
        self._clock_offset = min(samples)[1]

    def _on_binding(self, params: dict[str, Any]) -> None:
        data = json.loads(params["payload"])
        if data["type"] == "ready":
            self._ready.set()
        if data["order"] != self._order:
            return  # of the time before the last command: senders must not see it go back
        self._tell(_event(data))

    def _on_created(self, params: dict[str, Any]) -> None:
        self._media_id = params["player"]["playerId"]

    def _on_media_log(self, params: dict[str, Any]) -> None:
        """Fail where Chromium leaves a track out in silence, as with AC3; its log comes once a second."""
        if params["playerId"] != self._media_id:
            return
        for message in params["messages"]:
            if found := SKIPPED_TRACK.search(message["message"]):
                self._tell(Event("error", State.LOADING, 0.0, error=f"unsupported {found[1]} track", code=104))

    def _tell(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            listener(event)

    async def _command(self, call: str, *arguments: object) -> Any:  # noqa: ANN401  # any JSON value
        """Call a function of the page that leaves all earlier events behind."""
        self._order += 1
        return await self._ask(call, self._order, *arguments)

    async def _ask(self, call: str, *arguments: object) -> Any:  # noqa: ANN401  # any JSON value
        """Call a function of the page."""
        return await self._chromium.evaluate(f"rig.{call}({', '.join(map(json.dumps, arguments))})")

    @override
    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @override
    async def load(self, source: Source) -> Event:
        tracks = [
            {"id": track.id, "url": track.url, "language": track.language, "name": track.name}
            for track in source.tracks
        ]
        wanted = {
            "url": source.url,
            "type": source.content_type,
            "start": source.start,
            "autoplay": source.autoplay,
            "tracks": tracks,
            "active": source.active,
        }
        try:
            event = _event(await self._command("load", wanted))
        except DevToolsError as err:
            raise MediaError(str(err), 101) from err
        self._check(source.url)
        if event.error is not None:
            raise MediaError(event.error, event.code or 104)
        return event

    def _check(self, url: str) -> None:
        """See that what was sent of a film is for this model. Raises MediaError."""
        if self._recorder is None or self._model is None:
            return
        folder = url.rpartition("/")[0]
        sent = (exchange.head for exchange in self._recorder.exchanges if exchange.url.startswith(folder))
        if found := beyond(self._model, sent):
            self.beyond.append(f"{self._model} does not play {', '.join(map(str, found))}")
            raise MediaError(self.beyond[-1], 104)

    @override
    async def play(self) -> Event:
        return _event(await self._ask("play"))

    @override
    async def pause(self) -> Event:
        return _event(await self._ask("pause"))

    @override
    async def seek(self, position: float) -> Event:
        return _event(await self._command("seek", position))

    @override
    async def stop(self) -> None:
        await self._command("stop")

    @override
    async def set_rate(self, rate: float) -> Event:
        return _event(await self._ask("rate", rate))

    @override
    async def set_tracks(self, active: tuple[int, ...]) -> Event:
        return _event(await self._ask("tracks", active))

    @override
    async def stats(self) -> PlayerStats:
        return PlayerStats(**await self._ask("stats"))

    async def cues(self) -> list[str]:
        """Return the subtitles on screen."""
        return list(await self._ask("cues"))

    async def line(self, beginning: str) -> tuple[str, float]:
        """Wait for a subtitle that begins so; return it and the second of the picture that it is on."""
        while True:
            frame = await self.frames_moving()
            for line in await self.cues():
                if line.startswith(beginning) and frame.clock is not None:
                    return line, frame.clock

    async def next_frame(self) -> Frame:
        """Wait for a picture to be presented."""
        return await self.frames_moving(1)

    async def frames_moving(self, n: int = 2, near: float | None = None) -> Frame:
        """Wait for the nth different picture from now on and return it.

        With `near` (s), only pictures within 2 s of that media time count: those of a seek that is still to come.
        """
        frame = await self._ask("frames", n, near)
        return Frame(frame["at"] / 1000 + self._clock_offset, frame["media_time"], frame["clock"])

    async def picture(self, url: str) -> tuple[tuple[int, int], tuple[int, ...]]:
        """Fetch a picture as a receiver's app does; return its size and the colour in its middle."""
        shown = await self._ask("picture", url)
        return (shown["width"], shown["height"]), tuple(shown["colour"])

    async def screenshot(self) -> bytes:
        """Return what the screen shows, as PNG, base64-encoded."""
        return str((await self._chromium.call("Page.captureScreenshot"))["data"]).encode()


def shaka_player() -> Path:
    """Return Shaka Player, as far as it is for HLS."""
    installed = rig_cache() / f"npm-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"
    return installed / "node_modules" / "shaka-player" / "dist" / "shaka-player.hls-es2021.js"


def _event(data: dict[str, Any]) -> Event:
    fields = {name: value for name, value in data.items() if name != "order"}
    return Event(**{**fields, "state": State(data["state"]), "active": tuple(data["active"])})
