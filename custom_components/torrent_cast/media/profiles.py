"""What Cast devices play, by model name.

Where a comment names a section, it is one of "Supported Media for Google Cast" in Google's Cast documentation, below
"Video codecs" unless it says otherwise. By which names models call themselves is not written there.
"""

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
    has_screen: bool = True

    def with_extras(self, extras: Collection[Extra]) -> Profile:
        """Return what it plays with what its owner says of it."""
        video = {**self.video, **{codec: limit for extra, (codec, limit) in _EXTRAS.items() if extra in extras}}
        return replace(self, video=video, audio=self.audio | _DOLBY if Extra.DOLBY in extras else self.audio)


_UHD: Final = 4096 * 2304
_HD: Final = 1280 * 736
# "Audio codecs"; WAV, too, is there, and in no film. It names no AC3: that is for who is behind the device to decode.
_AUDIO: Final = frozenset({"aac", "mp3", "opus", "vorbis", "flac"})
_DOLBY: Final = frozenset({"ac3", "eac3"})
# "Chromecast 1st and 2nd Gen.": in 1080p. The Ultra plays it in 4K, which films in VP8 are not.
_VP8: Final = Video()
# "Chromecast Ultra", "Google TV Streamer": Main and Main10 up to level 5.1.
_HEVC: Final = Video(51, depth=10, pixels=_UHD)
# "Chromecast Ultra": profiles 0 and 2 in 4K; "Google TV Streamer": profile 2 in 4K.
_VP9: Final = Video(depth=10, pixels=_UHD)
# "Google TV Streamer": Main, which has 10 bits, in 4K.
_AV1: Final = Video(depth=10, pixels=_UHD)
# An owner's word, with the limits of the one device that plays it all ("Google TV Streamer").
_EXTRAS: Final = {
    Extra.H264: ("h264", Video(52, pixels=_UHD)),
    Extra.HEVC: ("hevc", _HEVC),
    Extra.VP9: ("vp9", _VP9),
    Extra.AV1: ("av1", _AV1),
}

# What every device with a screen plays: "Chromecast 1st and 2nd Gen.", H.264 High up to level 4.1. Chromecasts of the
# first three generations and the one with Google TV in 4K all call themselves "Chromecast", and televisions by hundreds
# of names.
BASELINE: Final = Profile({"h264": Video(41), "vp8": _VP8}, _AUDIO)

# What a browser plays on any computer: decoders that come with it, as Chromium's do (docs/playability.md). HEVC only
# some take, by the graphics card's.
BROWSER: Final = Profile({"h264": Video(52, pixels=_UHD), "vp8": _VP8, "vp9": _VP9, "av1": _AV1}, _AUDIO, reports=False)

# "Google Nest Hub", "Nest Hub Max": H.264 High up to level 4.1 and VP9, both in 720p. Neither names VP8.
_HUB: Final = Profile({"h264": Video(41, pixels=_HD), "vp9": Video(pixels=_HD)}, _AUDIO)
_BY_MODEL: Final = {
    # "Chromecast Ultra": H.264 High up to level 4.2, in 1080p.
    "chromecast ultra": Profile({"h264": Video(42), "vp8": _VP8, "hevc": _HEVC, "vp9": _VP9}, _AUDIO),
    # "Google TV Streamer": H.264 High up to level 5.2, in 4K. It names no VP8.
    "google tv streamer": Profile({"h264": Video(52, pixels=_UHD), "hevc": _HEVC, "vp9": _VP9, "av1": _AV1}, _AUDIO),
    "google nest hub": _HUB,
    "google nest hub max": _HUB,
}


def profile_of(model: str, extras: Collection[Extra] = ()) -> Profile:
    """Return what a device of that model name plays, its owner's knowledge added."""
    return _BY_MODEL.get(model.strip().lower(), BASELINE).with_extras(extras)
