"""Which Cast entities a target means: devices, areas, floors and labels included."""

from typing import Any, Final

from homeassistant.components.media_player import DOMAIN as MEDIA_PLAYER
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids

CAST: Final = "cast"


@callback
def is_cast(hass: HomeAssistant, entity_id: str) -> bool:
    """Tell whether an entity is a Cast device's player."""
    entry = er.async_get(hass).async_get(entity_id)
    return entry is not None and entry.platform == CAST and entry.domain == MEDIA_PLAYER


@callback
def named(hass: HomeAssistant, target: dict[str, Any]) -> set[str]:
    """Return the entities that a target names one by one, whatever they are."""
    return async_extract_referenced_entity_ids(hass, TargetSelection(target)).referenced


@callback
def grouped(hass: HomeAssistant, target: dict[str, Any]) -> set[str]:
    """Return the Cast entities among those a target means by device, area, floor or label."""
    selected = async_extract_referenced_entity_ids(hass, TargetSelection(target))
    return {entity_id for entity_id in selected.indirectly_referenced if is_cast(hass, entity_id)}
