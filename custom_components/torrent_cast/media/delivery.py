"""Delivery: how a film gets to a device, as it is, as HLS with other sound, or not at all and why. Pure functions."""

from dataclasses import dataclass
from typing import Final

from .conversion import Conversion, conversion
from .errors import Refusal, Refused
from .hls import Segment, segments
from .probe import Container, Probe
from .profiles import Profile, Video
from .streams import Stream


@dataclass(frozen=True, slots=True)
class Direct:
    """The file as it is."""

    content_type: str


@dataclass(frozen=True, slots=True)
class Remux:
    """HLS in fragments of MP4: video copied, sound copied or as AAC in stereo.

    Of a film without an index the segments become known as it comes in: it `grows`.
    """

    segments: tuple[Segment, ...]
    video: Stream
    audio: Stream | None
    encodes_audio: bool
    grows: bool = False
    conversion: Conversion | None = None
    """Into what the video is converted, None where it is copied."""
    texts: tuple[Stream, ...] = ()
    """Subtitles of its own, which go into segments beside the pictures."""


type Delivery = Direct | Remux

# What a container may hold for a Cast device to take the file as it is.
_VIDEO_IN: Final = {
    Container.MP4: {"h264", "hevc", "av1", "vp9"},
    Container.WEBM: {"vp8", "vp9", "av1"},
}
_AUDIO_IN: Final = {
    Container.MP4: {"aac", "mp3", "ac3", "eac3", "flac", "opus"},
    Container.WEBM: {"opus", "vorbis"},
}
# The same for sound alone ("Supported Media for Google Cast"); `PCM` is all of that kind.
PCM: Final = "pcm"
_SOUND_IN: Final = {
    Container.MP4: _AUDIO_IN[Container.MP4],
    Container.WEBM: _AUDIO_IN[Container.WEBM],
    Container.OGG: {"vorbis", "opus", "flac"},
    Container.MP3: {"mp3"},
    Container.AAC: {"aac"},
    Container.FLAC: {"flac"},
    Container.WAV: {PCM},
}
# Containers that can be cut, and those of them that can be where they have no index, too.
_CUT: Final = {Container.MP4, Container.MATROSKA, Container.WEBM, Container.MPEGTS, Container.AVI}
_GROWING: Final = _CUT - {Container.AVI}
# Video that goes into fragments, and sound that receivers take from there.
_VIDEO_IN_HLS: Final = {"h264", "hevc", "av1", "vp9"}
_AUDIO_IN_HLS: Final = {"aac", "ac3", "eac3"}
# What one device or another plays.
_PLAYED: Final = _VIDEO_IN_HLS | {"vp8"}
# Video that is converted: what FFmpeg decodes, and films come in.
_CONVERTED: Final = {
    *("h264", "hevc", "av1", "vp8", "vp9", "mpeg4", "mpeg2video", "mpeg1video", "vc1", "wmv3"),
    *("msmpeg4v3", "msmpeg4v2", "mjpeg", "theora"),
}
# Sound that a device decodes by itself only in stereo.
_STEREO_ONLY: Final = {"aac"}
STEREO: Final = 2

_CONTAINER_NAMES: Final = {Container.MPEGTS: "MPEG-TS", Container.MATROSKA: "Matroska"}
_NAMES: Final = {
    "h264": "H.264", "hevc": "HEVC", "av1": "AV1", "vp8": "VP8", "vp9": "VP9", "mpeg4": "MPEG-4 ASP (DivX, Xvid)",
    "mpeg2video": "MPEG-2", "mpeg1video": "MPEG-1", "vc1": "VC-1", "wmv3": "WMV", "msmpeg4v3": "DivX 3",
    "wmav1": "WMA", "wmav2": "WMA", "wmapro": "WMA Pro", "eac3": "E-AC3", "mp2": "MPEG Layer II",
}  # fmt: skip


