"""Conversion: into what H.264 a device gets video that it does not play, and how. Pure functions."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .profiles import Video
    from .streams import Stream

BOXES: Final = ((3840, 2160), (1920, 1080), (1280, 720), (854, 480))
"""Sizes that are tried one after the other where the film's own is too large for a device, or this machine too slow."""

PIXEL_RATES: Final = {41: 245_760 * 256, 42: 522_240 * 256, 52: 2_073_600 * 256}
"""Pixels per second that decoders of a level take (ITU-T H.264 table A-1: macroblocks of 256 pixels)."""

MACROBLOCK: Final = 16
"""Pixels on a side."""

USUAL_RATE: Final = 30
"""Pictures per second where a file does not tell."""

BITS: Final = 3
"""bit/s per pixel of a picture: 6 Mbit/s in 1080 lines, which is plenty for H.264."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """H.264 of so many pixels; `level` times ten."""

    width: int
    height: int
    level: int

    @property
    def bitrate(self) -> int:
        """Return bit/s on average, at most."""
        return self.width * self.height * BITS

    @property
    def decoded_pixels(self) -> int:
        """Return the pixels of whole macroblocks, in which decoders count."""
        return -(-self.width // MACROBLOCK) * -(-self.height // MACROBLOCK) * MACROBLOCK**2


def conversion(video: Stream, limit: Video) -> Conversion:
    """Return the largest that a decoder of H.264 takes of a film, none larger than the film itself."""
    level = next(level for level in sorted(PIXEL_RATES) if level >= (limit.level or max(PIXEL_RATES)))
    pixels = min(limit.pixels, PIXEL_RATES[level] // (video.rate or USUAL_RATE))
    own = Conversion(_even(video.width), _even(video.height), level)
    return next((found for found in smaller(own) if found.decoded_pixels <= pixels), [*smaller(own)][-1])


def smaller(largest: Conversion) -> Iterator[Conversion]:
    """Yield a conversion, and then those that fit into smaller boxes."""
    yield largest
    for width, height in BOXES:
        share = min(width / largest.width, height / largest.height)
        if share < 1:
            yield replace(largest, width=_even(largest.width * share), height=_even(largest.height * share))


def _even(side: float) -> int:
    """Return a number of pixels whose colours can be halved."""
    return max(2, int(side + 1e-6) // 2 * 2)


@dataclass(frozen=True, slots=True)
class Encoder:
    """An encoder of FFmpeg: its name, what comes before the input, the end of the filters, and its options."""

    name: str
    device: tuple[str, ...] = ()
    upload: str = "format=yuv420p"
    options: tuple[str, ...] = ()
    is_bounded: bool = True
    """Whether it is told a bit rate, else `options` say how good it is to look."""


# By quality: with a bound on its bit rate its threads make other bytes each time.
SOFTWARE: Final = Encoder(
    "libx264", options=("-preset", "veryfast", "-profile:v", "high", "-crf", "22"), is_bounded=False
)
ENCODERS: Final = (
    Encoder("h264_nvenc", options=("-preset", "p4")),
    Encoder("h264_qsv", upload="format=nv12"),
    Encoder("h264_vaapi", device=("-vaapi_device", "/dev/dri/renderD128"), upload="format=nv12,hwupload"),
    Encoder("h264_v4l2m2m"),
    SOFTWARE,
)
"""Those of graphics cards (NVIDIA, Intel, AMD and Intel) and of small boards first, and what every processor does."""


def arguments(encoder: Encoder, how: Conversion, first: int | None, last: int | None) -> tuple[str, ...]:
    """Return FFmpeg's arguments: NUT in, the pictures from `first` up to `last` (in units of the input) as H.264 out.

    No other file or address is opened, whatever the input says.
    """
    span = [f"start_pts={first}"] if first is not None else []
    span += [f"end_pts={last}"] if last is not None else []
    filters = [f"trim={':'.join(span)}"] if span else []
    # Interlaced pictures only: the others pass.
    filters += ["yadif=deint=interlaced", f"scale={how.width}:{how.height}", encoder.upload]
    rate = ("-b:v", str(how.bitrate), "-maxrate", str(how.bitrate * 3 // 2), "-bufsize", str(how.bitrate * 3))
    return (
        *("-v", "error", "-nostdin", *encoder.device),
        *("-protocol_whitelist", "pipe", "-f", "nut", "-copyts", "-i", "pipe:0"),
        *("-map", "0:v:0", "-vf", ",".join(filters), "-fps_mode", "passthrough", "-enc_time_base", "1:90000"),
        *("-c:v", encoder.name, *encoder.options, "-level:v", f"{how.level / 10:g}"),
        *(rate if encoder.is_bounded else ()),
        *("-protocol_whitelist", "pipe", "-f", "nut", "pipe:1"),
    )


def trial(encoder: Encoder) -> tuple[str, ...]:
    """Return FFmpeg's arguments that tell whether an encoder works here: it is listed where its device is missing."""
    return (
        *("-v", "error", "-nostdin", *encoder.device),
        *("-f", "lavfi", "-i", "color=size=640x360:rate=25:duration=0.4"),
        *("-vf", encoder.upload, "-c:v", encoder.name, *encoder.options, "-f", "null", "-"),
    )
