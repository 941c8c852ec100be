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
    return {
        "loaded": True,
        "libtorrent": playback.libtorrent_version,
        "engine_running": playback.is_engine_running,
        "sessions": len(playback.sessions),
        "torrents": len(playback.torrents),
        "kept": len(playback.library.kept),
        "disk_free": f"{playback.disk.free / 10**9:.1f} GB" if playback.disk else None,
    }
