"""Has Cast devices play and stop sessions, by the actions of Home Assistant's Cast integration."""

import asyncio
import logging
from collections.abc import Collection, Iterable
from typing import Any, Final

from homeassistant.components.media_player import (
    ATTR_MEDIA_CONTENT_ID,
    ATTR_MEDIA_CONTENT_TYPE,
    SERVICE_PLAY_MEDIA,
    MediaType,
)
from homeassistant.components.media_player import DOMAIN as MEDIA_PLAYER
from homeassistant.const import ATTR_ENTITY_ID, SERVICE_MEDIA_STOP
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .errors import translate_errors
from .playback import Session, SessionEnded, State, TargetUnavailable
from .targets import is_there

_LOGGER = logging.getLogger(__name__)

# A receiver that has taken a stream plays within seconds; beyond this the swarm is the cause, and no error. s
PLAYING_TIMEOUT: Final = 30.0


async def ask(hass: HomeAssistant, context: Context | None, service: str, target: str, **data: Any) -> None:  # noqa: ANN401  # what a service takes
    """Ask something of a Cast device with the caller's rights."""
    await hass.services.async_call(
        MEDIA_PLAYER, service, {ATTR_ENTITY_ID: target, **data}, blocking=True, context=context
    )


async def play_on(hass: HomeAssistant, context: Context | None, session: Session) -> None:
    """Have the Cast integration play the session, with the caller's rights, and wait until it plays."""
    assert session.target is not None  # who plays it has said where
    media = {ATTR_MEDIA_CONTENT_ID: session.content_id, ATTR_MEDIA_CONTENT_TYPE: MediaType.VIDEO}
    with translate_errors(), session.ends_with():
        if not is_there(hass, session.target):
            raise TargetUnavailable("device_unavailable", device=session.target)
        await ask(hass, context, SERVICE_PLAY_MEDIA, session.target, **media)
        await _until_it_plays(session)


async def _until_it_plays(session: Session) -> None:
    """Wait until the device plays; a swarm that takes longer than usual is no error."""
    try:
        async with asyncio.timeout(PLAYING_TIMEOUT):
            await session.wait_for(State.PLAYING, State.PAUSED, State.FINISHED)
    except TimeoutError:
        _LOGGER.debug("Session %s does not play yet", session.id)


async def play_unheard(hass: HomeAssistant, context: Context | None, session: Session) -> None:
    """Play for a caller who does not wait: what goes wrong is in the log, where it is not somebody's wish."""
    try:
        await play_on(hass, context, session)
    except HomeAssistantError as err:
        _LOGGER.log(level_of(err), "Cannot play on %s: %s", session.target, err)
    except Exception:
        _LOGGER.exception("Cannot play on %s", session.target)


def level_of(error: BaseException) -> int:
    """Return how loud the log is to tell of an error: that somebody stopped a play, or began another, is none."""
    return logging.DEBUG if isinstance(error.__cause__, SessionEnded) else logging.ERROR


async def stop_on(hass: HomeAssistant, context: Context | None, target: str, sessions: Iterable[Session]) -> bool:
    """End the sessions; stop the device if one of them was on its screen, and tell whether it was."""
    sessions = list(sessions)
    is_on_screen = any(session.was_loaded for session in sessions)
    await end(sessions)
    if is_on_screen:
        await ask(hass, context, SERVICE_MEDIA_STOP, target)
    return is_on_screen


async def end(sessions: Collection[Session]) -> None:
    """End sessions and wait until their devices have been told of it, so that others may speak with these."""
    for session in sessions:
        session.end()
    for session in sessions:
        if session.following is not None:
            await session.following.settled()
