"""Seeks and pauses on their way to a Cast device: Home Assistant tells of a service call before it is carried out."""

import contextlib
import math
from collections.abc import Mapping
from typing import Any, Final

from homeassistant.components.media_player import ATTR_MEDIA_SEEK_POSITION
from homeassistant.components.media_player import DOMAIN as MEDIA_PLAYER
from homeassistant.const import (
    ATTR_DOMAIN,
    ATTR_SERVICE,
    ATTR_SERVICE_DATA,
    EVENT_CALL_SERVICE,
    SERVICE_MEDIA_PAUSE,
    SERVICE_MEDIA_PLAY_PAUSE,
    SERVICE_MEDIA_SEEK,
)
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback

from .playback import Following, Playback
from .targets import called

SERVICES: Final = frozenset({SERVICE_MEDIA_SEEK, SERVICE_MEDIA_PAUSE, SERVICE_MEDIA_PLAY_PAUSE})


@callback
def async_listen(hass: HomeAssistant, playback: Playback) -> CALLBACK_TYPE:
    """Tell the sessions what users ask of their devices, until the returned function is called."""

    @callback
    def _on_call(event: Event[Mapping[str, Any]]) -> None:
        data = event.data[ATTR_SERVICE_DATA]
        for entity_id in called(hass, data):
            for session in playback.for_target(entity_id):
                if session.following is not None:
                    _tell(session.following, event.data[ATTR_SERVICE], data.get(ATTR_MEDIA_SEEK_POSITION))

    @callback
    def _is_transport(data: Mapping[str, Any]) -> bool:
        return data[ATTR_DOMAIN] == MEDIA_PLAYER and data[ATTR_SERVICE] in SERVICES

    return hass.bus.async_listen(EVENT_CALL_SERVICE, _on_call, event_filter=_is_transport)


def _tell(following: Following, service: str, position: object) -> None:
    if service != SERVICE_MEDIA_SEEK:
        following.on_pause()
        return
    with contextlib.suppress(TypeError, ValueError):  # of a service that does not look at what it is given
        seconds = float(position)  # type: ignore[arg-type]  # see above
        if math.isfinite(seconds):
            following.on_seek(seconds)
