"""The fix flows of the issues."""

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Final

import voluptuous as vol
from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.selector import BooleanSelector, TextSelector, TextSelectorConfig, TextSelectorType

from .config_flow import PORT, directory_errors, is_base_url, port_errors
from .const import CONF_BASE_URL, CONF_DIRECTORY, CONF_PORT, CONF_UPNP, DOMAIN
from .engine import BindingError, binding
from .issues import Issue, async_report
from .runtime import playback_of
from .settings import DEFAULTS
from .subentry_flow import GONE


class _Flow(RepairsFlow):
    """What all have: the one entry, and one form."""

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Show the form: Home Assistant begins a flow with data that no user gave."""
        return await self.async_step_confirm()

    @abstractmethod
    async def async_step_confirm(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Show the form, or take what was given."""

    @property
    def entry(self) -> ConfigEntry:
        """Return the entry. Where it has gone while the form was open, the flow ends."""
        if not (entries := self.hass.config_entries.async_entries(DOMAIN)):
            raise AbortFlow(GONE)
        return entries[0]

    def _form(
        self, schema: dict[vol.Marker, Any], errors: dict[str, str], placeholders: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        return self.async_show_form(
            step_id="confirm", data_schema=vol.Schema(schema), errors=errors, description_placeholders=placeholders
        )


class AddressFlow(_Flow):
    """Asks for an address that Cast devices can reach."""

    async def async_step_confirm(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask for the address and put it into the options."""
        errors: dict[str, str] = {}
        address = (user_input or {}).get(CONF_BASE_URL)
        if user_input is not None:
            if address and is_base_url(address):
                options = {**self.entry.options, CONF_BASE_URL: address}
                self.hass.config_entries.async_update_entry(self.entry, options=options)
                return self.async_create_entry(data={})
            errors = {CONF_BASE_URL: "bad_base_url"}
        suggested = {"suggested_value": address or self.entry.options.get(CONF_BASE_URL, "")}
        selector = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
        return self._form({vol.Required(CONF_BASE_URL, description=suggested): selector}, errors)


class DirectoryFlow(_Flow):
    """Asks for a directory that can be written to."""

    async def async_step_confirm(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask for the directory, the same one mended or another, and start with it."""
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        directory = (user_input or self.entry.data)[CONF_DIRECTORY]
        if user_input is not None:
            errors, placeholders = await directory_errors(self.hass, directory)
            if not errors:
                data = {**self.entry.data, CONF_DIRECTORY: directory}
                listens = self.entry.state is ConfigEntryState.LOADED
                is_new = self.hass.config_entries.async_update_entry(self.entry, data=data)
                if not (is_new and listens):  # else the update makes it reload
                    self.hass.config_entries.async_schedule_reload(self.entry.entry_id)
                return self.async_create_entry(data={})
        return self._form({vol.Required(CONF_DIRECTORY, default=directory): TextSelector()}, errors, placeholders)


class SpaceFlow(_Flow):
    """Offers to delete what is kept."""

    async def async_step_confirm(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Delete, once it was agreed to, all that nobody watches."""
        playback = playback_of(self.hass)
        if playback is None:
            return self.async_abort(reason="not_loaded")
        if user_input is None:
            return self._form({}, {}, {"films": str(len(playback.unused))})
        await playback.free()
        return self.async_create_entry(data={})


class LibtorrentFlow(_Flow):
    """Looks whether a libtorrent is there by now."""

    async def async_step_confirm(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Try again; another reason than before is another issue."""
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        if issue is None:
            return self.async_abort(reason=GONE)
        if user_input is None:
            return self._form({}, {}, issue.translation_placeholders)
        try:
            await self.hass.async_add_executor_job(binding.load, Path(self.hass.config.cache_path(DOMAIN)))
        except BindingError as err:
            if err.reason == issue.translation_key:
                return self._form({}, {"base": "unchanged"}, err.details)
            async_report(self.hass, Issue.NO_LIBTORRENT, err)
            return self.async_abort(reason="changed")
        self.hass.config_entries.async_schedule_reload(self.entry.entry_id)
        return self.async_create_entry(data={})


class PortFlow(_Flow):
    """Asks for a port that is free."""

    fields: ClassVar[dict[str, Any]] = {CONF_PORT: PORT}

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Ask for the port and start again with it, the same one too: who had it may be gone."""
        if (issue := ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)) is None:
            return self.async_abort(reason=GONE)
        placeholders = dict(issue.translation_placeholders or {})
        old = DEFAULTS | self.entry.options
        new = old | (user_input or {})
        errors: dict[str, str] = {}
        if user_input is not None:
            errors, wrong = await port_errors(self.hass, int(new[CONF_PORT]), int(old[CONF_PORT]))
            placeholders |= wrong
            if not errors:
                if new == old:
                    self.hass.config_entries.async_schedule_reload(self.entry.entry_id)
                options = {**self.entry.options, **user_input, CONF_PORT: int(new[CONF_PORT])}
                self.hass.config_entries.async_update_entry(self.entry, options=options)  # another port starts it again
                return self.async_create_entry(data={})
        schema: dict[vol.Marker, Any] = {
            vol.Required(name, default=new[name]): selector for name, selector in self.fields.items()
        }
        return self._form(schema, errors, placeholders)


class ClosedPortFlow(PortFlow):
    """Asks for a port that the router may open, or to ask it no more."""

    fields: ClassVar[dict[str, Any]] = {CONF_PORT: PORT, CONF_UPNP: BooleanSelector()}


FLOWS: Final[dict[str, type[RepairsFlow]]] = {
    Issue.NO_REACHABLE_URL: AddressFlow,
    Issue.ONLY_HTTPS: AddressFlow,
    Issue.DISK_FULL: SpaceFlow,
    Issue.DIRECTORY_GONE: DirectoryFlow,
    Issue.NO_LIBTORRENT: LibtorrentFlow,
    Issue.PORT_TAKEN: PortFlow,
    Issue.PORT_CLOSED: ClosedPortFlow,
}


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that mends an issue."""
    return FLOWS[issue_id]()
