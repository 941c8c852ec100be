"""Torrents that nobody has to watch: downloaded to the end, or only known."""

import asyncio

from ..engine import Source
from .session import Session
from .sessions import Sessions
from .torrents import Torrents


async def download(sessions: Sessions, source: Source, wanted: int | str | None = None) -> Session:
    """Have a file on disk without playing it; return once it is known which. Raises TorrentCastError.

    Twice the same is one: the session that is there is returned.
    """
    session = sessions.start(source, wanted=wanted, downloads=True)
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


async def keep(sessions: Sessions, torrents: Torrents, source: Source) -> None:
    """Have a torrent in the library: its description, and nothing of its content yet. Raises TorrentCastError."""
    session = sessions.start(source)
    try:
        await torrents.keep(await sessions.describe(session))
    finally:
        session.end()
