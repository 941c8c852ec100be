"""What planning costs with more readers, more pieces and other piece lengths."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.rig.torrents import MIB

from .arena import arena
from .compare import Options
from .content import Content, sparse
from .players import Ours
from .results import Result, Series
from .viewer import Viewer

PIECES: Final = 1000
# (pieces, bytes of each, readers) by name
SHAPES: Final[dict[str, tuple[int, int, int]]] = {
    **{f"{pieces} pieces": (pieces, MIB, 1) for pieces in (10, 100, 1000, 10_000)},
    **{f"{readers} reader{'s' * (readers > 1)}": (PIECES, MIB, readers) for readers in (1, 2, 4, 8)},
    **{f"pieces of {length >> 10} KiB": (PIECES, length, 1) for length in (MIB // 4, 4 * MIB, 16 * MIB)},
}
# Each sample is so long, and there are so many of them; s
SAMPLE: Final = 2.0
SAMPLES: Final = 5
MS: Final = 1000.0


async def growth(options: Options) -> Result:
    """Measure the CPU time of the scheduler and of the whole event loop per second of watching."""
    result = Result("ms/s")
    with tempfile.TemporaryDirectory(prefix="torrent-cast-bench-") as folder:
        for name, (pieces, length, readers) in SHAPES.items():
            await _measure(sparse(Path(folder), pieces, length), readers, result.of(name))
            options.say(f"  {name}: {result.of(name).runs[-1]:.2f} ms/s")
    return result


async def _measure(content: Content, readers: int, series: Series) -> None:
    async with arena(content) as place, Ours(place) as player:
        await player.give()
        viewers = [Viewer(player.stream(content.size * part // readers), content.bitrate) for part in range(readers)]
        watching = [asyncio.create_task(viewer.watch(SAMPLE * (SAMPLES + 1))) for viewer in viewers]
        await player.inside()
        for _ in range(SAMPLES):
            begin = time.monotonic()
            await asyncio.sleep(SAMPLE)
            found = await player.inside()
            seconds = time.monotonic() - begin
            series.runs.append(found["plan_cpu"] * MS / seconds)
            series.see("plans_per_s", found["plans"] / seconds)
            series.see("loop_ms_per_s", found["loop_cpu"] * MS / seconds)
        for task in watching:
            task.cancel()
        await asyncio.wait(watching)
        await asyncio.gather(*(viewer.stream.close() for viewer in viewers))
