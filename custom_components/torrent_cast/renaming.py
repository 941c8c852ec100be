"""Cast entities that get another id: what plays on them, what is queued and what options say goes by the new one."""

from collections.abc import Callable, Mapping
from typing import Any

from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from .const import DOMAIN
from .playback import Playback
from .settings import EXTRAS


@callback
def async_listen(hass: HomeAssistant, playback: Playback) -> CALLBACK_TYPE:
    """Have what plays and what is queued go by new ids, until the returned function is called."""
    return _async_listen(hass, playback.rename)


@callback
def async_keep_options(hass: HomeAssistant) -> None:
    """Have the options name devices by their new ids from now on, whether or not the entry is loaded."""

    @callback
    def _on_renamed(old: str, new: str) -> None:
        for entry in hass.config_entries.async_entries(DOMAIN):
            hass.config_entries.async_update_entry(entry, options=renamed(entry.options, old, new))

    _async_listen(hass, _on_renamed)


def renamed(options: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """Return options in which the device `old` is called `new`."""
    lists = {name: [new if device == old else device for device in options[name]] for name in EXTRAS if name in options}
    return {**options, **lists}


@callback
def _async_listen(hass: HomeAssistant, on_renamed: Callable[[str, str], None]) -> CALLBACK_TYPE:
    @callback
    def _on_registry(event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        data = event.data
        if data["action"] == "update" and "old_entity_id" in data:
            on_renamed(data["old_entity_id"], data["entity_id"])

    return hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, _on_registry)
