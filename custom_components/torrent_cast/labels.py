"""What torrents, their files and how far they have come are called."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_cached_translations

from . import tree
from .const import DOMAIN
from .engine import TorrentFile
from .playback import Entry, Seen
from .titles import Title, plain, read_titles

MB: Final = 10**6
GB: Final = 10**9


@dataclass(frozen=True, slots=True)
class Texts:
    """What is said of nodes; `season` takes a `number`, `left_at` a `time`."""

    in_use: str
    season: str
    begun: str
    watched: str
    left_at: str


def file_titles(files: Sequence[TorrentFile], until: float | None = None) -> dict[str, Title]:
    """Return the titles of files by path; a song keeps its name. `until`: see `read_titles`."""
    films = read_titles((file.path for file in files if not tree.is_audio(file)), until)
    return {file.path: films.get(file.path) or plain(file.path) for file in files}


def torrent_names(entries: Sequence[Entry], until: float | None = None) -> dict[str, str]:
    """Return what to call torrents, by info-hash; one without films keeps its name. `until`: see `read_titles`."""
    films = [entry.name for entry in entries if any(file.is_video for file in entry.files)]
    titles = read_titles(films, until)
    return {entry.key: titles[entry.name].label if entry.name in titles else entry.name for entry in entries}


def called(files: Sequence[TorrentFile], titles: dict[str, Title]) -> list[tuple[TorrentFile, str]]:
    """Return files in the order in which they are played, and what to call each beside the others."""
    names = tree.labels(files, titles)
    return [(file, names[file.path]) for file in tree.in_order(files, titles)]


def with_state(name: str, entry: Entry, in_use: str) -> str:
    """Return a torrent's name with its size, how much of it is there, and whether it is in use."""
    state = f", {in_use}" if entry.in_use else ""
    share = entry.bytes_there / entry.size if entry.size else 1.0
    return f"{name} — {size_label(entry.size)}{percent(share)}{state}"


def percent(share: float) -> str:
    """Return how much is there; nothing where all is."""
    return "" if share >= 1 else f", {int(share * 100)} %"


def so_far(seen: Seen | None, texts: Texts) -> str:
    """Return how much of a file was seen; nothing where that is not worth a word."""
    if seen is None or not (seen.is_begun or seen.is_watched):
        return ""
    if not seen.is_begun:
        return f", {texts.watched}"
    minutes, seconds = divmod(int(seen.position), 60)
    hours, minutes = divmod(minutes, 60)
    time = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f", {texts.left_at.format(time=time)}"


def size_label(size: int) -> str:
    """Return a number of bytes in words."""
    return f"{size / GB:.1f} GB" if size >= GB else f"{-(-size // MB)} MB"


def texts_of(hass: HomeAssistant) -> Texts:
    """Return the texts in Home Assistant's own language: the media browser does not say whose it is."""
    return Texts(
        in_use=own_text(hass, "in_use"),
        season=own_text(hass, "season"),
        begun=own_text(hass, "continue"),
        watched=own_text(hass, "watched"),
        left_at=own_text(hass, "left_at"),
    )


def own_text(hass: HomeAssistant, key: str) -> str:
    """Return a text in Home Assistant's own language; in English as long as one that was just chosen is not loaded."""
    name = f"component.{DOMAIN}.common.{key}"
    texts = (async_get_cached_translations(hass, one, "common", DOMAIN) for one in (hass.config.language, "en"))
    return next(found[name] for found in texts if name in found)


async def async_file_titles(hass: HomeAssistant, files: Sequence[TorrentFile]) -> dict[str, Title]:
    """Return the titles of files by path; a song keeps its name."""
    return await hass.async_add_executor_job(file_titles, files)


async def async_torrent_names(hass: HomeAssistant, entries: Sequence[Entry]) -> dict[str, str]:
    """Return what to call torrents, by info-hash."""
    return await hass.async_add_executor_job(torrent_names, entries)
