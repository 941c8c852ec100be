"""A headless Chromium, started, spoken to over the DevTools protocol, and ended without a trace."""

import asyncio
import contextlib
import itertools
import re
import shutil
import tempfile
from collections import deque
from typing import TYPE_CHECKING, Any, override

import aiohttp

from .built import Built
from .process import running

if TYPE_CHECKING:
    from collections.abc import Callable

type Json = dict[str, Any]

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # CI and containers run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have a small /dev/shm
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",  # nothing may leave the machine
    "--host-resolver-rules=MAP *.com ~NOTFOUND",  # not its maker's hosts either; IP addresses would match a bare *
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-extensions",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--autoplay-policy=no-user-gesture-required",  # a receiver plays, with sound, unasked
    "--mute-audio",  # decoded in real time all the same
    "--remote-debugging-port=0",
)

START_TIMEOUT = 60
"""s: 1 s on an idle machine; a loaded CI machine may take many times that."""

CLOSE_TIMEOUT = 10
"""s for an orderly end, in which its children end too, before it is stopped like any process."""

LISTENING = re.compile(rb"DevTools listening on (ws://\S+)")


class DevToolsError(Exception):
    """Chromium refused a command, or is gone."""


class Chromium(Built):
    """A browser process and one page of it."""

    def __init__(self, *flags: str) -> None:
        """Take `flags` beside the rig's own."""
        super().__init__()
        self._flags = flags
        self._ids = itertools.count(1)
        self._replies: dict[int, asyncio.Future[Json]] = {}
        self._listeners: dict[str, Callable[[Json], None]] = {}
        self._log: deque[bytes] = deque(maxlen=50)
        self._session = ""
        self.version = ""
        self.profile = ""

    @override
    async def _build(self) -> None:
        """Start the browser and attach to a blank page."""
        async with asyncio.timeout(START_TIMEOUT):
            await self._start()

    async def _close(self) -> None:
        with contextlib.suppress(DevToolsError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._send("Browser.close", {})
                await self._process.wait()

    async def _start(self) -> None:
        self.profile = profile = tempfile.mkdtemp(prefix="rig-chromium-")
        self._stack.callback(shutil.rmtree, profile, ignore_errors=True)
        self._process = await self._stack.enter_async_context(
            running(
                *("chromium", *FLAGS, *self._flags, f"--user-data-dir={profile}", "about:blank"),
                stderr=asyncio.subprocess.PIPE,
            )
        )
        url = await self._listening()
        self._background(self._drain())
        http = await self._stack.enter_async_context(aiohttp.ClientSession())
        self._socket = await http.ws_connect(url, max_msg_size=0)
        self._stack.push_async_callback(self._socket.close)
        self._background(self._receive())
        self._stack.push_async_callback(self._close)
        self.version = (await self._send("Browser.getVersion", {}))["product"]
        target = await self._send("Target.createTarget", {"url": "about:blank"})
        attached = await self._send("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        self._session = attached["sessionId"]

    async def _listening(self) -> str:
        """Return the DevTools address, which Chromium prints once it is ready."""
        stderr = self._process.stderr
        assert stderr is not None
        async for line in stderr:
            self._log.append(line)
            if found := LISTENING.search(line):
                return found[1].decode()
        msg = f"Chromium ended: {b''.join(self._log).decode(errors='replace')}"
        raise DevToolsError(msg)

    async def _drain(self) -> None:
        """Keep the pipe empty: a full one would stop the browser."""
        stderr = self._process.stderr
        assert stderr is not None
        with contextlib.suppress(ValueError):  # a line longer than the buffer
            async for line in stderr:
                self._log.append(line)

    def _background(self, work: Any) -> None:  # noqa: ANN401  # any coroutine
        task = asyncio.create_task(work)

        async def stop() -> None:
            task.cancel()
            await asyncio.wait([task])

        self._stack.push_async_callback(stop)

    async def _receive(self) -> None:
        try:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._take(message.json())
        finally:  # whoever waits would wait for ever
            for reply in self._replies.values():
                if not reply.done():
                    reply.set_exception(DevToolsError("Chromium is gone"))

    def _take(self, data: Json) -> None:
        """Pass a message on to who waits for it."""
        if (reply := self._replies.pop(data.get("id", 0), None)) is not None:
            _settle(reply, data)
        elif (listener := self._listeners.get(data.get("method", ""))) is not None:
            listener(data["params"])

    async def _send(self, method: str, params: Json) -> Json:
        if self._socket.closed:
            raise DevToolsError("Chromium is gone")
        number = next(self._ids)
        reply: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._replies[number] = reply
        message: Json = {"id": number, "method": method, "params": params}
        if self._session and not method.startswith(("Browser.", "Target.")):
            message["sessionId"] = self._session
        try:
            await self._socket.send_json(message)
            return await reply
        except ConnectionError as err:
            raise DevToolsError("Chromium is gone") from err
        finally:
            self._replies.pop(number, None)

    def on(self, method: str, listener: Callable[[Json], None]) -> None:
        """Have the parameters of every event `method` passed to `listener`."""
        self._listeners[method] = listener

    async def call(self, method: str, **params: Any) -> Json:  # noqa: ANN401  # as DevTools documents them
        """Send a command to the page, return its result."""
        return await self._send(method, params)

    async def open(self, url: str) -> None:
        """Show a page; returns when its first bytes are there."""
        answer = await self.call("Page.navigate", url=url)
        if (failure := answer.get("errorText")) is not None:
            message = f"{url}: {failure}"
            raise DevToolsError(message)

    async def evaluate(self, expression: str) -> Any:  # noqa: ANN401  # any JSON value
        """Return what a JavaScript expression gives, awaited where it is a promise."""
        answer = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if (failure := answer.get("exceptionDetails")) is not None:
            raise DevToolsError(failure.get("exception", {}).get("description") or failure["text"])
        return answer["result"].get("value")


def _settle(reply: asyncio.Future[Json], data: Json) -> None:
    """Give a command its answer."""
    if reply.done():
        return
    if (error := data.get("error")) is not None:
        reply.set_exception(DevToolsError(error.get("message", "refused")))
    else:
        reply.set_result(data.get("result", {}))
