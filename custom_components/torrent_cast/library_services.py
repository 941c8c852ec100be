"""The service actions for torrents that nobody has to watch: add, remove, pause, resume, list, limits."""

import re
from typing import Any, Final

import voluptuous as vol
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_register_admin_service
from homeassistant.util.json import JsonObjectType, JsonValueType

from .const import CONF_ALTERNATIVE, CONF_DOWNLOAD_LIMIT, CONF_UPLOAD_LIMIT, DOMAIN, MAX_LIMIT
from .engine import Torrent
from .errors import translate_errors
from .playback import Kept, Playback, Session
from .references import MEDIA_ID, choose_source, find_torrent
from .runtime import loaded_playback

SERVICE_ADD: Final = "add"
SERVICE_REMOVE: Final = "remove"
SERVICE_PAUSE: Final = "pause"
SERVICE_RESUME: Final = "resume"
SERVICE_LIST: Final = "list"
SERVICE_SET_LIMITS: Final = "set_limits"

ATTR_SOURCE: Final = "source"
ATTR_FILE: Final = "file"
ATTR_TORRENT: Final = "torrent"
ATTR_DELETE_FILES: Final = "delete_files"

# No torrent has a billion files.
INDEX: Final = re.compile(r"-?[0-9]{1,9}", re.ASCII)

ADD_SCHEMA = vol.Schema({vol.Required(ATTR_SOURCE): cv.string, vol.Optional(ATTR_FILE): cv.string})
REMOVE_SCHEMA = vol.Schema(
    {vol.Required(ATTR_TORRENT): cv.string, vol.Optional(ATTR_DELETE_FILES, default=True): cv.boolean}
)
TORRENT_SCHEMA = vol.Schema({vol.Optional(ATTR_TORRENT): cv.string})
LIMIT: Final = vol.All(vol.Coerce(int), vol.Range(min=0, max=MAX_LIMIT))
LIMITS_SCHEMA = vol.All(
    vol.Schema(
        {
            vol.Optional(CONF_DOWNLOAD_LIMIT): LIMIT,
            vol.Optional(CONF_UPLOAD_LIMIT): LIMIT,
            vol.Optional(CONF_ALTERNATIVE): cv.boolean,
        }
    ),
    cv.has_at_least_one_key(CONF_DOWNLOAD_LIMIT, CONF_UPLOAD_LIMIT, CONF_ALTERNATIVE),
)


@callback
def async_setup_library_services(hass: HomeAssistant) -> None:
    """Register the actions; what fills or empties the disk, or holds for everybody, is an administrator's."""
    optional = SupportsResponse.OPTIONAL
    async_register_admin_service(hass, DOMAIN, SERVICE_ADD, _async_add, ADD_SCHEMA, optional)
    async_register_admin_service(hass, DOMAIN, SERVICE_REMOVE, _async_remove, REMOVE_SCHEMA, optional)
    async_register_admin_service(hass, DOMAIN, SERVICE_PAUSE, _async_pause, TORRENT_SCHEMA)
    async_register_admin_service(hass, DOMAIN, SERVICE_RESUME, _async_resume, TORRENT_SCHEMA)
    async_register_admin_service(hass, DOMAIN, SERVICE_SET_LIMITS, _async_set_limits, LIMITS_SCHEMA)
    hass.services.async_register(
        DOMAIN, SERVICE_LIST, _async_list, schema=vol.Schema({}), supports_response=SupportsResponse.ONLY
    )


async def _async_add(call: ServiceCall) -> ServiceResponse:
    """Download a film without playing it; go on once it is known which."""
    playback = loaded_playback(call.hass)
    if not playback.settings.keep:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="nothing_kept")
    with translate_errors():
        choice = await choose_source(call.hass, playback, call.data[ATTR_SOURCE])
        file = wanted_file(call.data.get(ATTR_FILE))
        session = await playback.download(choice.source, choice.file if file is None else file)
    return described(session) if call.return_response else None


