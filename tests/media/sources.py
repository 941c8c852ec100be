"""A file in memory whose bytes come when the test lets them."""

import asyncio
from dataclasses import dataclass, field


@dataclass
class MemorySource:
    """Hands out `data`, recording which ranges were asked for."""

    data: bytes
    asked: list[tuple[int, int]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Hand out at once unless told otherwise."""
        self.open.set()

    @property
    def size(self) -> int:
        """Return the length in bytes."""
        return len(self.data)

    async def read_range(self, start: int, end: int) -> bytes:
        """Return the bytes once `open` is set; `waiting` tells that they were asked for."""
        self.asked.append((start, end))
        self.waiting.set()
        await self.open.wait()
        return self.data[start:end]
