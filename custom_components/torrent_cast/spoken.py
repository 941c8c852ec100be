"""What assistants ask for, in sentences or by tools: which device is meant, what plays there, what there is to play."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from homeassistant.components.media_player import DOMAIN as MEDIA_PLAYER
from homeassistant.components.media_player import BrowseMedia, MediaPlayerEntityFeature, SearchMediaQuery
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import Context, HomeAssistant, State
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import intent
from homeassistant.util.json import JsonObjectType

from .const import DOMAIN
from .library_services import ATTR_SOURCE
from .media_source import search_at_hand
from .playback import Session, playable_seconds, seconds_to_wait
from .runtime import loaded_playback
from .services import ATTR_WAIT, SERVICE_PLAY, SERVICE_STOP
from .targets import cast_behind


@dataclass(frozen=True, slots=True)
class Where:
    """A device by its name, area or floor, as somebody said it; `preferences` tell where that was."""

    name: str | None = None
    area: str | None = None
    floor: str | None = None
    assistant: str | None = None
    preferences: intent.MatchTargetsPreferences | None = None

    @property
    def is_said(self) -> bool:
        """Tell whether anything was said."""
        return any((self.name, self.area, self.floor))


def devices(hass: HomeAssistant, where: Where) -> list[str]:
    """Return the Cast entities that are meant, among those that the assistant may see. Raises MatchFailedError.

    A Cast entity and the player that stands for it are one device, and whatever else has its name cannot play.
    """
    constraints = intent.MatchTargetsConstraints(
        name=where.name,
        area_name=where.area,
        floor_name=where.floor,
        domains={MEDIA_PLAYER},
        assistant=where.assistant,
        features=MediaPlayerEntityFeature.PLAY_MEDIA,
        allow_duplicate_names=True,
    )
    result = intent.async_match_targets(hass, constraints, where.preferences)
    if not where.is_said and where.preferences is not None and where.preferences.area_id is not None:
        here = dataclasses.replace(constraints, area_name=where.preferences.area_id)
        nearby = intent.async_match_targets(hass, here, where.preferences)
        result = nearby if nearby.is_match else result
    if not result.is_match:
        raise intent.MatchFailedError(result=result, constraints=constraints, preferences=where.preferences)
    found = {cast: state for state in result.states if (cast := cast_behind(hass, state.entity_id)) is not None}
    if where.name and len(found) > 1:
        return _told_apart(hass, found, dataclasses.replace(constraints, allow_duplicate_names=False), where)
    return sorted(found)


def _told_apart(
    hass: HomeAssistant, found: dict[str, State], constraints: intent.MatchTargetsConstraints, where: Where
) -> list[str]:
    """Return which of several devices of one name is meant, by where that was said. Raises MatchFailedError."""
    result = intent.async_match_targets(hass, constraints, where.preferences, list(found.values()))
    if not result.is_match:
        raise intent.MatchFailedError(result=result, constraints=constraints, preferences=where.preferences)
    return sorted(cast for cast, state in found.items() if state in result.states)


def device(hass: HomeAssistant, where: Where) -> str:
    """Return the one Cast entity that is meant. Raises ServiceValidationError, MatchFailedError."""
    found = devices(hass, where)
    if len(found) == 1:
        return found[0]
    if found:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="not_one_device")
    raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_target")


async def search(hass: HomeAssistant, text: str) -> list[BrowseMedia]:
    """Return what can be played, best first. Raises BrowseError."""
    found = await search_at_hand(hass, SearchMediaQuery(search_query=text))
    return [node for node in found.result if node.can_play]


async def play(hass: HomeAssistant, context: Context | None, target: str, media_id: str) -> None:
    """Start to play; that it fails later is an event."""
    data = {ATTR_ENTITY_ID: target, ATTR_SOURCE: media_id, ATTR_WAIT: False}
    await hass.services.async_call(DOMAIN, SERVICE_PLAY, data, blocking=True, context=context)


async def stop(hass: HomeAssistant, context: Context | None, targets: list[str]) -> None:
    """Stop what plays or gets ready."""
    await hass.services.async_call(DOMAIN, SERVICE_STOP, {ATTR_ENTITY_ID: targets}, blocking=True, context=context)


def playing(hass: HomeAssistant, where: Where) -> list[Session]:
    """Return the sessions on the devices that are meant, of all that the assistant sees if nothing was said."""
    sessions = loaded_playback(hass).sessions
    seen = set(devices(hass, where)) if sessions or where.is_said else set()
    return [session for session in sessions if session.target in seen]


def described(hass: HomeAssistant, session: Session) -> JsonObjectType:
    """Return what an assistant may say of a session; s and bytes/s."""
    state = hass.states.get(session.target or "")
    return {
        "device": state.name if state else session.target,
        "title": session.title,
        "state": session.state.value,
        "position": _whole(session.playhead.seconds if session.playhead else None),
        "duration": _whole(session.probe.duration if session.probe else None),
        "seconds_until_it_can_play": _whole(seconds_to_wait(session)),
        "playable_seconds": _whole(playable_seconds(session)),
        "peers": session.torrent.statistics.peers if session.torrent else None,
        "download_rate": session.torrent.statistics.download_rate if session.torrent else None,
    }


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


def slots_of(slots: dict[str, Any]) -> dict[str, Any]:
    """Return the values of an intent's slots."""
    return {name: slot["value"] for name, slot in slots.items()}
