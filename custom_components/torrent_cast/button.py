"""Buttons: pause and resume all torrents."""

from typing import Final, override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import TorrentCastConfigEntry
from .entity import TorrentCastEntity

PARALLEL_UPDATES = 0  # libtorrent is told, and does not answer

PAUSE_ALL: Final = ButtonEntityDescription(key="pause_all", translation_key="pause_all")
RESUME_ALL: Final = ButtonEntityDescription(key="resume_all", translation_key="resume_all")


async def async_setup_entry(
    hass: HomeAssistant, entry: TorrentCastConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the buttons."""
    async_add_entities([HaltButton(entry, PAUSE_ALL, halts=True), HaltButton(entry, RESUME_ALL, halts=False)])


class HaltButton(TorrentCastEntity, ButtonEntity):
    """Has all torrents stop, or go on, downloading and uploading."""

    def __init__(self, entry: TorrentCastConfigEntry, description: ButtonEntityDescription, *, halts: bool) -> None:
        super().__init__(entry, description)
        self._halts = halts

    @override
    async def async_press(self) -> None:
        self.playback.halt(halts=self._halts)
