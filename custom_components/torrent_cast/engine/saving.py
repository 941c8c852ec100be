"""The state of torrents on disk: libtorrent's resume data, asked for and written."""

import asyncio
import logging
import math
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from . import storage
from .errors import StorageError
from .pieces import Run
from .storage import ResumeData

if TYPE_CHECKING:
    import libtorrent as lt

    from .torrent import Torrent

_LOGGER = logging.getLogger(__name__)

# libtorrent answers within milliseconds unless its disk hangs; s.
ANSWER_TIMEOUT: Final = 5.0
# How much of a download a crash costs at most. Resume data hold the hashes of all blocks of a v2 torrent that are there
# (measured: 2.3 MB for each GB), so they are not written with each piece. s
SAVE_INTERVAL: Final = 5 * 60


class Saving:
    """Asks libtorrent for resume data, each torrent's once however many want them."""

    def __init__(self, libtorrent: ModuleType, run: Run) -> None:
        self._lt = libtorrent
        self._run = run
        self._asked: dict[lt.torrent_handle, asyncio.Future[ResumeData | None]] = {}
        self._saves: dict[Torrent, asyncio.Task[None]] = {}
        self._saved: WeakKeyDictionary[Torrent, tuple[int, float]] = WeakKeyDictionary()  # pieces; when, loop's s

    def is_due(self, torrent: Torrent) -> bool:
        """Tell whether what has come of a torrent since it was saved last is worth saving by now."""
        pieces, when = self._saved.get(torrent, (0, -math.inf))
        changed = torrent.verified_pieces not in {0, pieces}  # none: they are being checked
        return changed and asyncio.get_running_loop().time() - when >= SAVE_INTERVAL

    async def save(self, torrent: Torrent) -> None:
        """Write the resume data of a torrent. What cannot be written is logged: it costs time at the next start."""
        if torrent not in self._saves:
            self._saves[torrent] = asyncio.create_task(self._save(torrent), name="torrent_cast save")
            self._saves[torrent].add_done_callback(lambda _: self._saves.pop(torrent, None))
        await asyncio.wait([self._saves[torrent]])

    async def _save(self, torrent: Torrent) -> None:
        if not torrent.has_metadata:
            return
        self._saved[torrent] = torrent.verified_pieces, asyncio.get_running_loop().time()
        try:
            if (told := await self._resume_data(torrent)) is not None:
                data = await self._run(told.encoded, self._lt)
                await self._run(storage.save_resume_data, torrent.folder, data)
        except StorageError as err:
            _LOGGER.warning("Cannot save the state of a torrent: %s", type(err).__name__)

    async def piece_layers(self, torrent: Torrent) -> Mapping[bytes, bytes]:
        """Return a v2 torrent's piece layers as far as peers have sent them."""
        told = await self._resume_data(torrent)
        return {} if told is None else await self._run(told.layers)

    async def _resume_data(self, torrent: Torrent) -> ResumeData | None:
        """Return all that libtorrent knows of a torrent, None when it does not say. Who asks meanwhile shares it."""
        if (handle := torrent.handle) is None:
            return None
        if (answer := self._asked.get(handle)) is None:
            flags = self._lt.save_resume_flags_t
            answer = self._asked[handle] = asyncio.get_running_loop().create_future()
            try:
                handle.save_resume_data(flags.flush_disk_cache | flags.save_info_dict)
            except RuntimeError:  # removed in the meantime
                answer.set_result(None)
        await asyncio.wait([answer], timeout=ANSWER_TIMEOUT)
        if self._asked.get(handle) is answer:
            del self._asked[handle]
        if not answer.done():
            _LOGGER.warning("libtorrent gave no resume data within %s s", ANSWER_TIMEOUT)
            return None
        return answer.result()

    def on_resume_data(self, alert: lt.save_resume_data_alert) -> None:
        """Take libtorrent's answer."""
        self._answer(alert.handle, storage.resume_data(self._lt, alert.params))

    def on_no_resume_data(self, alert: lt.save_resume_data_failed_alert) -> None:
        """Take libtorrent's refusal."""
        self._answer(alert.handle, None)

    def _answer(self, handle: lt.torrent_handle, told: ResumeData | None) -> None:
        if (answer := self._asked.get(handle)) is not None and not answer.done():
            answer.set_result(told)

    async def close(self) -> None:
        """End what is still being saved, and let go of all handles."""
        for task in self._saves.values():
            task.cancel()
        await asyncio.gather(*self._saves.values(), return_exceptions=True)
        self._asked.clear()
