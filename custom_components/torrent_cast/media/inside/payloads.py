"""Payloads: frames as transport streams and AVI hold them -> as MP4 does."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.stream import Stream

START_CODE: Final = b"\0\0\1"
"""Before each unit of a byte stream (ITU-T H.264 and H.265, annex B)."""

HEVC_PARAMETERS: Final = range(32, 35)
"""Units of HEVC that `hvc1` has in its header only: VPS, SPS, PPS (ISO/IEC 14496-15 §8.4)."""

ADTS: Final = (0xFFF0, 0xFFF6)
"""The first two bytes of an ADTS header (ISO/IEC 13818-7 §6.2), and which of their bits are always the same."""

ADTS_HEADER: Final = 7
CHECKSUM: Final = 2
"""Bytes."""


def payload_of(stream: Stream | None) -> Callable[[bytes], bytes]:
    """Return what turns a stream's frames into what MP4 holds."""
    context = stream.codec_context if stream is not None else None
    if context is None:
        return bytes
    if context.name in {"h264", "hevc"} and (not context.extradata or context.extradata[0] == 0):
        return _lengths_of_hevc if context.name == "hevc" else _lengths
    return _without_adts if context.name == "aac" else bytes


def _lengths(data: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(4) + unit for unit in _units(data))


def _lengths_of_hevc(data: bytes) -> bytes:
    units = (unit for unit in _units(data) if unit[0] >> 1 & 0x3F not in HEVC_PARAMETERS)
    return b"".join(len(unit).to_bytes(4) + unit for unit in units)


def _units(data: bytes) -> list[bytes]:
    # A unit never ends with a zero: that one belongs to a start code of four bytes.
    return [unit for part in data.split(START_CODE)[1:] if (unit := part.rstrip(b"\0"))]


def _without_adts(data: bytes) -> bytes:
    mark, mask = ADTS
    if len(data) <= ADTS_HEADER or int.from_bytes(data[:2]) & mask != mark:
        return data
    return data[ADTS_HEADER + (0 if data[1] & 1 else CHECKSUM) :]


def audio_config(data: bytes) -> bytes | None:
    """Return the AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1) that a frame's ADTS header says, None without one."""
    if _without_adts(data) is data:
        return None
    kind, rate = (data[2] >> 6) + 1, data[2] >> 2 & 0xF
    channels = (data[2] & 1) << 2 | data[3] >> 6
    return (kind << 11 | rate << 7 | channels << 3).to_bytes(2)
