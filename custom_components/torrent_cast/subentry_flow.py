"""What the config subentry flows share: they end in words where their entry or subentry goes while a form is open."""

from typing import Final, override

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigSubentry,
    ConfigSubentryFlow,
    UnknownEntry,
    UnknownSubEntry,
)
from homeassistant.core import callback
from homeassistant.data_entry_flow import AbortFlow

# Why a flow ends that has lost what it is about.
GONE: Final = "gone"


class SubentryFlow(ConfigSubentryFlow):
    """A flow that may ask for its entry and subentry at any time."""

    @callback
    @override
    def _get_entry(self) -> ConfigEntry:
        try:
            return super()._get_entry()
        except UnknownEntry as err:
            raise AbortFlow(GONE) from err

    @callback
    @override
    def _get_reconfigure_subentry(self) -> ConfigSubentry:
        try:
            return super()._get_reconfigure_subentry()
        except (UnknownEntry, UnknownSubEntry) as err:
            raise AbortFlow(GONE) from err
