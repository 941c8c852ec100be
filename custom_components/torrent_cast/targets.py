"""Which Cast entities a target means, areas, floors, labels and devices included, and who may control them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import voluptuous as vol
from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.components.media_player import DOMAIN as MEDIA_PLAYER
from homeassistant.const import ATTR_ENTITY_ID, ENTITY_MATCH_ALL, ENTITY_MATCH_NONE, STATE_UNAVAILABLE
from homeassistant.core import Context, HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized, UnknownUser
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.target import SelectedEntities, TargetSelection, async_extract_referenced_entity_ids

from .const import DOMAIN
from .players import cast_of

CAST: Final = "cast"


@callback
def called(hass: HomeAssistant, data: Mapping[str, Any]) -> set[str]:
    """Return the entities that a call of a player's action means, by the data that its caller gave."""
    try:
        named = cv.comp_entity_ids(data.get(ATTR_ENTITY_ID, ENTITY_MATCH_NONE))
    except TypeError, vol.Invalid:  # of a service that does not look at what it is given
        return set()
    if named == ENTITY_MATCH_ALL:
        return set(hass.states.async_entity_ids(MEDIA_PLAYER))
    selected = async_extract_referenced_entity_ids(hass, TargetSelection({**data, ATTR_ENTITY_ID: named}))
    return selected.referenced | selected.indirectly_referenced


@callback
def meant(hass: HomeAssistant, target: dict[str, Any]) -> set[str]:
    """Return the entities that a target names, and the Cast entities that it means by device, area, floor or label.

    A player of ours stands for its Cast entity, which may be hidden or have another area. `all` are all Cast entities.
    """
    if target.get(ATTR_ENTITY_ID) == ENTITY_MATCH_ALL:
        return {entity_id for entity_id in hass.states.async_entity_ids(MEDIA_PLAYER) if _is_cast(hass, entity_id)}
    selected = async_extract_referenced_entity_ids(hass, TargetSelection(target))
    indirectly = (cast_behind(hass, entity_id) for entity_id in selected.indirectly_referenced)
    return _named(hass, selected) | {entity_id for entity_id in indirectly if entity_id is not None}


def _named(hass: HomeAssistant, selected: SelectedEntities) -> set[str]:
    return {cast_behind(hass, entity_id) or entity_id for entity_id in selected.referenced}


@callback
def cast_targets(call: ServiceCall) -> list[str]:
    """Return the Cast entities that a call means. Raises ServiceValidationError for none, or one that is not Cast."""
    targets = sorted(meant(call.hass, dict(call.data)))
    if not targets:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_target")
    for target in targets:
        check_cast(call.hass, target)
    return targets


@callback
def reachable_targets(call: ServiceCall) -> list[str]:
    """Return those that can be reached. Raises also when one that was named cannot, or none can."""
    targets = cast_targets(call)
    named = _named(call.hass, async_extract_referenced_entity_ids(call.hass, TargetSelection(dict(call.data))))
    there = [target for target in targets if is_there(call.hass, target)]
    for target in targets:
        if target not in there and (target in named or not there):
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="device_unavailable",
                translation_placeholders={"device": target},
            )
    return there


@callback
def check_cast(hass: HomeAssistant, entity_id: str) -> None:
    """Raise ServiceValidationError unless an entity is a Cast device's player."""
    if not _is_cast(hass, entity_id):
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="not_cast", translation_placeholders={"device": entity_id}
        )


async def authorise(hass: HomeAssistant, context: Context | None, entity_ids: Iterable[str]) -> None:
    """Raise Unauthorized or UnknownUser unless the caller may control every one of the entities."""
    if context is None or context.user_id is None:
        return
    if (user := await hass.auth.async_get_user(context.user_id)) is None:
        raise UnknownUser(context=context)
    for entity_id in entity_ids:
        if not user.permissions.check_entity(entity_id, POLICY_CONTROL):
            raise Unauthorized(context=context, entity_id=entity_id, permission=POLICY_CONTROL)


def _is_cast(hass: HomeAssistant, entity_id: str) -> bool:
    entry = er.async_get(hass).async_get(entity_id)
    return entry is not None and entry.platform == CAST and entry.domain == MEDIA_PLAYER


@callback
def cast_behind(hass: HomeAssistant, entity_id: str) -> str | None:
    """Return the Cast entity for which a player of ours stands, or which it is; None for anything else."""
    entry = er.async_get(hass).async_get(entity_id)
    if entry is not None and (entry.platform, entry.domain) == (DOMAIN, MEDIA_PLAYER):
        return cast_of(hass, entry)
    return entity_id if _is_cast(hass, entity_id) else None


@callback
def is_there(hass: HomeAssistant, entity_id: str) -> bool:
    """Tell whether an entity can be asked for something; Home Assistant says nothing when it passes over one."""
    state = hass.states.get(entity_id)
    return state is not None and state.state != STATE_UNAVAILABLE
