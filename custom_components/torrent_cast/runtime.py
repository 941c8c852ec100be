"""Where the loaded entry's playback is found."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError

from .const import DOMAIN
from .playback import Playback


@callback
def playback_of(hass: HomeAssistant) -> Playback | None:
    """Return the loaded entry's playback."""
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        playback: Playback = entry.runtime_data
        return playback
    return None


@callback
def loaded_playback(hass: HomeAssistant) -> Playback:
    """Return the loaded entry's playback. Raises ServiceValidationError when there is none."""
    if (playback := playback_of(hass)) is None:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="not_loaded")
    return playback
