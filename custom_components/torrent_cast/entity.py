"""What all entities share: the service device, and news by push."""

from typing import TYPE_CHECKING, override

from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription

from .const import DOMAIN
from .playback import Playback

if TYPE_CHECKING:
    from . import TorrentCastConfigEntry


class TorrentCastEntity(Entity):
    """An entity of the service device."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, entry: TorrentCastConfigEntry, description: EntityDescription) -> None:
        self._entry = entry
        self.entity_description = description
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, entry.entry_id)},
            entry_type=DeviceEntryType.SERVICE,
            name="Torrent Cast",
            manufacturer="Torrent Cast",
            model="BitTorrent engine",
            sw_version=f"libtorrent {entry.runtime_data.libtorrent_version}",
        )

    @property
    def playback(self) -> Playback:
        """Return the playback that is shown."""
        playback: Playback = self._entry.runtime_data
        return playback

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.playback.changes.add(self.async_write_ha_state))
