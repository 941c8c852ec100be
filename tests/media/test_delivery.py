"""How films get to devices, as a table."""

from array import array
from dataclasses import replace

import pytest

from custom_components.torrent_cast.media import (
    BROWSER,
    Container,
    Direct,
    Extra,
    KeyFrames,
    Kind,
    Probe,
    Profile,
    Refusal,
    Refused,
    Remux,
    Stream,
    deliver,
    profile_of,
)

MP4, MKV, WEBM, TS = Container.MP4, Container.MATROSKA, Container.WEBM, Container.MPEGTS
AVI, ASF = Container.AVI, Container.ASF

VIDEO = {
    "h264": Stream(0, Kind.VIDEO, "h264", "High", 41, 8, is_420=True, width=1920, height=1080),
    "h264 main": Stream(0, Kind.VIDEO, "h264", "Main", 30, 8, is_420=True, width=720, height=404),
    "h264 5.1": Stream(0, Kind.VIDEO, "h264", "High", 51, 8, is_420=True, width=3840, height=2160),
    "h264 10 bit": Stream(0, Kind.VIDEO, "h264", "High 10", 41, 10, is_420=True, width=1920, height=1080),
    "h264 4:4:4": Stream(0, Kind.VIDEO, "h264", "High 4:4:4", 41, 8, is_420=False, width=1920, height=1080),
    "hevc": Stream(0, Kind.VIDEO, "hevc", "Main 10", 51, 10, is_420=True, width=3840, height=2160),
    "hevc 12 bit": Stream(0, Kind.VIDEO, "hevc", "Rext", 51, 12, is_420=True, width=3840, height=2160),
    "vp8": Stream(0, Kind.VIDEO, "vp8", None, 0, 8, is_420=True, width=1280, height=720),
    "vp9": Stream(0, Kind.VIDEO, "vp9", "Profile 0", 0, 8, is_420=True, width=1280, height=720),
    "vp9 1080p": Stream(0, Kind.VIDEO, "vp9", "Profile 0", 0, 8, is_420=True, width=1920, height=1080),
    "av1": Stream(0, Kind.VIDEO, "av1", "Main", 8, 10, is_420=True, width=1920, height=1080),
    "xvid": Stream(0, Kind.VIDEO, "mpeg4", "Advanced Simple", 5, 8, is_420=True, width=640, height=360),
}
AUDIO = {
    "aac": Stream(1, Kind.AUDIO, "aac", "LC", channels=2, rate=48000),
    "aac he": Stream(1, Kind.AUDIO, "aac", "HE-AAC", channels=2, rate=48000),
    "aac 5.1": Stream(1, Kind.AUDIO, "aac", "LC", channels=6, rate=48000),
    "none": None,
    "alien": Stream(1, Kind.AUDIO, None),
    **{
        codec: Stream(1, Kind.AUDIO, codec, channels=channels, rate=48000)
        for codec, channels in [
            ("ac3", 6),
            ("eac3", 6),
            ("dts", 6),
            ("truehd", 8),
            ("mp3", 2),
            ("opus", 2),
            ("vorbis", 2),
            ("flac", 2),
        ]
    },
}
CHROMECAST, ULTRA, STREAMER, HUB = "Chromecast", "Chromecast Ultra", "Google TV Streamer", "Google Nest Hub"
TELEVISION = "BRAVIA 4K VH21"

DIRECT, COPIED, ENCODED = "direct", "copied", "encoded"

