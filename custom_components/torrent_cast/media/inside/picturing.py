"""Picturing: a key frame as a small JPEG."""

from fractions import Fraction
from typing import TYPE_CHECKING

import av

from .probing import MICROSECONDS, NotMedia, first_streams, opened

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

    from .sparse import SparseFile

    type Json = dict[str, object]


def picture(file: SparseFile, params: Json) -> tuple[Json, bytes]:
    """Return the key frame at `seconds`, `width` pixels wide at most, as a JPEG in the payload."""
    seconds, width = float(str(params["seconds"])), int(str(params["width"]))
    with opened(file) as container:
        video, _ = first_streams(container)
        if video is None:
            raise NotMedia("no video")
        video.codec_context.skip_frame = "NONKEY"
        if seconds:
            container.seek(int(seconds * MICROSECONDS))
        frame = next(container.decode(video), None)
        if frame is None:
            raise NotMedia("no picture")
        return {}, _jpeg(frame, width)


def _jpeg(frame: VideoFrame, width: int) -> bytes:
    """Return a frame as a JPEG, in even numbers of pixels as its colours want."""
    width = min(width, frame.width) // 2 * 2
    height = max(2, frame.height * width // max(frame.width, 1) // 2 * 2)
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, "yuvj420p", Fraction(1, 1)
    small = frame.reformat(width, height, "yuvj420p")
    small.pts, small.time_base = 0, encoder.time_base
    return b"".join(bytes(packet) for packet in (*encoder.encode(small), *encoder.encode(None)))
