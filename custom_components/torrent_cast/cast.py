"""Google Cast: Home Assistant's Cast integration asks here whether a media id is ours."""

from dataclasses import replace
from functools import partial
from typing import Final

from homeassistant.components import media_source
from homeassistant.components.media_player import BrowseMedia, MediaType
from homeassistant.core import HomeAssistant
from pychromecast import Chromecast
from pychromecast.const import CAST_TYPE_CHROMECAST

from .const import DOMAIN
from .engine.source import is_magnet
from .errors import translate_errors
from .listener import LISTENER
from .loading import CastDevice, check_screen
from .media import BROWSER, profile_of
from .metadata import describe
from .playback import Following, Playback, Session, SessionEnded, TargetUnavailable
from .playback.session import SCHEME
from .playback.urls import base_url
from .runtime import playback_of
from .sources import CONTENT_TYPE, LOCAL_MEDIA, read_source
from .views import token_in

ROOT: Final = media_source.generate_media_source_id(DOMAIN, "")
# How Home Assistant resolves an id of its local media.
MEDIA_PATH: Final = "/media/"


async def async_get_media_browser_root_object(hass: HomeAssistant, cast_type: str) -> list[BrowseMedia]:
    """Offer no root of our own: the media source is among the entity's media already."""
    return []


async def async_browse_media(
    hass: HomeAssistant,
    media_content_type: MediaType | str,
    media_content_id: str,
    cast_type: str,
) -> BrowseMedia | None:
    """Return the tree of the media source, without what a device that has no screen cannot play."""
    if media_content_id != ROOT and not media_content_id.startswith(f"{ROOT}/"):
        return None
    node = await media_source.async_browse_media(hass, media_content_id)
    if cast_type != CAST_TYPE_CHROMECAST:
        hidden = [child for child in node.children or () if not _is_heard(child)]
        node.children = [child for child in node.children or () if _is_heard(child)]
        node.not_shown += len(hidden)
    return node


def _is_heard(node: BrowseMedia) -> bool:
    """Tell whether a node is sound, or a folder that may hold some."""
    if node.can_expand:
        return not node.can_play or node.media_content_type == MediaType.MUSIC
    return str(node.media_content_type).startswith("audio/")


async def async_play_media(
    hass: HomeAssistant,
    cast_entity_id: str,
    chromecast: Chromecast,
    media_type: MediaType | str,
    media_id: str,
) -> bool:
    """Play what is ours: a session's id, a magnet link, a stream address. Return False for anything else."""
    playback = playback_of(hass)
    if playback is None or not _is_ours(playback, media_type, media_id):
        return False
    with translate_errors():
        session = await _session(hass, playback, media_id)
        playback.claim(session, cast_entity_id)
        await play(hass, playback, session, chromecast)
    return True


def _is_ours(playback: Playback, media_type: str, media_id: str) -> bool:
    """Tell whether to answer for `media_id`; a foreign address may look like one of our streams."""
    if is_magnet(media_id) or media_id.startswith(f"{SCHEME}:") or media_type == CONTENT_TYPE:
        return True
    token = token_in(media_id)
    return token is not None and (media_id.startswith("/") or playback.by_token(token) is not None)


async def _session(hass: HomeAssistant, playback: Playback, media_id: str) -> Session:
    """Return the session `media_id` means, made anew for a magnet link or torrent file. Raises TorrentCastError."""
    if (token := token_in(media_id)) is not None:
        session = playback.by_token(token)
        if session is not None and session.profile is BROWSER:  # its delivery is another one
            session = playback.start_session(session.source, wanted=session.wanted)
    elif media_id.startswith(f"{SCHEME}:"):
        session = playback.by_id(media_id.removeprefix(f"{SCHEME}:"))
    else:
        session = playback.start_session(await read_source(hass, playback, _source(media_id)))
    if session is None:
        raise SessionEnded("unknown_session")
    return session


def _source(media_id: str) -> str:
    """Return the source that `media_id` means: Home Assistant resolved the id of its own media to a path of its own."""
    local = media_id.startswith(MEDIA_PATH)
    return f"{LOCAL_MEDIA}{media_id.removeprefix(MEDIA_PATH)}" if local else media_id


async def play(hass: HomeAssistant, playback: Playback, session: Session, chromecast: Chromecast) -> None:
    """Get the session ready, LOAD it, and see that the device comes for it. Raises TorrentCastError, Unplayable."""
    with session.ends_with():
        _check_connection(chromecast)
        session.is_only_heard = chromecast.cast_type != CAST_TYPE_CHROMECAST
        await session.resolve()
        check_screen(session, chromecast)
        profile = profile_of(str(chromecast.model_name), playback.settings.extras_of(session.target))
        session.profile = replace(profile, has_screen=not session.is_only_heard)
        await session.prepare()
        plain_port = hass.data[LISTENER].port
        base = await base_url(hass, playback.settings.base_url, chromecast.socket_client.host, plain_port)
        session.metadata = await describe(hass, playback, session, base)
        await _follow(session, CastDevice(hass, chromecast, session, base, partial(describe, hass, playback)))


async def _follow(session: Session, device: CastDevice) -> None:
    assert session.playhead is not None  # the session is prepared
    if session.following is not None:  # what waits in the device's queue is given to it at once, or it plays anew
        session.following.close()
    session.following = Following(session, device, session.playhead)
    await session.following.begin()


def _check_connection(chromecast: Chromecast) -> None:
    if not chromecast.socket_client.is_connected:
        raise TargetUnavailable("device_unavailable", device=str(chromecast.name))
