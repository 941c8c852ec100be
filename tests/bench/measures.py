"""The measurements: each returns its runs and the limit that physics sets."""

import asyncio
import hashlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

import aiohttp

from tests.rig.films import MOOV_FIRST
from tests.rig.receiver import LATENCY
from tests.rig.stage import Stage
from tests.rig.swarm import PEERS, RATE
from tests.rig.torrents import MIB

# Fresh plays behind the figure for `start`.
STARTS: Final = 5
# Seeks behind the figure for `seek`.
SEEKS: Final = 8
# What is played before a seek, in s of film: the swarm is warm then and its links are full.
BEFORE_SEEK: Final = 3.0
# Random ranges of `exact`, their greatest length in bytes, how many are asked for at a time, the seed that picks them.
RANGES: Final = 200
LONGEST_RANGE: Final = 2 * MIB
AT_A_TIME: Final = 4
SEED: Final = 20260101
# A hang, not a slow run; s.
PATIENCE: Final = 120.0
# All the seeders' links together, bytes/s.
SUPPLY: Final = PEERS * RATE / 8

type Progress = Callable[[str], None]


@dataclass
class Measurement:
    """The runs of one measurement in `unit`, and what could not be beaten."""

    unit: str
    runs: list[float]
    limit: float
    notes: dict[str, float | int | str] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return what the JSON output says of it."""
        return {
            "unit": self.unit,
            "median": round(median(self.runs), 3),
            "worst": round(max(self.runs), 3),
            "runs": [round(run, 3) for run in self.runs],
            "limit": round(self.limit, 3),
            **self.notes,
        }


async def start(say: Progress) -> Measurement:
    """Measure from the service call with a magnet to the first decoded frame; each run downloads anew."""
    runs: list[float] = []
    needed = 0
    async with fresh_stage() as stage:
        for number in range(STARTS):
            begin = time.monotonic()
            frames = asyncio.create_task(stage.player.frames_moving())
            await _play(stage)
            runs.append((await asyncio.wait_for(frames, PATIENCE)).at - begin)
            needed = needed or _first_pieces(stage.film)
            say(f"start {number + 1} of {STARTS}: {runs[-1]:.2f} s")
            await _stop(stage)
    # The pieces with head, index and the first two seconds; LAUNCH and LOAD are a round trip each.
    return Measurement("s", runs, needed * MIB / SUPPLY + 2 * LATENCY, {"pieces_needed": needed})


async def seek(say: Progress) -> Measurement:
    """Measure from SEEK to the middle, which is not there, until frames move again; each run downloads anew."""
    runs: list[float] = []
    had: list[int] = []
    async with fresh_stage() as stage:
        for number in range(SEEKS):
            await _play(stage)
            while ((await stage.player.next_frame()).clock or 0.0) < BEFORE_SEEK:
                pass
            session = (await stage.diagnostics())["sessions"][0]
            target = session["duration"] / 2
            had.append(session["pieces_had"])
            begin = time.monotonic()
            frames = asyncio.create_task(stage.player.frames_moving(near=target))
            await stage.hass.service("media_player.media_seek", entity_id=stage.entity_id, seek_position=target)
            runs.append((await asyncio.wait_for(frames, PATIENCE)).at - begin)
            say(f"seek {number + 1} of {SEEKS}: {runs[-1]:.2f} s, {had[-1]} pieces were there")
            await _stop(stage)
    # The one piece with the target's key frame; SEEK is one message.
    return Measurement("s", runs, MIB / SUPPLY + LATENCY, {"pieces_had_at_seek": round(median(had))})


async def exact(say: Progress) -> Measurement:
    """Fetch the whole film and random ranges while it downloads, and count the bytes that differ from the source."""
    async with fresh_stage() as stage:
        await _play(stage)
        url = next(exchange.url for exchange in stage.recorder.exchanges if exchange.is_media)
        await stage.hass.service("media_player.media_pause", entity_id=stage.entity_id)
        begin = time.monotonic()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1800)) as client:
            whole = asyncio.create_task(_fetch(client, url, None))
            wrong, ranges = await _random_ranges(client, url, stage.film, say)
            length, digest = await whole
        if digest != await asyncio.to_thread(_sha256, stage.film):
            wrong += length
        say(f"exact: {length} bytes of the whole film in {time.monotonic() - begin:.0f} s")
    notes: dict[str, float | int | str] = {"whole_bytes": length, "ranges": RANGES, "range_bytes": ranges}
    return Measurement("wrong bytes", [float(wrong)], 0.0, notes)


MEASURES: Final[dict[str, Callable[[Progress], Awaitable[Measurement]]]] = {
    "start": start,
    "seek": seek,
    "exact": exact,
}


def fresh_stage() -> Stage:
    """Return a stage where nothing is kept after a session, so that every play downloads anew."""
    return Stage(MOOV_FIRST, options={"keep_hours": 0})


async def _play(stage: Stage) -> None:
    await stage.hass.service("torrent_cast.play", entity_id=stage.entity_id, source=stage.swarm.magnet)


async def _stop(stage: Stage) -> None:
    """Stop, and see that what was downloaded is gone before the next run."""
    await stage.hass.service("torrent_cast.stop", entity_id=stage.entity_id)
    async with asyncio.timeout(PATIENCE):
        while (await stage.diagnostics())["torrents"] or await _downloads(stage):  # noqa: ASYNC110  # no event to await
            await asyncio.sleep(0.05)


async def _downloads(stage: Stage) -> list[Path]:
    return await asyncio.to_thread(lambda: list(stage.downloads.iterdir()))


async def _random_ranges(client: aiohttp.ClientSession, url: str, source: Path, say: Progress) -> tuple[int, int]:
    """Return the wrong bytes and all bytes of the random ranges."""
    wanted = await asyncio.to_thread(_pick_ranges, source)
    slots = asyncio.Semaphore(AT_A_TIME)
    done = 0

    async def check(start: int, end: int) -> int:
        nonlocal done
        async with slots:
            length, digest = await _fetch(client, url, (start, end))
        done += 1
        if done % 50 == 0:
            say(f"exact: {done} of {RANGES} ranges")
        return 0 if (length, digest) == (end - start, _digest_of(source, start, end)) else end - start

    wrong = await asyncio.gather(*(check(start, end) for start, end in wanted))
    return sum(wrong), sum(end - start for start, end in wanted)


def _pick_ranges(source: Path) -> list[tuple[int, int]]:
    pick = random.Random(SEED)
    size = source.stat().st_size
    starts = [pick.randrange(size) for _ in range(RANGES)]
    return [(start, min(size, start + pick.randint(1, LONGEST_RANGE))) for start in starts]


async def _fetch(client: aiohttp.ClientSession, url: str, span: tuple[int, int] | None) -> tuple[int, str]:
    """Return length and SHA-256 of what is served for a range, or for the whole."""
    headers = {} if span is None else {"Range": f"bytes={span[0]}-{span[1] - 1}"}
    digest, length = hashlib.sha256(), 0
    async with client.get(url, headers=headers) as response:
        response.raise_for_status()
        async for chunk in response.content.iter_any():
            digest.update(chunk)
            length += len(chunk)
    return length, digest.hexdigest()


def _digest_of(source: Path, start: int, end: int) -> str:
    with source.open("rb") as file:
        file.seek(start)
        return hashlib.sha256(file.read(end - start)).hexdigest()


def _sha256(source: Path) -> str:
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_pieces(film: Path) -> int:
    """Return how many pieces hold the head, with the index in front, and the first two seconds."""
    head = film.open("rb").read(64 * MIB)
    media = head.index(b"mdat")  # of a film with the index in front: all before it is needed
    seconds = 2 * MOOV_FIRST.bitrate // 8
    return -(-(media + seconds) // MIB)


def table(measured: dict[str, dict[str, Any]]) -> Sequence[str]:
    """Return the lines a person reads of the measurements' JSON."""
    lines = [f"{'':8}{'median':>10}{'worst':>10}{'limit':>10}  unit"]
    for name, data in measured.items():
        lines.append(f"{name:8}{data['median']:>10}{data['worst']:>10}{data['limit']:>10}  {data['unit']}")
    return lines
