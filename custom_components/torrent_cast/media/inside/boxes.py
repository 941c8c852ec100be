"""Boxes of ISO BMFF (ISO/IEC 14496-12): a segment's fragment, and what is taken out of FFmpeg's files."""

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER: Final = struct.Struct(">I4s")
KEY: Final = 0x02000000
"""Sample flags (§8.8.3.1): depends on no other sample."""
NOT_KEY: Final = 0x01010000
"""Sample flags: depends on others, is no sync sample."""
DEFAULT_BASE_IS_MOOF: Final = 0x020000
"""Of `tfhd` (§8.8.7): data offsets count from the `moof`."""
SAMPLE_TABLE: Final = 0x000F01
"""Of `trun` (§8.8.8): data offset; duration, size, flags and composition offset of each sample."""


class Sample(NamedTuple):
    """One frame; times in units of the track's timescale, `shown` relative to when it is decoded."""

    data: bytes
    duration: int
    shown: int
    is_key: bool


class Track(NamedTuple):
    """The samples of one track in one segment; `begin` is when the first is decoded."""

    id: int
    begin: int
    samples: list[Sample]


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box."""
    return HEADER.pack(8 + sum(map(len, parts)), kind) + b"".join(parts)


def fragment(number: int, tracks: list[Track]) -> bytes:
    """Return `moof` and `mdat`; `number` counts from 1."""
    offset = len(_moof(number, tracks, 0)) + HEADER.size
    data = [sample.data for track in tracks for sample in track.samples]
    return _moof(number, tracks, offset) + box(b"mdat", *data)


def top_level(data: bytes, *kinds: bytes) -> bytes:
    """Return the top-level boxes of `kinds`."""
    return b"".join(data[start:end] for kind, start, end in _boxes(data) if kind in kinds)


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = 0
    while at + HEADER.size <= len(data):
        size, kind = HEADER.unpack_from(data, at)
        if size < HEADER.size:
            return
        yield kind, at, at + size
        at += size


def _moof(number: int, tracks: list[Track], offset: int) -> bytes:
    trafs = []
    for track in tracks:
        trafs.append(_traf(track, offset))
        offset += sum(len(sample.data) for sample in track.samples)
    return box(b"moof", box(b"mfhd", struct.pack(">II", 0, number)), *trafs)


def _traf(track: Track, offset: int) -> bytes:
    table = b"".join(
        struct.pack(">IIIi", sample.duration, len(sample.data), KEY if sample.is_key else NOT_KEY, sample.shown)
        for sample in track.samples
    )
    return box(
        b"traf",
        box(b"tfhd", struct.pack(">II", DEFAULT_BASE_IS_MOOF, track.id)),
        box(b"tfdt", struct.pack(">IQ", 1 << 24, track.begin)),
        box(b"trun", struct.pack(">IIi", 1 << 24 | SAMPLE_TABLE, len(track.samples), offset), table),
    )
