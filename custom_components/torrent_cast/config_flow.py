"""Config flow: where to keep downloads, and how to behave on the network."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, override

import voluptuous as vol
from homeassistant.components.media_player import DOMAIN as MEDIA_PLAYER
from homeassistant.config_entries import (
    ConfigEntry,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryFlow,
    OptionsFlow,
    UnknownEntry,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import AbortFlow, section
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    LanguageSelector,
    LanguageSelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.util.network import is_host_valid
from yarl import URL

from .const import (
    CONF_ADD,
    CONF_ALTERNATIVE_DOWNLOAD,
    CONF_ALTERNATIVE_UPLOAD,
    CONF_AUDIO_LANGUAGE,
    CONF_BASE_URL,
    CONF_CONVERT,
    CONF_DHT,
    CONF_DIRECTORY,
    CONF_DOWNLOAD_LIMIT,
    CONF_KEEP_HOURS,
    CONF_LSD,
    CONF_METADATA_TIMEOUT,
    CONF_NEXT_EPISODE,
    CONF_PORT,
    CONF_SEED_RATIO,
    CONF_SEEDING,
    CONF_STUN_SERVER,
    CONF_SUBTITLE_LANGUAGE,
    CONF_SUBTITLES,
    CONF_UPLOAD_LIMIT,
    CONF_UPNP,
    CONF_WEBTORRENT,
    CONF_WHOLE_FILM,
    DOMAIN,
    MAX_LIMIT,
    PLAYER,
)
from .engine import BindingError, StorageError, TorrentCastError, binding, obstacle, storage
from .playback import Seeding, Show
from .player_flow import PlayerFlow
from .provider_flow import FeedFlow, FolderFlow, TorznabFlow
from .providers import FEED, FOLDER, TORZNAB
from .runtime import playback_of
from .settings import DEFAULTS, EXTRAS
from .subentry_flow import GONE

SECTION_NETWORK: Final = "network"
MAX_PORT: Final = 65535
# A year: "for ever" is a matter of another option.
MAX_KEEP_HOURS: Final = 24 * 365
MAX_METADATA_TIMEOUT: Final = 600
# The most generous trackers ask for less.
MAX_SEED_RATIO: Final = 100


class _Finite(NumberSelector):
    """A number; Home Assistant's own selector lets "nan" pass, which is on no side of its limits."""

    @override
    def __call__(self, data: Any) -> float:
        value = super().__call__(data)
        if not math.isfinite(value):
            raise vol.Invalid("expected a number")
        return value


def _number(low: int, high: int, unit: str | None = None, step: float = 1) -> NumberSelector:
    config = NumberSelectorConfig(min=low, max=high, step=step, mode=NumberSelectorMode.BOX)
    if unit is not None:
        config["unit_of_measurement"] = unit
    return _Finite(config)


PORT: Final = _number(0, MAX_PORT)
SPEED_FIELDS: Final[dict[str, Any]] = {
    CONF_DOWNLOAD_LIMIT: _number(0, MAX_LIMIT, "kB/s"),
    CONF_UPLOAD_LIMIT: _number(0, MAX_LIMIT, "kB/s"),
    CONF_ALTERNATIVE_DOWNLOAD: _number(0, MAX_LIMIT, "kB/s"),
    CONF_ALTERNATIVE_UPLOAD: _number(0, MAX_LIMIT, "kB/s"),
    CONF_PORT: PORT,
    CONF_UPNP: BooleanSelector(),
}
DISCOVERY_FIELDS: Final[dict[str, Any]] = {CONF_DHT: BooleanSelector(), CONF_LSD: BooleanSelector()}
# Shown only where the libtorrent in use knows WebTorrent.
WEBTORRENT_FIELDS: Final[dict[str, Any]] = {CONF_WEBTORRENT: BooleanSelector(), CONF_STUN_SERVER: TextSelector()}
# What is asked for at first.
NETWORK_FIELDS: Final = SPEED_FIELDS | DISCOVERY_FIELDS
# What may be left empty, and is no list.
OPTIONAL: Final = frozenset({CONF_BASE_URL, CONF_AUDIO_LANGUAGE, CONF_SUBTITLE_LANGUAGE, CONF_STUN_SERVER})
# The options, by the section of their form.
SECTIONS: Final[dict[str, dict[str, Any]]] = {
    "storage": {CONF_KEEP_HOURS: _number(0, MAX_KEEP_HOURS, "h")},
    "streaming": {
        CONF_WHOLE_FILM: BooleanSelector(),
        CONF_NEXT_EPISODE: BooleanSelector(),
        CONF_CONVERT: BooleanSelector(),
        CONF_AUDIO_LANGUAGE: LanguageSelector(LanguageSelectorConfig()),
        CONF_SUBTITLES: SelectSelector(
            SelectSelectorConfig(options=[policy.value for policy in Show], translation_key=CONF_SUBTITLES)
        ),
        CONF_SUBTITLE_LANGUAGE: LanguageSelector(LanguageSelectorConfig()),
        CONF_METADATA_TIMEOUT: _number(5, MAX_METADATA_TIMEOUT, "s"),
    },
    "casting": {
        CONF_BASE_URL: TextSelector(TextSelectorConfig(type=TextSelectorType.URL)),
        **{
            name: EntitySelector(EntitySelectorConfig(integration="cast", domain=MEDIA_PLAYER, multiple=True))
            for name in EXTRAS
        },
    },
    SECTION_NETWORK: SPEED_FIELDS,
    "privacy": DISCOVERY_FIELDS
    | WEBTORRENT_FIELDS
    | {
        CONF_SEEDING: SelectSelector(
            SelectSelectorConfig(options=[policy.value for policy in Seeding], translation_key=CONF_SEEDING)
        ),
        CONF_SEED_RATIO: _number(0, MAX_SEED_RATIO, step=0.1),
    },
}


