"""Config subentry flow: a player of our own for a Cast device."""

from typing import Any

import voluptuous as vol
from homeassistant.components.media_player import DOMAIN as MEDIA_PLAYER
from homeassistant.config_entries import SubentryFlowResult
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import BooleanSelector, EntitySelector, EntitySelectorConfig

from .const import CONF_ENTITY, CONF_VOICE, PLAYER
from .subentry_flow import SubentryFlow
from .targets import CAST


class PlayerFlow(SubentryFlow):
    """Asks for the Cast device, and whether Assist is to use the new player instead of the Cast entity."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Add a player."""
        free = self._free()
        if not free:
            return self.async_abort(reason="no_cast_device")
        errors: dict[str, str] = {}
        if user_input is not None:
            if (chosen := free.get(user_input[CONF_ENTITY])) is not None:
                data = {CONF_ENTITY: chosen.id, CONF_VOICE: user_input[CONF_VOICE]}
                return self.async_create_entry(title=self._name(chosen), data=data, unique_id=chosen.id)
            errors = {CONF_ENTITY: "not_free"}  # given to another player, renamed or removed since the form was shown
        config = EntitySelectorConfig(include_entities=sorted(free))
        schema = {
            vol.Required(CONF_ENTITY): EntitySelector(config),
            vol.Required(CONF_VOICE, default=(user_input or {}).get(CONF_VOICE, False)): BooleanSelector(),
        }
        return self.async_show_form(step_id="user", data_schema=vol.Schema(schema), errors=errors)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Decide on voice anew."""
        subentry = self._get_reconfigure_subentry()
        if user_input is not None:
            return self.async_update_and_abort(self._get_entry(), subentry, data_updates=user_input)
        schema = vol.Schema({vol.Required(CONF_VOICE, default=subentry.data[CONF_VOICE]): BooleanSelector()})
        return self.async_show_form(
            step_id="reconfigure", data_schema=schema, description_placeholders={"device": subentry.title}
        )

    def _free(self) -> dict[str, er.RegistryEntry]:
        """Return the Cast entities that have no player of ours."""
        taken = {sub.data[CONF_ENTITY] for sub in self._get_entry().subentries.values() if sub.subentry_type == PLAYER}
        return {
            entry.entity_id: entry
            for entry in er.async_get(self.hass).entities.values()
            if (entry.platform, entry.domain) == (CAST, MEDIA_PLAYER) and entry.id not in taken
        }

    def _name(self, cast: er.RegistryEntry) -> str:
        state = self.hass.states.get(cast.entity_id)
        return cast.name or (state.name if state else None) or cast.original_name or cast.entity_id
