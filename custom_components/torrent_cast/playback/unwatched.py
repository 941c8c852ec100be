"""Torrents that nobody has to watch: downloaded to the end, or only known."""

import asyncio
import logging

from ..engine import NoPlayableFile, Source, SourceError, TorrentCastError
from .library import Library
from .session import Session
from .sessions import Sessions
from .torrents import Torrents

_LOGGER = logging.getLogger(__name__)


async def download(
    sessions: Sessions, source: Source, wanted: int | str | None = None, *, goes_on: bool = False
) -> Session:
    """Have a file on disk without playing it; return once it is known which. Raises TorrentCastError.

    Twice the same is one: the session that is there is returned. One that `goes_on` stays paused if it was.
    """
    session = sessions.start(source, wanted=wanted, downloads=True, goes_on=goes_on)
    try:
        await session.download()
    except asyncio.CancelledError:
        session.end()
        raise
    for other in sessions.all:
        same = (other.torrent, other.file) == (session.torrent, session.file)
        if other.downloads and same and other is not session:
            session.end()
            return other
    return session


async def go_on(sessions: Sessions, torrents: Torrents, library: Library) -> None:
    """Go on with what an earlier run has not downloaded to its end; what is gone is forgotten.

    What fails for another reason, as the disk is full, is tried again at the next start.
    """
    for kept, file in library.unfinished:
        try:
            source = await (await torrents.engine.get()).source_of(kept.key)
            await download(sessions, source, file, goes_on=True)
        except TorrentCastError as err:
            if torrents.engine.stopping:
                return
            _LOGGER.warning("A download cannot go on: %s %s", err.reason, err.details or "")
            if isinstance(err, SourceError | NoPlayableFile):
                await library.set_download(kept.key, file, wanted=False)


async def keep(sessions: Sessions, torrents: Torrents, source: Source) -> None:
    """Have a torrent in the library: its description, and nothing of its content yet. Raises TorrentCastError."""
    session = sessions.start(source)
    try:
        await torrents.keep(await sessions.describe(session))
    finally:
        session.end()
