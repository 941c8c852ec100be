"""The engine, from the first need until some time after the last."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Final

from ..engine import Engine, EngineSettings, Torrent, TorrentGone

# A libtorrent session that nobody has needed for so long is ended: it would go on talking to the DHT. s
ENGINE_REST: Final = 10 * 60


class EngineOnDemand:
    """Starts an engine when one is needed, and ends one that nobody needs."""

    def __init__(
        self, libtorrent: ModuleType, directory: Path, settings: EngineSettings, on_statistics: Callable[[], None]
    ) -> None:
        self._lt = libtorrent
        self._directory = directory
        self._settings = settings
        self._on_statistics = on_statistics
        self._starting = asyncio.Lock()
        self._needed = 0.0  # when the engine was last asked for or let go of; monotonic s
        self.running: Engine | None = None
        self.stopping = False  # none is started any more

    @property
    def torrents(self) -> tuple[Torrent, ...]:
        """Return the torrents in the engine."""
        return self.running.torrents if self.running else ()

    async def get(self) -> Engine:
        """Return the engine, starting it at the first need. Raises StorageError, TorrentGone."""
        async with self._starting:
            if self.stopping:
                raise TorrentGone("engine_stopped")
            self.note_need()
            if self.running is None:
                self.running = await Engine.start(self._lt, self._directory, self._settings)
                self.running.on_statistics = self._on_statistics
            return self.running

    def note_need(self) -> None:
        """Note that the engine has been needed until now."""
        self._needed = time.monotonic()

    def apply(self, settings: EngineSettings) -> None:
        """Take new settings at once, but for those that need another session."""
        self._settings = settings
        if self.running is not None:
            self.running.apply(settings)

    async def rest(self) -> None:
        """End an engine without torrents that has not been needed for a while; the next need starts another."""
        async with self._starting:
            engine = self.running
            if engine is None or engine.torrents or time.monotonic() - self._needed < ENGINE_REST:
                return
            self.running = None
            await engine.stop()

    async def stop(self) -> None:
        """End the engine for good."""
        self.stopping = True
        async with self._starting:
            engine, self.running = self.running, None
        if engine is not None:
            await engine.stop()
