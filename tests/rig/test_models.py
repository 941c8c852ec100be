"""What a model does not play is known by what it was sent."""

from typing import Final

import pytest

from tests.media.conftest import ffmpeg

from .models import HEAD, MODELS, beyond

X265: Final = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error")
MAKES: Final = {
    "h264": ("mp4", "-c:v", "libx264", "-profile:v", "high", "-level", "4.1", "-pix_fmt", "yuv420p"),
    "h264 4.2": ("mp4", "-c:v", "libx264", "-level", "4.2", "-pix_fmt", "yuv420p"),
    "h264 5.2": ("mp4", "-c:v", "libx264", "-level", "5.2", "-pix_fmt", "yuv420p"),
    "h264 10 bit": ("mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p10le"),
    "hevc": ("mp4", *X265, "-pix_fmt", "yuv420p10le"),
    "hevc 4:4:4": ("mp4", *X265, "-pix_fmt", "yuv444p"),
    "vp8": ("webm", "-c:v", "libvpx", "-pix_fmt", "yuv420p"),
    "vp9": ("webm", "-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p"),
    "vp9 in MP4": ("mp4", "-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p"),
    "av1": ("mp4", "-c:v", "libaom-av1", "-cpu-used", "8", "-pix_fmt", "yuv420p"),
    "ac3": ("mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "ac3"),
    "eac3": ("mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "eac3"),
}
PLAYED: Final = {
    "Chromecast": {"h264", "vp8"},
    "Chromecast Ultra": {"h264", "h264 4.2", "hevc", "vp8", "vp9", "vp9 in MP4"},
    "Google Nest Hub": {"h264", "vp9", "vp9 in MP4"},
    "Google TV Streamer": {"h264", "h264 4.2", "h264 5.2", "hevc", "vp9", "vp9 in MP4", "av1"},
}


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the beginning of a film of each make."""
    folder = tmp_path_factory.mktemp("makes")
    found = {}
    for name, (suffix, *how) in MAKES.items():
        path = folder / f"{name}.{suffix}"
        picture = ("-f", "lavfi", "-i", "testsrc2=size=64x36:duration=1")
        sound = ("-f", "lavfi", "-i", "sine=duration=1") if "-c:a" in how else ()
        ffmpeg(*picture, *sound, *how, *(("-movflags", "+faststart") if suffix == "mp4" else ()), path)
        found[name] = path.read_bytes()[:HEAD]
    return found


@pytest.mark.parametrize("model", MODELS)
def test_a_model_plays_what_google_lists(model: str, heads: dict[str, bytes]) -> None:
    assert {name for name, head in heads.items() if not beyond(model, [head])} == PLAYED[model]


@pytest.mark.parametrize(
    ("codecs", "played"),
    [
        ("avc1.640029,mp4a.40.2", {"Chromecast", "Chromecast Ultra", "Google Nest Hub", "Google TV Streamer"}),
        ("avc1.64002A,mp4a.40.2", {"Chromecast Ultra", "Google TV Streamer"}),
        ("avc1.6E0029", set()),
        ("hvc1.2.4.L153.B0,mp4a.40.2", {"Chromecast Ultra", "Google TV Streamer"}),
        ("hvc1.1.6.L156.90", set()),
        ("vp09.02.40.10", {"Chromecast Ultra", "Google Nest Hub", "Google TV Streamer"}),
        ("av01.0.13M.10", {"Google TV Streamer"}),
        ("av01.1.04M.08", set()),
        ("avc1.640029,ac-3", set()),
    ],
)
def test_a_variant_of_a_playlist_is_as_good_as_its_codecs(codecs: str, played: set[str]) -> None:
    head = f'#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="{codecs}"\nfilm.m3u8\n'.encode()
    assert {model for model in MODELS if not beyond(model, [head])} == played