def _marker(name: str, values: Mapping[str, Any]) -> vol.Marker:
    """Return the key of a field. What may be empty is suggested, not a default: that would come back when emptied."""
    if name in EXTRAS:
        return vol.Optional(name, default=[], description={"suggested_value": values[name]})
    if name in OPTIONAL:
        return vol.Optional(name, description={"suggested_value": values.get(name, "")})
    return vol.Required(name, default=values[name])


def _section(name: str, fields: Mapping[str, Any], values: Mapping[str, Any]) -> dict[vol.Marker, Any]:
    schema = vol.Schema({_marker(field, values): selector for field, selector in fields.items()})
    # Without a default: the frontend would take it for what is in the section, in place of the fields' own.
    return {vol.Required(name): section(schema, {"collapsed": True})}


def _directory_field(default: str) -> dict[vol.Marker, Any]:
    return {vol.Required(CONF_DIRECTORY, default=default): TextSelector()}


def _check(hass: HomeAssistant, directory: str) -> None:
    """See that libtorrent loads and that the directory can be written to. Blocks. Raises TorrentCastError."""
    binding.load(Path(hass.config.cache_path(DOMAIN)))
    if not Path(directory).is_absolute() or "\0" in directory:
        raise StorageError("not_absolute")
    storage.check_directory(Path(directory))


