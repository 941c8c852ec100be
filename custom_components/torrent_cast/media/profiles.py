"""What Cast devices play, by model name, as Google's Cast documentation ("Supported Media") lists it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class Extra(StrEnum):
    """What a device takes beyond what its model name tells, as only its owner knows."""

    DOLBY = "dolby"
    """AC3 and E-AC3: the television or amplifier behind it decodes them."""
    H264 = "h264"
    """H.264 beyond what every device plays: levels up to 5.2."""
    HEVC = "hevc"
    VP9 = "vp9"
    AV1 = "av1"


@dataclass(frozen=True, slots=True)
class Video:
    """What a decoder takes: `level` times ten, as the codec's standard has it, `depth` in bits, `pixels` a picture."""

    level: int | None = None
    depth: int = 8
    pixels: int = 1920 * 1088


@dataclass(frozen=True, slots=True)
class Profile:
    """What a device plays: video by codec, and the codecs of sound that it takes as they are."""

    video: Mapping[str, Video]
    audio: frozenset[str]
    reports: bool = True
    """Whether it says where in a film it is."""

    def with_extras(self, extras: Collection[Extra]) -> Profile:
        """Return what it plays with what its owner says of it."""
        video = {**self.video, **{codec: limit for extra, (codec, limit) in _EXTRAS.items() if extra in extras}}
        return replace(self, video=video, audio=self.audio | _DOLBY if Extra.DOLBY in extras else self.audio)


_UHD: Final = 4096 * 2304
_HD: Final = 1280 * 736
_AUDIO: Final = frozenset({"aac", "mp3", "opus", "vorbis", "flac"})
_DOLBY: Final = frozenset({"ac3", "eac3"})
_VP8: Final = Video()
_HEVC: Final = Video(51, depth=10, pixels=_UHD)
_VP9: Final = Video(depth=10, pixels=_UHD)
_AV1: Final = Video(depth=10, pixels=_UHD)
_EXTRAS: Final = {
    Extra.H264: ("h264", Video(52, pixels=_UHD)),
    Extra.HEVC: ("hevc", _HEVC),
    Extra.VP9: ("vp9", _VP9),
    Extra.AV1: ("av1", _AV1),
}

# What every device with a screen plays: H.264 as the first generation does. Chromecasts of the first three generations
# and the one with Google TV in 4K all call themselves "Chromecast", and televisions by hundreds of names.
BASELINE: Final = Profile({"h264": Video(41), "vp8": _VP8}, _AUDIO)

# What a browser plays on any computer: decoders that come with it. HEVC only some take, by the graphics card's.
BROWSER: Final = Profile({"h264": Video(52, pixels=_UHD), "vp8": _VP8, "vp9": _VP9, "av1": _AV1}, _AUDIO, reports=False)

_HUB: Final = Profile({"h264": Video(41, pixels=_HD), "vp9": Video(pixels=_HD)}, _AUDIO)
_BY_MODEL: Final = {
    "chromecast ultra": Profile({"h264": Video(42), "vp8": _VP8, "hevc": _HEVC, "vp9": _VP9}, _AUDIO),
    "google tv streamer": Profile({"h264": Video(52, pixels=_UHD), "hevc": _HEVC, "vp9": _VP9, "av1": _AV1}, _AUDIO),
    "google nest hub": _HUB,
    "google nest hub max": _HUB,
}


def profile_of(model: str, extras: Collection[Extra] = ()) -> Profile:
    """Return what a device of that model name plays, its owner's knowledge added."""
    return _BY_MODEL.get(model.strip().lower(), BASELINE).with_extras(extras)
