"""Diagnostics: what plays and how well, without titles, info-hashes, addresses, devices' names or tokens."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from . import TorrentCastConfigEntry
from .const import CONF_BASE_URL, CONF_STUN_SERVER
from .engine import Ports, Torrent, TorrentFile
from .playback import Following, Session


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant,
    entry: TorrentCastConfigEntry,
) -> dict[str, Any]:
    """Return the state of the entry's playback, or why there is none."""
    data: dict[str, Any] = {"state": entry.state.value, "options": _options(entry.options)}
    if entry.state is not ConfigEntryState.LOADED:
        return data | {"why": entry.error_reason_translation_key}
    playback = entry.runtime_data
    return data | {
        "libtorrent": playback.libtorrent_version,
        "has_webtorrent": playback.has_webtorrent,
        "kept": len(playback.library.kept),
        "port": _ports(ports) if (ports := playback.ports) else None,
        "sessions": [_session(session) for session in playback.sessions],
        "torrents": [_torrent(torrent, await playback.peer_sources(torrent)) for torrent in playback.torrents],
    }


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options without addresses; of lists, which name devices, how long they are."""
    return {
        key: len(value) if isinstance(value, list) else value
        for key, value in options.items()
        if key not in {CONF_BASE_URL, CONF_STUN_SERVER}
    }


def _ports(ports: Ports) -> dict[str, Any]:
    return {
        "wanted": ports.wanted,
        "listening": ports.listening,
        "opened_by_router": ports.opened,
        "was_reached": ports.was_reached,
    }


def _session(session: Session) -> dict[str, Any]:
    data: dict[str, Any] = {
        "session_id": session.id,
        "state": session.state,
        "has_target": session.target is not None,
        "connections": session.connections,
        "content_type": session.content_type,
        "seekable_seconds": session.seekable_seconds,
    }
    if session.torrent is not None and session.file is not None:
        data |= _pieces(session.torrent, session.file)
    if session.probe is not None:
        data["duration"] = session.probe.duration
        data["container"] = session.probe.container
    if session.following is not None:
        data |= _following(session.following)
    return data


def _following(following: Following) -> dict[str, Any]:
    data: dict[str, Any] = {"position": following.playhead.seconds, "is_held": following.hold.is_held}
    if (health := following.health) is not None:
        data["health"] = {
            "level": health.level,
            "seconds_in_hand": health.seconds if isfinite(health.seconds) else None,
            "supply": health.supply,
            "stall_in": health.stall_in,
        }
    return data


def _pieces(torrent: Torrent, file: TorrentFile) -> dict[str, Any]:
    pieces = torrent.pieces(file)
    return {
        "size": file.size,
        "piece_length": torrent.piece_length,
        "pieces_had": sum(torrent.has(piece) for piece in pieces),
        "pieces_total": len(pieces),
        "verified": [list(span) for span in torrent.verified(file)],
    }


def _torrent(torrent: Torrent, sources: dict[str, int]) -> dict[str, Any]:
    statistics = torrent.statistics
    return {
        "has_metadata": torrent.has_metadata,
        "files": len(torrent.files),
        "download_rate": statistics.download_rate,
        "upload_rate": statistics.upload_rate,
        "peers": statistics.peers,
        "peers_from": sources,
    }
