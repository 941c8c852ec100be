"""Somebody who takes a film as fast as it can be had."""

import asyncio
from typing import Self

from .players import Stream


class Drain:
    """Takes a stream to its end, and counts: `async with` begins and ends it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._taking: asyncio.Task[None] | None = None
        self.taken = 0
        """Bytes so far."""

    async def __aenter__(self) -> Self:
        """Begin to take."""
        self._taking = asyncio.create_task(self._take())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Want no more of it."""
        assert self._taking is not None
        self._taking.cancel()
        await asyncio.wait([self._taking])
        await self._stream.close()

    def check(self) -> None:
        """Raise EOFError if there is no more to take, and what broke the stream if that is why."""
        assert self._taking is not None
        if self._taking.done():
            self._taking.result()
            raise EOFError("the stream has ended")

    async def _take(self) -> None:
        while count := await self._stream.read():
            self.taken += count
