"""A film without an index while it comes in: gone over as far as it is verified, so that its playlist grows."""

import asyncio
from collections.abc import Callable
from typing import Final

from ..engine import Torrent, TorrentFile
from ..media import Probe
from ..media.growing import WINDOW, Scanner
from ..media.hls import HOLD_BACK
from .hls import Hls

# Segments a player has to begin with: the one it plays, and one by the time it asks for the playlist again.
IN_HAND: Final = 2


class Growing:
    """Goes over one film, in step with what comes in."""

    def __init__(
        self, torrent: Torrent, file: TorrentFile, scanner: Scanner, hls: Hls, learn: Callable[[Probe], None]
    ) -> None:
        """Tell `learn` what is known of the film by and by."""
        self._torrent = torrent
        self._file = file
        self._scanner = scanner
        self._hls = hls
        self._learn = learn
        self._grown = asyncio.Event()

    @property
    def until(self) -> float | None:
        """Return the second up to which the device can seek, None where that is all of the film."""
        growth = self._scanner.growth
        if growth.is_complete:
            return None
        known = growth.segments[-1].until if growth.segments else None
        return max(0.0, known.time - HOLD_BACK) if known is not None else 0.0

    def holds(self, seconds: float) -> bool:
        """Tell whether the film can be played from `seconds` on by now."""
        until = self._scanner.growth.probe.duration if self.until is None else self.until
        return until is not None and seconds <= until

    def is_ahead_of_device(self, seconds: float) -> bool:
        """Tell whether the film has grown to `seconds` since its device was told, or so near that it would wait."""
        return not self._hls.is_told_all and seconds > self._hls.told_until - HOLD_BACK

    async def run(self) -> None:
        """Go over the film to its end. Raises Unplayable, TorrentCastError."""
        growth = self._scanner.growth
        while not growth.is_complete:
            # What is wanted next is the player's to say: here is only waited.
            for piece in self._torrent.pieces(self._file, *self._scanner.upcoming):
                await self._torrent.wait_for_piece(piece)
            known = len(growth.segments)
            await self._scanner.go_on(self._there())
            self._hls.extend(growth.segments[known:], is_complete=growth.is_complete)
            self._learn(growth.probe)
            self._grown.set()
            self._grown = asyncio.Event()

    def _there(self) -> int:
        """Return up to which byte the film is verified from where it is gone over, as far as matters."""
        start, _ = self._scanner.upcoming
        end = min(start + WINDOW, self._file.size)
        pieces = self._torrent.pieces(self._file, start, end)
        missing = next((piece for piece in pieces if not self._torrent.has(piece)), None)
        return end if missing is None else missing * self._torrent.piece_length - self._file.offset

    async def reach(self, seconds: float) -> None:
        """Wait until a player could begin at `seconds`."""
        while not self._scanner.growth.is_complete and not self._suffices(seconds):
            await self._grown.wait()

    def _suffices(self, seconds: float) -> bool:
        segments = self._scanner.growth.segments
        ends = [segment.until.time for segment in segments if segment.until and segment.until.time > seconds]
        return len(ends) >= IN_HAND and ends[-1] >= seconds + HOLD_BACK
