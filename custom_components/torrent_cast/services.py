"""The service actions: validate, delegate, answer."""

import asyncio
import math
from dataclasses import replace
from typing import Any, Final

import voluptuous as vol
from homeassistant.const import SERVICE_MEDIA_PAUSE, SERVICE_MEDIA_PLAY
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv

from .const import DOMAIN
from .errors import translate_errors
from .library_services import ATTR_FILE, ATTR_SOURCE, async_setup_library_services, described, wanted_file
from .playback import Enqueue, Playback, Queued, Session, Wishes
from .playing import ask, play_on, play_unheard, stop_on
from .references import choose_source
from .runtime import loaded_playback
from .subtitles import read_subtitles
from .targets import authorise, cast_behind, cast_targets, check_cast, reachable_targets

SERVICE_PLAY: Final = "play"
SERVICE_STOP: Final = "stop"
SERVICE_TRANSFER: Final = "transfer"
SERVICE_SET_AUDIO: Final = "set_audio"
SERVICE_SET_SUBTITLES: Final = "set_subtitles"

ATTR_TITLE: Final = "title"
ATTR_START_POSITION: Final = "start_position"
ATTR_ENQUEUE: Final = "enqueue"
ATTR_AUDIO_LANGUAGE: Final = "audio_language"
ATTR_SUBTITLES: Final = "subtitles"
ATTR_WAIT: Final = "wait"
ATTR_FROM: Final = "from"

# Where it was left.
RESUME: Final = "resume"
# Longer than any film.
MAX_POSITION: Final = 7 * 24 * 3600


def _seconds(value: Any) -> float | None:  # noqa: ANN401  # whatever the caller gave
    """Validate a position, None for where it was left; "not a number" passes any comparison."""
    if isinstance(value, str) and value.strip().lower() == RESUME:
        return None
    seconds: float = vol.All(vol.Coerce(float), vol.Range(min=0, max=MAX_POSITION))(value)
    if not math.isfinite(seconds):
        raise vol.Invalid("expected a number of seconds, or resume")
    return seconds


