"""The torrents in the engine and on disk: who uses them, and what becomes of those that nobody uses."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from pathlib import Path
from types import ModuleType

from homeassistant.util import dt as dt_util

from ..engine import Engine, Source, StorageError, Torrent, TorrentFile, storage
from .background import Background
from .library import Library
from .ondemand import EngineOnDemand
from .settings import PlaybackSettings, Seeding

_LOGGER = logging.getLogger(__name__)


class Torrents:
    """What sessions have in common: a torrent is in the engine once, and stays as long as one of them uses it."""

    def __init__(
        self,
        libtorrent: ModuleType,
        library: Library,
        settings: PlaybackSettings,
        background: Background,
        changed: Callable[[], None],
    ) -> None:
        """Call `changed` when there is something else to show."""
        self.settings = settings
        self.engine = EngineOnDemand(libtorrent, settings.directory, settings.engine, changed)
        self.disk: storage.Usage | None = None
        """What was found at the last look, None when there was nothing to look at."""
        self._lt = libtorrent
        self._library = library
        self._background = background
        self._changed = changed
        self._lock = asyncio.Lock()  # adding and letting go of a torrent must not overlap
        self._users: Counter[str] = Counter()

    # --- in use ----------------------------------------------------------------------------------------------------

    @property
    def live(self) -> tuple[Torrent, ...]:
        """Return the torrents in the engine."""
        return self.engine.torrents

    @property
    def in_use(self) -> AbstractSet[str]:
        """Return the info-hashes of the torrents that somebody uses."""
        return self._users.keys()

    def use(self, key: str) -> None:
        """Note that one more uses a torrent."""
        self._users[key] += 1

    def leave(self, key: str) -> bool:
        """Note that one uses a torrent no more; tell whether it was the last one."""
        self._users[key] -= 1
        if self._users[key] > 0:
            return False
        del self._users[key]
        return True

    async def described(self, source: Source, *, stays_paused: bool = False) -> Torrent:
        """Return the torrent of `source` in the engine, with its metadata. Raises TorrentCastError, Renamed.

        Who asks for it overrules an earlier pause, unless it `stays_paused`.
        """
        engine = await self.engine.get()
        with _disk_errors():
            # A torrent half added could not be removed, and its folder would stay.
            torrent = await self._background.to_its_end(self._add(engine, source, stays_paused=stays_paused), "add")
            await self._background.to_its_end(torrent.metadata(self.settings.metadata_timeout), "metadata")
        return torrent

    async def _add(self, engine: Engine, source: Source, *, stays_paused: bool) -> Torrent:
        async with self._lock:
            known = self._find(source.key)
            if known is not None and known.only_seeds:  # its seeds have hung up: added anew, it has them back at once
                await engine.remove(known, delete_files=False)
            torrent = await engine.add(source)
        self._instruct(torrent)
        kept = self._library.get(torrent.key)
        torrent.halt(halts=stays_paused and kept is not None and kept.is_paused)
        if not stays_paused:
            await self._library.set_paused(torrent.key, paused=False)
        return torrent

    async def check_space(self, films: Iterable[tuple[Torrent, TorrentFile]]) -> None:
        """See that what is still to come of films fits on disk. Raises StorageError."""
        engine = await self.engine.get()
        missing = sum(torrent.missing_bytes(file) for torrent, file in films)
        with _disk_errors():
            await engine.run(storage.check_space, engine.directory, missing)

    async def keep(self, torrent: Torrent) -> None:
        """Have a torrent in the library, and its description on disk. Raises StorageError."""
        engine = await self.engine.get()
        with _disk_errors():
            await self._library.used(torrent.key, torrent.name)
            await engine.save(torrent)

    def halt(self, key: str | None = None, *, halts: bool) -> None:
        """Have one torrent, or all that are in the engine, stand still or go on."""
        meant = [torrent for torrent in self.live if key in {None, torrent.key}]
        for torrent in meant:
            torrent.halt(halts=halts)
        keys = [torrent.key for torrent in meant]
        self._background.start(self._library.set_paused(*keys, paused=halts), "note a pause")
        self._changed()

    # --- letting go ------------------------------------------------------------------------------------------------

    async def release(self, key: str) -> None:
        """Let go of a torrent for one who used it; what was downloaded stays only if it is to be kept."""
        async with self._lock:
            if not self.leave(key):
                return
            try:
                await self._let_go(key)
            except StorageError as err:  # housekeeping tries again
                _warn(err)
        await self.look_at_disk()

    async def _let_go(self, key: str) -> None:
        engine, torrent = self.engine.running, self._find(key)
        if engine is None or torrent is None:
            return
        kept = self._library.get(key) is not None and self.settings.keep > timedelta()
        self.engine.note_need()
        if kept and self._is_to_be_seeded(torrent):
            torrent.only_seed()
            await engine.save(torrent)
        else:
            await engine.remove(torrent, delete_files=not kept)
        if kept:
            await self._library.used(key, torrent.name)
        else:
            await self._library.forget(key)

    def _is_to_be_seeded(self, torrent: Torrent) -> bool:
        settings = self.settings
        if settings.seeding is not Seeding.RATIO or torrent.failed or not torrent.has_metadata:
            return False
        if all(torrent.missing_bytes(file) == file.size for file in torrent.files):  # it was added and never played
            return False
        return torrent.share_ratio < settings.seed_ratio

    async def remove(self, key: str, *, delete_files: bool) -> Path | None:
        """Forget a torrent whose sessions have ended, and what was seen of it. Raises StorageError.

        Without `delete_files` what was downloaded stays and is nobody's: returns the directory, if there is one.
        """
        async with self._lock:
            await self._take_out(self._find(key), delete_files=delete_files)
            if delete_files:
                await asyncio.to_thread(storage.delete_torrent, self._lt, self.settings.directory, key)
                left = None
            else:
                left = await asyncio.to_thread(storage.disown, self.settings.directory, key)
            await self._library.forget(key)
            await self._library.forget_seen(key)
        await self.look_at_disk()
        return left

    async def free(self) -> None:
        """Delete all that nobody uses."""
        async with self._lock:
            for torrent in self.live:
                if torrent.key not in self._users:
                    await self._take_out(torrent)
            await self._delete([key for key in await self._keys_on_disk() if key not in self._users])
        await self.look_at_disk()

    async def tidy(self) -> None:
        """Delete what is no longer kept, and what a crash left behind; end an engine that nobody needs.

        Have on disk what a crash may not cost.
        """
        async with self._lock:
            if self.engine.stopping:  # a successor may be at work in the same directory
                return
            await self._end_seeding()
            on_disk = await self._keys_on_disk()
            await self._delete([key for key in on_disk if key not in self._users and self._is_due(key)])
            gone = {kept.key for kept in self._library.kept} - {*on_disk, *self._users}
            await self._library.forget(*gone)
            if self.engine.running is not None:
                await self.engine.running.save_progress()
        if not self._users:
            await self.engine.rest()

    async def _end_seeding(self) -> None:
        """Take those torrents out of the session that nobody watches and that have given enough, or are due."""
        for torrent in self.live:
            over = not self._is_to_be_seeded(torrent) or self._is_due(torrent.key)
            if torrent.key not in self._users and over:
                await self._take_out(torrent)

    def _is_due(self, key: str) -> bool:
        kept = self._library.get(key)
        return kept is None or kept.is_due(self.settings.keep, dt_util.utcnow())

    async def erase(self) -> None:
        """Delete every torrent that is kept. To be called after `stop`."""
        await self._delete(await self._keys_on_disk())

    # --- the engine and the disk -----------------------------------------------------------------------------------

    def _find(self, key: str) -> Torrent | None:
        return next((torrent for torrent in self.live if torrent.key == key), None)

    async def _take_out(self, torrent: Torrent | None, *, delete_files: bool = False) -> None:
        if self.engine.running is not None and torrent is not None:
            await self.engine.running.remove(torrent, delete_files=delete_files)

    async def _keys_on_disk(self) -> list[str]:
        return await asyncio.to_thread(lambda: list(storage.keys(self.settings.directory)))

    async def _delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            try:
                await asyncio.to_thread(storage.delete_torrent, self._lt, self.settings.directory, key)
            except StorageError as err:
                _warn(err)
            else:
                await self._library.forget(key)

    async def look_at_disk(self) -> None:
        """Learn how much is on disk, and how much room there is."""
        try:
            self.disk = await asyncio.to_thread(storage.usage, self.settings.directory)
        except StorageError:  # who writes there says so
            self.disk = None
        self._changed()

    def apply(self, settings: PlaybackSettings) -> None:
        """Take new settings at once; another directory or port needs a new engine."""
        self.settings = settings
        self.engine.apply(settings.engine)
        for torrent in self.live:
            self._instruct(torrent)

    def _instruct(self, torrent: Torrent) -> None:
        """Have a torrent do what the user decided."""
        torrent.share_when_complete(self.settings.seeding is not Seeding.NONE)
        torrent.hurry(hurries=self.settings.whole_film)

    async def stop(self) -> None:
        """End the engine for good; who adds, removes or tidies up comes to its end before."""
        self.engine.stopping = True
        async with self._lock:
            await self.engine.stop()


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise StorageError("disk_error", error=err.strerror or type(err).__name__) from err


def _warn(error: StorageError) -> None:
    _LOGGER.warning("What a torrent has left cannot be deleted: %s", error.details["error"])
