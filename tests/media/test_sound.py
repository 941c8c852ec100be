"""Sound that is not the same all along, or that a decoder cannot begin with anywhere, as AAC in segments."""

import io
from array import array
from typing import TYPE_CHECKING

import av
import pytest
from av.audio.frame import AudioFrame

from custom_components.torrent_cast.media.inside.sound import Mixer

from .conftest import ffmpeg
from .crafting import seldom_synced
from .cutting import all_of, decoded, film
from .test_growing import grown

if TYPE_CHECKING:
    from pathlib import Path

    from custom_components.torrent_cast.media import Worker

PART = 8
"""Seconds: whole packets of AC3, so that nothing is between two parts."""


FLASHES = "color=black:size=160x90:rate=25,drawbox=t=fill:color=white:enable='lt(mod(t,1),0.02)'"


@pytest.fixture(scope="session")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory of films whose AC3 goes from stereo to 5.1 and back, with a flash and a tone each second."""
    directory = tmp_path_factory.mktemp("changing")
    for channels in ("2", "6"):
        ffmpeg(
            *("-f", "lavfi", "-i", FLASHES),
            *("-f", "lavfi", "-i", "aevalsrc='0.9*sin(2*PI*1000*t)*lt(mod(t,1),0.1)':s=48000", "-t", str(PART)),
            *("-c:v", "libx264", "-preset", "veryfast", "-g", "40", "-sc_threshold", "0", "-pix_fmt", "yuv420p"),
            *("-c:a", "ac3", "-ac", channels, directory / f"{channels}.ts"),
        )  # fmt: skip
    parts = directory / "parts"
    parts.write_text("file 2.ts\nfile 6.ts\nfile 2.ts\n")
    for name in ("film.ts", "film.mkv"):
        ffmpeg("-f", "concat", "-i", parts, "-c", "copy", directory / name)
    return directory


@pytest.mark.parametrize("name", ["film.ts", "film.mkv"])
async def test_sound_goes_on_where_its_channels_change(worker: Worker, changing: Path, name: str) -> None:
    if name == "film.ts":
        growing = await grown(worker, changing / name)
        media = [await growing.cutter.segment(segment) for segment in growing.segments]
        beginning = await growing.cutter.beginning()
    else:
        beginning, media = await all_of(await film(worker, changing / name))
    flashes, tones = decoded(beginning + b"".join(media))
    assert [round(flash) for flash in flashes] == list(range(3 * PART))
    assert len(tones) >= 3 * PART - 1
    assert all(min(abs(tone - flash) for tone in tones) <= 0.040 for flash in flashes[1:])


def test_no_sample_is_lost_where_sound_takes_another_form() -> None:
    frames = [AudioFrame(format="fltp", layout="5.1", samples=1536) for _ in range(10)]
    for frame in frames:
        frame.sample_rate = 32_000
        for plane in frame.planes:
            plane.update(bytes(frame.samples * 4))
    mixer = Mixer(48_000, frames[0])
    mixed = [part for frame in frames for part in mixer.mixed(frame)]
    assert sum(part.samples for part in [*mixed, *mixer.drained()]) == 10 * 1536 * 3 // 2
    assert mixer.takes(frames[0])
    assert not mixer.takes(AudioFrame(format="fltp", layout="stereo", samples=1536))


WINDOW = 256
"""Samples in which a tone of 1500 Hz is as loud as in all others."""


@pytest.fixture(scope="session")
def lossless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a film with one tone all along in TrueHD, which a decoder can begin with every 107 ms."""
    directory = tmp_path_factory.mktemp("lossless")
    sound, film = directory / "film.thd", directory / "film.mkv"
    encoded = ("-ac", "2", "-c:a", "truehd", "-strict", "-2", "-f", "truehd", "-")
    sound.write_bytes(
        seldom_synced(ffmpeg("-f", "lavfi", "-i", "sine=frequency=1500:sample_rate=48000:d=24", *encoded))
    )
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=24", "-i", sound, "-c:a", "copy"),
        *("-c:v", "libx264", "-preset", "veryfast", "-g", "40", "-sc_threshold", "0", "-pix_fmt", "yuv420p", film),
    )
    return film


async def test_a_decoder_that_begins_late_leaves_no_silence_between_segments(worker: Worker, lossless: Path) -> None:
    cut = await film(worker, lossless)
    beginning, media = await all_of(cut)
    samples = array("f")
    with av.open(io.BytesIO(beginning + b"".join(media)), "r") as container:
        for frame in container.decode(audio=0):
            samples.frombytes(bytes(frame.planes[0])[: frame.samples * samples.itemsize])
    assert len(media) == 4
    assert len(samples) == pytest.approx(24 * 48_000, abs=2048)
    loudest = [max(samples[at : at + WINDOW]) for at in range(4096, len(samples) - 4096, WINDOW)]
    assert min(loudest) == pytest.approx(max(loudest), rel=0.1)
