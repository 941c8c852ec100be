"""Test films whose picture tells its own time, made with ffmpeg and kept between runs.

A row of black and white blocks at the top of each picture is its clock: two marker blocks, the time in tenths of a
second (most significant bit first), its remainder modulo 15 as a check, two marker blocks. The time is the one the
picture came to the screen, rounded down. `clock_layout()` gives the row as fractions of the picture, for a page that
draws a video on a canvas; `read_clock()` reads it here.
"""

import asyncio
import fcntl
import hashlib
import json
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, TypedDict

from tests.rig import rig_cache
from tests.rig.process import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

AUDIO_BITRATE: Final = 128_000  # bit/s, what films of this size carry
KEY_FRAME_SECONDS: Final = 2  # what HLS packagers ask for, and short enough to seek by

TICKS: Final = 10  # the clock's steps per second
BITS: Final = 16  # 2**16 tenths are 1 h 49 min, longer than any film here
CHECK_BITS: Final = 4
# Every power of two leaves a remainder modulo 15, so that no single wrong block goes unseen.
CHECK_MODULUS: Final = 15
MARKERS: Final = {0: 1, 1: 0, BITS + CHECK_BITS + 2: 0, BITS + CHECK_BITS + 3: 1}
BLOCKS: Final = BITS + CHECK_BITS + len(MARKERS)
MARGIN: Final = 1  # blocks of black on either side of the row
WHITE: Final = 160  # luma (0-255) from which a block is white, and
BLACK: Final = 95  # up to which it is black; between them the picture cannot be read


@dataclass(frozen=True, slots=True)
class Film:
    """A recipe: H.264 in the container that the name says, sound in AAC, or `codec` in 5.1; `bitrate` of all, bit/s.

    `sounds` and `texts` are the languages (ISO 639-2) of its sound, if they are told, and of its subtitles, which say
    the language and the second.
    """

    name: str
    seconds: int = 600
    bitrate: int = 4_000_000
    moov_first: bool = True
    width: int = 640
    height: int = 360
    fps: int = 25
    codec: str = "aac"
    sounds: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


MOOV_FIRST: Final = Film("Film moov first (2026).mp4")
MOOV_LAST: Final = Film("Film moov last (2026).mp4", moov_first=False)
SHORT: Final = Film("Short moov first (2026).mp4", seconds=20, bitrate=1_000_000, width=320, height=180)
SHORT_LAST: Final = replace(SHORT, name="Short moov last (2026).mp4", moov_first=False)


class ClockLayout(TypedDict):
    """The clock as data: `blocks` are [x, y, width, height] in fractions of the picture, from left to right."""

    blocks: list[list[float]]
    markers: dict[str, int]  # block number -> 1 (white) or 0 (black)
    bits: list[int]  # the blocks of the time, most significant bit first
    check: list[int]  # the blocks of the remainder, most significant bit first
    modulus: int
    ticks_per_second: int
    white: int
    black: int


def clock_layout(film: Film = MOOV_FIRST) -> ClockLayout:
    """Return where and how to read the clock of `film`; it can be written as JSON."""
    return {
        "blocks": [
            [x / film.width, y / film.height, width / film.width, height / film.height]
            for x, y, width, height in _blocks(film)
        ],
        "markers": {str(block): bit for block, bit in MARKERS.items()},
        "bits": list(range(2, 2 + BITS)),
        "check": list(range(2 + BITS, 2 + BITS + CHECK_BITS)),
        "modulus": CHECK_MODULUS,
        "ticks_per_second": TICKS,
        "white": WHITE,
        "black": BLACK,
    }


def read_clock(luma: bytes, width: int, height: int, stride: int, layout: ClockLayout | None = None) -> float | None:
    """Return the time (s) drawn in a picture of one luma byte per pixel, None if it cannot be read for sure."""
    layout = layout or clock_layout()
    bits: list[int] = []
    for x, y, w, h in layout["blocks"]:
        # The middle half of a block: compression blurs its edges.
        columns = range(round((x + w / 4) * width), round((x + w * 3 / 4) * width))
        rows = range(round((y + h / 4) * height), round((y + h * 3 / 4) * height))
        mean = sum(sum(luma[row * stride + columns.start : row * stride + columns.stop]) for row in rows)
        mean //= len(rows) * len(columns)
        if BLACK < mean < WHITE:
            return None
        bits.append(int(mean >= WHITE))
    if any(bits[int(block)] != bit for block, bit in layout["markers"].items()):
        return None
    tick = _number(bits, layout["bits"])
    if tick % layout["modulus"] != _number(bits, layout["check"]):
        return None
    return tick / layout["ticks_per_second"]


async def film(recipe: Film) -> Path:
    """Return the file of `recipe`; made if it is not in the cache, which takes 4 s per minute of film on two cores."""
    folder = rig_cache() / "films" / _key(asdict(recipe), _encode_arguments(recipe))
    path = folder / recipe.name
    async with _making(path) as fresh:
        if fresh:
            encoded = await _encoded(recipe)
            if recipe.sounds or recipe.texts:
                await _in_languages(recipe, encoded, fresh)
            elif recipe.codec != "aac":
                sound = ("-c:v", "copy", "-c:a", recipe.codec, "-ac", "6")
                await _ffmpeg("-i", str(encoded), *sound, str(fresh))
            elif recipe.moov_first:
                await _ffmpeg("-i", str(encoded), "-c", "copy", "-movflags", "+faststart", str(fresh))
            else:
                fresh.hardlink_to(encoded)
    return path


