"""What a provider is: it lists and finds items, each of which leads to a torrent."""

import hashlib
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ..engine import Source, SourceError, TorrentCastError
from ..playback import Playback

# Results that somebody may still click on.
REMEMBERED: Final = 1000
# More than anybody reads of one answer.
MAX_ITEMS: Final = 200
MAX_TITLE: Final = 200
# 64 bits tell a thousand items apart.
ID_CHARS: Final = 16


class ProviderError(TorrentCastError):
    """A provider does not answer, or not as it should."""


@dataclass(frozen=True, slots=True)
class Item:
    """What was found: `source` is a magnet link, an address or a path, and is shown to nobody. `size` in bytes."""

    title: str
    source: str
    size: int | None = None
    seeders: int | None = None

    @property
    def id(self) -> str:
        """Return what names the item without telling its source, which may hold a key of the user's."""
        return hashlib.sha256(self.source.encode(errors="replace")).hexdigest()[:ID_CHARS]


class Provider(ABC):
    """One source of torrents. `interval` is how often to look for new ones, in s."""

    interval: float

    def __init__(self, provider_id: str, name: str) -> None:
        self.id = provider_id
        self.name = name
        self._items: OrderedDict[str, Item] = OrderedDict()

    async def latest(self) -> list[Item]:
        """Return what there is, the newest first. Raises ProviderError."""
        return self._remember(await self._latest())

    async def search(self, text: str) -> list[Item]:
        """Return what may fit `text`; the caller ranks it. Raises ProviderError."""
        return self._remember(await self._search(text))

    def item(self, item_id: str) -> Item:
        """Return an item that was found before. Raises SourceError."""
        if (item := self._items.get(item_id)) is None:
            raise SourceError("unknown_item")
        return item

    @abstractmethod
    async def read(self, item: Item, playback: Playback) -> Source:
        """Return the torrent of an item. Raises SourceError."""

    @abstractmethod
    async def _latest(self) -> list[Item]:
        """Return what there is."""

    async def _search(self, text: str) -> list[Item]:
        """Return all there is: a small provider has no search of its own."""
        return await self._latest()

    def _remember(self, items: Iterable[Item]) -> list[Item]:
        first: dict[str, Item] = {}
        for item in items:
            first.setdefault(item.id, item)
        found = list(first.values())[:MAX_ITEMS]
        for item in found:
            self._items[item.id] = item
            self._items.move_to_end(item.id)
        while len(self._items) > REMEMBERED:
            self._items.popitem(last=False)
        return found
