"""The integration's engine behind its own HTTP view: `python -m tests.bench.programs.ours FOLDER [OPTION...]`.

Prints "ready URL" when the engine runs, reads the path of a torrent file, prints "listening URL". Below that address,
`inside` tells what only the process itself can see.
"""

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final, cast

from aiohttp import web

from custom_components.torrent_cast import serving
from custom_components.torrent_cast.engine import (
    Engine,
    EngineSettings,
    Reader,
    Torrent,
    TorrentCastError,
    TorrentFile,
    Viewer,
)
from custom_components.torrent_cast.engine.verified import Send
from tests.rig.torrents import libtorrent

# Only the tracker may lead to peers.
SETTINGS: Final = EngineSettings(dht=False, lsd=False, upnp=False)
METADATA_TIMEOUT: Final = 60.0


class Timed:
    """A reader that notes how long its first bytes took, in s since `begin`."""

    def __init__(self, reader: Reader, begin: float, note: Callable[[float], None]) -> None:
        self._reader = reader
        self._begin = begin
        self._note: Callable[[float], None] | None = note

    async def read(self, size: int) -> bytes:
        """Return up to `size` bytes."""
        data = await self._reader.read(size)
        self._came()
        return data

    async def hand_over(self, send: Send) -> bool:
        """Have the kernel send the next bytes."""
        sent = await self._reader.hand_over(send)
        if sent:
            self._came()
        return sent

    def _came(self) -> None:
        if self._note is not None:
            self._note(time.monotonic() - self._begin)
            self._note = None


class Play:
    """What is served."""

    content_type = "application/octet-stream"
    etag = '"benchmark"'

    def __init__(self, torrent: Torrent, file: TorrentFile, viewer: Viewer, given: float) -> None:
        self.torrent = torrent
        self.file = file
        self.viewer = viewer
        self.size = file.size
        self.first_bytes: list[float] = []
        self._given: float | None = given

    @contextlib.asynccontextmanager
    async def stream(self, start: int, end: int, abort: Callable[[], object]) -> AsyncIterator[Reader]:  # noqa: ARG002  # nothing ends it
        """Yield a reader; the time of the first one counts from when the torrent was given."""
        begin, self._given = self._given or time.monotonic(), None
        async with self.torrent.open(self.file, start, end, self.viewer) as reader:
            yield cast("Reader", Timed(reader, begin, self.first_bytes.append))

    def failed(self, error: TorrentCastError) -> None:
        """Say why a stream broke."""
        print(error, file=sys.stderr, flush=True)


class Meter:
    """What the process sees of itself since it was last asked."""

    def __init__(self) -> None:
        self._planning = 0.0
        self._plans = 0
        self._loop_cpu = time.thread_time()

    def weigh(self, torrent: Torrent) -> None:
        """Count the CPU time of the scheduler: everything from what readers want to what libtorrent is told."""
        plan = torrent._apply_plan

        def weighed() -> None:
            begin = time.thread_time()
            plan()
            self._planning += time.thread_time() - begin
            self._plans += 1

        torrent._apply_plan = weighed  # type: ignore[method-assign]  # to weigh it

    def take(self) -> dict[str, Any]:
        """Return the CPU time of scheduler and loop (s), and begin anew."""
        cpu = time.thread_time()
        found = {
            "plan_cpu": self._planning,
            "plans": self._plans,
            "loop_cpu": cpu - self._loop_cpu,
        }
        self._planning, self._plans, self._loop_cpu = 0.0, 0, cpu
        return found


async def main(arguments: argparse.Namespace) -> None:
    """Serve one torrent until the process is ended."""
    meter = Meter()
    begin = time.monotonic()
    engine = await Engine.start(libtorrent(), arguments.folder, SETTINGS)
    started = time.monotonic() - begin
    _come_from_afar(engine)
    try:
        play: list[Play] = []
        url = await _serve(play, meter, started)
        print(f"ready {url}", flush=True)
        line = await asyncio.to_thread(sys.stdin.readline)
        if line:
            play.append(await _play(engine, Path(line.strip()), arguments.bitrate, meter))
            print(f"listening {url}", flush=True)
        await asyncio.Event().wait()
    finally:
        await engine.stop()


def _come_from_afar(engine: Engine) -> None:
    """Count nobody as of the local network, whose addresses the rig has: limits hold for all."""
    assert engine._session is not None
    everybody = engine.libtorrent.ip_filter()
    limited = 1 << engine.libtorrent.session.global_peer_class_id
    everybody.add_rule("0.0.0.0", "255.255.255.255", limited)  # noqa: S104  # all addresses there are
    engine._session.set_peer_class_filter(everybody)


async def _play(engine: Engine, path: Path, bitrate: float, meter: Meter) -> Play:
    given = time.monotonic()
    torrent = await engine.add(await engine.parse(await asyncio.to_thread(path.read_bytes)))
    await torrent.metadata(METADATA_TIMEOUT)
    meter.weigh(torrent)
    file = torrent.files[0]
    torrent.select(file)
    return Play(torrent, file, Viewer(bitrate or None), given)


async def _serve(play: list[Play], meter: Meter, started: float) -> str:
    async def film(request: web.Request) -> web.StreamResponse:
        return await serving.answer(request, play[0])

    async def inside(_: web.Request) -> web.Response:
        found = meter.take() | {"engine_start": started}
        if play:
            found["first_bytes"] = play[0].first_bytes
            copy = play[0].torrent.copy(play[0].file)
            found["is_verified"] = copy is not None and copy.stamp is not None
            found["missing"] = play[0].torrent.missing_bytes(play[0].file)
            found["head"] = next((end for start, end in play[0].torrent.verified(play[0].file) if not start), 0)
        return web.json_response(found)

    app = web.Application()
    app.router.add_get("/", film)
    app.router.add_get("/inside", inside)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}/"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bitrate", type=float, default=0.0, help="of the film, bytes/s; 0: never slow down")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(parser.parse_args()))
