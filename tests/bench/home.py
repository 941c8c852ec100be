"""A Home Assistant in an arena: with the integration, a Cast device that only takes bytes, and a timer in its loop."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, override

import aiohttp

from custom_components.torrent_cast.const import CONF_DIRECTORY, CONF_KEEP_HOURS, CONF_WHOLE_FILM, DOMAIN
from tests.rig.built import Built
from tests.rig.hass import COMPONENTS, Hass
from tests.rig.player import Event, NoPlayer, Source, State
from tests.rig.receiver import Receiver, own_host
from tests.rig.stage import NETWORK, OPTIONS

from .arena import Arena
from .drain import Drain
from .players.base import HttpStream

TIMER: Final = Path(__file__).parent / "programs" / "loop_timer"
# Home Assistant writes its first states and looks for updates; s
SETTLES: Final = 30.0
# A play that takes longer does not begin, a film that takes longer is not let go; s
PATIENCE: Final = 60.0
POLL: Final = 0.05


class Taker(NoPlayer):
    """A device's player that fetches the film as fast as it can be had, and says that it plays."""

    def __init__(self) -> None:
        super().__init__()
        self._since = 0.0
        self._fetching = contextlib.AsyncExitStack()
        self.drain: Drain | None = None
        """What takes the film, None before the first LOAD."""

    @override
    def _event(self) -> Event:
        return Event("timeupdate", State.PLAYING, self.position + time.monotonic() - self._since)

    @override
    async def load(self, source: Source) -> Event:
        await self.stop()
        client = await self._fetching.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        )
        self.drain = await self._fetching.enter_async_context(Drain(HttpStream(client, source.url, 0)))
        self._since = time.monotonic()
        return await super().load(source)

    @override
    async def stop(self) -> None:
        await self._fetching.aclose()
        await super().stop()


class Home(Built):
    """One Home Assistant process; what it plays it downloads anew each time, at full speed."""

    def __init__(self, arena: Arena) -> None:
        super().__init__()
        self._arena = arena
        self._folder = arena.fresh()
        self._taker = Taker()

    @override
    async def _build(self) -> None:
        """Start it, and wait until it is at rest."""
        enter = self._stack.enter_async_context
        await enter(Receiver(host := own_host(), player=self._taker))
        hass = Hass(self._folder / "config", components=self._components(), domains=(TIMER.name,))
        self._hass = await enter(hass)
        (self._device,) = await hass.cast_entities(host)
        options = OPTIONS | NETWORK | {CONF_KEEP_HOURS: 0, CONF_WHOLE_FILM: True}
        data = {CONF_DIRECTORY: str(self._folder / "films"), "network": NETWORK}
        await hass.set_up(DOMAIN, data, options)
        await asyncio.sleep(SETTLES)

    def _components(self) -> Path:
        """Return a directory of the integration and the timer."""
        folder = self._folder / "components"
        folder.mkdir()
        for component in (COMPONENTS / DOMAIN, TIMER):
            (folder / component.name).symlink_to(component)
        return folder

    @contextlib.asynccontextmanager
    async def playing(self) -> AsyncIterator[Drain]:
        """Play the film on the device, and give what takes it there; in the end what was downloaded is gone."""
        async with asyncio.timeout(PATIENCE):
            await self._hass.service(f"{DOMAIN}.play", entity_id=self._device, source=self._arena.swarm.magnet)
        try:
            assert self._taker.drain is not None
            yield self._taker.drain
        finally:
            await self._stop()

    async def _stop(self) -> None:
        await self._hass.service(f"{DOMAIN}.stop", entity_id=self._device)
        async with asyncio.timeout(PATIENCE):
            while (await self._hass.service(f"{DOMAIN}.list", answer=True))["torrents"]:  # noqa: ASYNC110  # no event to await
                await asyncio.sleep(POLL)

    async def lateness(self) -> list[float]:
        """Return how late the timer was each time since this was last asked, s."""
        late: list[float] = await self._hass.get(f"/api/{TIMER.name}")
        return late