TABLE = [
    (MP4, "h264", "aac", CHROMECAST, DIRECT),
    (MP4, "h264", "none", CHROMECAST, DIRECT),
    (MP4, "h264", "mp3", CHROMECAST, DIRECT),
    (MP4, "h264", "aac 5.1", CHROMECAST, ENCODED),
    (MP4, "h264", "ac3", CHROMECAST, ENCODED),
    (MP4, "h264", "eac3", STREAMER, ENCODED),
    (MP4, "hevc", "aac", ULTRA, DIRECT),
    (MP4, "hevc", "aac", STREAMER, DIRECT),
    (MP4, "hevc", "aac", CHROMECAST, Refusal.VIDEO_CODEC),
    (MP4, "hevc", "aac", HUB, Refusal.VIDEO_CODEC),
    (MP4, "hevc", "aac", TELEVISION, Refusal.VIDEO_CODEC),
    (MP4, "hevc 12 bit", "aac", ULTRA, Refusal.VIDEO_DEPTH),
    (MP4, "h264 10 bit", "aac", STREAMER, Refusal.VIDEO_DEPTH),
    (MP4, "h264 4:4:4", "aac", STREAMER, Refusal.VIDEO_DEPTH),
    (MP4, "h264 5.1", "aac", CHROMECAST, Refusal.VIDEO_LEVEL),
    (MP4, "h264 5.1", "aac", STREAMER, DIRECT),
    (MP4, "av1", "aac", STREAMER, DIRECT),
    (MP4, "av1", "aac", ULTRA, Refusal.VIDEO_CODEC),
    (MP4, "h264", "aac", HUB, Refusal.VIDEO_LEVEL),
    (MP4, "h264 main", "aac", HUB, DIRECT),
    (MKV, "h264", "aac", CHROMECAST, COPIED),
    (MKV, "h264", "none", CHROMECAST, COPIED),
    (MKV, "h264", "ac3", CHROMECAST, ENCODED),
    (MKV, "h264", "eac3", TELEVISION, ENCODED),
    (MKV, "h264", "dts", CHROMECAST, ENCODED),
    (MKV, "h264", "truehd", CHROMECAST, ENCODED),
    (MKV, "h264", "alien", CHROMECAST, Refusal.SOUND_ALIEN),
    (MP4, "h264", "alien", STREAMER, Refusal.SOUND_ALIEN),
    (MKV, "h264", "mp3", CHROMECAST, ENCODED),
    (MKV, "h264", "opus", CHROMECAST, ENCODED),
    (MKV, "h264", "flac", CHROMECAST, ENCODED),
    (MKV, "h264", "aac 5.1", CHROMECAST, ENCODED),
    (MKV, "h264 10 bit", "aac", CHROMECAST, Refusal.VIDEO_DEPTH),
    (MKV, "hevc", "ac3", ULTRA, ENCODED),
    (MKV, "hevc", "aac", ULTRA, COPIED),
    (MKV, "vp9", "opus", ULTRA, ENCODED),
    (MKV, "av1", "opus", STREAMER, ENCODED),
    (MKV, "vp8", "vorbis", CHROMECAST, Refusal.CONTAINER),
    (MKV, "xvid", "mp3", CHROMECAST, Refusal.VIDEO_ALIEN),
    (WEBM, "vp8", "vorbis", CHROMECAST, DIRECT),
    (WEBM, "vp9", "opus", ULTRA, DIRECT),
    (WEBM, "vp9", "opus", HUB, DIRECT),
    (WEBM, "vp9 1080p", "opus", HUB, Refusal.VIDEO_LEVEL),
    (WEBM, "vp9", "opus", CHROMECAST, Refusal.VIDEO_CODEC),
    (AVI, "h264", "mp3", CHROMECAST, ENCODED),
    (AVI, "h264", "aac", CHROMECAST, COPIED),
    (AVI, "h264", "ac3", CHROMECAST, ENCODED),
    (ASF, "h264", "mp3", CHROMECAST, Refusal.FORMAT),
    (ASF, "xvid", "mp3", CHROMECAST, Refusal.FORMAT),
    (Container.FLV, "hevc", "aac", CHROMECAST, Refusal.FORMAT),
    (TS, "h264", "aac", CHROMECAST, COPIED),
    (TS, "h264", "aac he", CHROMECAST, ENCODED),
    (TS, "h264", "ac3", CHROMECAST, ENCODED),
    (TS, "hevc", "ac3", CHROMECAST, Refusal.VIDEO_CODEC),
    (AVI, "xvid", "mp3", STREAMER, Refusal.VIDEO_ALIEN),
]


