"""Which torrents are in a session, by key and by handle, and who waits for libtorrent to add or remove one."""

import asyncio
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING

from .errors import SourceError, TorrentCastError
from .futures import future
from .source import info_hashes

if TYPE_CHECKING:
    import libtorrent as lt

    from .torrent import Torrent


class Registry:
    """The torrents of one session. Calls `on_new` with each that libtorrent has taken."""

    def __init__(self, libtorrent: ModuleType, on_new: Callable[[], None]) -> None:
        self._lt = libtorrent
        self._on_new = on_new
        self._torrents: dict[str, Torrent] = {}
        self._handles: dict[lt.torrent_handle, Torrent] = {}
        self._removed: dict[tuple[str, bool], asyncio.Future[None]] = {}  # by info-hash and whether its files go too
        self._added: dict[str, tuple[Torrent, asyncio.Future[Torrent]]] = {}  # by info-hash, until libtorrent answers
        self._is_closed = False

    def get(self, key: str) -> Torrent | None:
        """Return the torrent with this key, None when there is none."""
        return self._torrents.get(key)

    def of(self, handle: lt.torrent_handle) -> Torrent | None:
        """Return the torrent that has a handle, None when it has been let go of."""
        return self._handles.get(handle)

    @property
    def torrents(self) -> tuple[Torrent, ...]:
        """Return the torrents, oldest first."""
        return tuple(self._torrents.values())

    @property
    def handles(self) -> tuple[lt.torrent_handle, ...]:
        """Return the handles of all of them."""
        return tuple(self._handles)

    def adding(self, key: str) -> asyncio.Future[Torrent] | None:
        """Return what tells when libtorrent has added a torrent, None when it was not asked to."""
        return self._added[key][1] if key in self._added else None

    def expect(self, torrent: Torrent) -> asyncio.Future[Torrent]:
        """Return what tells when libtorrent has added a torrent, which it is about to be asked."""
        added: asyncio.Future[Torrent] = future()
        self._added[torrent.key] = torrent, added
        return added

    def forget(self, torrent: Torrent) -> None:
        """Take a torrent out, though libtorrent may still have it."""
        self._torrents.pop(torrent.key, None)

    def release(self, key: str, handle: lt.torrent_handle, *, files: bool) -> asyncio.Future[None]:
        """Return what tells when libtorrent has let go of a torrent, and with `files` has deleted those."""
        self._handles.pop(handle, None)
        removed = self._removed[key, files] = asyncio.get_running_loop().create_future()
        removed.add_done_callback(lambda _: self._removed.pop((key, files), None))
        return removed

    def close(self, error: TorrentCastError) -> None:
        """Take nothing in any more; who waits to be added gets `error`."""
        self._is_closed = True
        for _, added in self._added.values():
            if not added.done():
                added.set_exception(error)

    def clear(self) -> None:
        """Let go of everything."""
        self._torrents.clear()
        self._handles.clear()

    def adopt(self, handle: lt.torrent_handle) -> None:
        """Take a torrent that was added while alerts got lost."""
        if (pending := self._pending(handle.info_hashes())) is not None:
            self._adopt(*pending, handle, None)

    def handlers(self) -> Mapping[type, Callable[..., None]]:
        """Return what is to be called with which alert."""
        return {
            self._lt.add_torrent_alert: self._on_added,
            self._lt.torrent_removed_alert: self._on_removed,
            self._lt.torrent_deleted_alert: self._on_deleted,
            self._lt.torrent_delete_failed_alert: self._on_deleted,
        }

    def _on_added(self, alert: lt.add_torrent_alert) -> None:
        if (pending := self._pending(alert.params.info_hashes)) is None:
            return
        torrent, added = pending
        if alert.error.value():
            error = SourceError("rejected", error=alert.error.message())
            torrent.fail(error)
            if not added.done():
                added.set_exception(error)
            return
        self._adopt(torrent, added, alert.handle, alert.params.ti)

    def _pending(self, hashes: lt.info_hash_t) -> tuple[Torrent, asyncio.Future[Torrent]] | None:
        """Return, and forget, what waits for libtorrent to add a torrent."""
        return next((self._added.pop(key) for key in info_hashes(hashes) if key in self._added), None)

    def _adopt(
        self,
        torrent: Torrent,
        added: asyncio.Future[Torrent],
        handle: lt.torrent_handle,
        info: lt.torrent_info | None,
    ) -> None:
        if self._is_closed:
            return
        self._torrents[torrent.key] = torrent
        self._handles[handle] = torrent
        torrent.on_added(handle, info)
        self._on_new()
        _answer(added, torrent)

    def _on_removed(self, alert: lt.torrent_removed_alert) -> None:
        self._answer_removal(alert.info_hashes, files=False)

    def _on_deleted(self, alert: lt.torrent_deleted_alert | lt.torrent_delete_failed_alert) -> None:
        self._answer_removal(alert.info_hashes, files=True)

    def _answer_removal(self, hashes: lt.info_hash_t, *, files: bool) -> None:
        for key in info_hashes(hashes):  # a hybrid may have been added by either
            _answer(self._removed.get((key, files)), None)


def _answer[T](waiting: asyncio.Future[T] | None, value: T) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(value)
