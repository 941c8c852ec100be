"""Tells Home Assistant what becomes of a play: one event on its bus, for logbook, triggers and automations."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

from .const import DOMAIN
from .engine import TorrentCastError
from .errors import in_own_language, translated
from .media import Unplayable
from .playback import Happening, Playback, Session

EVENT: Final = f"{DOMAIN}_playback"

ATTR_TYPE: Final = "type"
ATTR_SESSION_ID: Final = "session_id"
ATTR_TITLE: Final = "title"
ATTR_POSITION: Final = "position"
ATTR_DURATION: Final = "duration"
ATTR_REASON: Final = "reason"


def is_ours(data: Mapping[str, Any]) -> bool:
    """Tell whether an event's data are as they are made here: whoever may fire events can use its name."""
    is_text = isinstance(data.get(ATTR_ENTITY_ID), str) and isinstance(data.get(ATTR_TITLE), str)
    return is_text and data.get(ATTR_TYPE) in Happening


@callback
def async_listen(hass: HomeAssistant, playback: Playback) -> CALLBACK_TYPE:
    """Fire an event for what happens on a device, until the returned function is called."""

    @callback
    def _on_happening(session: Session, happening: Happening) -> None:
        if session.target is not None:
            hass.bus.async_fire(EVENT, described(hass, session, happening))

    return playback.happenings.add(_on_happening)


@callback
def async_fire_failure(hass: HomeAssistant, entity_id: str, title: str, error: Exception) -> None:
    """Tell of a play that failed before there was a session."""
    data = {
        ATTR_TYPE: Happening.FAILED.value,
        ATTR_ENTITY_ID: entity_id,
        ATTR_SESSION_ID: None,
        ATTR_TITLE: title,
        ATTR_POSITION: 0.0,
        ATTR_DURATION: None,
        ATTR_REASON: reason(hass, error),
    }
    hass.bus.async_fire(EVENT, data)


def described(hass: HomeAssistant, session: Session, happening: Happening) -> dict[str, Any]:
    """Return the event's data: enough for a message or an automation, and no token, info-hash or address."""
    data: dict[str, Any] = {
        ATTR_TYPE: happening.value,
        ATTR_ENTITY_ID: session.target,
        ATTR_SESSION_ID: session.id,
        ATTR_TITLE: session.title,
        ATTR_POSITION: round(session.playhead.seconds, 1) if session.playhead else session.start_position,
        ATTR_DURATION: session.probe.duration if session.probe else None,
    }
    if happening is Happening.FAILED:
        data[ATTR_REASON] = reason(hass, session.error)
    return data


@callback
def reason(hass: HomeAssistant, error: Exception | None) -> str | None:
    """Return why something failed, in Home Assistant's language."""
    if isinstance(error, TorrentCastError | Unplayable):
        error = translated(error)
    if isinstance(error, HomeAssistantError) and error.translation_domain is not None:
        return in_own_language(hass, error)
    return None if error is None else str(error) or type(error).__name__
