"""Looks for new items of providers and puts them into the library."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from ..engine import TorrentCastError
from ..playback import Playback
from ..search import words
from .base import MAX_ITEMS, Item, Provider, ProviderError

_LOGGER = logging.getLogger(__name__)

VERSION: Final = 1
STORE: Final = f"{DOMAIN}.seen"
# Twice what one answer holds: an item that is listed is known.
SEEN: Final = 2 * MAX_ITEMS
# A file may be half written yet, a server or a swarm away for a while; what fails so often is left alone.
MAX_TRIES: Final = 3


class Adding:
    """Adds what a provider newly lists, as long as the task runs. What it has seen outlives a restart."""

    def __init__(self, hass: HomeAssistant, playback: Playback) -> None:
        self._hass = hass
        self._playback = playback
        self._store: Store[dict[str, list[str]]] = Store(hass, VERSION, STORE, atomic_writes=True)
        self._seen: dict[str, list[str]] | None = None
        self._loading = asyncio.Lock()
        self._tries: Counter[tuple[str, str]] = Counter()  # in vain, by provider and item
        self._failing: set[str] = set()

    async def run(self, provider: Provider, pattern: str, *, adds_first: bool) -> None:
        """Look for ever. `pattern` holds words a title must have; `adds_first`: what is listed at first is new too."""
        while True:
            try:
                await self.look(provider, pattern, adds_first=adds_first)
            except ProviderError as err:
                if provider.id not in self._failing:
                    self._failing.add(provider.id)
                    _LOGGER.warning("%s cannot be looked at: %s", provider.name, err.details.get("error", err.reason))
            else:
                if provider.id in self._failing:
                    self._failing.discard(provider.id)
                    _LOGGER.info("%s can be looked at again", provider.name)
            await asyncio.sleep(provider.interval)

    async def look(self, provider: Provider, pattern: str, *, adds_first: bool) -> None:
        """Look once. Raises ProviderError."""
        if not self._playback.settings.keep:  # all would be deleted as soon as it is added
            raise ProviderError("nothing_kept", error="films are not kept (see the options)")
        items = await provider.latest()
        all_seen = await self._load()
        is_first = provider.id not in all_seen
        seen = all_seen.setdefault(provider.id, [])
        new = [item for item in reversed(items) if item.id not in seen]
        wanted = [item for item in new if frozenset(words(pattern)) <= {*words(item.title)}]
        again = await self._add(provider, wanted) if adds_first or not is_first else frozenset()
        if new:
            seen.extend(item.id for item in new if item.id not in again)
            del seen[:-SEEN]
            await self._store.async_save(all_seen)

    async def _add(self, provider: Provider, items: Sequence[Item]) -> frozenset[str]:
        """Add items; one that cannot be added does not keep the others out. Return the ids of those to try again."""
        return frozenset([item.id for item in items if not await self._is_done(provider, item)])

    async def _is_done(self, provider: Provider, item: Item) -> bool:
        """Add an item; tell whether that is over, as it was added or has failed too often."""
        tried = provider.id, item.id
        try:
            await self._playback.keep(await provider.read(item, self._playback))
        except TorrentCastError as err:
            if self._playback.stopping:  # says nothing about the torrent
                return False
            self._tries[tried] += 1
            if self._tries[tried] == 1:
                _LOGGER.warning("A torrent of %s cannot be added: %s %s", provider.name, err.reason, err.details or "")
            if self._tries[tried] < MAX_TRIES:
                return False
        del self._tries[tried]
        return True

    async def forget(self, provider_ids: Sequence[str]) -> None:
        """Forget what was seen of all providers but these."""
        seen = await self._load()
        gone = seen.keys() - set(provider_ids)
        for key in gone:
            del seen[key]
        if gone:
            await self._store.async_save(seen)

    async def _load(self) -> dict[str, list[str]]:
        """Return what was seen, by provider: the same object for all who look at once."""
        async with self._loading:
            if self._seen is None:
                self._seen = await self._store.async_load() or {}
            return self._seen

    @staticmethod
    async def remove(hass: HomeAssistant) -> None:
        """Delete all that is remembered."""
        await Store[dict[str, list[str]]](hass, VERSION, STORE).async_remove()
