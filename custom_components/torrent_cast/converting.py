"""The ffmpeg that Home Assistant is configured to use, which converts video where the user wants that."""

from homeassistant.components import ffmpeg
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .const import CONF_CONVERT


async def program(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """Return its name or path; the integration that knows it is set up only where it is needed."""
    if not entry.options.get(CONF_CONVERT) or not await async_setup_component(hass, ffmpeg.DOMAIN, {}):
        return ffmpeg.DEFAULT_BINARY
    return str(ffmpeg.get_ffmpeg_manager(hass).binary)
