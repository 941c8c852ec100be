"""A folder of .torrent files."""

import contextlib
import os
from pathlib import Path
from typing import override

from homeassistant.core import HomeAssistant

from ..engine import Source
from ..engine.files import printable
from ..playback import Playback
from ..sources import SUFFIX, content
from .base import MAX_ITEMS, Item, Provider, ProviderError


class Folder(Provider):
    """The .torrent files directly in a folder, the last written first."""

    interval = 15.0  # one look at a directory; inotify is silent on network shares

    def __init__(self, provider_id: str, name: str, hass: HomeAssistant, path: Path) -> None:
        super().__init__(provider_id, name)
        self._hass = hass
        self._path = path

    @override
    async def _latest(self) -> list[Item]:
        try:
            return await self._hass.async_add_executor_job(_torrents, self._path)
        except OSError as err:
            raise ProviderError("folder_unreadable", provider=self.name, error=err.strerror or str(err)) from err

    @override
    async def read(self, item: Item, playback: Playback) -> Source:
        return await playback.parse(await self._hass.async_add_executor_job(content, Path(item.source)))


def _torrents(folder: Path) -> list[Item]:
    """Return the items of a folder. Blocks. Raises OSError."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                if entry.name.lower().endswith(SUFFIX) and entry.is_file():
                    found.append((entry.stat().st_mtime, entry))
    newest = sorted(found, key=lambda pair: pair[0], reverse=True)[:MAX_ITEMS]
    return [Item(printable(entry.name[: -len(SUFFIX)]), entry.path) for _, entry in newest]
