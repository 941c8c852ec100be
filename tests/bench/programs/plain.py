"""libtorrent used plainly: `python -m tests.bench.programs.plain FOLDER sequential|deadlines`.

The same binding as the integration's (on PYTHONPATH, as what would unpack it brings in all of Home Assistant), with
default settings. Prints and reads what `ours` does.
"""

import asyncio
import contextlib
import importlib
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from tests.rig.seeder import Alerts

if TYPE_CHECKING:
    import libtorrent as lt

# A port of its own for each process. One that is killed leaves its uTP connections open at the seeds, and a seed closes
# who comes from the same address and port as a duplicate: no peer until libtorrent tries again, 60 s later
# (`min_reconnect_time`).
ANY_PORT: Final = "0.0.0.0:0,[::]:0"
# What players that stream by deadlines commonly ask for at a time, and how far apart; pieces, ms
WINDOW: Final = 16
STEP_MS: Final = 100


class Plain:
    """One torrent, and whoever waits for its pieces."""

    def __init__(self, folder: Path, *, sequential: bool) -> None:
        self._lt = importlib.import_module("libtorrent")
        self._folder = folder
        self._sequential = sequential
        category = self._lt.alert.category_t
        # Defaults, but for the port and for what finds peers: only the tracker may.
        self._session = self._lt.session(
            {
                "alert_mask": category.status_notification | category.piece_progress_notification,
                "alert_queue_size": 10_000,
                "listen_interfaces": ANY_PORT,
                **dict.fromkeys(("enable_dht", "enable_lsd", "enable_upnp", "enable_natpmp"), False),
            }
        )
        self._have: set[int] = set()
        self._arrivals: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self._reads: dict[int, asyncio.Future[bytes]] = {}
        self._alerts = Alerts(self._session)
        asyncio.get_running_loop().add_reader(self._alerts._readable, self._pump)

    def add(self, torrent: Path) -> None:
        """Start to download."""
        self._info = self._lt.torrent_info(self._lt.bdecode(torrent.read_bytes()))
        flags = self._lt.torrent_flags
        params = self._lt.add_torrent_params()
        params.ti = self._info
        params.save_path = str(self._folder)
        params.flags &= ~(flags.auto_managed | flags.paused)  # the queue would start it some seconds later
        if self._sequential:
            params.flags |= flags.sequential_download
        self._handle: lt.torrent_handle = self._session.add_torrent(params)

    async def film(self, request: web.Request) -> web.StreamResponse:
        """Answer a range that is open at its end, or the whole."""
        start = request.http_range.start or 0
        response = web.StreamResponse(status=206 if "Range" in request.headers else 200)
        response.content_length = self._info.total_size() - start
        await response.prepare(request)
        length = self._info.piece_length()
        first = start // length
        if self._sequential:
            self._from(first)
        window: set[int] = set()
        try:
            for piece in range(first, self._info.num_pieces()):
                if not self._sequential:
                    self._extend(window, piece)
                await self._arrivals[piece].wait()
                data = await self._read(piece)
                await response.write(data[start - piece * length :] if piece == first else data)
        except ConnectionError:
            pass
        finally:
            for piece in window - self._have:
                self._handle.reset_piece_deadline(piece)
        return response

    def _from(self, first: int) -> None:
        """Download sequentially from `first`: what is before it is not wanted."""
        self._handle.prioritize_pieces([int(piece >= first) for piece in range(self._info.num_pieces())])

    def _extend(self, window: set[int], piece: int) -> None:
        """Give deadlines to what is in the window from `piece` on and has none yet."""
        fresh = set(range(piece, min(piece + WINDOW, self._info.num_pieces()))) - window
        for later in sorted(fresh - self._have):
            self._handle.set_piece_deadline(later, (later - piece) * STEP_MS)
        window |= fresh

    async def _read(self, piece: int) -> bytes:
        if piece not in self._reads:
            self._reads[piece] = asyncio.get_running_loop().create_future()
            self._handle.read_piece(piece)
        try:
            return await asyncio.shield(self._reads[piece])
        finally:
            self._reads.pop(piece, None)

    def _pump(self) -> None:
        self._take(self._alerts.next(0))

    def _take(self, alerts: Iterable[Any]) -> None:
        for alert in alerts:
            if isinstance(alert, self._lt.piece_finished_alert):
                self._have.add(alert.piece_index)
                self._arrivals[alert.piece_index].set()
            elif isinstance(alert, self._lt.read_piece_alert):
                self._answer(alert)

    def _answer(self, alert: lt.read_piece_alert) -> None:
        if (read := self._reads.get(alert.piece)) and not read.done() and not alert.error.value():
            read.set_result(alert.buffer)


async def main(folder: Path, kind: str) -> None:
    """Serve one torrent until the process is ended."""
    plain = Plain(folder, sequential=kind == "sequential")
    app = web.Application()
    app.router.add_get("/", plain.film)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print("ready", flush=True)
    plain.add(Path((await asyncio.to_thread(sys.stdin.readline)).strip()))
    print(f"listening http://127.0.0.1:{runner.addresses[0][1]}/", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
