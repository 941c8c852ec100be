"""How fast a complete file is served, and at what cost, against nginx."""

import asyncio
import shutil
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tests.rig.process import running

from .arena import Arena, arena
from .compare import Options
from .content import noise
from .players import Ours, Unavailable
from .players.base import cpu_of
from .players.install import output, unpacked
from .results import Result

FILM: Final = 1024  # MiB
CLIENTS: Final = (1, 8)
# One client takes the film so many times in a row: CPU time is counted in hundredths of a second.
TIMES: Final = {1: 4, 8: 1}
MB: Final = 1e6
GB: Final = 1e9
# Hashing a film that is there already, s
CHECKING: Final = 120.0
POLL: Final = 0.05
# What Debian's nginx.conf says that bears on this.
CONFIGURATION: Final = """\
daemon off;
user root;
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 768; }}
http {{
  sendfile on;
  tcp_nopush on;
  types_hash_max_size 2048;
  default_type application/octet-stream;
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


async def serve(options: Options) -> Result:
    """Measure rate and CPU time for one client and for several at a time."""
    result = Result("MB/s", None)
    async with arena(await noise(FILM)) as place, _ours(place) as (url, cpu):
        await _against(result, "torrent-cast", url, cpu, place, options)
        result.of(f"torrent-cast, {_clients(1)}").notes["version"] = await Ours.install()
    async with arena(await noise(FILM)) as place:
        try:
            async with _nginx(place) as (url, cpu):
                await _against(result, "nginx", url, cpu, place, options)
                version = await output(str(await unpacked("usr/sbin/nginx", "nginx")), "-v")
                result.of(f"nginx, {_clients(1)}").notes["version"] = version.strip()
        except Unavailable as err:
            result.of("nginx").skipped = str(err)
    return result


async def _against(
    result: Result, name: str, url: str, cpu: Callable[[], float], place: Arena, options: Options
) -> None:
    for clients in CLIENTS:
        series = result.of(f"{name}, {_clients(clients)}")
        for _ in range(options.runs):
            begin, before = time.monotonic(), cpu()
            await asyncio.gather(*(_fetch(url, TIMES[clients]) for _ in range(clients)))
            taken = time.monotonic() - begin
            size = place.content.size * clients * TIMES[clients]
            series.runs.append(size / MB / taken)
            series.see("cpu_per_gb", (cpu() - before) / (size / GB))
        options.say(f"  {name}, {_clients(clients)}: {series.runs[-1]:.0f} MB/s")


def _clients(number: int) -> str:
    return f"{number} client{'s' * (number > 1)}"


async def _fetch(url: str, times: int) -> None:
    for _ in range(times):
        await output("curl", "--silent", "--fail", "--output", "/dev/null", url)


@asynccontextmanager
async def _ours(place: Arena) -> AsyncIterator[tuple[str, Callable[[], float]]]:
    """Serve the film by the engine that finds it on disk; give the address and the CPU time (s) so far."""
    async with Ours(place) as player:
        files = player.folder / place.content.torrent.info_hash / "files"
        files.mkdir(parents=True)
        await asyncio.to_thread(shutil.copy, place.content.path, files)
        await player.give()
        async with asyncio.timeout(CHECKING):
            while (await player.inside())["missing"]:  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(POLL)
            # Somebody has to ask for it before the file is gone over on disk; the pass itself is not what is measured.
            await _fetch(player.url, 1)
            while not (await player.inside())["is_verified"]:  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(POLL)
        yield player.url, lambda: player.cpu


@asynccontextmanager
async def _nginx(place: Arena) -> AsyncIterator[tuple[str, Callable[[], float]]]:
    """Serve the film by nginx; give the address and the CPU time (s) so far. Raises Unavailable."""
    program = await unpacked("usr/sbin/nginx", "nginx")
    folder = place.fresh()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = folder / "nginx.conf"
    file.write_text(CONFIGURATION.format(folder=folder, port=port, root=place.content.path.parent))
    async with running(str(program), "-c", str(file), "-p", str(folder)) as master:
        while not (folder / "nginx.pid").exists():  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(POLL)
        yield f"http://127.0.0.1:{port}/{place.content.path.name}", lambda: sum(map(cpu_of, _with_children(master.pid)))


def _with_children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]
