"""Into what video is converted, as tables."""

from dataclasses import replace

import pytest

from custom_components.torrent_cast.media import Container, Direct, Kind, Refusal, Refused, Remux, Stream, deliver
from custom_components.torrent_cast.media.conversion import (
    SOFTWARE,
    Conversion,
    arguments,
    conversion,
    smaller,
)
from custom_components.torrent_cast.media.profiles import BASELINE, Profile, Video, profile_of

from .test_delivery import AVI, MKV, MP4, TS, WEBM, film

HEVC = Stream(0, Kind.VIDEO, "hevc", "Main 10", 51, 10, is_420=True, width=1920, height=1080, rate=24)


@pytest.mark.parametrize(
    ("size", "rate", "model", "expected"),
    [
        ((1920, 1080), 24, "Chromecast", Conversion(1920, 1080, 41)),
        ((1920, 804), 24, "Chromecast", Conversion(1920, 804, 41)),
        ((3840, 2160), 24, "Chromecast", Conversion(1920, 1080, 41)),
        ((3840, 1608), 24, "Chromecast", Conversion(1920, 804, 41)),
        ((3840, 2160), 0, "Chromecast", Conversion(1920, 1080, 41)),
        ((3840, 2160), 24, "Google TV Streamer", Conversion(3840, 2160, 52)),
        ((7680, 4320), 24, "Google TV Streamer", Conversion(3840, 2160, 52)),
        ((1920, 1080), 60, "Chromecast", Conversion(1280, 720, 41)),
        ((1920, 1080), 60, "Chromecast Ultra", Conversion(1920, 1080, 42)),
        ((1920, 1080), 24, "Google Nest Hub", Conversion(1280, 720, 41)),
        ((719, 405), 25, "Chromecast", Conversion(718, 404, 41)),
        ((1, 1), 25, "Chromecast", Conversion(2, 2, 41)),
        ((0, 0), 25, "Chromecast", Conversion(2, 2, 41)),
        ((640, 360), 1 << 20, "Chromecast", Conversion(640, 360, 41)),
    ],
)
def test_a_film_becomes_as_large_as_a_device_takes(
    size: tuple[int, int], rate: int, model: str, expected: Conversion
) -> None:
    video = replace(HEVC, width=size[0], height=size[1], rate=rate)
    assert conversion(video, profile_of(model).video["h264"]) == expected


def test_where_a_machine_is_slow_there_are_fewer_lines() -> None:
    found = list(smaller(Conversion(1920, 1080, 41)))
    assert [(one.width, one.height) for one in found] == [(1920, 1080), (1280, 720), (852, 480)]
    assert list(smaller(Conversion(640, 360, 41))) == [Conversion(640, 360, 41)]


def test_an_encoder_reads_from_its_pipe_and_nothing_else() -> None:
    given = arguments(SOFTWARE, Conversion(1280, 720, 41), 90_000, 180_000)
    assert given[given.index("-vf") + 1].startswith("trim=start_pts=90000:end_pts=180000,")
    assert [given[at + 1] for at, name in enumerate(given) if name == "-protocol_whitelist"] == ["pipe", "pipe"]
    assert "trim" not in " ".join(arguments(SOFTWARE, Conversion(1280, 720, 41), None, None))


@pytest.mark.parametrize(
    ("container", "video", "audio"),
    [
        (MKV, "hevc", "ac3"),
        (MKV, "hevc", "none"),
        (MP4, "hevc", "aac"),
        (MKV, "h264 10 bit", "aac"),
        (MP4, "h264 4:4:4", "aac"),
        (MP4, "h264 5.1", "aac"),
        (AVI, "xvid", "mp3"),
        (MKV, "xvid", "mp3"),
        (TS, "hevc", "ac3"),
        (WEBM, "vp9", "opus"),
        (MKV, "vp8", "vorbis"),
        (MP4, "av1", "aac"),
    ],
)
def test_what_a_chromecast_does_not_play_is_converted_where_that_is_wanted(
    container: Container, video: str, audio: str
) -> None:
    found = film(container, video, audio)
    with pytest.raises(Refused):
        deliver(found, BASELINE)
    delivery = deliver(found, BASELINE, converts=True)
    assert isinstance(delivery, Remux)
    assert delivery.conversion is not None


def test_what_a_device_plays_is_not_converted() -> None:
    assert isinstance(deliver(film(MP4, "h264", "aac"), BASELINE, converts=True), Direct)
    copied = deliver(film(MKV, "h264", "ac3"), BASELINE, converts=True)
    assert isinstance(copied, Remux)
    assert copied.conversion is None


@pytest.mark.parametrize(
    ("container", "profile", "reason"),
    [
        (Container.ASF, BASELINE, Refusal.FORMAT),
        (MKV, Profile({"vp8": Video()}, frozenset()), Refusal.VIDEO_CODEC),
    ],
    ids=["a container that is not cut", "a device without H.264"],
)
def test_what_conversion_does_not_help_is_refused(container: Container, profile: Profile, reason: Refusal) -> None:
    with pytest.raises(Refused) as caught:
        deliver(film(container, "hevc", "aac"), profile, converts=True)
    assert caught.value.reason is reason
