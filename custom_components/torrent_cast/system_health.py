"""System health: whether the engine could play, at a glance."""

from typing import Any

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.core import HomeAssistant, callback

from .runtime import playback_of


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Register what is shown."""
    register.async_register_info(_async_info)


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    if (playback := playback_of(hass)) is None:
        return {"loaded": False}
    ports = playback.ports
    return {
        "loaded": True,
        "libtorrent": playback.libtorrent_version,
        "engine_running": playback.is_engine_running,
        "port": ports.listening if ports else None,
        "opened_by_router": ports.opened if ports else None,
        "was_reached": ports.was_reached if ports else None,
        "sessions": len(playback.sessions),
        "torrents": len(playback.torrents),
        "kept": len(playback.library.kept),
        "disk_free": f"{playback.disk.free / 10**9:.1f} GB" if playback.disk else None,
    }
