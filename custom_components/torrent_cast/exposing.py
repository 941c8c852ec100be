"""Voice: which of the two players of a Cast device Home Assistant's Assist sees, and what it saw before."""

from typing import Final

from homeassistant.components.homeassistant import async_should_expose
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from .const import DOMAIN

# What Assist is called among those that entities can be exposed to.
ASSIST: Final = "conversation"
# Kept with the Cast entity in the registry, so that it is there even if our entry was removed while it was disabled.
WAS_EXPOSED: Final = "was_exposed"


@callback
def async_take_over(hass: HomeAssistant, player: str, cast: str) -> None:
    """Have Assist see our player instead of the Cast entity; a second time leaves what the user changed since."""
    registry = er.async_get(hass)
    if DOMAIN in registry.entities[cast].options:
        return
    was = async_should_expose(hass, ASSIST, cast)
    registry.async_update_entity_options(cast, DOMAIN, {WAS_EXPOSED: was})
    async_expose_entity(hass, ASSIST, cast, should_expose=False)
    async_expose_entity(hass, ASSIST, player, should_expose=True)


@callback
def async_give_back(hass: HomeAssistant, cast: str) -> None:
    """Have Assist see the Cast entity as before."""
    registry = er.async_get(hass)
    if (options := registry.entities[cast].options.get(DOMAIN)) is not None:
        async_expose_entity(hass, ASSIST, cast, should_expose=options[WAS_EXPOSED])
        registry.async_update_entity_options(cast, DOMAIN, None)


@callback
def async_give_back_others(hass: HomeAssistant, kept: set[str]) -> None:
    """Give all Cast entities back but those whose registry ids are in `kept`."""
    for entry in tuple(er.async_get(hass).entities.values()):
        if DOMAIN in entry.options and entry.id not in kept:
            async_give_back(hass, entry.entity_id)


@callback
def async_hide(hass: HomeAssistant, player: str) -> None:
    """Have Assist not see our player: it would not know which of the two is meant."""
    async_expose_entity(hass, ASSIST, player, should_expose=False)
