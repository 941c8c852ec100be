"""What Cast models play, as Google lists it: the rig's devices refuse all else, whatever their browser decodes.

"Supported Media for Google Cast", <https://developers.google.com/cast/docs/media>, "Video codecs" and "Audio codecs".
Written down here once more, and read from what a device was sent: the integration's own table, and what it makes of a
film, are what is tested.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, override

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

HEAD: Final = 64 * 1024
"""Bytes of an answer that are kept: what describes the streams of a film is in its head, or at the head of its tail."""

# A box of MP4 that describes a stream (ISO/IEC 14496-15, AV1 and VP9 in ISOBMFF, ETSI TS 102 366 F): it is short.
_BOX: Final = re.compile(rb"\0\0[\0-\x0f].(avcC|hvcC|vpcC|av1C|dac3|dec3)(.{13})", re.DOTALL)
# Matroska's CodecID, and the codecs of an HLS variant (RFC 6381).
_CODEC_ID: Final = re.compile(rb"\x86.(V_VP8|V_VP9|V_AV1|A_AC3|A_EAC3)", re.DOTALL)
_VARIANT: Final = re.compile(rb'CODECS="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Given:
    """A stream that a device was sent; profile and level, times ten, where they are told."""

    codec: str
    profile: int | None = None
    level: int | None = None

    @override
    def __str__(self) -> str:
        """Return it in words."""
        told = [f"profile {self.profile}"] if self.profile is not None else []
        told += [f"level {self.level / 10:g}"] if self.level is not None else []
        return f"{self.codec} ({', '.join(told)})" if told else self.codec


@dataclass(frozen=True, slots=True)
class Limit:
    """Profiles by their numbers in each standard, and the highest level, times ten."""

    profiles: frozenset[int]
    level: int


_BASELINE, _MAIN, _HIGH = 66, 77, 100


def _h264(level: int) -> Limit:
    return Limit(frozenset({_BASELINE, _MAIN, _HIGH}), level)


_HEVC: Final = Limit(frozenset({1, 2}), 51)  # Main, Main10
_VP8: Final = Limit(frozenset({0}), 0)  # it has no levels
_VP9: Final = Limit(frozenset({0, 2}), 51)
_AV1: Final = Limit(frozenset({0}), 51)  # Main

MODELS: Final[Mapping[str, Mapping[str, Limit]]] = {
    "Chromecast": {"h264": _h264(41), "vp8": _VP8},  # 1st and 2nd generation: the third says no other name
    "Chromecast Ultra": {"h264": _h264(42), "vp8": _VP8, "hevc": _HEVC, "vp9": _VP9},
    "Google Nest Hub": {"h264": _h264(41), "vp9": Limit(frozenset({0, 2}), 40)},
    "Google TV Streamer": {"h264": _h264(52), "hevc": _HEVC, "vp9": _VP9, "av1": _AV1},
}


def beyond(model: str, heads: Iterable[bytes]) -> set[Given]:
    """Return what a device was sent and does not play, by the beginnings of the answers that it got."""
    limits = MODELS[model]
    return {given for head in heads for given in _streams(head) if not _fits(given, limits.get(given.codec))}


def _fits(given: Given, limit: Limit | None) -> bool:
    """Tell whether a stream is within a limit. No model decodes AC3: that is for who is behind it."""
    if limit is None:
        return False
    return given.profile in {None, *limit.profiles} and (given.level is None or given.level <= limit.level)


def _streams(head: bytes) -> Iterator[Given]:
    for kind, content in _BOX.findall(head):
        yield _boxed(kind, content)
    for name in _CODEC_ID.findall(head):
        yield Given(name.decode().lower()[2:])
    for codecs in _VARIANT.findall(head):
        yield from filter(None, map(_named, codecs.decode().split(",")))


def _boxed(kind: bytes, content: bytes) -> Given:
    match kind:
        case b"avcC":
            return Given("h264", content[1], content[3])
        case b"hvcC":
            return Given("hevc", content[1] & 31, content[12] // 3)
        case b"vpcC":
            return Given("vp9", content[4], content[5])
        case b"av1C":
            return Given("av1", content[1] >> 5, _av1_level(content[1] & 31))
        case _:
            return Given("ac3" if kind == b"dac3" else "eac3")


def _named(codec: str) -> Given | None:
    """Return a stream by its name in a playlist, None for sound that every model plays."""
    name, *rest = codec.strip().split(".")
    match name:
        case "avc1" | "avc3":
            return Given("h264", int(rest[0][:2], 16), int(rest[0][4:], 16))
        case "hvc1" | "hev1":
            return Given("hevc", int(rest[0]), int(rest[2][1:]) // 3)
        case "vp09":
            return Given("vp9", int(rest[0]), int(rest[1]))
        case "av01":
            return Given("av1", int(rest[0]), _av1_level(int(rest[1][:-1])))
        case "mp4a" | "opus" | "fLaC" | "mp3":
            return None
        case _:
            return Given(name)


def _av1_level(index: int) -> int:
    """Return a level, times ten, by its index (AV1, A.3)."""
    return 20 + 10 * (index >> 2) + (index & 3)
