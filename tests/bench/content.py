"""What is streamed: a film of noise, as no engine looks inside, and sparse ones for sizes no disk has room for."""

import asyncio
import hashlib
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.rig import rig_cache
from tests.rig.torrents import MIB, Torrent, libtorrent, make_torrent

# What a film of 4 Mbit/s needs, bytes/s: the bitrate of the rig's real films.
BITRATE: Final = 500_000
SEED: Final = 20260101


@dataclass(frozen=True, slots=True)
class Content:
    """A film on disk and its torrent; `bitrate` is in bytes/s."""

    path: Path
    torrent: Torrent
    piece_length: int
    bitrate: int = BITRATE

    @property
    def size(self) -> int:
        """Return its length in bytes."""
        return self.path.stat().st_size


async def noise(mebibytes: int, piece_length: int = MIB) -> Content:
    """Return a film of random bytes, the same in every run; made and hashed (1 s per 200 MB) when not in the cache."""
    return await asyncio.to_thread(_noise, mebibytes, piece_length)


def _noise(mebibytes: int, piece_length: int) -> Content:
    path = rig_cache() / "bench" / f"noise-{mebibytes}.mp4"
    described = path.with_name(f"{path.stem}-{piece_length}.torrent")
    if not described.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_noise(path, mebibytes)
        described.write_bytes(make_torrent(path, piece_length).metainfo)
    return Content(path, Torrent.parse(described.read_bytes()), piece_length)


def _write_noise(path: Path, mebibytes: int) -> None:
    source = random.Random(SEED)
    with path.open("wb") as file:
        for _ in range(mebibytes):
            file.write(source.randbytes(MIB))


def sparse(folder: Path, pieces: int, piece_length: int) -> Content:
    """Return a film of zeros that takes no room on disk and no time to hash."""
    path = folder / f"sparse-{pieces}-{piece_length}.mp4"
    with path.open("wb") as file:
        file.truncate(pieces * piece_length)
    digest = hashlib.sha1(bytes(piece_length), usedforsecurity=False).digest()
    info = {
        b"name": path.name.encode(),
        b"length": pieces * piece_length,
        b"piece length": piece_length,
        b"pieces": digest * pieces,
    }
    return Content(path, Torrent.parse(libtorrent().bencode({b"info": info})), piece_length)
