"""A server without TLS, for devices that refuse Home Assistant's certificate. It knows the paths with tokens only."""

import asyncio
import logging
from typing import Final

from aiohttp import web
from homeassistant.components.http import KEY_HASS
from homeassistant.components.http.cors import setup_cors
from homeassistant.core import HomeAssistant
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .views import TOKEN_VIEWS

_LOGGER = logging.getLogger(__name__)

LISTENER: HassKey[PlainListener] = HassKey(f"{DOMAIN}.listener")
# Sessions have dropped their connections by then; who is left does not hold up the end. s
SHUTDOWN_TIMEOUT: Final = 1.0
MAX_PORT: Final = 65535


class PlainListener:
    """Listens from the first need on, at the addresses that devices are told."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self._runner: web.AppRunner | None = None
        self._ports: dict[str, int] = {}  # by address
        self._starting = asyncio.Lock()
        self._stopped = False

    async def port(self, address: str) -> int:
        """Return the port at an address of this machine: that after Home Assistant's own if it is free. Raises OSError.

        A firewall can so be told of it beforehand.
        """
        async with self._starting:
            if self._stopped:  # who got a film ready meanwhile must not open it again
                raise OSError("listening no more")
            if address not in self._ports:
                self._ports[address] = await self._listen(address)
            return self._ports[address]

    async def _listen(self, address: str) -> int:
        runner = self._runner = self._runner or await self._new_runner()
        api = self._hass.config.api
        first = api.port + 1 if api is not None and api.port < MAX_PORT else 0
        try:
            site = web.TCPSite(runner, address, first)
            await site.start()
        except OSError:
            site = web.TCPSite(runner, address, 0)
            await site.start()
        port = int(runner.addresses[-1][1])
        _LOGGER.debug("Listening without TLS on port %s", port)
        return port

    async def _new_runner(self) -> web.AppRunner:
        app = web.Application()
        app[KEY_HASS] = self._hass
        setup_cors(app, [])
        for view in TOKEN_VIEWS:
            view().register(self._hass, app, app.router)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT)
        await runner.setup()
        return runner

    async def stop(self) -> None:
        """Listen no more, and never again."""
        self._stopped = True
        async with self._starting:
            runner, self._runner = self._runner, None
            self._ports.clear()
            if runner is not None:
                await runner.cleanup()
