"""Conditions: a film is streaming, to any Cast device or to those named."""

from collections.abc import Callable
from typing import Any, Final, Unpack, cast, override

import voluptuous as vol
from homeassistant.const import CONF_OPTIONS, CONF_TARGET
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.condition import (
    ATTR_BEHAVIOR,
    BEHAVIOR_ALL,
    BEHAVIOR_ANY,
    Condition,
    ConditionCheckParams,
    ConditionConfig,
)
from homeassistant.helpers.typing import ConfigType
from homeassistant.util.event_type import EventType

from .events import EVENT
from .runtime import playback_of
from .targets import meant

# What may change the answer: what becomes of a play, and which devices a target means.
CHANGES: Final[tuple[EventType[Any] | str, ...]] = (
    EVENT,
    er.EVENT_ENTITY_REGISTRY_UPDATED,
    dr.EVENT_DEVICE_REGISTRY_UPDATED,
    ar.EVENT_AREA_REGISTRY_UPDATED,
)
SCHEMA: Final = vol.Schema(
    {
        vol.Optional(CONF_TARGET): cv.TARGET_FIELDS,
        vol.Optional(CONF_OPTIONS, default={}): {
            vol.Optional(ATTR_BEHAVIOR, default=BEHAVIOR_ANY): vol.In([BEHAVIOR_ANY, BEHAVIOR_ALL])
        },
    }
)


class IsStreaming(Condition):
    """A film is on the screen and nobody has paused it; it may wait for data."""

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        return cast("ConfigType", SCHEMA(config))

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        super().__init__(hass, config)
        self._target = config.target
        self._behavior = (config.options or {}).get(ATTR_BEHAVIOR, BEHAVIOR_ANY)

    @property
    @override
    def needs_polling(self) -> bool:
        return False

    @override
    async def _async_track_changes(self, action: Callable[[], None]) -> CALLBACK_TYPE:
        @callback
        def _on_event(_event: Any) -> None:  # noqa: ANN401  # whatever it tells, the answer may be another
            action()

        removals = [self._hass.bus.async_listen(event, _on_event) for event in CHANGES]

        @callback
        def _remove() -> None:
            for remove in removals:
                remove()

        return _remove

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        playback = playback_of(self._hass)
        sessions = playback.sessions if playback else ()
        streaming = {session.target for session in sessions if session.target and session.is_streaming}
        if not self._target:
            return bool(streaming)
        wanted = meant(self._hass, self._target)
        return wanted <= streaming and bool(wanted) if self._behavior == BEHAVIOR_ALL else bool(wanted & streaming)


CONDITIONS: Final[dict[str, type[Condition]]] = {"is_streaming": IsStreaming}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions."""
    return CONDITIONS
