"""Where a device plays: what it says, what it asks for, and what it was told, in one place."""

import asyncio
from collections.abc import Callable
from typing import Final

from ..engine import Cursor
from ..media.probe import Probe

MIB: Final = 1024 * 1024

# A request this near to what is being read belongs to it: players skip, and ask again for what they have dropped. Bytes
NEAR_BYTES: Final = 2 * MIB
# What players look into before they play: the beginning, and the end, where formats keep an index or a duration. Bytes
EDGE_BYTES: Final = 2 * MIB
# A receiver says where it is within a second of a seek; a claim that it does not bear out by then was none. s
CONFIRM_SECONDS: Final = 2.0
# No jump's number: the request is for something beside the film, such as its index.
NO_JUMP: Final = -1
# A status this far from where playback had got to tells of a seek; statuses are late by network and rounding. s
JUMP_SECONDS: Final = 2.0


class Playhead:
    """Moves a cursor with the playback of a device that reports its position (seconds in, bytes out).

    A seek that passes through us, and a request far from what is being read, are claims: the cursor follows at once,
    and goes back when the device's status does not bear them out. The status itself is always believed.
    """

    def __init__(
        self,
        cursor: Cursor,
        found: Probe,
        position: float,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Begin at `position` s, where `cursor` already is; `clock` returns s."""
        self._cursor = cursor
        self._probe = found
        self._clock = clock or asyncio.get_running_loop().time
        self._position = position
        self._since = self._clock()
        self._runs = False
        self._lost_at: float | None = None  # out of reach since; s of the clock
        self._reach = cursor.position  # how far the device has been sent what it plays; bytes
        self._jumps = 0
        self._claim: int | None = None
        self._doubt: asyncio.TimerHandle | None = None
        self._jumped_at = self._since

    @property
    def seconds(self) -> float:
        """Return the position, s, by the last status and the time since, until the device got out of reach."""
        return self._at(self._clock() if self._lost_at is None else self._lost_at)

    @property
    def is_at_end(self) -> bool:
        """Tell whether playback is as near to the end of the film as a status may be wrong."""
        return self._probe.duration is not None and self._latest >= self._probe.duration - JUMP_SECONDS

    @property
    def bytes_in_hand(self) -> float:
        """Return how many contiguous verified bytes there are from here on, infinity when that is all of the rest."""
        return self._cursor.in_hand

    @property
    def since_jump(self) -> float:
        """Return the time since the last jump, s."""
        return self._clock() - self._jumped_at

    def begin(self) -> None:
        """Take note that the device begins only now, some time after the film was made ready: that is like a jump."""
        self._jumped_at = self._clock()

    def learn(self, found: Probe) -> None:
        """Take what is known of the film by now."""
        self._probe = found

    def seek(self, seconds: float) -> None:
        """Go to where somebody has just asked the device to play."""
        self._claims(self._byte_at(seconds))

    def on_request(self, start: int, end: int) -> int:
        """Take the device's request for bytes [start, end): an open-ended one elsewhere means that it has jumped.

        Returns what `on_sent` wants to know of the request.
        """
        if end == self._probe.size and not self._is_beside(start):
            self._claims(start)
        return self._jumps if start < EDGE_BYTES or self._is_near(start) else NO_JUMP

    def on_sent(self, jump: int, position: int) -> None:
        """Note that the device has been sent the bytes before `position`, on a request since jump `jump`."""
        if jump == self._jumps:
            self._reach = max(self._reach, position)

    def on_status(self, seconds: float, *, runs: bool) -> None:
        """Take the position a device reports; `runs` while it plays."""
        offset = self._byte_at(seconds)
        expected = self.seconds - JUMP_SECONDS <= seconds <= self._latest + JUMP_SECONDS
        if self._claim is not None and abs(offset - self._claim) <= NEAR_BYTES:
            self._believe()
        elif not expected:
            self._believe()
            self._move(offset)
        self._position, self._since, self._runs, self._lost_at = seconds, self._clock(), runs, None

    def on_lost(self) -> None:
        """Take note that the device is out of reach: it may have no power, or play on and say so when it is back."""
        if self._lost_at is None:
            self._lost_at = self._clock()

    def advance(self) -> None:
        """Let the cursor follow the time; while a claim is open it stays."""
        offset = self._byte_at(self._latest)
        # A device shows its first picture some time after a jump: until then the clock is behind.
        if self._claim is None and offset > self._cursor.position:
            self._cursor.advance(offset)

    def close(self) -> None:
        """Wait for nothing any more."""
        self._believe()

    @property
    def _latest(self) -> float:
        """Return the position of a device, s, that plays on although it is out of reach."""
        return self._at(self._clock())

    def _at(self, when: float) -> float:
        now = self._position + (when - self._since if self._runs else 0.0)
        return now if self._probe.duration is None else min(now, self._probe.duration)

    def _byte_at(self, seconds: float) -> int:
        return self._probe.byte_at(seconds).offset

    def _is_beside(self, start: int) -> bool:
        """Tell whether a request at `start` is for the beginning, the end, the index, or near what is being read."""
        if start < EDGE_BYTES or start >= self._probe.size - EDGE_BYTES:
            return True
        return self._is_near(start) or any(first <= start < last for first, last in self._probe.index)

    def _is_near(self, start: int) -> bool:
        here = self._cursor.position
        return here - NEAR_BYTES <= start <= max(here, self._reach) + NEAR_BYTES

    def _claims(self, offset: int) -> None:
        self._believe()
        self._claim = offset
        self._move(offset)
        self._doubt = asyncio.get_running_loop().call_later(CONFIRM_SECONDS, self._drop)

    def _believe(self) -> None:
        """End a claim, one way or another."""
        self._claim = None
        if self._doubt is not None:
            self._doubt.cancel()
            self._doubt = None

    def _drop(self) -> None:
        """Go back to where the device says it is."""
        self._believe()
        self._move(self._byte_at(self._latest))

    def _move(self, offset: int) -> None:
        self._cursor.seek(offset)
        self._reach = offset
        self._jumps += 1
        self._jumped_at = self._clock()
