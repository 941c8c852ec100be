"""What can be chosen as a player's source."""

from typing import cast

from homeassistant.core import HomeAssistant

from custom_components.torrent_cast.engine import TorrentFile
from custom_components.torrent_cast.menu import menu
from custom_components.torrent_cast.playback import Entry, Playback


async def test_torrents_of_one_name_can_all_be_chosen(hass: HomeAssistant) -> None:
    files = (TorrentFile(0, "A film.mkv", 1000, 0),)
    keys = ["a" * 40, "b" * 40, "c" * 40, "c" * 39 + "d"]

    class Library:
        async def entries(self) -> list[Entry]:
            """Return torrents that nothing but the info-hash tells apart."""
            return [Entry(key, "A.film.mkv", "", files, (0,), in_use=False, seen=(), pictures={}) for key in keys]

    found = await menu(hass, cast("Playback", Library()), None)
    assert [where.key for where in found.values()] == keys
    assert list(found)[:3] == ["A film", "A.film.mkv", "A film (cccccc)"]
