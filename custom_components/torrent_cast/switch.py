"""A switch between two pairs of speed limits."""

from typing import Any, Final, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import TorrentCastConfigEntry
from .const import CONF_ALTERNATIVE
from .entity import TorrentCastEntity

PARALLEL_UPDATES = 0  # a change of options, no request

SWITCH: Final = SwitchEntityDescription(
    key=CONF_ALTERNATIVE, translation_key=CONF_ALTERNATIVE, entity_category=EntityCategory.CONFIG
)


async def async_setup_entry(
    hass: HomeAssistant, entry: TorrentCastConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the switch."""
    async_add_entities([AlternativeLimits(entry, SWITCH)])


class AlternativeLimits(TorrentCastEntity, SwitchEntity):
    """Puts the alternative limits in the place of the usual ones; lasts over restarts, as it is an option."""

    @property
    @override
    def is_on(self) -> bool:
        return bool(self._entry.options.get(CONF_ALTERNATIVE))

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        self._set(on=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        self._set(on=False)

    def _set(self, *, on: bool) -> None:
        options = {**self._entry.options, CONF_ALTERNATIVE: on}
        self.hass.config_entries.async_update_entry(self._entry, options=options)
        self.async_write_ha_state()
