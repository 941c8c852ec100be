"""Adds a torrent anew under those who read it: libtorrent takes back no ban and forgets no block otherwise."""

import asyncio
from typing import TYPE_CHECKING, Protocol

from .errors import StorageError, TorrentCastError
from .peers import is_web_seed
from .pieces import Run
from .saving import ANSWER_TIMEOUT

if TYPE_CHECKING:
    import libtorrent as lt

    from .torrent import Torrent


class Session(Protocol):
    """What renewal needs of the engine."""

    @property
    def run(self) -> Run:
        """Return what runs blocking work."""

    @property
    def torrents(self) -> tuple[Torrent, ...]:
        """Return the torrents in the session."""

    async def peers(self, torrent: Torrent) -> list[lt.peer_info]:
        """Return who is connected."""

    async def save(self, torrent: Torrent) -> None:
        """Write the resume data of a torrent."""

    async def resumed(self, torrent: Torrent) -> lt.add_torrent_params:
        """Return what adds a torrent as it was saved."""

    async def let_go(self, key: str, handle: lt.torrent_handle, option: int = 0) -> None:
        """Remove a torrent from the session and wait until libtorrent has let go of its files."""

    def enter(self, torrent: Torrent, params: lt.add_torrent_params) -> asyncio.Future[Torrent]:
        """Have libtorrent add a torrent."""


class Renewal:
    """Adds torrents anew, one at a time."""

    def __init__(self, session: Session, changing: asyncio.Lock) -> None:
        self._session = session
        self._changing = changing

    async def renew(self, torrent: Torrent) -> None:
        """Ban who is accused, let in again who was banned without proof, and drop all pieces that are begun or spoiled.

        What is verified stays. Who reads waits until it is back, a second or less. A torrent that cannot be added anew
        has failed.
        """
        async with self._changing:
            if torrent not in self._session.torrents or torrent.failed:
                return
            if (handle := torrent.handle) is None or torrent.lies is None:
                return
            evidence = torrent.lies.evidence
            unproven = evidence.unproven | (evidence.acquit() if torrent.lies.may_be_wrong else frozenset())
            spoiled = frozenset(torrent.lies.spoiled)
            web_seeds = await self._session.run(handle.url_seeds)  # without those that were banned
            peers = [peer.ip for peer in await self._session.peers(torrent) if not is_web_seed(peer)]
            connected = [peer for peer in peers if peer not in evidence.guilty]
            await self._session.save(torrent)
            await torrent.leave()
            try:
                await self._session.let_go(torrent.key, handle)
                params = await self._session.resumed(torrent)
                params.unfinished_pieces = {}
                params.url_seeds = web_seeds
                params.have_pieces = [there and piece not in spoiled for piece, there in enumerate(params.have_pieces)]
                released = [peer for peer in params.banned_peers if peer in unproven]  # no web seeds
                # libtorrent reads one banned peer less than it wrote (2.0.11).
                params.banned_peers = list({*params.banned_peers, *evidence.guilty} - unproven)
                params.peers = list(dict.fromkeys([*params.peers, *connected, *released]))
                added = self._session.enter(torrent, params)
                await asyncio.wait([added], timeout=ANSWER_TIMEOUT)
                if not added.done():
                    raise StorageError("disk_error", error="libtorrent does not answer")
                added.result()
            except TorrentCastError as err:
                torrent.fail(err)
