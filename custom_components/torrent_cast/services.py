"""The service actions: validate, delegate, answer."""

import asyncio
import logging
import math
import re
from typing import Any, Final

import voluptuous as vol
from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.components.media_player import (
    ATTR_MEDIA_CONTENT_ID,
    ATTR_MEDIA_CONTENT_TYPE,
    SERVICE_PLAY_MEDIA,
    MediaType,
)
from homeassistant.components.media_player import DOMAIN as MEDIA_PLAYER
from homeassistant.const import ATTR_ENTITY_ID, SERVICE_MEDIA_STOP, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized, UnknownUser
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids
from homeassistant.util.json import JsonObjectType

from .const import DOMAIN
from .errors import translate_errors
from .playback import Playback, Session, State
from .sources import read_source
from .views import playback_of

_LOGGER = logging.getLogger(__name__)

SERVICE_PLAY: Final = "play"
SERVICE_STOP: Final = "stop"
CAST: Final = "cast"

ATTR_SOURCE: Final = "source"
ATTR_FILE: Final = "file"
ATTR_TITLE: Final = "title"
ATTR_START_POSITION: Final = "start_position"
ATTR_WAIT: Final = "wait"

# A receiver that has taken a stream plays within seconds; beyond this the swarm is the cause, and no error. s
PLAYING_TIMEOUT: Final = 30.0
# Longer than any film.
MAX_POSITION: Final = 7 * 24 * 3600

# No torrent has a billion files.
INDEX: Final = re.compile(r"-?[0-9]{1,9}", re.ASCII)


def _seconds(value: Any) -> float:  # noqa: ANN401  # whatever the caller gave
    """Validate a position; "not a number" passes any comparison."""
    seconds: float = vol.All(vol.Coerce(float), vol.Range(min=0, max=MAX_POSITION))(value)
    if not math.isfinite(seconds):
        raise vol.Invalid("expected a number of seconds")
    return seconds


PLAY_SCHEMA = cv.make_entity_service_schema(
    {
        vol.Required(ATTR_SOURCE): cv.string,
        vol.Optional(ATTR_FILE): cv.string,
        vol.Optional(ATTR_TITLE): cv.string,
        vol.Optional(ATTR_START_POSITION, default=0): _seconds,
        vol.Optional(ATTR_WAIT, default=True): cv.boolean,
    }
)
STOP_SCHEMA = cv.make_entity_service_schema({})


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the service actions."""
    hass.services.async_register(
        DOMAIN, SERVICE_PLAY, _async_play, schema=PLAY_SCHEMA, supports_response=SupportsResponse.OPTIONAL
    )
    hass.services.async_register(DOMAIN, SERVICE_STOP, _async_stop, schema=STOP_SCHEMA)


async def _async_play(call: ServiceCall) -> ServiceResponse:
    """Play a source on every target."""
    hass = call.hass
    playback = _playback(hass)
    targets = _targets(call)
    await _authorise(call, targets)
    with translate_errors():
        source = await read_source(hass, playback, call.data[ATTR_SOURCE])
        sessions = [
            playback.start_session(
                source,
                wanted=_wanted(call.data.get(ATTR_FILE)),
                title=call.data.get(ATTR_TITLE),
                start_position=call.data[ATTR_START_POSITION],
                target=target,
            )
            for target in targets
        ]
    play = _play_on if call.data[ATTR_WAIT] else _play_unheard
    plays = [
        hass.async_create_task(play(call, session), f"torrent_cast play on {session.target}") for session in sessions
    ]
    if call.data[ATTR_WAIT]:
        await _all_done(plays)
    return {"sessions": [_described(session) for session in sessions]} if call.return_response else None


async def _play_on(call: ServiceCall, session: Session) -> None:
    """Have the Cast integration play the session, with the caller's rights, and wait until it plays."""
    try:
        await call.hass.services.async_call(
            MEDIA_PLAYER,
            SERVICE_PLAY_MEDIA,
            {
                ATTR_ENTITY_ID: session.target,
                ATTR_MEDIA_CONTENT_ID: session.content_id,
                ATTR_MEDIA_CONTENT_TYPE: MediaType.VIDEO,
            },
            blocking=True,
            context=call.context,
        )
        with translate_errors():
            await _until_it_plays(session)
    except asyncio.CancelledError:
        session.end()
        raise
    except Exception as err:
        session.end(State.FAILED, err)
        raise