def film(container: Container, video: str | None, audio: str, *, indexed: bool = True) -> Probe:
    """Return a film of a minute with a key frame each second."""
    times = [float(second) for second in range(60 if indexed else 0)]
    frames = KeyFrames(array("d", times), array("q", [round(time * 1000) for time in times]))
    return Probe(
        container, "video/x-of-it", 60_000, 60.0, ((0, 9),), frames, (), VIDEO[video] if video else None, AUDIO[audio]
    )


def sound(container: Container, codec: str | None) -> Probe:
    """Return a minute of sound without pictures."""
    return replace(film(container, None, "none"), audio=Stream(0, Kind.AUDIO, codec, channels=2, rate=48000))


def outcome(probe: Probe, model: str, *extras: Extra) -> str | Refusal:
    """Return what becomes of a film on a device, in a word."""
    return of_profile(probe, profile_of(model, extras))


def of_profile(probe: Probe, profile: Profile) -> str | Refusal:
    """Return what becomes of a film, in a word."""
    try:
        delivery = deliver(probe, profile)
    except Refused as err:
        return Refusal(err.reason)
    match delivery:
        case Direct("video/x-of-it"):
            return DIRECT
        case Remux(segments, video, audio, encodes_audio) if segments:
            assert (video, audio) == (probe.video, probe.audio)
            return ENCODED if encodes_audio else COPIED
    raise AssertionError(delivery)


@pytest.mark.parametrize(("container", "video", "audio", "model", "expected"), TABLE)
def test_each_film_gets_to_each_device_as_it_can(
    container: Container, video: str, audio: str, model: str, expected: str | Refusal
) -> None:
    assert outcome(film(container, video, audio), model) == expected


@pytest.mark.parametrize(
    ("extra", "container", "video", "audio", "expected"),
    [
        (Extra.DOLBY, MKV, "h264", "ac3", COPIED),
        (Extra.DOLBY, MP4, "h264", "eac3", DIRECT),
        (Extra.DOLBY, MKV, "h264", "dts", ENCODED),
        (Extra.HEVC, MKV, "hevc", "aac", COPIED),
        (Extra.H264, MP4, "h264 5.1", "aac", DIRECT),
        (Extra.H264, MP4, "h264 10 bit", "aac", Refusal.VIDEO_DEPTH),
        (Extra.VP9, WEBM, "vp9", "opus", DIRECT),
        (Extra.AV1, MP4, "av1", "aac", DIRECT),
    ],
)
def test_the_owner_knows_better(
    extra: Extra, container: Container, video: str, audio: str, expected: str | Refusal
) -> None:
    assert outcome(film(container, video, audio), CHROMECAST, extra) == expected


@pytest.mark.parametrize(("container", "audio"), [(MKV, "aac"), (MKV, "ac3"), (TS, "ac3"), (MP4, "ac3")])
def test_a_film_without_an_index_grows_where_it_has_to_be_cut(container: Container, audio: str) -> None:
    delivery = deliver(film(container, "h264", audio, indexed=False), profile_of(CHROMECAST))
    assert isinstance(delivery, Remux)
    assert (delivery.grows, delivery.segments) == (True, ())
    assert outcome(film(MP4, "h264", "aac", indexed=False), CHROMECAST) == DIRECT


def test_an_mp4_in_fragments_is_not_left_to_a_player_that_goes_over_all_of_them_first() -> None:
    delivery = deliver(replace(film(MP4, "h264", "aac", indexed=False), duration=None), profile_of(CHROMECAST))
    assert isinstance(delivery, Remux)
    assert (delivery.grows, delivery.encodes_audio) == (True, False)


def test_an_mp4_whose_index_does_not_serve_has_no_fragments_to_go_by() -> None:
    sparse = replace(film(MP4, "h264", "ac3"), size=1 << 40)
    assert outcome(sparse, CHROMECAST) == Refusal.NO_INDEX


def test_an_avi_without_an_index_does_not_say_when_its_frames_are() -> None:
    assert outcome(film(AVI, "h264", "mp3", indexed=False), CHROMECAST) == Refusal.NO_INDEX