def deliver(probe: Probe, profile: Profile, audio: Stream | None = None, *, converts: bool = False) -> Delivery:
    """Return how to deliver a film to a device that plays `profile`, with another sound than its first. Raises Refused.

    A device that gets the file as it is plays the first sound, and shows no subtitles of the file's own: one that has
    some is cut into segments if it can be. Where it `converts`, video that the device does not play is no reason to
    refuse a film that can be cut.
    """
    video, audio = probe.video, audio or probe.audio
    if video is None and probe.container is not Container.MPEGTS:  # in which FFmpeg finds no VP9 and no AV1
        return _sound(probe, profile)
    if not profile.has_screen:
        raise Refused(Refusal.NO_SCREEN)
    if video is None or probe.container not in _CUT:
        raise Refused(Refusal.FORMAT, container=_container_name(probe))
    into: Conversion | None = None
    try:
        _check_video(video, profile)
        is_direct = audio is probe.audio and _is_direct(probe, video, profile)
        if is_direct and not (probe.texts and video.codec in _VIDEO_IN_HLS and segments(probe)):
            return Direct(probe.content_type)
        _check_cut(probe, video)
    except Refused:
        limit = profile.video.get("h264")
        if limit is None or not converts or video.codec not in _CONVERTED:
            raise
        into = conversion(video, limit)
    found = segments(probe)
    has_fragments = probe.container is not Container.MP4 or not len(probe.key_frames)
    if not found and not (probe.container in _GROWING and has_fragments):
        raise Refused(Refusal.NO_INDEX)
    encodes = not _takes(audio, profile, _copied(probe, audio))
    if audio is not None and audio.codec is None:
        raise Refused(Refusal.SOUND_ALIEN)
    return Remux(found, video, audio, encodes_audio=encodes, grows=not found, conversion=into, texts=probe.texts)


def _sound(probe: Probe, profile: Profile) -> Direct:
    """Return sound alone as it is. Raises Refused where a device does not play it."""
    assert probe.audio is not None  # the probe finds one or the other
    codec = probe.audio.codec or ""
    kind = PCM if codec.startswith("pcm_") else codec
    if kind not in (profile.audio | {PCM}) & _SOUND_IN.get(probe.container, set()):
        raise Refused(Refusal.SOUND, codec=_name(probe.audio), container=_container_name(probe))
    return Direct(probe.content_type)


def _check_cut(probe: Probe, video: Stream) -> None:
    """Raise Refused unless a film can be cut into segments, its video copied."""
    if video.codec not in _VIDEO_IN_HLS:
        raise Refused(Refusal.CONTAINER, container=probe.container, codec=_name(video))


def _copied(probe: Probe, audio: Stream | None) -> set[str]:
    """Return the sound that goes into segments as it is; of transport streams none whose form only a decoder tells."""
    is_plain = probe.container is not Container.MPEGTS or audio is None or audio.profile == "LC"
    return _AUDIO_IN_HLS if is_plain else _AUDIO_IN_HLS - {"aac"}


def _is_direct(probe: Probe, video: Stream, profile: Profile) -> bool:
    if probe.container is Container.MP4 and probe.duration is None:
        return False  # in fragments without an index: Chromium goes over all of them before its first picture
    videos = _VIDEO_IN.get(probe.container, set())
    return video.codec in videos and _takes(probe.audio, profile, _AUDIO_IN.get(probe.container, set()))


def _takes(audio: Stream | None, profile: Profile, holds: set[str]) -> bool:
    """Tell whether a device takes sound as it is from a container that `holds` so many codecs."""
    if audio is None:
        return True
    if audio.codec not in profile.audio & holds:
        return False
    return audio.codec not in _STEREO_ONLY or audio.channels <= STEREO


def _check_video(video: Stream, profile: Profile) -> None:
    """Raise Refused unless a device decodes a stream."""
    limit = profile.video.get(video.codec or "")
    if limit is None and video.codec not in _PLAYED:
        raise Refused(Refusal.VIDEO_ALIEN, codec=_name(video))
    if limit is None:
        raise Refused(Refusal.VIDEO_CODEC, codec=_name(video))
    if video.depth > limit.depth or not (video.is_420 or not video.depth):
        raise Refused(Refusal.VIDEO_DEPTH, codec=_name(video), depth=str(video.depth), profile=video.profile or "")
    if _exceeds(video, limit):
        raise Refused(
            Refusal.VIDEO_LEVEL, codec=_name(video), size=f"{video.width}x{video.height}", level=_level(video)
        )


def _exceeds(video: Stream, limit: Video) -> bool:
    if video.width * video.height > limit.pixels:
        return True
    return limit.level is not None and video.level > limit.level


def _name(stream: Stream) -> str:
    return _NAMES.get(stream.codec or "", (stream.codec or "unknown").upper())


def _container_name(probe: Probe) -> str:
    """Return what to call a container; one without a name of its own holds nothing but its sound, as AIFF does."""
    if probe.container is Container.OTHER and probe.audio is not None:
        return _name(probe.audio)
    return _CONTAINER_NAMES.get(probe.container, probe.container.upper())


def _level(video: Stream) -> str:
    return f"{video.level / 10:g}" if video.level else "-"
