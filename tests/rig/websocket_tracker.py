"""A WebTorrent tracker of one torrent: it passes on what its peers offer and answer each other, over WebSockets.

No BEP describes it; libtorrent and npm's webtorrent speak as npm's bittorrent-tracker does.
"""

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# Until a peer announces itself again; no test takes as long. s
INTERVAL: Final = 120

type Json = dict[str, Any]


class WebSocketTracker:
    """What the tracker knows: `joined` is set when the first peer has announced itself."""

    def __init__(self) -> None:
        self.url = ""
        self.connections = 0
        self.joined = asyncio.Event()
        self._peers: dict[str, web.WebSocketResponse] = {}

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Listen to a peer until it goes."""
        self.connections += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            with contextlib.suppress(ConnectionError):  # of who has gone meanwhile
                await self._take(socket, message.json())
        return socket

    async def _take(self, socket: web.WebSocketResponse, message: Json) -> None:
        """Pass an answer on to who made the offer, offers to all others, each another one."""
        if "answer" in message:
            await self._peers[message.pop("to_peer_id")].send_json(message)
            return
        self._peers[message["peer_id"]] = socket
        same = {"action": "announce", "info_hash": message["info_hash"]}
        await socket.send_json(same | {"interval": INTERVAL, "complete": 0, "incomplete": len(self._peers)})
        others = [peer for peer in self._peers.values() if peer is not socket and not peer.closed]
        for other, offer in zip(others, message["offers"], strict=False):
            await other.send_json(same | {"peer_id": message["peer_id"]} | offer)
        self.joined.set()


@asynccontextmanager
async def websocket_tracker(address: str) -> AsyncIterator[WebSocketTracker]:
    """Run a tracker on a free port of `address`."""
    tracker = WebSocketTracker()
    app = web.Application()
    app.router.add_get("/announce", tracker.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, 0).start()
        tracker.url = f"ws://{address}:{runner.addresses[0][1]}/announce"
        yield tracker
    finally:
        await runner.cleanup()