@pytest.mark.parametrize(
    ("container", "codec", "expected"),
    [
        (MP4, "aac", DIRECT),
        (MP4, "flac", DIRECT),
        (MP4, "alac", Refusal.SOUND),
        (MP4, "ac3", Refusal.SOUND),
        (WEBM, "opus", DIRECT),
        (MKV, "opus", Refusal.SOUND),
        (Container.MP3, "mp3", DIRECT),
        (Container.MP3, "mp2", Refusal.SOUND),
        (Container.AAC, "aac", DIRECT),
        (Container.OGG, "vorbis", DIRECT),
        (Container.OGG, "speex", Refusal.SOUND),
        (Container.FLAC, "flac", DIRECT),
        (Container.WAV, "pcm_s24le", DIRECT),
        (Container.WAV, "dts", Refusal.SOUND),
        (ASF, "wmav2", Refusal.SOUND),
        (Container.OTHER, "ac3", Refusal.SOUND),
        (AVI, "mp3", Refusal.SOUND),
    ],
)
def test_sound_alone_goes_as_it_is_or_not_at_all(container: Container, codec: str, expected: str | Refusal) -> None:
    assert outcome(sound(container, codec), CHROMECAST) == expected


def test_a_television_that_decodes_it_gets_dolby_sound_alone() -> None:
    assert outcome(sound(MP4, "ac3"), CHROMECAST, Extra.DOLBY) == DIRECT


@pytest.mark.parametrize(
    ("container", "codec", "names"),
    [
        (ASF, "wmav2", {"codec": "WMA", "container": "ASF"}),
        (Container.OTHER, "ac3", {"codec": "AC3", "container": "AC3"}),
        (MKV, None, {"codec": "UNKNOWN", "container": "Matroska"}),
    ],
)
def test_a_refusal_names_the_sound(container: Container, codec: str | None, names: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        deliver(sound(container, codec), profile_of(CHROMECAST))
    assert caught.value.details == names


def test_a_transport_stream_whose_video_is_not_recognised_is_not_taken_for_sound() -> None:
    assert outcome(film(TS, None, "aac"), CHROMECAST) == Refusal.FORMAT


@pytest.mark.parametrize(
    ("container", "video", "audio", "expected"),
    [
        (MP4, "h264", "aac", DIRECT),
        (MP4, "h264 5.1", "mp3", DIRECT),
        (WEBM, "vp9", "opus", DIRECT),
        (MKV, "h264", "aac", COPIED),
        (MKV, "h264", "ac3", ENCODED),
        (MKV, "av1", "opus", ENCODED),
        (MP4, "hevc", "aac", Refusal.VIDEO_CODEC),
        (MKV, "h264 10 bit", "aac", Refusal.VIDEO_DEPTH),
        (TS, "h264", "aac", COPIED),
    ],
)
def test_a_browser_gets_what_every_browser_decodes(
    container: Container, video: str, audio: str, expected: str | Refusal
) -> None:
    assert of_profile(film(container, video, audio), BROWSER) == expected


def test_a_model_is_known_in_any_case() -> None:
    assert profile_of(" chromecast ULTRA ") == profile_of(ULTRA) != profile_of(CHROMECAST)


def test_a_refusal_says_what_it_is_about() -> None:
    with pytest.raises(Refused) as caught:
        deliver(film(MKV, "h264 10 bit", "aac"), profile_of(CHROMECAST))
    assert caught.value.details == {"codec": "H.264", "depth": "10", "profile": "High 10"}


def test_another_sound_than_the_first_makes_hls_of_what_would_go_as_it_is() -> None:
    other = Stream(2, Kind.AUDIO, "aac", "LC", channels=2, rate=48000, language="ger")
    delivery = deliver(film(MP4, "h264", "aac"), profile_of(CHROMECAST), other)
    assert isinstance(delivery, Remux)
    assert (delivery.audio, delivery.encodes_audio) == (other, False)