async def directory_errors(hass: HomeAssistant, directory: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the form's errors and the placeholders of their texts."""
    try:
        await hass.async_add_executor_job(_check, hass, directory)
    except TorrentCastError as err:
        field = "base" if isinstance(err, BindingError) else CONF_DIRECTORY
        return {field: err.reason}, err.details
    return {}, {}


async def port_errors(hass: HomeAssistant, port: int, old: int = 0) -> tuple[dict[str, str], dict[str, str]]:
    """Return the form's errors and the placeholders of their texts; the `old` port may be in use by ourselves."""
    if port == old or (error := await hass.async_add_executor_job(obstacle, port)) is None:
        return {}, {}
    return {"base": "port_taken"}, {"tried": str(port), "error": error}


class TorrentCastConfigFlow(ConfigFlow, domain=DOMAIN):
    """Set the integration up; there is one entry."""

    VERSION = 1

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        return TorrentCastOptionsFlow()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(cls, config_entry: ConfigEntry) -> dict[str, type[ConfigSubentryFlow]]:
        return {PLAYER: PlayerFlow, FOLDER: FolderFlow, FEED: FeedFlow, TORZNAB: TorznabFlow}

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the download directory and the network settings."""
        values = user_input or {}
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            errors, placeholders = await directory_errors(self.hass, user_input[CONF_DIRECTORY])
            if not errors:
                errors, placeholders = await port_errors(self.hass, int(user_input[SECTION_NETWORK][CONF_PORT]))
            if not errors:
                return self.async_create_entry(
                    title="Torrent Cast",
                    data={CONF_DIRECTORY: user_input[CONF_DIRECTORY]},
                    options=DEFAULTS | user_input[SECTION_NETWORK],
                )
        # Home Assistant's cache directory is left out of its backups.
        default = values.get(CONF_DIRECTORY, self.hass.config.cache_path(DOMAIN, "downloads"))
        network = DEFAULTS | values.get(SECTION_NETWORK, {})
        return self.async_show_form(
            step_id="user",
            data_schema=vol.Schema(_directory_field(default) | _section(SECTION_NETWORK, NETWORK_FIELDS, network)),
            errors=errors,
            description_placeholders=placeholders,
        )

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for another download directory."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            errors, placeholders = await directory_errors(self.hass, user_input[CONF_DIRECTORY])
            entry = self._get_reconfigure_entry()  # it may have gone meanwhile
            if not errors:
                done = self.async_update_and_abort(entry, data={CONF_DIRECTORY: user_input[CONF_DIRECTORY]})
                if entry.state is not ConfigEntryState.LOADED:  # nothing listens to its updates
                    self.hass.config_entries.async_schedule_reload(entry.entry_id)
                return done
        default = (user_input or entry.data)[CONF_DIRECTORY]
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=vol.Schema(_directory_field(default)),
            errors=errors,
            description_placeholders=placeholders,
        )

    @callback
    @override
    def _get_reconfigure_entry(self) -> ConfigEntry:
        try:
            return super()._get_reconfigure_entry()
        except UnknownEntry as err:
            raise AbortFlow(GONE) from err


class TorrentCastOptionsFlow(OptionsFlow):
    """Change what can change while films play."""

    @property
    @override
    def config_entry(self) -> ConfigEntry:
        """Return the entry. Where it has gone while the form was open, the flow ends."""
        try:
            return super().config_entry
        except UnknownEntry as err:
            raise AbortFlow(GONE) from err

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for what can change while films play, by sections."""
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        sections = self._sections()
        shown = {name for fields in sections.values() for name in fields}
        values = DEFAULTS | self.config_entry.options
        if user_input is not None:
            old = int(values[CONF_PORT])
            kept = {name: value for name, value in values.items() if name not in shown}  # a switch has one, too
            values = kept | {name: value for fields in user_input.values() for name, value in fields.items()}
            errors, placeholders = await port_errors(self.hass, int(values[CONF_PORT]), old)
            if (error := self._error(values)) is not None:
                errors["base"] = error  # a section that is folded would hide it
            if not errors:
                return self.async_create_entry(data=values)
        schema = {
            marker: found
            for name, fields in sections.items()
            for marker, found in _section(name, fields, values).items()
        }
        return self.async_show_form(
            step_id="init", data_schema=vol.Schema(schema), errors=errors, description_placeholders=placeholders
        )

    def _sections(self) -> dict[str, dict[str, Any]]:
        """Return the options by section, without those that change nothing with the libtorrent in use."""
        playback = playback_of(self.hass)
        if playback is not None and playback.has_webtorrent:
            return SECTIONS
        return {
            name: {field: selector for field, selector in fields.items() if field not in WEBTORRENT_FIELDS}
            for name, fields in SECTIONS.items()
        }

    def _error(self, values: Mapping[str, Any]) -> str | None:
        """Return the key of what is wrong with options."""
        if not is_base_url(values.get(CONF_BASE_URL)):
            return "bad_base_url"
        if not is_stun_server(values.get(CONF_STUN_SERVER)):
            return "bad_stun_server"
        adds = any(subentry.data.get(CONF_ADD) for subentry in self.config_entry.subentries.values())
        return "needed_for_adding" if adds and not values[CONF_KEEP_HOURS] else None


def is_base_url(text: str | None) -> bool:
    """Tell whether `text` is empty or a plain origin a Cast device can use."""
    if not text:
        return True
    try:
        url = URL(text)
        # Home networks have names with an underscore, which the standards do not allow.
        is_host = is_host_valid((url.raw_host or "").replace("_", "-"))
        return url.scheme in {"http", "https"} and url == url.origin() and is_host and url.port != 0
    except ValueError:
        return False


def is_stun_server(text: str | None) -> bool:
    """Tell whether `text` is empty, or host and port as libtorrent takes them: no IPv6 address (2.1.1)."""
    if not text:
        return True
    host, _, port = text.rpartition(":")
    is_port = re.fullmatch("[0-9]{1,5}", port) is not None and 0 < int(port) <= MAX_PORT
    return is_port and ":" not in host and is_host_valid(host.replace("_", "-"))
