"""Clean names of films and episodes, out of what files and torrents are called: by guessit."""

import posixpath
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from homeassistant.core import HomeAssistant

from .engine.files import name_in, parts_of

# Folders name the show where a file is called "01.mkv"; what is above the last three parts says nothing.
PARTS: Final = 3
# A file's name has 255 bytes at most. Measured with 250 characters made to do harm: 0.7 s.
MAX_CHARS: Final = 200
# Measured 7-11 ms of CPU time each: a library of many seasons is read once. Some 500 bytes each. What one look asks for
# is remembered in any case: a torrent may have more files.
CACHED: Final = 8192
# Names that come after so long are shown as they are, until the next look; s.
PATIENCE: Final = 3.0

_known: dict[str, Title] = {}
_forgetting = threading.Lock()


@dataclass(frozen=True, slots=True)
class Title:
    """What a name says: `episodes` is empty for a film, `season` also stands alone for a whole one."""

    name: str
    year: int | None = None
    season: int | None = None
    episodes: tuple[int, ...] = ()
    episode_title: str | None = None

    @property
    def label(self) -> str:
        """Return the name as it is shown: "Show S01E03 · The title", "Film (2026)"."""
        number = "" if self.season is None else f"S{self.season:02}"
        number += "".join(f"E{episode:02}" for episode in self.episodes)
        if number:
            return " · ".join(filter(None, [f"{self.name} {number}".strip(), self.episode_title]))
        return f"{self.name} ({self.year})" if self.year else self.name


def plain(path: str) -> Title:
    """Return a title that is the name itself, without the suffix of a file."""
    name = name_in(path)
    stem, suffix = posixpath.splitext(name)
    has_suffix = suffix[1:].isalnum() and not suffix[1:].isdigit()
    return Title(stem if has_suffix else name)


async def titles_of(hass: HomeAssistant, paths: Iterable[str]) -> dict[str, Title]:
    """Return the titles of names or paths; guessit is loaded by the first one, off the loop."""
    wanted = list(dict.fromkeys(paths))
    return await hass.async_add_executor_job(read_titles, wanted) if wanted else {}


def read_titles(paths: Iterable[str], until: float | None = None) -> dict[str, Title]:
    """Return the titles of names or paths. Takes seconds of CPU time, or as long as `until` by the monotonic clock."""
    deadline = time.monotonic() + PATIENCE if until is None else until
    found: dict[str, Title] = {}
    new: dict[str, Title] = {}
    for path in paths:
        title = _known.get(path)
        if title is None and time.monotonic() < deadline:
            title = new[path] = parse(path)
        found[path] = title or plain(path)
    if new:
        _remember(new, found)
    return found


def _remember(new: Mapping[str, Title], wanted: Mapping[str, Title]) -> None:
    """Know the titles of names from now on. The oldest are forgotten, but none that is wanted now."""
    with _forgetting:
        _known.update(new)
        old = (path for path in tuple(_known) if path not in wanted)
        for path in islice(old, max(0, len(_known) - CACHED)):
            del _known[path]


def parse(path: str) -> Title:
    """Return what a name or path says. Takes milliseconds of CPU time, and 0.3 s the first time."""
    parts = parts_of(path) or (path,)
    found = _parse("/".join(parts[-PARTS:])[-MAX_CHARS:])
    if len(parts) > 1 and not (found and found.episodes):  # what is no episode is not named after its folders
        found = _parse(parts[-1][-MAX_CHARS:])
    itself = plain(path)
    # "300.mkv" and "1917.mkv" are films, not an episode and a year.
    if found is None or (not found.name and (itself.name.isdigit() or not (found.episodes or found.season))):
        return itself
    return found


def _parse(text: str) -> Title | None:
    from guessit import guessit  # noqa: PLC0415  # 23 MB of memory, for those who browse or search
    from guessit.api import GuessitException  # noqa: PLC0415  # see above

    try:
        guess: dict[str, Any] = guessit(text)
    except GuessitException:
        return None
    name = guess.get("title")
    return Title(
        name=name if isinstance(name, str) else "",
        year=_number(guess.get("year")),
        season=_number(guess.get("season")),
        episodes=tuple(number for number in _list(guess.get("episode")) if isinstance(number, int)),
        episode_title=guess["episode_title"] if isinstance(guess.get("episode_title"), str) else None,
    )


def _number(value: object) -> int | None:
    """Return the first number of what guessit found: a file may belong to several seasons."""
    return next((number for number in _list(value) if isinstance(number, int)), None)


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else [value]
