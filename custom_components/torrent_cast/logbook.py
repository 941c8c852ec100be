"""The logbook's words for what becomes of a play."""

from collections.abc import Callable
from typing import Any, Final

from homeassistant.components.logbook import LOGBOOK_ENTRY_ENTITY_ID, LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.util.event_type import EventType

from .const import DOMAIN
from .events import ATTR_REASON, ATTR_TITLE, ATTR_TYPE, EVENT, is_ours
from .playback import Happening

# Home Assistant has no translations for the logbook: it shows what it is given.
MESSAGES: Final = {
    Happening.READY: "is ready to play {title}",
    Happening.STARTED: "started to play {title}",
    Happening.STALLED: "waits for more of {title}",
    Happening.PAUSED: "paused {title}",
    Happening.RESUMED: "went on with {title}",
    Happening.FINISHED: "played {title} to its end",
    Happening.STOPPED: "stopped {title}",
    Happening.FAILED: "could not play {title}",
}

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
            return {LOGBOOK_ENTRY_NAME: EVENT, LOGBOOK_ENTRY_MESSAGE: "was fired by somebody else"}
        entity_id = event.data[ATTR_ENTITY_ID]
        state = hass.states.get(entity_id)
        message = MESSAGES[Happening(event.data[ATTR_TYPE])].format(title=event.data[ATTR_TITLE])
        if why := event.data.get(ATTR_REASON):
            message = f"{message}: {why}"
        return {
            LOGBOOK_ENTRY_NAME: state.name if state else entity_id,
            LOGBOOK_ENTRY_MESSAGE: message,
            LOGBOOK_ENTRY_ENTITY_ID: entity_id,
        }

    async_describe_event(DOMAIN, EVENT, _describe)
