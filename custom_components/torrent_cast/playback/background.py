"""Work that outlives who asked for it, and that is waited for at the end."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from ..engine.futures import retrieved


class Background:
    """Tasks that nobody cancels."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def is_idle(self) -> bool:
        """Tell whether all that was started has come to its end."""
        return not self._tasks

    def start[T](self, work: Coroutine[object, object, T], name: str) -> asyncio.Task[T]:
        """Start `work`, for which `wait` waits."""
        task = asyncio.get_running_loop().create_task(work, name=f"torrent_cast {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def to_its_end[T](self, work: Coroutine[object, object, T], name: str) -> T:
        """Return what `work` returns; the caller may be cancelled, `work` goes on."""
        task = self.start(work, name)
        task.add_done_callback(retrieved)  # if the caller is gone by then, nobody else does
        await asyncio.wait([task])
        return task.result()

    async def wait(self) -> None:
        """Wait until what has been started by now has come to its end, well or not."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
