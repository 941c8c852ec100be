"""The providers of the config entry: made of its subentries, asked for the media browser, watched for new torrents."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.util.hass_dict import HassKey

from .const import CONF_ADD, CONF_WORDS, DOMAIN, PLAYER
from .engine import SourceError
from .playback import Playback
from .providers import FOLDER, Adding, Item, Provider, ProviderError, provider_of

_LOGGER = logging.getLogger(__name__)

# A search of the whole library does not wait longer for a provider; s.
PATIENCE: Final = 8.0
PROVIDERS: HassKey[Providers] = HassKey(f"{DOMAIN}.providers")


class Providers:
    """All providers of an entry, by the id of their subentry."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, playback: Playback) -> None:
        self._hass = hass
        self._entry = entry
        self._adding = Adding(hass, playback)
        self._providers: dict[str, Provider] = {}
        self._settings: dict[str, object] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._updating = asyncio.Lock()
        self._stopped = False

    @property
    def all(self) -> tuple[Provider, ...]:
        """Return the providers in the order they were configured."""
        return tuple(self._providers.values())

    def get(self, provider_id: str) -> Provider:
        """Return a provider. Raises SourceError."""
        if (provider := self._providers.get(provider_id)) is None:
            raise SourceError("unknown_provider")
        return provider

    async def search(self, text: str, patience: float = PATIENCE) -> list[tuple[Provider, Item]]:
        """Return what all providers find within `patience` s; one that fails does not spoil the others' results."""
        found = await asyncio.gather(*(self._search(provider, text, patience) for provider in self.all))
        return [pair for pairs in found for pair in pairs]

    async def _search(self, provider: Provider, text: str, patience: float) -> list[tuple[Provider, Item]]:
        try:
            async with asyncio.timeout(patience):
                return [(provider, item) for item in await provider.search(text)]
        except TimeoutError:
            _LOGGER.warning("%s did not answer a search within %s s", provider.name, patience)
        except ProviderError as err:
            _LOGGER.warning("%s did not answer a search: %s", provider.name, err.details.get("error", err.reason))
        return []

    async def update(self) -> None:
        """Follow the entry's subentries: what was changed is made anew, the rest goes on."""
        async with self._updating:  # the entry may change again while tasks end
            if not self._stopped:
                await self._update()

    async def _update(self) -> None:
        subentries = {key: sub for key, sub in self._entry.subentries.items() if sub.subentry_type != PLAYER}
        wanted = {key: (sub.title, dict(sub.data)) for key, sub in subentries.items()}
        await self._end([key for key in self._providers if self._settings.get(key) != wanted.get(key)])
        for key, sub in subentries.items():
            if key in self._providers:
                continue
            provider = provider_of(self._hass, sub.subentry_type, key, sub.title, sub.data)
            self._providers[key], self._settings[key] = provider, wanted[key]
            if sub.data.get(CONF_ADD):
                look = self._adding.run(provider, sub.data.get(CONF_WORDS, ""), adds_first=sub.subentry_type == FOLDER)
                self._tasks[key] = self._entry.async_create_background_task(self._hass, look, f"{DOMAIN} look")
        await self._adding.forget(list(wanted))

    async def stop(self) -> None:
        """Look at nothing any more."""
        async with self._updating:
            self._stopped = True
            await self._end(list(self._providers))

    async def _end(self, keys: Iterable[str]) -> None:
        tasks = []
        for key in keys:
            del self._providers[key], self._settings[key]
            if (task := self._tasks.pop(key, None)) is not None:
                task.cancel()
                tasks.append(task)
        await asyncio.gather(*tasks, return_exceptions=True)
