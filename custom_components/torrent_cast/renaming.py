"""Cast entities that get another id: what plays on them, and what is queued, goes by the new one."""

from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from .playback import Playback


@callback
def async_listen(hass: HomeAssistant, playback: Playback) -> CALLBACK_TYPE:
    """Follow the entity registry until the returned function is called."""

    @callback
    def _on_registry(event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        data = event.data
        if data["action"] == "update" and "old_entity_id" in data:
            playback.rename(data["old_entity_id"], data["entity_id"])

    return hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, _on_registry)
