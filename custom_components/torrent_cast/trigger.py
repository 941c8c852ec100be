"""Triggers: something has become of a play, on any Cast device or on those named."""

from typing import Any, ClassVar, Final, cast, override

import voluptuous as vol
from homeassistant.const import ATTR_ENTITY_ID, CONF_OPTIONS, CONF_TARGET
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.trigger import Trigger, TriggerActionRunner, TriggerConfig, TriggerNotTriggeredReporter
from homeassistant.helpers.typing import ConfigType

from .events import ATTR_TITLE, ATTR_TYPE, EVENT, is_ours
from .playback import Happening
from .targets import meant

SCHEMA: Final = vol.Schema({vol.Optional(CONF_TARGET): cv.TARGET_FIELDS, vol.Optional(CONF_OPTIONS, default={}): {}})


class PlaybackTrigger(Trigger):
    """Runs when one thing happens; without a target on whatever device."""

    happening: ClassVar[Happening]

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        return cast("ConfigType", SCHEMA(config))

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        self._target = config.target

    @override
    async def async_attach_runner(
        self, run_action: TriggerActionRunner, did_not_trigger: TriggerNotTriggeredReporter | None = None
    ) -> CALLBACK_TYPE:
        @callback
        def _on_event(event: Event) -> None:
            payload = dict(event.data)
            description = f"{payload[ATTR_ENTITY_ID]}: {self.happening} {payload[ATTR_TITLE]}"
            run_action(payload, description, event.context)

        return self._hass.bus.async_listen(EVENT, _on_event, self._is_meant)

    @callback
    def _is_meant(self, data: Any) -> bool:  # noqa: ANN401  # any event's data
        if not is_ours(data) or data[ATTR_TYPE] != self.happening:
            return False
        if not self._target:
            return True
        return data[ATTR_ENTITY_ID] in meant(self._hass, self._target)


def _trigger(what: Happening) -> type[PlaybackTrigger]:
    return type(f"{what.title()}Trigger", (PlaybackTrigger,), {"happening": what})


TRIGGERS: Final[dict[str, type[Trigger]]] = {happening.value: _trigger(happening) for happening in Happening}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers."""
    return TRIGGERS
