"""One name for one torrent: a hybrid has two info-hashes, and goes by v1's as soon as that is known."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from . import storage
from .errors import Renamed, TorrentCastError
from .pieces import Run
from .source import Source, info_hashes, is_v2

if TYPE_CHECKING:
    import libtorrent as lt

    from .torrent import Torrent


class Session(Protocol):
    """What naming needs of the engine."""

    @property
    def libtorrent(self) -> ModuleType:
        """Return the binding."""

    @property
    def run(self) -> Run:
        """Return what runs blocking work."""

    @property
    def directory(self) -> Path:
        """Return where torrents are kept."""

    @property
    def torrents(self) -> tuple[Torrent, ...]:
        """Return the torrents in the session."""

    async def peers(self, torrent: Torrent) -> list[lt.peer_info]:
        """Return who is connected."""

    async def drop(self, torrent: Torrent, *, delete_files: bool, because: TorrentCastError | None = None) -> None:
        """Take a torrent out of the session; who waits for it gets `because`."""


class Naming:
    """Finds torrents by any of their names, and renames those that go by the wrong one."""

    def __init__(self, session: Session, changing: asyncio.Lock) -> None:
        self._session = session
        self._changing = changing

    async def known(self, source: Source) -> Torrent | None:
        """Return the torrent in the session that `source` names. Raises Renamed when that is a hybrid named by v2.

        To be called while no torrent is added or removed.
        """
        session = self._session
        known = self._find(source.info_hashes)
        if known is not None and known.key == source.key:
            return known
        if known is not None and is_v2(source.key):
            raise Renamed(replace(source, key=known.key))
        if known is not None:  # was added by v2 alone, and has no metadata yet
            await session.drop(known, delete_files=True, because=Renamed(source))
        elif is_v2(source.key):
            params = await session.run(storage.find, session.libtorrent, session.directory, source.key)
            if params is not None:
                raise Renamed(replace(source, key=info_hashes(params.info_hashes)[0], params=params))
        return None

    def _find(self, hashes: Iterable[str]) -> Torrent | None:
        wanted = set(hashes)
        return next((torrent for torrent in self._session.torrents if wanted.intersection(torrent.info_hashes)), None)

    async def rename(self, torrent: Torrent, info: lt.torrent_info) -> None:
        """Let a torrent that was added by its v2 info-hash go by the v1 one that its metadata show."""
        async with self._changing:
            if torrent in self._session.torrents:
                source = await self._renamed(torrent, info)
                await self._session.drop(torrent, delete_files=True, because=Renamed(source))

    async def _renamed(self, torrent: Torrent, info: lt.torrent_info) -> Source:
        """Return the source of `torrent` with its metadata and the peers that sent them."""
        params = self._session.libtorrent.add_torrent_params()
        params.ti = info
        given = torrent.source.params
        params.trackers, params.url_seeds = given.trackers, given.url_seeds
        peers = await self._session.peers(torrent)
        params.peers = list(dict.fromkeys([*given.peers, *(peer.ip for peer in peers)]))
        return replace(torrent.source, key=info_hashes(info.info_hashes())[0], params=params)

    async def unite(self, torrents: Sequence[Torrent], info: lt.torrent_info) -> None:
        """Make one of two torrents that are one by their metadata; libtorrent has stopped both."""
        for torrent in torrents:
            if is_v2(torrent.key):
                await self.rename(torrent, info)
        for torrent in torrents:
            if not is_v2(torrent.key) and not torrent.failed and torrent.handle is not None:
                torrent.handle.clear_error()
                torrent.handle.set_metadata(info.info_section())
                torrent.handle.resume()
