"""The command line: reads it, starts the engine and an HTTP server on loopback, and ends both."""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Final

from aiohttp import web
from rich.console import Console

from ..engine import Engine, EngineSettings, SourceError, Torrent, TorrentCastError, binding, choose, storage
from ..engine.source import MAX_TORRENT_BYTES, is_magnet
from .film import Film
from .progress import show

LOOPBACK: Final = "127.0.0.1"
MODULE: Final = "custom_components.torrent_cast.engine"
# As in Home Assistant's options. s
METADATA_TIMEOUT: Final = 60.0
MAX_PORT: Final = 0xFFFF
# The connections are broken before; this is for the server to notice. s
SHUTDOWN_TIMEOUT: Final = 1.0
TEXTS: Final = Path(__file__).parent.parent / "translations" / "en.json"


def main() -> int:
    """Serve what the command line asks for until a signal comes; return the exit code."""
    arguments = _arguments()
    try:
        return asyncio.run(_until_signalled(arguments))
    except TorrentCastError as err:
        return _complain(_text(err))
    except OSError as err:
        return _complain(err.strerror or str(err))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description="Serve a film from a torrent on loopback.")
    parser.add_argument("source", metavar="MAGNET-or-FILE", help="a magnet link, or the path of a .torrent file")
    parser.add_argument("--port", type=_port, default=0, help="the HTTP port (default: any that is free)")
    parser.add_argument("--file", metavar="INDEX-or-GLOB", help="which file (default: the largest video)")
    parser.add_argument("--directory", type=Path, help="where to keep it (default: a directory that is removed)")
    parser.add_argument("--tracker-only", action="store_true", help="no DHT, no local peers, no UPnP")
    return parser.parse_args()


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError("not a port: 0 to 65535")
    return int(text)


def _complain(text: str) -> int:
    print(f"{MODULE}: {text}", file=sys.stderr)  # noqa: T201  # this is a program
    return 1


def _text(error: TorrentCastError) -> str:
    """Return what Home Assistant would say."""
    texts = json.loads(TEXTS.read_text("utf-8"))["exceptions"]
    message: str = texts[error.reason]["message"]
    return message.format(**error.details)


async def _until_signalled(arguments: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; what comes after the first finds the end under way and leaves it alone."""
    serving = asyncio.create_task(_serve(arguments))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, _cancel_once(serving))
    try:
        await serving
    except asyncio.CancelledError:
        return 0
    return 0


def _cancel_once(task: asyncio.Task[None]) -> Callable[[], None]:
    def cancel() -> None:
        if not task.cancelling():
            task.cancel()

    return cancel


async def _serve(arguments: argparse.Namespace) -> None:
    """Serve the film until this is cancelled. Raises TorrentCastError, OSError."""
    source = await asyncio.to_thread(_source, arguments.source)
    console = Console(stderr=True)
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(_listen(arguments.port))
        engine = await stack.enter_async_context(_engine(arguments))
        console.print("Waiting for the torrent's description ...")
        film = await _film(engine, source, arguments.file)
        await stack.enter_async_context(_server(film, listener))
        print(f"http://{LOOPBACK}:{listener.getsockname()[1]}/", flush=True)  # noqa: T201  # for a player, or a pipe
        await show(film, console)


def _source(text: str) -> str | bytes:
    """Return a magnet link as it is, and what is in a torrent file. Blocks. Raises SourceError."""
    if is_magnet(text.strip()):
        return text
    try:
        with Path(text).open("rb") as file:
            return file.read(MAX_TORRENT_BYTES + 1)
    except (OSError, ValueError) as err:
        error = (err.strerror if isinstance(err, OSError) else None) or str(err)
        raise SourceError("unreadable_path", error=error) from err


def _listen(port: int) -> socket.socket:
    """Take the port before anything is downloaded. Raises OSError."""
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as err:
        raise OSError(err.errno, f"cannot listen on port {port}: {os.strerror(err.errno or 0)}") from err


@asynccontextmanager
async def _engine(arguments: argparse.Namespace) -> AsyncIterator[Engine]:
    """Run an engine in the directory given, or in one that is removed."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "torrent-cast"
    libtorrent = await asyncio.to_thread(binding.load, cache)
    found = not arguments.tracker_only
    settings = EngineSettings(dht=found, lsd=found, upnp=found)
    with _directory(arguments.directory) as directory:
        engine = await Engine.start(libtorrent, Path(directory), settings)
        try:
            yield engine
        finally:
            await engine.stop()


def _directory(given: Path | None) -> AbstractContextManager[str]:
    if given is not None:
        return nullcontext(str(given.absolute()))
    return tempfile.TemporaryDirectory(prefix="torrent-cast-", ignore_cleanup_errors=True)


async def _film(engine: Engine, source: str | bytes, wanted: str | None) -> Film:
    """Return the film once it is known and sure to fit. Raises TorrentCastError."""
    torrent: Torrent = await engine.add(await engine.parse(source))
    await torrent.metadata(METADATA_TIMEOUT)
    is_index = wanted is not None and wanted.isascii() and wanted.isdigit()
    file = choose(torrent.files, int(wanted) if wanted is not None and is_index else wanted)
    await engine.run(storage.check_space, engine.directory, torrent.missing_bytes(file))
    torrent.select(file)
    return Film(torrent, file)


@asynccontextmanager
async def _server(film: Film, listener: socket.socket) -> AsyncIterator[None]:
    """Answer every path with the film."""
    app = web.Application()
    app.router.add_get("/{name:.*}", film.handle)
    app.on_shutdown.append(film.end)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=SHUTDOWN_TIMEOUT, access_log=None)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()