async def _async_remove(call: ServiceCall) -> ServiceResponse:
    """Stop whatever plays of a torrent and forget it, with or without what was downloaded."""
    playback = loaded_playback(call.hass)
    deletes = call.data[ATTR_DELETE_FILES]
    with translate_errors():
        key = await find_torrent(playback, call.data[ATTR_TORRENT])
        left = await playback.remove(key, delete_files=deletes)
    return {"info_hash": key, "directory": None if left is None else str(left)} if call.return_response else None


async def _async_pause(call: ServiceCall) -> None:
    await _halt(call, halts=True)


async def _async_resume(call: ServiceCall) -> None:
    await _halt(call, halts=False)


async def _halt(call: ServiceCall, *, halts: bool) -> None:
    """Have one torrent, or all, stand still or go on."""
    playback = loaded_playback(call.hass)
    if (text := call.data.get(ATTR_TORRENT)) is None:
        playback.halt(halts=halts)
        return
    with translate_errors():
        playback.halt(await find_torrent(playback, text), halts=halts)


async def _async_set_limits(call: ServiceCall) -> None:
    """Change the limits that the options hold; they are in force at once, and nothing is interrupted."""
    loaded_playback(call.hass)
    (entry,) = call.hass.config_entries.async_loaded_entries(DOMAIN)
    call.hass.config_entries.async_update_entry(entry, options={**entry.options, **call.data})


async def _async_list(call: ServiceCall) -> ServiceResponse:
    """Return the torrents in use and on disk, last used first."""
    playback = loaded_playback(call.hass)
    live = {torrent.key: torrent for torrent in playback.torrents}
    kept = {one.key: one for one in playback.library.kept}
    return {"torrents": [_torrent(playback, key, live.get(key), kept.get(key)) for key in {**kept, **live}]}


def _torrent(playback: Playback, key: str, torrent: Torrent | None, kept: Kept | None) -> JsonObjectType:
    sessions = [session for session in playback.sessions if session.source.key == key]
    files = torrent.files if torrent else ()
    return {
        "info_hash": key,
        "title": (torrent.name if torrent else "") or (kept.name if kept else key),
        "media_content_id": f"{MEDIA_ID}{key}",
        "state": _state(sessions, torrent),
        "size": sum(file.size for file in files) or None,
        "downloaded": sum(file.size - torrent.missing_bytes(file) for file in files) if torrent else None,
        "added": kept.added if kept else None,
        "last_used": kept.last_used if kept else None,
        "sessions": [described(session) for session in sessions],
    } | _rates(torrent)


def _rates(torrent: Torrent | None) -> dict[str, Any]:
    if torrent is None:
        return {"download_rate": 0, "upload_rate": 0, "peers": 0, "seeds": 0}
    found = torrent.statistics
    return {
        "download_rate": found.download_rate,
        "upload_rate": found.upload_rate,
        "peers": found.peers,
        "seeds": found.seeds,
    }


def _state(sessions: list[Session], torrent: Torrent | None) -> str:
    if torrent is None:
        return "kept"
    if torrent.is_halted:
        return "paused"
    if any(not session.downloads for session in sessions):
        return "streaming"
    return "downloading" if sessions else "sharing"


def wanted_file(file: str | None) -> int | str | None:
    """Return an index, also where one was given as text, or a pattern."""
    return int(file) if file and INDEX.fullmatch(file) else file or None


def described(session: Session) -> JsonObjectType:
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
        "audio_language": session.audio.language if session.audio else None,
        "subtitles": _subtitles(session),
        "duration": session.probe.duration if session.probe else None,
    }


def _subtitles(session: Session) -> list[JsonValueType]:
    """Return the tracks a device is offered, and those that the film has in a form that is not supported."""
    if (subtitles := session.subtitles) is None:
        return []
    offered: list[JsonValueType] = [
        {"track": one.id, "name": one.label, "language": one.language, "shown": one.id == session.shown}
        for one in subtitles.tracks
    ]
    missing: list[JsonValueType] = [
        {"track": None, "name": one.label, "language": one.language} for one in subtitles.missing
    ]
    return [*offered, *missing]
