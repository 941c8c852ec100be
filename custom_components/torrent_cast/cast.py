"""Google Cast: Home Assistant's Cast integration asks here whether a media id is ours, and we send LOAD."""

import asyncio
from functools import partial
from typing import Any, Final

from homeassistant.components.media_player import BrowseMedia, MediaType
from homeassistant.core import HomeAssistant
from pychromecast import Chromecast
from pychromecast.const import CAST_TYPE_CHROMECAST
from pychromecast.controllers.media import DefaultMediaReceiverController
from pychromecast.error import PyChromecastError
from pychromecast.response_handler import CallbackType
from yarl import URL

from .engine.source import is_magnet
from .errors import translate_errors
from .playback import LoadRefused, NoReachableUrl, Playback, Session, State, TargetUnavailable
from .playback.session import SCHEME
from .playback.urls import base_url
from .views import playback_of, stream_path, token_in
from .watcher import watch

# A device asks for the stream within a second of LOAD; after this long it cannot reach us (design: measured). s
REQUEST_TIMEOUT: Final = 10.0
# What a device may take from its first request to saying that it plays or cannot; s.
LOAD_TIMEOUT: Final = 30.0

type Reply = asyncio.Future[dict[str, Any] | None]

FAILURES: Final = frozenset({"LOAD_FAILED", "LOAD_CANCELLED", "INVALID_REQUEST", "INVALID_PLAYER_STATE"})


async def async_get_media_browser_root_object(hass: HomeAssistant, cast_type: str) -> list[BrowseMedia]:  # noqa: ARG001
    """Offer no root of our own: the media source is among the entity's media already."""
    return []


async def async_browse_media(
    hass: HomeAssistant,  # noqa: ARG001
    media_content_type: MediaType | str,  # noqa: ARG001
    media_content_id: str,  # noqa: ARG001
    cast_type: str,  # noqa: ARG001
) -> BrowseMedia | None:
    """Leave browsing to the media source."""
    return None


async def async_play_media(
    hass: HomeAssistant,
    cast_entity_id: str,
    chromecast: Chromecast,
    media_type: MediaType | str,  # noqa: ARG001
    media_id: str,
) -> bool:
    """Play what is ours: a session's id, a magnet link, a stream address. Return False for anything else."""
    if not _is_ours(media_id) or (playback := playback_of(hass)) is None:
        return False
    with translate_errors():
        session = await _session(playback, cast_entity_id, media_id)
        if session is None:
            return False
        await play(hass, playback, session, chromecast)
    return True


def _is_ours(media_id: str) -> bool:
    return is_magnet(media_id) or media_id.startswith(f"{SCHEME}:") or token_in(media_id) is not None


async def _session(playback: Playback, entity_id: str, media_id: str) -> Session | None:
    """Return the session `media_id` means, made anew for a magnet link."""
    if is_magnet(media_id):
        return playback.start_session(await playback.parse(media_id), target=entity_id)
    if (token := token_in(media_id)) is not None:
        session = playback.by_token(token)
    else:
        session = playback.by_id(media_id.removeprefix(f"{SCHEME}:"))
    if session is not None:
        session.target = entity_id
    return session


async def play(hass: HomeAssistant, playback: Playback, session: Session, chromecast: Chromecast) -> None:
    """Get the session ready, LOAD it, and see that the device comes for it. Raises TorrentCastError, Unplayable."""
    try:
        _check_connection(chromecast)
        await session.resolve()
        _check_screen(session, chromecast)
        await session.prepare()
        base = await base_url(hass, playback.settings.base_url, chromecast.socket_client.host)
        session.set_state(State.LOADING)
        watch(hass, chromecast, session)
        await _load(hass, session, chromecast, base)
    except asyncio.CancelledError:
        session.end()
        raise
    except Exception as err:
        session.end(State.FAILED, err)
        raise


def _check_connection(chromecast: Chromecast) -> None:
    if not chromecast.socket_client.is_connected:
        raise TargetUnavailable("device_unavailable", device=str(chromecast.name))


def _check_screen(session: Session, chromecast: Chromecast) -> None:
    is_video = session.file is not None and session.file.is_video
    if is_video and chromecast.cast_type != CAST_TYPE_CHROMECAST:
        raise TargetUnavailable("speaker", device=str(chromecast.name))


async def _load(hass: HomeAssistant, session: Session, chromecast: Chromecast, base: URL) -> None:
    """Send LOAD and wait for its outcome."""
    reply: Reply = hass.loop.create_future()
    controller = DefaultMediaReceiverController()
    try:
        await hass.async_add_executor_job(
            _send_load,
            chromecast,
            controller,
            session,
            str(base.with_path(stream_path(session))),
            partial(_on_reply, hass, reply),
        )
        await _outcome(session, reply, base)
    except PyChromecastError as err:
        raise TargetUnavailable("device_unavailable", device=str(chromecast.name)) from err
    finally:
        reply.cancel()
        await hass.async_add_executor_job(chromecast.unregister_handler, controller)


def _send_load(
    chromecast: Chromecast,
    controller: DefaultMediaReceiverController,
    session: Session,
    url: str,
    callback: CallbackType,
) -> None:
    """Launch the receiver's media app if needed and send LOAD. Blocks."""
    chromecast.register_handler(controller)
    controller.play_media(
        session.content_id,
        session.content_type,
        title=session.title,
        current_time=session.start_position,
        stream_type="BUFFERED",
        media_info={"contentUrl": url, **_duration(session)},
        callback_function=callback,
    )


def _duration(session: Session) -> dict[str, float]:
    duration = session.probe.duration if session.probe else None
    return {"duration": duration} if duration else {}


def _on_reply(
    hass: HomeAssistant,
    reply: Reply,
    sent: bool,  # noqa: FBT001  # pychromecast's callback
    answer: dict[str, Any] | None,  # pychromecast's callback
) -> None:
    """Carry the device's reply from pychromecast's thread to the loop."""
    hass.loop.call_soon_threadsafe(_set, reply, answer if sent else None)


def _set(reply: Reply, answer: dict[str, Any] | None) -> None:
    if not reply.done():
        reply.set_result(answer)


async def _outcome(session: Session, reply: Reply, base: URL) -> None:
    """Wait until the device has taken the stream. Raises LoadRefused, NoReachableUrl, TargetUnavailable."""
    requested = asyncio.ensure_future(session.requested.wait())
    try:
        either: list[asyncio.Future[Any]] = [reply, requested]
        await asyncio.wait(either, timeout=REQUEST_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        _check_reply(reply)
        if not requested.done():
            await asyncio.wait([requested], timeout=REQUEST_TIMEOUT)
        if not requested.done():
            raise NoReachableUrl("no_request", address=str(base.origin()))
        await asyncio.wait([reply], timeout=LOAD_TIMEOUT)
        _check_reply(reply)
    finally:
        requested.cancel()


def _check_reply(reply: Reply) -> None:
    if not reply.done():
        return
    answer = reply.result()
    if answer is None:
        raise TargetUnavailable("load_not_sent")
    if answer.get("type") in FAILURES:
        raise LoadRefused("load_refused", detail=f"{answer.get('type')} {answer.get('detailedErrorCode', '')}".strip())