PLAY_SCHEMA = cv.make_entity_service_schema(
    {
        vol.Required(ATTR_SOURCE): cv.string,
        vol.Optional(ATTR_FILE): cv.string,
        vol.Optional(ATTR_TITLE): cv.string,
        vol.Optional(ATTR_START_POSITION): _seconds,
        vol.Optional(ATTR_ENQUEUE, default=Enqueue.REPLACE): vol.Coerce(Enqueue),
        vol.Optional(ATTR_AUDIO_LANGUAGE): cv.string,
        vol.Optional(ATTR_SUBTITLES): cv.string,
        vol.Optional(ATTR_WAIT, default=True): cv.boolean,
    }
)
STOP_SCHEMA = cv.make_entity_service_schema({})
SET_AUDIO_SCHEMA = cv.make_entity_service_schema({vol.Required(ATTR_AUDIO_LANGUAGE): cv.string})
SET_SUBTITLES_SCHEMA = cv.make_entity_service_schema({vol.Required(ATTR_SUBTITLES): cv.string})
TRANSFER_SCHEMA = cv.make_entity_service_schema({vol.Optional(ATTR_FROM): cv.entity_id})


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the service actions."""
    hass.services.async_register(
        DOMAIN, SERVICE_PLAY, _async_play, schema=PLAY_SCHEMA, supports_response=SupportsResponse.OPTIONAL
    )
    hass.services.async_register(DOMAIN, SERVICE_STOP, _async_stop, schema=STOP_SCHEMA)
    hass.services.async_register(
        DOMAIN, SERVICE_TRANSFER, _async_transfer, schema=TRANSFER_SCHEMA, supports_response=SupportsResponse.OPTIONAL
    )
    hass.services.async_register(DOMAIN, SERVICE_SET_AUDIO, _async_set_audio, schema=SET_AUDIO_SCHEMA)
    hass.services.async_register(DOMAIN, SERVICE_SET_SUBTITLES, _async_set_subtitles, schema=SET_SUBTITLES_SCHEMA)
    async_setup_library_services(hass)


async def _async_play(call: ServiceCall) -> ServiceResponse:
    """Play a source on every target."""
    hass = call.hass
    playback = loaded_playback(hass)
    targets = reachable_targets(call)
    await authorise(call.hass, call.context, targets)
    file = wanted_file(call.data.get(ATTR_FILE))
    with translate_errors():
        choice = await choose_source(hass, playback, call.data[ATTR_SOURCE])
        wishes = await _wishes(call, playback)
        item = Queued(
            choice.source,
            wanted=choice.file if file is None else file,
            title=call.data.get(ATTR_TITLE),
            start_position=call.data.get(ATTR_START_POSITION, choice.start_position if file is None else 0.0),
            wishes=wishes,
            context=call.context,
        )
        sessions = _begun(playback, item, targets, call.data[ATTR_ENQUEUE])
    play = play_on if call.data[ATTR_WAIT] else play_unheard
    plays = [
        hass.async_create_task(play(hass, call.context, session), f"torrent_cast play on {session.target}")
        for session in sessions
    ]
    if call.data[ATTR_WAIT]:
        await _all_done(plays)
    return {"sessions": [described(session) for session in sessions]} if call.return_response else None


def _begun(playback: Playback, item: Queued, targets: list[str], where: Enqueue) -> list[Session]:
    """Return a session for each device that is to play at once; the others have it in their queue."""
    sessions = []
    for target in targets:
        queue = playback.queue(target)
        if not where.is_at_once and playback.is_busy(target):
            queue.put([item], where)
            continue
        if where is Enqueue.REPLACE:
            queue.clear()
        sessions.append(playback.start_queued(item, target=target))
    return sessions


async def _wishes(call: ServiceCall, playback: Playback) -> Wishes:
    """Return what the caller wants to hear and read. Raises SourceError, Unplayable for subtitles that are none."""
    audio, text = call.data.get(ATTR_AUDIO_LANGUAGE), call.data.get(ATTR_SUBTITLES)
    given = await read_subtitles(call.hass, playback, text) if text else None
    return Wishes(audio or None, None if given is not None else text or None, given)


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
    playback = loaded_playback(call.hass)
    targets = cast_targets(call)
    await authorise(call.hass, call.context, targets)
    for target in targets:
        playback.queue(target).give_up()
        await stop_on(call.hass, call.context, target, playback.for_target(target))


async def _async_set_subtitles(call: ServiceCall) -> None:
    """Switch the subtitles of what plays on the targets."""
    plays = await _plays(call, loaded_playback(call.hass))
    with translate_errors():
        for session in plays:
            await session.show_subtitles(call.data[ATTR_SUBTITLES])


async def _async_set_audio(call: ServiceCall) -> None:
    """Switch the sound of what plays on the targets, each of which loads anew.

    Google's Web Receiver documentation has a message for it (EditAudioTracksRequestData), which takes several tracks in
    one playlist; whether the default receiver obeys was not tried.
    """
    playback = loaded_playback(call.hass)
    for session in await _plays(call, playback):
        assert session.target is not None  # it plays there
        with translate_errors():
            is_other = await session.check_audio(call.data[ATTR_AUDIO_LANGUAGE])
        if is_other:
            await _continue(call, playback, session, session.target, audio_language=call.data[ATTR_AUDIO_LANGUAGE])


async def _plays(call: ServiceCall, playback: Playback) -> list[Session]:
    """Return what is on the screens of the targets."""
    targets = cast_targets(call)
    await authorise(call.hass, call.context, targets)
    plays = [one for target in targets for one in playback.for_target(target) if one.following and one.was_loaded]
    if not plays:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="nothing_plays")
    return plays


async def _async_transfer(call: ServiceCall) -> ServiceResponse:
    """Go on with a film on another device, at the same second; if that fails, where it was."""
    playback = loaded_playback(call.hass)
    targets = reachable_targets(call)
    if len(targets) != 1:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="one_target")
    old = _playing(call, playback)
    if old.target is None or old.file is None or old.target == targets[0]:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="same_device")
    await authorise(call.hass, call.context, [*targets, old.target])
    runs = old.is_streaming
    if runs:
        await ask(call.hass, call.context, SERVICE_MEDIA_PAUSE, old.target)
    try:
        new = await _continue(call, playback, old, targets[0])
    except BaseException:
        if runs and not old.is_over:
            await ask(call.hass, call.context, SERVICE_MEDIA_PLAY, old.target)
        raise
    playback.move_queue(old.target, targets[0])
    await stop_on(call.hass, call.context, old.target, [] if old.is_over else [old])
    return {"sessions": [described(new)]} if call.return_response else None


def _playing(call: ServiceCall, playback: Playback) -> Session:
    """Return what is to go on elsewhere: what plays on the device that was named, else all that plays, if it is one."""
    origin = call.data.get(ATTR_FROM)
    if origin is not None:
        origin = cast_behind(call.hass, origin) or origin
        check_cast(call.hass, origin)
    found = [one for one in playback.sessions if one.was_loaded and one.target and origin in {None, one.target}]
    if not found:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="nothing_plays")
    if len(found) > 1 and origin is None:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="which_device")
    return found[-1]


async def _continue(
    call: ServiceCall, playback: Playback, old: Session, target: str, *, audio_language: str | None = None
) -> Session:
    assert old.file is not None  # the caller has looked
    wishes = replace(old.wishes, audio_language=audio_language) if audio_language else old.wishes
    with translate_errors():
        new = playback.start_session(
            await playback.kept_source(old.source.key),
            wanted=old.file.index,
            title=old.title,
            start_position=old.playhead.seconds if old.playhead else old.start_position,
            target=target,
            wishes=wishes,
        )
    await play_on(call.hass, call.context, new)
    return new
