"""Intents: play something, and how long until it can play. Sentences for them are in docs/voice.md."""

from typing import Any, ClassVar, Final, override

import voluptuous as vol
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import intent
from homeassistant.helpers.translation import async_get_translations

from . import spoken
from .const import DOMAIN
from .errors import in_language
from .playback import Session, seconds_to_wait
from .spoken import Where

INTENT_PLAY: Final = "TorrentCastPlay"
INTENT_STATUS: Final = "TorrentCastStatus"

PLACE: Final[dict[vol.Marker, Any]] = {
    vol.Optional("name"): cv.string,
    vol.Optional("area"): cv.string,
    vol.Optional("floor"): cv.string,
    vol.Optional("preferred_area_id"): cv.string,
    vol.Optional("preferred_floor_id"): cv.string,
}


async def async_setup_intents(hass: HomeAssistant) -> None:
    """Register the intents."""
    intent.async_register(hass, PlayIntent())
    intent.async_register(hass, StatusIntent())


class PlayIntent(intent.IntentHandler):
    """Plays the best result of a search on the device that is meant."""

    intent_type = INTENT_PLAY
    description = "Plays a film, show or episode from a torrent on a TV"
    slot_schema: ClassVar[dict[vol.Marker, Any]] = {vol.Required("query"): cv.string, **PLACE}

    @override
    async def async_handle(self, intent_obj: intent.Intent) -> intent.IntentResponse:
        hass = intent_obj.hass
        slots = spoken.slots_of(self.async_validate_slots(intent_obj.slots))
        try:
            target = spoken.device(hass, _where(intent_obj, slots))
            found = await spoken.search(hass, slots["query"])
            if found:
                await spoken.play(hass, intent_obj.context, target, str(found[0].media_content_id))
        except HomeAssistantError as err:
            return await _failed(intent_obj, err)
        if not found:
            return await _say(intent_obj, "say_not_found", {"title": slots["query"]})
        return await _say(intent_obj, "say_starting", {"title": found[0].title.partition(" — ")[0]})


class StatusIntent(intent.IntentHandler):
    """Says what plays and how long it takes until it can."""

    intent_type = INTENT_STATUS
    description = "Tells what plays from a torrent, and how long it takes until it can play"
    slot_schema: ClassVar[dict[vol.Marker, Any]] = PLACE

    @override
    async def async_handle(self, intent_obj: intent.Intent) -> intent.IntentResponse:
        slots = spoken.slots_of(self.async_validate_slots(intent_obj.slots))
        try:
            sessions = spoken.playing(intent_obj.hass, _where(intent_obj, slots))
        except HomeAssistantError as err:
            return await _failed(intent_obj, err)
        if not sessions:
            return await _say(intent_obj, "say_nothing")
        return await _say(intent_obj, *_status(sessions[-1]))


def _where(intent_obj: intent.Intent, slots: dict[str, Any]) -> Where:
    return Where(
        slots.get("name"),
        slots.get("area"),
        slots.get("floor"),
        intent_obj.assistant,
        intent.MatchTargetsPreferences(slots.get("preferred_area_id"), slots.get("preferred_floor_id")),
    )


def _status(session: Session) -> tuple[str, dict[str, str]]:
    """Return which text says how it stands, and what belongs into it."""
    seconds = seconds_to_wait(session)
    if seconds is None:
        return "say_waiting", {"title": session.title}
    if session.was_loaded and not seconds:
        return "say_playing", {"title": session.title}
    if (whole := max(1, round(seconds))) == 1:
        return "say_second", {"title": session.title}
    return "say_seconds", {"title": session.title, "seconds": str(whole)}


async def _failed(intent_obj: intent.Intent, error: HomeAssistantError) -> intent.IntentResponse:
    """Return a response that says why in the speaker's language; that no device is meant is Assist's own to say."""
    if isinstance(error, intent.IntentError):
        raise error
    response = intent_obj.create_response()
    why = await in_language(intent_obj.hass, error, intent_obj.language)
    response.async_set_error(intent.IntentResponseErrorCode.FAILED_TO_HANDLE, why)
    return response


async def _say(intent_obj: intent.Intent, key: str, texts: dict[str, str] | None = None) -> intent.IntentResponse:
    """Return a response that says the text `key` in the speaker's language."""
    found = await async_get_translations(intent_obj.hass, intent_obj.language, "common", [DOMAIN])
    response = intent_obj.create_response()
    response.async_set_speech(found[f"component.{DOMAIN}.common.{key}"].format(**(texts or {})))
    return response
