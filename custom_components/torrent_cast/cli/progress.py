"""What the developer sees: how much of the film is there, from how many peers, how fast."""

import asyncio
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from .film import Film

# Numbers that change faster cannot be read. s
INTERVAL: Final = 0.5


async def show(film: Film, console: Console) -> None:
    """Show progress until the film fails; raises what it fails with."""
    # No markup: names come from strangers.
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[now]}"),
    )
    with Progress(*columns, console=console, auto_refresh=False) as progress:
        bar = progress.add_task(film.file.name, total=film.size, now="")
        while not film.failure.done():
            progress.update(bar, completed=film.size - film.torrent.missing_bytes(film.file), now=_now(film))
            progress.refresh()
            await asyncio.wait([film.failure], timeout=INTERVAL)
    film.failure.result()


def _now(film: Film) -> str:
    statistics = film.torrent.statistics
    rate = f"{statistics.download_rate / 10**6:.1f} MB/s"
    return f"{statistics.peers} peers, {rate}, {film.pieces_in_hand} pieces in hand at {film.playhead / 10**6:.1f} MB"
