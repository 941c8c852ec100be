"""Finds who lies by laying what came for a wrong piece beside what comes in its place.

Where a block differs, one of its two senders lies. A liar differs from everybody; who is honest differs from liars
only. libtorrent compares too, but with a piece that is right, and none is while the liar has a part in each.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .evidence import BLOCK, Endpoint
from .storage import files_folder, paths_of

if TYPE_CHECKING:
    import libtorrent as lt

    from .pieces import Run

# Who differs from so many others lies: two liars cannot make an honest peer look like one. Where fewer have been
# compared it is all of them, and two at least.
LIAR_DIFFERS_FROM: Final = 3
LEAST: Final = 2


class OnDisk:
    """The blocks of a torrent as they stand on disk, right or wrong."""

    def __init__(self, info: lt.torrent_info, folder: Path) -> None:
        self._info = info
        self._paths = tuple(files_folder(folder) / path for path in paths_of(info))

    def digests(self, piece: int, blocks: Collection[int]) -> dict[int, bytes]:
        """Return the digests of `blocks` of a piece, of those that can be read. Blocks."""
        found: dict[int, bytes] = {}
        for block in blocks:
            try:
                found[block] = hashlib.blake2b(self._read(piece, block)).digest()
            except OSError:  # not written yet, or to the part file, as the file is not wanted
                continue
        return found

    def _read(self, piece: int, block: int) -> bytes:
        start = block * BLOCK
        size = min(BLOCK, self._info.piece_size(piece) - start)
        data = b"".join(self._slice(part) for part in self._info.map_block(piece, start, size))
        if len(data) < size:
            raise OSError("not written yet")
        return data

    def _slice(self, part: lt.file_slice) -> bytes:
        with self._paths[part.file_index].open("rb") as file:
            file.seek(part.offset)
            return file.read(part.size)


class Comparison:
    """What is known of who differs from whom, for one torrent."""

    def __init__(self, disk: OnDisk, run: Run) -> None:
        self._disk = disk
        self._run = run
        self._wrong: dict[int, dict[int, tuple[Endpoint, bytes]]] = {}  # by piece and block
        self._differs_from: defaultdict[Endpoint, set[Endpoint]] = defaultdict(set)
        self._compared: set[Endpoint] = set()

    def is_known(self, piece: int) -> bool:
        """Tell whether something wrong is remembered of a piece."""
        return piece in self._wrong

    async def read(self, piece: int, blocks: Collection[int]) -> dict[int, bytes]:
        """Return the digests of `blocks` of a piece as they stand on disk now, of those that can be read."""
        return await self._run(self._disk.digests, piece, blocks)

    def remember(self, piece: int, senders: Mapping[int, Endpoint], digests: Mapping[int, bytes]) -> None:
        """Keep what has come for a piece and is wrong; `senders` holds all that is in `digests`."""
        self._wrong[piece] = {block: (senders[block], digest) for block, digest in digests.items()}

    def remembered(self, piece: int) -> Collection[int]:
        """Return the blocks of a piece of which something wrong is remembered."""
        return self._wrong.get(piece, {}).keys()

    def compare(self, piece: int, senders: Mapping[int, Endpoint], digests: Mapping[int, bytes]) -> None:
        """Compare what has come for a piece since it was wrong.

        A block that is not on disk yet is found the same as before.
        """
        for block in digests.keys() & self.remembered(piece):
            digest = digests[block]
            other, wrong_digest = self._wrong[piece][block]
            self._compared |= {senders[block], other}
            if digest != wrong_digest and senders[block] != other:
                self._differs_from[senders[block]].add(other)
                self._differs_from[other].add(senders[block])

    def forget(self, piece: int) -> None:
        """Forget a piece, which is right now."""
        self._wrong.pop(piece, None)

    def clear(self) -> None:
        """Forget all."""
        self._wrong.clear()
        self._differs_from.clear()
        self._compared.clear()

    @property
    def liar(self) -> Endpoint | None:
        """Return who differs from more others than anybody else, and from enough."""
        ranked = sorted(self._differs_from, key=lambda peer: len(self._differs_from[peer]), reverse=True)
        if not ranked:
            return None
        most, *others = (len(self._differs_from[peer]) for peer in ranked[:2])
        enough = max(LEAST, min(LIAR_DIFFERS_FROM, len(self._compared) - 1))
        return ranked[0] if most >= enough and all(most > other for other in others) else None