async def _in_languages(recipe: Film, encoded: Path, fresh: Path) -> None:
    """Write the film with its sound once for each language, and subtitles in each."""
    inputs, maps, named = ["-i", str(encoded)], ["-map", "0:v"], []
    for number, language in enumerate(recipe.sounds or ("und",)):
        maps += ["-map", "0:a"]
        named += [f"-metadata:s:a:{number}", f"language={language}"]
    for number, language in enumerate(recipe.texts):
        seconds = range(recipe.seconds)
        lines = (f"{one + 1}\n{_srt(one)} --> {_srt(one + 1)}\n{language} {one}\n" for one in seconds)
        side = fresh.with_name(f"{language}.srt")
        side.write_text("\n".join(lines))
        inputs += ["-i", str(side)]
        maps += ["-map", f"{number + 1}:s"]
        named += [f"-metadata:s:s:{number}", f"language={language}"]
    text = ("-c:s", "mov_text", "-movflags", "+faststart") if fresh.suffix == ".mp4" else ("-c:s", "srt")
    sound = ("-c:a", "copy") if recipe.codec == "aac" else ("-c:a", recipe.codec, "-ac", "6")
    await _ffmpeg(*inputs, *maps, "-c:v", "copy", *sound, *text, *named, str(fresh))


def _srt(seconds: int) -> str:
    """Return a time as SubRip writes it."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02},000"


async def _encoded(recipe: Film) -> Path:
    """Return the encode that films of the same content share; its moov is last, ffmpeg's habit."""
    arguments = _encode_arguments(recipe)
    path = rig_cache() / "films" / "encoded" / f"{_key(arguments)}.mp4"
    async with _making(path) as fresh:
        if fresh:
            await _ffmpeg(*arguments, str(fresh))
    return path


@asynccontextmanager
async def _making(path: Path) -> AsyncIterator[Path | None]:
    """Give a file to write that becomes `path` when the block succeeds; None if it is there already."""
    lock, made = await asyncio.to_thread(_lock, path)
    with lock:
        if made:
            yield None
            return
        fresh = path.with_name(f"unfinished {path.name}")
        try:
            yield fresh
            fresh.rename(path)
        finally:
            fresh.unlink(missing_ok=True)


def _lock(path: Path) -> tuple[IO[str], bool]:
    """Return the lock of `path`'s folder, held until it is closed, and whether `path` is there. Blocks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = (path.parent / ".lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock, path.exists()


async def _ffmpeg(*arguments: str) -> None:
    command = ("ffmpeg", "-hide_banner", "-nostdin", "-y", "-loglevel", "error", *arguments)
    async with running(*command, stderr=asyncio.subprocess.PIPE) as process:
        _, complaint = await process.communicate()
        if process.returncode:
            message = f"ffmpeg ended with {process.returncode}: {complaint.decode(errors='replace')}"
            raise RuntimeError(message)


def _encode_arguments(recipe: Film) -> tuple[str, ...]:
    video = str(recipe.bitrate - AUDIO_BITRATE)
    key_frames = str(KEY_FRAME_SECONDS * recipe.fps)
    source = f"testsrc2=size={recipe.width}x{recipe.height}:rate={recipe.fps}:duration={recipe.seconds}"
    # Noise in the luma, new in each frame, so that the encoder has something to spend the bit rate on.
    picture = ",".join((source, "format=yuv420p", "noise=c0s=20:c0f=t", *_clock_filters(recipe)))
    return (
        *("-f", "lavfi", "-i", picture),
        *("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={recipe.seconds}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-b:v", video, "-maxrate", video, "-bufsize", video),
        *("-g", key_frames, "-keyint_min", key_frames, "-sc_threshold", "0"),
        *("-c:a", "aac", "-b:a", str(AUDIO_BITRATE), "-ac", "2"),
    )


def _clock_filters(recipe: Film) -> list[str]:
    """Return the filters that draw the clock: a box per block, switched by the number of the frame."""
    # The frame's number and not its time: 2.0 s must not become tick 19 by a rounding error.
    tick = f"floor(n*{TICKS}/{recipe.fps})"
    conditions = {block: "1" for block, bit in MARKERS.items() if bit}
    conditions |= {2 + i: _bit(tick, BITS - 1 - i) for i in range(BITS)}
    check = f"mod({tick},{CHECK_MODULUS})"
    conditions |= {2 + BITS + i: _bit(check, CHECK_BITS - 1 - i) for i in range(CHECK_BITS)}
    blocks = _blocks(recipe)
    x, y, width, height = blocks[0]
    ground = f"drawbox=x=0:y=0:w={2 * x + BLOCKS * width}:h={2 * y + height}:color=black:t=fill"
    return [ground] + [
        f"drawbox=x={x}:y={y}:w={width}:h={height}:color=white:t=fill:enable='{conditions[block]}'"
        for block, (x, y, width, height) in enumerate(blocks)
        if block in conditions
    ]


def _bit(number: str, bit: int) -> str:
    return f"mod(floor({number}/{1 << bit}),2)"


def _blocks(recipe: Film) -> list[tuple[int, int, int, int]]:
    """Return x, y, width and height of each block, pixels."""
    width = recipe.width // (BLOCKS + 2 * MARGIN)
    left = (recipe.width - BLOCKS * width) // 2
    top = height = recipe.height // 16
    return [(left + block * width, top // 2, width, height) for block in range(BLOCKS)]


def _number(bits: Sequence[int], blocks: Sequence[int]) -> int:
    """Return the number that `blocks` spell, most significant bit first."""
    number = 0
    for block in blocks:
        number = number * 2 + bits[block]
    return number


def _key(*recipe: object) -> str:
    """Return the name of a recipe in the cache; 16 hex digits never clash among a few films."""
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:16]
