"""How much memory the engine takes for films and pieces of all sizes."""

import asyncio
import tempfile
from pathlib import Path
from typing import Final

from tests.rig.torrents import MIB

from .arena import arena
from .compare import Options
from .content import Content, sparse
from .players import Ours
from .results import Result, Series
from .viewer import Viewer

GIB: Final = 1024 * MIB
SIZES: Final = (1, 8)  # GiB
PIECES: Final = (1, 4, 16)  # MiB
READERS: Final = 4
# Two seeds nobody has to wait for, bit/s, and what each reader takes, bytes/s: together 160 Mbit/s
RATES: Final = (200_000_000,) * 2
TAKEN: Final = 5_000_000
WATCHED: Final = 12.0  # s
POLL: Final = 0.05  # s
KB: Final = 1024
MB: Final = 1e6


async def memory(options: Options) -> Result:
    """Measure the highest growth of anonymous memory with each shape."""
    result = Result("MB")
    with tempfile.TemporaryDirectory(prefix="torrent-cast-bench-") as folder:
        for size in SIZES:
            for length in PIECES:
                name = f"{size} GiB, {length} MiB pieces"
                content = sparse(Path(folder), size * GIB // (length * MIB), length * MIB)
                for _ in range(options.runs):
                    await _measure(content, result.of(name))
                    options.say(f"  {name}: {result.of(name).runs[-1]:.0f} MB")
    return result


async def _measure(content: Content, series: Series) -> None:
    async with arena(content, rates=RATES) as place, Ours(place) as player:
        assert player.process is not None
        before = anonymous(player.process.pid)
        await player.give()
        viewers = [Viewer(player.stream(content.size * part // READERS), TAKEN) for part in range(READERS)]
        watching = asyncio.gather(*(viewer.watch(WATCHED) for viewer in viewers))
        highest = before
        while not watching.done():
            highest = max(highest, anonymous(player.process.pid))
            await asyncio.sleep(POLL)
        await watching
        series.see("taken", sum(viewer.taken for viewer in viewers) / MB)
        await asyncio.gather(*(viewer.stream.close() for viewer in viewers))
        series.runs.append((highest - before) / MB)


def anonymous(pid: int) -> int:
    """Return the bytes of a process's memory that no file backs."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) * KB
