"""A file of which some bytes are here."""

from bisect import bisect_right
from typing import Final

ASK_AHEAD: Final = 256 << 10
"""Bytes to ask for at least: the smallest usual piece of a torrent; fewer would only cost round trips."""

GROWTH: Final = 4
"""Ask for a quarter more of a region already held: a 20 MB index takes some 15 rounds, over-asked by 25 % at most."""

TAIL: Final = 8 << 20
"""A jump into so many last bytes goes for an index that runs to the end of the file: ask for all of it at once."""

BLOCK: Final = 16 << 10
"""Bytes: the grain in which touched ranges are noted, that of BitTorrent's requests."""


class SparseFile:
    """A file of `size` bytes of which some are here; reading others ends in `missing`, the range to fetch.

    A read never raises: FFmpeg turns exceptions of its callbacks into errors of its own, or into success. Whoever
    used the file looks at `missing` before believing anything else.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._starts: list[int] = []
        self._chunks: list[bytearray] = []
        self.rewind()

    def rewind(self) -> None:
        """Begin a new pass over what is here."""
        self.missing: tuple[int, int] | None = None
        self.cut = False
        self._position = 0
        self._floor = -1
        self._limit = self.size
        self._bridge = (0, 0, b"")
        self._blocks: set[int] = set()

    def add(self, start: int, data: bytes) -> None:
        """Put bytes in."""
        at = bisect_right(self._starts, start)
        if at and self._end(at - 1) >= start:
            self._chunks[at - 1] += data[self._end(at - 1) - start :]
            return
        self._starts.insert(at, start)
        self._chunks.insert(at, bytearray(data))

    def keep(self, ranges: list[tuple[int, int]]) -> None:
        """Forget all but `ranges`, [start, end) in bytes."""
        held = [
            (max(start, first), self._cut_out(at, max(start, first), end))
            for at, first in enumerate(self._starts)
            for start, end in ranges
            if first < end and start < self._end(at)
        ]
        self._starts, self._chunks = [], []
        for start, data in held:
            self.add(start, data)

    def _cut_out(self, at: int, start: int, end: int) -> bytes:
        first = self._starts[at]
        return bytes(memoryview(self._chunks[at])[start - first : end - first])

    @property
    def held(self) -> int:
        """Return how many bytes are here."""
        return sum(map(len, self._chunks))

    def index_only(self) -> None:
        """From here on the file ends, in `cut`, where bytes that follow its head would be missing."""
        self._floor = self.head_size

    def limit(self, end: int) -> None:
        """From here on the file ends, in `cut`, before byte `end`."""
        self._limit = min(end, self.size)

    def bridge(self, begin: int, end: int, header: bytes) -> None:
        """From here on the bytes [begin, end) are `header` and zeros."""
        self._bridge = begin, end, header

    def find_last(self, mark: bytes, start: int, end: int) -> int | None:
        """Return where `mark` last begins in the bytes [start, end), as far as those from `start` on are here."""
        at = bisect_right(self._starts, start) - 1
        if at < 0:
            return None
        first = self._starts[at]
        found = self._chunks[at].rfind(mark, start - first, max(0, end - first))
        return None if found < 0 else first + found

    def peek(self, position: int, count: int) -> bytes:
        """Return up to `count` bytes that are here, and go nowhere."""
        at = bisect_right(self._starts, position) - 1
        return self._cut_out(at, position, position + count) if at >= 0 else b""

    def head(self) -> bytes:
        """Return the bytes held from the first on."""
        return bytes(self._chunks[0]) if self._starts and self._starts[0] == 0 else b""

    @property
    def head_size(self) -> int:
        """Return how many bytes are held from the first on."""
        return self._end(0) if self._starts and self._starts[0] == 0 else 0

    def touched(self) -> list[tuple[int, int]]:
        """Return what was read in this pass, as [start, end) in bytes, in whole blocks."""
        ranges: list[tuple[int, int]] = []
        for block in sorted(self._blocks):
            start, end = block * BLOCK, min((block + 1) * BLOCK, self.size)
            if ranges and ranges[-1][1] == start:
                start = ranges.pop()[0]
            ranges.append((start, end))
        return ranges

    def read(self, count: int) -> bytes:
        """Return up to `count` bytes, none at the end and where bytes are missing."""
        self.cut = self.cut or self._position + count > self._limit < self.size
        count = min(count, self._limit - self._position)
        if count <= 0 or self.missing:
            return b""
        begin, end, header = self._bridge
        if begin <= self._position < end:
            at = self._position - begin
            data = (header[at : at + count]).ljust(min(count, end - self._position), b"\0")
            self._position += len(data)
            return data
        if self._position < begin:
            count = min(count, begin - self._position)
        at = bisect_right(self._starts, self._position) - 1
        if at < 0 or self._position >= self._end(at):
            self._miss(at, count)
            return b""
        offset = self._position - self._starts[at]
        data = bytes(memoryview(self._chunks[at])[offset : offset + count])
        end = self._position + len(data)
        self._blocks.update(range(self._position // BLOCK, (end - 1) // BLOCK + 1))
        self._position = end
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a byte position, as files do."""
        base = (0, self._position, self.size)[whence]
        if base + offset < 0:
            raise ValueError("before the first byte")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Return the byte position."""
        return self._position

    def _end(self, at: int) -> int:
        return self._starts[at] + len(self._chunks[at])

    def _miss(self, at: int, count: int) -> None:
        start = self._position
        if start <= self._floor:
            self.cut = True
            return
        goes_on = at >= 0 and self._end(at) == start
        ahead = max(count, ASK_AHEAD, len(self._chunks[at]) // GROWTH if goes_on else 0)
        if start and not goes_on and self.size - start <= TAIL:
            ahead = TAIL
        limit = self._starts[at + 1] if at + 1 < len(self._starts) else self.size
        self.missing = start, min(start + ahead, limit)
