"""What HLS calls the codecs of a film (RFC 6381 and what each codec says of it), by its initialisation segment."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTAINERS: Final = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
"""Boxes on the way to the descriptions of the tracks (ISO/IEC 14496-12)."""

STSD_HEADER: Final = 8
"""Bytes before the entries of `stsd`: version, flags, count."""

VIDEO_HEADER: Final = 78
"""Bytes of a sample entry of video before its boxes (§12.1.3)."""

AUDIO_CONFIG: Final = b"\x05\x80\x80\x80"
"""How FFmpeg writes the tag and most of the length of AudioSpecificConfig (ISO/IEC 14496-3)."""

SOUND: Final = {b"ac-3": "ac-3", b"ec-3": "ec-3", b"mp4a": "mp4a.40"}
AAC_LC: Final = 2


def codecs_of(beginning: bytes) -> tuple[str, ...]:
    """Return the codec of each track, nothing at all where one of them cannot be told."""
    try:
        found = tuple(_codec(kind, entry) for kind, entry in _entries(beginning))
    except ValueError, IndexError, KeyError:
        return ()
    return tuple(codec for codec in found if codec is not None) if None not in found else ()


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the boxes in `data` by kind and content."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4])
        if size < 8:  # noqa: PLR2004  # a header's length
            raise ValueError("a box that ends before it begins")
        yield data[at + 4 : at + 8], data[at + 8 : at + size]
        at += size


def _entries(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the sample entries of all tracks."""
    for kind, content in _boxes(data):
        if kind in CONTAINERS:
            yield from _entries(content)
        elif kind == b"stsd":
            yield from _boxes(content[STSD_HEADER:])


def _codec(kind: bytes, entry: bytes) -> str | None:
    if kind in SOUND:
        return _sound(kind, entry)
    name = kind.decode(errors="replace")
    configs = dict(_boxes(entry[VIDEO_HEADER:]))
    match name:
        case "avc1" | "avc3":
            return f"{name}.{configs[b'avcC'][1:4].hex().upper()}"
        case "hvc1" | "hev1":
            return f"{name}.{_hevc(configs[b'hvcC'])}"
        case "av01":
            return f"{name}.{_av1(configs[b'av1C'])}"
        case "vp09":
            config = configs[b"vpcC"][4:]
            return f"{name}.{config[0]:02}.{config[1]:02}.{config[2] >> 4:02}"
    return None


def _sound(kind: bytes, entry: bytes) -> str:
    name = SOUND[kind]
    if kind != b"mp4a":
        return name
    at = entry.find(AUDIO_CONFIG)
    return f"{name}.{entry[at + 5] >> 3 if at >= 0 else AAC_LC}"


def _hevc(config: bytes) -> str:
    """Return what ISO/IEC 14496-15 §E.3 has of an HEVCDecoderConfigurationRecord."""
    space, tier, profile = config[1] >> 6, config[1] >> 5 & 1, config[1] & 31
    compatible = int(f"{int.from_bytes(config[2:6]):032b}"[::-1], 2)
    constraints = [f"{byte:X}" for byte in config[6:12].rstrip(b"\0")]
    name = f"{' ABC'[space].strip()}{profile}"
    return ".".join([name, f"{compatible:X}", f"{'LH'[tier]}{config[12]}", *constraints])


def _av1(config: bytes) -> str:
    """Return what AV1's binding to ISOBMFF (§5) has of an AV1CodecConfigurationRecord."""
    profile, level, tier = config[1] >> 5, config[1] & 31, config[2] >> 7
    depth = 8 if not config[2] >> 6 & 1 else 12 if config[2] >> 5 & 1 else 10
    return f"{profile}.{level:02}{'MH'[tier]}.{depth:02}"
