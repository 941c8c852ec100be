"""Entering a file that has no index somewhere in its middle, so that FFmpeg reads its head and goes on from there.

Transport streams are read on from any packet. Elsewhere a place to enter at is a Cluster (Matroska, RFC 9559 §10.4) or
a `moof` (MP4, ISO/IEC 14496-12 §8.8.4), and what lies before it is passed over as an element that means nothing.
"""

import struct
from typing import TYPE_CHECKING, Final

import av

from .probing import EBML, MP4_BOXES, SNIFF, NotMedia, options_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.container import InputContainer

    from .sparse import SparseFile

SEGMENT: Final = b"\x18\x53\x80\x67"
CLUSTER: Final = b"\x1f\x43\xb6\x75"
TIMESTAMP: Final = b"\xe7"
FRAGMENT: Final = b"moof"
FRAGMENT_MARK: Final = FRAGMENT + b"\0\0\0\x10mfhd"
"""How a fragment goes on (§8.8.5): four bytes alone turn up in pictures by chance."""

BOX: Final = struct.Struct(">I4s")
LARGE_BOX: Final = struct.Struct(">I4sQ")
"""A box whose size does not fit 32 bits (§4.2)."""

VOID: Final = 0xEC
VOID_HEADER: Final = 9
"""Bytes: the id, and a size in eight."""

MARK_AHEAD: Final = 32
"""Bytes after a Cluster's id within which its Timestamp begins: behind its size, and a checksum at most."""

MAX_ELEMENTS: Final = 10_000
"""Elements before the first Cluster or fragment: files have some ten."""

UNTIMED: Final = {"skip_estimate_duration_from_pts": "1"}
"""The end of a transport stream was read for its duration by the probe."""


def entered(file: SparseFile, offset: int) -> InputContainer:
    """Return the file, open, to be read from `offset` on; raises av.error.FFmpegError, NotMedia."""
    sniffed = file.read(SNIFF)
    file.seek(0)
    is_matroska, is_mp4 = sniffed.startswith(EBML), sniffed[4:8] in MP4_BOXES
    if offset and is_matroska:
        _pass_over(file, _first_cluster(file), offset, _void)
    elif offset and is_mp4:
        _pass_over(file, _first_fragment(file), offset, _free)
    file.seek(0)
    container = av.open(file, "r", options=options_of(sniffed) | UNTIMED)
    if offset and not is_matroska and not is_mp4:
        container.seek(offset, unsupported_byte_offset=True)
    return container


def entry(file: SparseFile, container: InputContainer, start: int, position: int) -> int:
    """Return the last place to enter at between `start`, which is one, and a packet's position."""
    if "matroska" in container.format.name:
        return _last_cluster(file, start, position)
    if "mov" in container.format.name:
        found = file.find_last(FRAGMENT_MARK, start, position)
        return start if found is None else found - BOX.size + len(FRAGMENT)
    return position


def _last_cluster(file: SparseFile, start: int, position: int) -> int:
    end = position
    while (found := file.find_last(CLUSTER, start, end)) is not None:
        if TIMESTAMP in file.peek(found + len(CLUSTER), MARK_AHEAD):
            return found
        end = found
    return start


def _pass_over(file: SparseFile, begin: int, end: int, header: Callable[[int], bytes]) -> None:
    if end - begin >= LARGE_BOX.size:  # else it is as well read
        file.bridge(begin, end, header(end - begin))


def _void(length: int) -> bytes:
    return bytes([VOID]) + (1 << 56 | (length - VOID_HEADER)).to_bytes(8)


def _free(length: int) -> bytes:
    return LARGE_BOX.pack(1, b"free", length)


def _first_fragment(file: SparseFile) -> int:
    at = 0
    for _ in range(MAX_ELEMENTS):
        file.seek(at)
        header = file.read(LARGE_BOX.size).ljust(LARGE_BOX.size, b"\0")
        size, kind, large = LARGE_BOX.unpack(header)
        size = large if size == 1 else size
        if kind == FRAGMENT or size < BOX.size:
            break
        at += size
    if kind != FRAGMENT:
        raise NotMedia("no fragments")
    return at


def _first_cluster(file: SparseFile) -> int:
    at = 0
    for _ in range(MAX_ELEMENTS):
        file.seek(at)
        header = file.read(MARK_AHEAD)
        kind = header[: _width(header[:1])]
        if kind == CLUSTER:
            return at
        size = header[len(kind) : len(kind) + _width(header[len(kind) :])]
        if not kind or not size:
            break
        at += len(kind) + len(size)
        if kind != SEGMENT:
            at += int.from_bytes(size) & ((1 << 7 * len(size)) - 1)
    raise NotMedia("no clusters")


def _width(data: bytes) -> int:
    """Return how many bytes an id or a size takes (RFC 8794 §4); 0 where there is none."""
    return 9 - data[0].bit_length() if data and data[0] else 0
