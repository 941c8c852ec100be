"""Subtitles in Home Assistant's own player in the browser: the script that shows them, and the frontend that loads it.

That player has none (frontend 20260930): it plays HLS by hls.js in the build without subtitles, and a file in a <video>
without tracks.
"""

from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web
from homeassistant.components import frontend
from homeassistant.components.http import HomeAssistantView
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback

from ..const import DOMAIN

SCRIPT: Final = Path(__file__).with_suffix(".js")


class ScriptView(HomeAssistantView):
    """Serves the script to whoever loads the frontend, which asks for it without a log-in."""

    url = f"/api/{DOMAIN}/{SCRIPT.name}"
    name = f"api:{DOMAIN}:script"
    requires_auth = False

    async def get(self, request: web.Request) -> web.FileResponse:
        """Answer with the script; a browser that has it asks whether it is another one by now."""
        return web.FileResponse(SCRIPT, headers={hdrs.CACHE_CONTROL: "no-cache"})


@callback
def async_show_in_browser(hass: HomeAssistant) -> CALLBACK_TYPE:
    """Have the frontend load the script, if there is a frontend; return what undoes it."""
    if frontend.DOMAIN not in hass.config.components:
        return lambda: None
    frontend.add_extra_js_url(hass, ScriptView.url)
    return partial(frontend.remove_extra_js_url, hass, ScriptView.url)
