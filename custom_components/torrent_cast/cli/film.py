"""The one film that is served, and who is fetching it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from ..engine import Reader, StorageError, Torrent, TorrentCastError, TorrentFile
from ..media.probe import content_type
from ..serving import MAX_CONNECTIONS, answer


class Film:
    """A file of a torrent, as `serving` wants it."""

    def __init__(self, torrent: Torrent, file: TorrentFile) -> None:
        self.torrent = torrent
        self.file = file
        self.size = file.size
        self.etag = f'"{torrent.key}-{file.index}"'
        self.content_type = content_type(file.name)
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._connections: dict[Callable[[], object], Reader] = {}  # by what breaks them

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request for the film."""
        if len(self._connections) >= MAX_CONNECTIONS:
            raise web.HTTPServiceUnavailable
        return await answer(request, self)

    @contextlib.asynccontextmanager
    async def stream(self, start: int, end: int, abort: Callable[[], object]) -> AsyncIterator[Reader]:
        """Yield a reader over [start, end); `abort` is called when the program ends first."""
        async with self.torrent.open(self.file, start, end) as reader:
            self._connections[abort] = reader
            try:
                yield reader
            finally:
                del self._connections[abort]

    def failed(self, error: TorrentCastError) -> None:
        """End the program if it is the disk that failed."""
        if isinstance(error, StorageError) and not self.failure.done():
            self.failure.set_exception(error)

    async def end(self, _app: web.Application) -> None:
        """Break every connection."""
        for abort in tuple(self._connections):
            abort()

    @property
    def playhead(self) -> int:
        """Return where the newest connection reads, in bytes; the beginning when there is none."""
        return next((reader.position for reader in reversed(self._connections.values())), 0)

    @property
    def pieces_in_hand(self) -> int:
        """Return how many pieces are there without a gap from the playhead on."""
        pieces = self.torrent.pieces(self.file, min(self.playhead, self.size - 1))
        return next((count for count, piece in enumerate(pieces) if not self.torrent.has(piece)), len(pieces))
