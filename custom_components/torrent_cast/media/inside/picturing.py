"""Picturing: a key frame, a cover or a picture as a small JPEG."""

import struct
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Literal

import av

from .probing import MICROSECONDS, NotMedia, first_streams, opened

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from .sparse import SparseFile

    type Json = dict[str, object]

DECODERS: Final[dict[bytes, Literal["mjpeg", "png"]]] = {b"\xff\xd8\xff": "mjpeg", b"\x89PNG\r\n\x1a\n": "png"}
"""By how a picture begins: what its name or its container say of it counts for nothing."""

MAX_PIXELS: Final = 40_000_000
"""Of a picture: scans of covers have up to 25 million."""

MAX_UNPACKED: Final = 3 * MAX_PIXELS
"""Bytes of a picture's pixels: of one byte for each colour. Those of a PNG may have eight."""

MAX_SIDE: Final = 16_384
"""Pixels: to scale a line of 600,000 takes half a gigabyte."""

PIXELS: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
"""The parts of a PNG that make its pixels (PNG §11); others may be packed, a gigabyte in one megabyte."""

CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Values of a pixel, by a PNG's colour type (PNG §11.2.1)."""

MIN_SIDE: Final = 64
"""Pixels of a picture that is worth showing."""

FRONT: Final = ("cover (front)", "cover.")
"""What covers for the front begin with: of ID3 and FLAC their comment, of Matroska their file name (small and landscape
ones have something before it)."""


def picture(file: SparseFile, params: Json) -> tuple[Json, bytes]:
    """Return the key frame at `seconds` as a JPEG in the payload."""
    seconds = float(str(params["seconds"]))
    with opened(file) as container:
        video, _ = first_streams(container)
        if video is None:
            raise NotMedia("no video")
        video.codec_context.skip_frame = "NONKEY"
        video.codec_context.thread_count = 1  # each of more has 64 MB of address space for itself
        if seconds:
            container.seek(int(seconds * MICROSECONDS))
        frame = next(container.decode(video), None)
        if frame is None:
            raise NotMedia("no picture")
        return {}, _jpeg(frame, params)


def cover(file: SparseFile, params: Json) -> tuple[Json, bytes]:
    """Return the cover that a film or song has in it, as a JPEG in the payload."""
    with opened(file) as container:
        if (stream := _front(container)) is None:
            raise NotMedia("no cover")
        # FFmpeg hands out covers before anything else.
        packet = next(iter(container.demux(stream)), None)
        if packet is None or packet.size > int(str(params["most"])):
            raise NotMedia("no cover")
        return {}, _jpeg(_decoded(bytes(packet)), params)


def still(file: SparseFile, params: Json) -> tuple[Json, bytes]:
    """Return a picture, all of which is here, as a JPEG in the payload."""
    return {}, _jpeg(_decoded(file.head()), params)


def _front(container: InputContainer) -> VideoStream | None:
    """Return the cover that is for the front, else the first."""
    kind = av.stream.Disposition.attached_pic
    covers = [stream for stream in container.streams.video if stream.disposition & kind]
    return next((stream for stream in covers if _told(stream).startswith(FRONT)), covers[0] if covers else None)


def _told(stream: VideoStream) -> str:
    return (stream.metadata.get("comment") or stream.metadata.get("filename") or "").lower()


def _decoded(data: bytes) -> VideoFrame:
    """Return the one frame of a JPEG or PNG."""
    codec = next((name for begin, name in DECODERS.items() if data.startswith(begin)), None)
    if codec is None:
        raise NotMedia("neither JPEG nor PNG")
    if codec == "png":
        data = _pixels(data)
    decoder = av.CodecContext.create(codec, "r")
    decoder.options = {"max_pixels": str(MAX_PIXELS)}
    decoder.thread_count = 1
    frame = next(iter([*decoder.decode(av.Packet(data)), *decoder.decode(None)]), None)
    if frame is None or min(frame.width, frame.height) < MIN_SIDE or max(frame.width, frame.height) > MAX_SIDE:
        raise NotMedia("no picture")
    return frame


def _pixels(data: bytes) -> bytes:
    """Return a PNG without what does not make its pixels; raises NotMedia where these are too many bytes."""
    parts, at = [data[:8]], 8
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        kind = data[at + 4 : at + 8]
        if kind in PIXELS:
            parts.append(data[at:end])
        if kind == b"IHDR":
            width, height, depth, colours = struct.unpack(">IIBB", data[at + 8 : at + 18].ljust(10, b"\0"))
            if max(width, height) > MAX_SIDE or width * height * depth * CHANNELS.get(colours, 4) > 8 * MAX_UNPACKED:
                raise NotMedia("too large")
        at = end
    return b"".join(parts)


def _jpeg(frame: VideoFrame, params: Json) -> bytes:
    """Return a frame as a JPEG of `width` x `height` at most, in even numbers of pixels as its colours want."""
    most = int(str(params["width"])), int(str(params["height"]))
    scale = min(1, most[0] / frame.width, most[1] / frame.height)
    width, height = (max(2, int(side * scale) // 2 * 2) for side in (frame.width, frame.height))
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, "yuvj420p", Fraction(1, 1)
    small = frame.reformat(width, height, "yuvj420p")
    small.pts, small.time_base = 0, encoder.time_base
    return b"".join(bytes(packet) for packet in (*encoder.encode(small), *encoder.encode(None)))
