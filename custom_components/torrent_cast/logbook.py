"""The logbook's words for what becomes of a play, in Home Assistant's language: it shows what it is given."""

from collections.abc import Callable
from typing import Any

from homeassistant.components.logbook import LOGBOOK_ENTRY_ENTITY_ID, LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.util.event_type import EventType

from .const import DOMAIN
from .events import ATTR_REASON, ATTR_TITLE, ATTR_TYPE, EVENT, is_ours
from .labels import own_text

type Described = dict[str, Any]


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, EventType[Any] | str, Callable[[Event], Described]], None],
) -> None:
    """Say how events read in the logbook."""

    @callback
    def _describe(event: Event) -> Described:
        if not is_ours(event.data):
            return {LOGBOOK_ENTRY_NAME: EVENT, LOGBOOK_ENTRY_MESSAGE: own_text(hass, "log_foreign")}
        entity_id = event.data[ATTR_ENTITY_ID]
        state = hass.states.get(entity_id)
        message = own_text(hass, f"log_{event.data[ATTR_TYPE]}").format(title=event.data[ATTR_TITLE])
        if why := event.data.get(ATTR_REASON):
            message = f"{message}: {why}"
        return {
            LOGBOOK_ENTRY_NAME: state.name if state else entity_id,
            LOGBOOK_ENTRY_MESSAGE: message,
            LOGBOOK_ENTRY_ENTITY_ID: entity_id,
        }

    async_describe_event(DOMAIN, EVENT, _describe)
