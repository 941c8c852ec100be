"""The address under which a Cast device reaches this Home Assistant."""

import logging
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Final

from homeassistant.components.network import async_get_source_ip
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.network import NoURLAvailableError, get_url
from homeassistant.util.network import is_ip_address, is_loopback
from yarl import URL

from .errors import NoReachableUrl

_LOGGER = logging.getLogger(__name__)

# A Cast device resolves names at a public server and refuses certificates it does not know.
SCHEME: Final = "http"
LOOPBACK: Final = "127.0.0.1"

# Returns the port at which an address of this machine is served without TLS; raises OSError.
type PlainPort = Callable[[str], Awaitable[int]]


async def base_url(hass: HomeAssistant, configured: str | None, device: str | None, plain_port: PlainPort) -> URL:
    """Return the base of stream addresses for a device at IP address `device`. Raises NoReachableUrl.

    In this order: the option, the internal URL if it is plain http with an IP address, our address towards the device,
    at `plain_port` where Home Assistant itself has TLS.
    """
    if configured:
        return URL(configured)
    here = bool(device and is_ip_address(device) and is_loopback(ip_address(device)))
    internal = _internal(hass)
    if internal is not None and (here or not is_loopback(ip_address(str(internal.host)))):
        return internal
    api = hass.config.api
    if api is None:
        raise NoReachableUrl("no_address")
    # Loopback is for a receiver in software beside Home Assistant.
    source = LOOPBACK if here else await _source(hass, device)
    try:
        port = await plain_port(source) if api.use_ssl else api.port
    except OSError as err:
        raise NoReachableUrl("only_https") from err
    return URL.build(scheme=SCHEME, host=source, port=port)


async def _source(hass: HomeAssistant, device: str | None) -> str:
    """Return our IP address towards a device. Raises NoReachableUrl."""
    try:
        source = await async_get_source_ip(hass, _target(device))
    except HomeAssistantError as err:
        raise NoReachableUrl("no_address") from err
    _LOGGER.debug("The address towards %s is %s", device, source)
    return source


def _internal(hass: HomeAssistant) -> URL | None:
    try:
        url = URL(get_url(hass, allow_ip=True, allow_external=False, allow_cloud=False))
    except NoURLAvailableError:
        return None
    if hass.config.internal_url and url.scheme == SCHEME and url.host and is_ip_address(url.host):
        return url
    return None


def _target(device: str | None) -> str:
    """Return an IP address to route towards; a name in place of one tells nothing about the way."""
    if device and is_ip_address(device) and not ip_address(device).is_unspecified:
        return device
    return "224.0.0.251"  # mDNS (RFC 6762): out to the local network
