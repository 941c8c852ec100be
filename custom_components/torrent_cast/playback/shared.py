"""Work that is done once for all who ask for it at the same time, as long as one of them waits."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Hashable


class Shared[Key: Hashable]:
    """Tasks by what they do."""

    def __init__(self) -> None:
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._waiting: Counter[asyncio.Task[None]] = Counter()

    async def once(self, key: Key, work: Callable[[], Coroutine[object, object, None]]) -> None:
        """Wait for `work`, which is begun unless somebody waits for the same already; raises what it raises."""
        task = self._tasks.get(key)
        if task is None or task.cancelling():
            task = self._tasks[key] = asyncio.create_task(work(), name="torrent_cast shared")
        self._waiting[task] += 1
        try:
            await asyncio.wait([task])
            task.result()
        finally:
            self._waiting[task] -= 1
            if not self._waiting[task]:
                del self._waiting[task]
                task.cancel()
                if self._tasks.get(key) is task:
                    del self._tasks[key]

    async def stop(self) -> None:
        """Break off all that is being done."""
        for task in (tasks := tuple(self._tasks.values())):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
