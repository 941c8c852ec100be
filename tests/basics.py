"""What tests use with Home Assistant and without: sizes, and waiting that fails instead of hanging."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

KIB: Final = 1024
PIECE: Final = 64 * KIB
# Long enough for a machine that does much else; a test that comes to it has failed. s
PATIENCE: Final = 60.0


async def until(condition: Callable[[], object]) -> None:
    """Return once `condition` holds; for what libtorrent or a socket does, of which no event tells."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  # that is why
            await asyncio.sleep(0.005)


async def soon[T](awaitable: Awaitable[T]) -> T:
    """Return what `awaitable` returns; fail instead of hanging."""
    async with asyncio.timeout(PATIENCE):
        return await awaitable
