"""Providers out of what the user configured: config subentries."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from homeassistant.core import HomeAssistant

from ..const import CONF_API_KEY, CONF_FOLDER, CONF_OUTSIDE, CONF_URL
from .base import Provider
from .feed import Feed
from .folder import Folder
from .torznab import Torznab
from .web import Place

# Types of subentries; each has a flow of its own.
FOLDER: Final = "folder"
FEED: Final = "feed"
TORZNAB: Final = "torznab"


def provider_of(hass: HomeAssistant, kind: str, provider_id: str, name: str, data: Mapping[str, Any]) -> Provider:
    """Return the provider that the settings `data` of a subentry of type `kind` describe."""
    if kind == FOLDER:
        return Folder(provider_id, name, hass, Path(data[CONF_FOLDER]))
    place = Place(data[CONF_URL], stays_outside=data.get(CONF_OUTSIDE, False))
    if kind == FEED:
        return Feed(provider_id, name, hass, place)
    return Torznab(provider_id, name, hass, place, data.get(CONF_API_KEY, ""))
