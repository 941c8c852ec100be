"""Somebody who watches: takes the film at its bitrate, and counts the seconds the picture stands still."""

import asyncio
import time
from typing import Final

from .players import Stream

# How finely time is counted, s of film: a picture that comes later than that stood still.
STEP: Final = 0.1


class Viewer:
    """Watches one stream from where it begins; `bitrate` is in bytes/s."""

    def __init__(self, stream: Stream, bitrate: float) -> None:
        self.stream = stream
        self._bitrate = bitrate
        self.taken = 0  # bytes, of which
        self.played = 0.0  # s of film have been shown
        self.stalled = 0.0  # s

    async def until(self, size: int) -> None:
        """Take bytes until there are `size`."""
        while self.taken < size:
            count = await self.stream.read()
            if not count:
                raise EOFError
            self.taken += count

    async def watch(self, seconds: float) -> None:
        """Watch for so long by the clock on the wall; what stands still at the end counts too."""
        end = time.monotonic() + seconds
        due = time.monotonic()
        while due < end:
            try:
                async with asyncio.timeout(end - time.monotonic()):
                    await self.until(round((self.played + STEP) * self._bitrate))
            except TimeoutError:
                self.stalled += end - due
                return
            late = max(0.0, time.monotonic() - due)
            self.stalled += late if late > STEP else 0.0
            due += STEP + (late if late > STEP else 0.0)
            self.played += STEP
            await asyncio.sleep(due - time.monotonic())
