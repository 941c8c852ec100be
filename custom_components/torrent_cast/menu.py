"""What can be chosen as a player's source: the files of what is loaded, then the library."""

from collections.abc import Mapping
from typing import Final

from homeassistant.core import HomeAssistant

from . import labels, tree
from .identifiers import InTorrent
from .playback import Entry, Playback

# Of files, and of torrents: a longer list nobody reads, and it is sent to every dashboard.
MAX_ITEMS: Final = 100
# Of an info-hash: enough to tell apart two torrents of one name.
KEY_CHARS: Final = 6

type Menu = Mapping[str, InTorrent]


async def menu(hass: HomeAssistant, playback: Playback, loaded: str | None) -> Menu:
    """Return what can be chosen, by label; `loaded` is the info-hash of what plays."""
    entries = await playback.entries()
    found: dict[str, InTorrent] = {}
    for entry in entries:
        if entry.key == loaded:
            found |= await _files(hass, entry)
    others = [entry for entry in entries if entry.key != loaded and tree.playable(entry.files)][:MAX_ITEMS]
    names = await labels.async_torrent_names(hass, others)
    for entry in others:
        name = names[entry.key]
        choices = (name, entry.name, f"{name} ({entry.key[:KEY_CHARS]})", f"{name} ({entry.key})")
        found[next(label for label in choices if label not in found)] = InTorrent(entry.key)
    return found


async def _files(hass: HomeAssistant, entry: Entry) -> dict[str, InTorrent]:
    files = tree.playable(entry.files)
    titles = await labels.async_file_titles(hass, files)
    called = tree.labels(files, titles)
    return {called[file.path]: InTorrent(entry.key, file.index) for file in tree.in_order(files, titles)[:MAX_ITEMS]}
