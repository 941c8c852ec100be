"""Futures that may end in an error when nobody is left to hear of it."""

import asyncio


def future[T]() -> asyncio.Future[T]:
    """Return a future of the running loop that does not complain of an error that nobody asked for."""
    made: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    made.add_done_callback(retrieved)
    return made


def retrieved[T](ended: asyncio.Future[T]) -> None:
    """Mark an exception as seen: that everybody gave up is no news."""
    if not ended.cancelled():
        ended.exception()
