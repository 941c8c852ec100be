"""Config subentry flows: a watched folder, a feed, a Torznab endpoint."""

from pathlib import Path
from typing import Any, ClassVar, Final, override

import voluptuous as vol
from homeassistant.config_entries import SubentryFlowResult
from homeassistant.helpers.selector import BooleanSelector, TextSelector, TextSelectorConfig, TextSelectorType
from yarl import URL

from .const import CONF_ADD, CONF_API_KEY, CONF_FOLDER, CONF_NAME, CONF_OUTSIDE, CONF_URL, CONF_WORDS
from .fetching import is_outside
from .providers import FEED, FOLDER, TORZNAB, ProviderError, provider_of
from .settings import from_entry
from .subentry_flow import SubentryFlow

ADDING: Final[dict[str, Any]] = {CONF_ADD: BooleanSelector(), CONF_WORDS: TextSelector()}
ADDRESS: Final = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
SECRET: Final = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))
DEFAULTS: Final[dict[str, Any]] = {CONF_ADD: False, CONF_WORDS: "", CONF_API_KEY: ""}


class BadInput(Exception):
    """What was typed cannot be right; the message is the key of its text."""


class ProviderFlow(SubentryFlow):
    """Asks for a provider's settings and tries them."""

    kind: str
    needed: ClassVar[dict[str, Any]]
    optional: ClassVar[dict[str, Any]] = ADDING

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Add a provider."""
        return await self._step("user", user_input, {})

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Change a provider."""
        subentry = self._get_reconfigure_subentry()
        return await self._step("reconfigure", user_input, {CONF_NAME: subentry.title, **subentry.data})

    async def _step(self, step: str, user_input: dict[str, Any] | None, known: dict[str, Any]) -> SubentryFlowResult:
        errors: dict[str, str] = {}
        details = {"error": "", "provider": ""}
        if user_input is not None:
            try:
                await self._check(user_input)
            except ProviderError as err:
                errors["base"] = err.reason
                details |= err.details
            except BadInput as err:
                errors["base"] = str(err)
            else:
                return self._done(step, user_input | await self._found_out(user_input))
        values = DEFAULTS | known | (user_input or {})
        return self.async_show_form(
            step_id=step, data_schema=self._schema(values), errors=errors, description_placeholders=details
        )

    def _done(self, step: str, user_input: dict[str, Any]) -> SubentryFlowResult:
        data = dict(user_input)
        title = data.pop(CONF_NAME).strip()
        entry = self._get_entry()  # it may have gone while the provider was asked
        if step == "user":
            return self.async_create_entry(title=title, data=data)
        return self.async_update_and_abort(entry, self._get_reconfigure_subentry(), title=title, data=data)

    def _schema(self, values: dict[str, Any]) -> vol.Schema:
        needed = {
            vol.Required(name, description={"suggested_value": values.get(name)}): selector
            for name, selector in ({CONF_NAME: TextSelector()} | self.needed).items()
        }
        # Suggested, not a default: that would come back when the user empties the field.
        optional = {
            vol.Optional(name, default=DEFAULTS[name], description={"suggested_value": values[name]}): selector
            for name, selector in self.optional.items()
        }
        return vol.Schema(needed | optional)

    async def _found_out(self, user_input: dict[str, Any]) -> dict[str, Any]:
        """Return what is kept beside what was typed."""
        if (address := user_input.get(CONF_URL)) is None:
            return {}
        return {CONF_OUTSIDE: await is_outside(self.hass, URL(address))}

    async def _check(self, user_input: dict[str, Any]) -> None:
        """Raise BadInput, and ProviderError unless the provider answers."""
        if not user_input[CONF_NAME].strip():
            raise BadInput("no_name")
        if user_input.get(CONF_ADD) and not from_entry(self._get_entry()).keep:
            raise BadInput("nothing_kept")
        if (address := user_input.get(CONF_URL)) is not None and not _is_web(address):
            raise BadInput("bad_address")
        await provider_of(self.hass, self.kind, "", user_input[CONF_NAME], user_input).latest()


class FolderFlow(ProviderFlow):
    """A folder of .torrent files."""

    kind = FOLDER
    needed: ClassVar[dict[str, Any]] = {CONF_FOLDER: TextSelector()}

    @override
    async def _check(self, user_input: dict[str, Any]) -> None:
        folder = user_input[CONF_FOLDER]
        if not Path(folder).is_absolute() or "\0" in folder:
            raise BadInput("not_absolute")
        if not await self.hass.async_add_executor_job(self.hass.config.is_allowed_path, folder):
            raise BadInput("folder_not_allowed")
        await super()._check(user_input)


class FeedFlow(ProviderFlow):
    """An RSS or Atom feed."""

    kind = FEED
    needed: ClassVar[dict[str, Any]] = {CONF_URL: ADDRESS}


class TorznabFlow(ProviderFlow):
    """A Torznab endpoint."""

    kind = TORZNAB
    needed: ClassVar[dict[str, Any]] = {CONF_URL: ADDRESS}
    optional: ClassVar[dict[str, Any]] = {CONF_API_KEY: SECRET, **ADDING}


def _is_web(address: str) -> bool:
    try:
        url = URL(address)
        return url.scheme in {"http", "https"} and bool(url.host)
    except ValueError:  # the host is only read when it is asked for
        return False