async def _until_it_plays(session: Session) -> None:
    """Wait until the device plays; a swarm that takes longer than usual is no error."""
    try:
        async with asyncio.timeout(PLAYING_TIMEOUT):
            await session.wait_for(State.PLAYING, State.PAUSED, State.FINISHED)
    except TimeoutError:
        _LOGGER.debug("Session %s does not play yet", session.id)


async def _play_unheard(call: ServiceCall, session: Session) -> None:
    """Play for a caller who does not wait: what goes wrong is in the log."""
    try:
        await _play_on(call, session)
    except HomeAssistantError as err:
        _LOGGER.error("Cannot play on %s: %s", session.target, err)  # noqa: TRY400  # its text says it all
    except Exception:
        _LOGGER.exception("Cannot play on %s", session.target)


async def _all_done(plays: list[asyncio.Task[None]]) -> None:
    """Wait for all, so that one device's failure does not stop another; then raise the first failure."""
    try:
        results = await asyncio.gather(*plays, return_exceptions=True)
    except asyncio.CancelledError:
        for play in plays:
            play.cancel()
        raise
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def _async_stop(call: ServiceCall) -> None:
    """Stop what plays, or gets ready to play, on the targets."""
    hass = call.hass
    playback = _playback(hass)
    targets = _targets(call)
    await _authorise(call, targets)
    for target in targets:
        sessions = playback.for_target(target)
        on_screen = any(session.was_loaded for session in sessions)
        for session in sessions:
            session.end()
        if on_screen:
            await hass.services.async_call(
                MEDIA_PLAYER, SERVICE_MEDIA_STOP, {ATTR_ENTITY_ID: target}, blocking=True, context=call.context
            )


async def _authorise(call: ServiceCall, targets: list[str]) -> None:
    """Raise Unauthorized or UnknownUser unless the caller may control every target."""
    if (user_id := call.context.user_id) is None:
        return
    if (user := await call.hass.auth.async_get_user(user_id)) is None:
        raise UnknownUser(context=call.context)
    for target in targets:
        if not user.permissions.check_entity(target, POLICY_CONTROL):
            raise Unauthorized(context=call.context, entity_id=target, permission=POLICY_CONTROL)


def _playback(hass: HomeAssistant) -> Playback:
    if (playback := playback_of(hass)) is None:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="not_loaded")
    return playback


def _targets(call: ServiceCall) -> list[str]:
    """Return the Cast entities meant. Raises for a target that is not one, or cannot be reached."""
    selected = async_extract_referenced_entity_ids(call.hass, TargetSelection(call.data))
    registry = er.async_get(call.hass)
    grouped = {
        entity_id
        for entity_id in selected.indirectly_referenced
        if (entry := registry.async_get(entity_id)) is not None and entry.platform == CAST
    }
    targets = sorted(selected.referenced | grouped)
    if not targets:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_target")
    for target in targets:
        entry = registry.async_get(target)
        if entry is None or entry.platform != CAST or entry.domain != MEDIA_PLAYER:
            raise _invalid("not_cast", target)
        state = call.hass.states.get(target)
        if call.service == SERVICE_PLAY and (state is None or state.state == STATE_UNAVAILABLE):
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="device_unavailable",
                translation_placeholders={"device": target},
            )
    return targets


def _invalid(key: str, target: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders={"device": target}
    )


def _wanted(file: str | None) -> int | str | None:
    """Return an index, also where one was given as text, or a pattern."""
    return int(file) if file and INDEX.fullmatch(file) else file or None


def _described(session: Session) -> JsonObjectType:
    """Return what the caller may know of a session: everything but the token."""
    return {
        "session_id": session.id,
        "entity_id": session.target,
        "state": session.state,
        "title": session.title,
        "info_hash": session.source.key,
        "file": {"index": session.file.index, "path": session.file.path, "size": session.file.size}
        if session.file
        else None,
        "content_type": session.content_type,
        "duration": session.probe.duration if session.probe else None,
    }
