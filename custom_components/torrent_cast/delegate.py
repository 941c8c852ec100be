"""Passes on to a Cast entity what is asked of a player that stands for it."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.components.media_player import (
    ATTR_MEDIA_SEEK_POSITION,
    ATTR_MEDIA_VOLUME_LEVEL,
    ATTR_MEDIA_VOLUME_MUTED,
    MediaPlayerEntity,
)
from homeassistant.components.media_player import DOMAIN as MEDIA_PLAYER
from homeassistant.const import (
    ATTR_DOMAIN,
    ATTR_SERVICE_DATA,
    EVENT_CALL_SERVICE,
    SERVICE_MEDIA_NEXT_TRACK,
    SERVICE_MEDIA_PAUSE,
    SERVICE_MEDIA_PLAY,
    SERVICE_MEDIA_PREVIOUS_TRACK,
    SERVICE_MEDIA_SEEK,
    SERVICE_MEDIA_STOP,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    SERVICE_VOLUME_DOWN,
    SERVICE_VOLUME_MUTE,
    SERVICE_VOLUME_SET,
    SERVICE_VOLUME_UP,
)
from homeassistant.core import Event, callback

from .playing import ask
from .targets import called


class Delegate(MediaPlayerEntity):
    """A player whose device is a Cast entity's; each wish reaches the device once, with the caller's rights."""

    _cast: str
    _asked_both: str | None = None  # the context of a call that means the Cast entity as well

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.hass.bus.async_listen(EVENT_CALL_SERVICE, self._on_call, _is_of_players))

    @callback
    def _on_call(self, event: Event[Mapping[str, Any]]) -> None:
        """Note whether a call to this player, by its area perhaps, is one to the Cast entity too."""
        meant = called(self.hass, event.data[ATTR_SERVICE_DATA])
        if self.entity_id in meant:
            self._asked_both = event.context.id if self._cast in meant else None

    @property
    def is_asked_both(self) -> bool:
        """Tell whether the Cast entity is asked the same by the same call: twice as loud is too loud."""
        return self._context is not None and self._context.id == self._asked_both

    async def _ask(self, service: str, **data: Any) -> None:  # noqa: ANN401  # what a service takes
        if not self.is_asked_both:
            await ask(self.hass, self._context, service, self._cast, **data)

    @override
    async def async_turn_on(self) -> None:
        await self._ask(SERVICE_TURN_ON)

    @override
    async def async_turn_off(self) -> None:
        await self._ask(SERVICE_TURN_OFF)

    @override
    async def async_media_play(self) -> None:
        await self._ask(SERVICE_MEDIA_PLAY)

    @override
    async def async_media_pause(self) -> None:
        await self._ask(SERVICE_MEDIA_PAUSE)

    @override
    async def async_media_stop(self) -> None:
        await self._ask(SERVICE_MEDIA_STOP)

    @override
    async def async_media_seek(self, position: float) -> None:
        await self._ask(SERVICE_MEDIA_SEEK, **{ATTR_MEDIA_SEEK_POSITION: position})

    @override
    async def async_media_next_track(self) -> None:
        await self._ask(SERVICE_MEDIA_NEXT_TRACK)

    @override
    async def async_media_previous_track(self) -> None:
        await self._ask(SERVICE_MEDIA_PREVIOUS_TRACK)

    @override
    async def async_volume_up(self) -> None:
        await self._ask(SERVICE_VOLUME_UP)

    @override
    async def async_volume_down(self) -> None:
        await self._ask(SERVICE_VOLUME_DOWN)

    @override
    async def async_set_volume_level(self, volume: float) -> None:
        await self._ask(SERVICE_VOLUME_SET, **{ATTR_MEDIA_VOLUME_LEVEL: volume})

    @override
    async def async_mute_volume(self, mute: bool) -> None:
        await self._ask(SERVICE_VOLUME_MUTE, **{ATTR_MEDIA_VOLUME_MUTED: mute})


@callback
def _is_of_players(data: Mapping[str, Any]) -> bool:
    return bool(data[ATTR_DOMAIN] == MEDIA_PLAYER)
