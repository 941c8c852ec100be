"""Files crafted to keep the worker busy or to take all memory."""

import struct

ENTRY = 24
"""Bytes that FFmpeg takes for one frame of an index."""


def wants(data: bytes, size: int) -> bytes:
    """Return an MP4 whose tables tell of so many frames of a byte each that their index takes `size` bytes."""
    changed, count = bytearray(data), size // ENTRY
    struct.pack_into(">II", changed, data.index(b"stsz") + 8, 1, count)
    struct.pack_into(">III", changed, data.index(b"stts") + 8, 1, count, 1)
    struct.pack_into(">IIII", changed, data.index(b"stsc") + 8, 1, 1, count, 1)
    return bytes(changed)


def endless(data: bytes) -> bytes:
    """Return a Matroska file in which nothing follows the head, in elements of two bytes, for 80 MiB."""
    return data[: data.index(b"\x1f\x43\xb6\x75")] + b"\xec\x80" * (40 << 20)
