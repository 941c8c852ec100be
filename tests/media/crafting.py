"""Files crafted to keep the worker busy or to take all memory."""

import re
import struct

ENTRY = 24
"""Bytes that FFmpeg takes for one frame of an index."""

KEY = 0x10
"""AVIIF_KEYFRAME, of a packet in an AVI's index at the end."""

NOT_KEY = 1 << 31
"""Added to a packet's size in OpenDML's indexes."""


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


def in_two_parts(data: bytes) -> bytes:
    """Return an AVI as it is from 1 GiB on (OpenDML): a second RIFF, and an index in each part instead of at the end.

    FFmpeg leaves room in the head for what tells where these are, also in a small file.
    """
    first = data.index(b"movi") + 4
    end = data.index(b"idx1", first)
    size = struct.unpack_from("<I", data, end + 4)[0]
    packets = list(struct.iter_unpack("<4sIII", data[end + 8 : end + 8 + size]))
    middle = len(packets) * 7 // 8  # of a film of little more than 1 GiB the second part is the small one
    head, parts = bytearray(data[: first - 12]), []
    places: dict[bytes, list[tuple[int, int, int]]] = {}
    at = len(head)
    for number, chosen in enumerate((packets[:middle], packets[middle:])):
        begin = at + (24 if number else 12)  # the headers of a RIFF, and of a list
        body, indexes = _movi(data, first - 4, chosen, begin, places)
        movi = struct.pack("<4sI4s", b"LIST", 4 + len(body) + len(indexes), b"movi") + body + indexes
        part = struct.pack("<4sI4s", b"RIFF", 4 + len(movi), b"AVIX") + movi if number else movi
        parts.append(part)
        at += len(part)
    struct.pack_into("<I", head, 4, len(head) - 8 + len(parts[0]))
    rooms = [found.start() for found in re.finditer(b"JUNK", head)]  # one in each stream's header, and one for all
    for room, (stream, found) in zip(rooms, sorted(places.items()), strict=False):
        head[room : room + 4] = b"indx"
        struct.pack_into("<HBBI4s12x", head, room + 8, 4, 0, 0, len(found), stream)
        for number, place in enumerate(found):
            struct.pack_into("<QII", head, room + 32 + 16 * number, *place)
    all_of_them = rooms[len(places)]
    head[all_of_them : all_of_them + 4] = b"LIST"  # odml
    return bytes(head) + b"".join(parts)


def _movi(
    data: bytes,
    base: int,
    packets: list[tuple[bytes, int, int, int]],
    begin: int,
    places: dict[bytes, list[tuple[int, int, int]]],
) -> tuple[bytes, bytes]:
    """Return packets as they lie in a file from byte `begin` on, and their indexes; `places` learns of these."""
    body, entries = bytearray(), {name: bytearray() for name, *_ in packets}
    for name, flags, offset, size in packets:
        key = 0 if flags & KEY else NOT_KEY
        entries[name] += struct.pack("<II", len(body) + 8, size | key)
        body += data[base + offset : base + offset + 8 + size + size % 2]
    indexes = bytearray()
    for name, found in sorted(entries.items()):
        where = (begin + len(body) + len(indexes), 32 + len(found), len(found) // 8)
        places.setdefault(name, []).append(where)
        index = struct.pack("<HBBI4sQI", 2, 0, 1, len(found) // 8, name, begin, 0) + found
        indexes += struct.pack("<4sI", b"ix" + name[:2], len(index)) + index
    return bytes(body), bytes(indexes)


SYNC = b"\xf8\x72\x6f\xba"
"""Of TrueHD: what a decoder can begin with, 28 bytes long, in some of the access units."""

SYNC_INTERVAL = 128
"""Access units from one to the next, at most."""


def seldom_synced(data: bytes) -> bytes:
    """Return TrueHD in stereo that a decoder can begin with as seldom as may be.

    FFmpeg's encoder lets it begin with every 16th unit, and newer ones do as they are told.
    """
    units, at = [], 0
    while at < len(data):
        size = (struct.unpack_from(">H", data, at)[0] & 0xFFF) * 2
        units.append(data[at : at + size])
        at += size
    return b"".join(_unsynced(unit) if number % SYNC_INTERVAL else unit for number, unit in enumerate(units))


def _unsynced(unit: bytes) -> bytes:
    """Return an access unit without the mark, if it has one."""
    if unit[4:8] != SYNC:
        return unit
    body = bytearray(unit[4 + 28 :])
    body[0] |= 0x40  # there is no mark: a flag in the header of its one substream
    head = bytearray(struct.pack(">H", (4 + len(body)) // 2) + unit[2:4])
    parity = head[0] ^ head[1] ^ head[2] ^ head[3] ^ body[0] ^ body[1]
    head[0] |= (~(parity >> 4 ^ parity) & 0xF) << 4
    return bytes(head + body)
