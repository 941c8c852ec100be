"""Films cut into segments by the real worker, and decoded again."""

import asyncio
import io
import random
import struct
from array import array
from itertools import pairwise
from typing import TYPE_CHECKING

import av
import pytest

from custom_components.torrent_cast.media import (
    Container,
    KeyFrames,
    Probe,
    Reason,
    Refused,
    Unplayable,
    deliver,
    probe,
)
from custom_components.torrent_cast.media.hls import MAX_SEGMENT, Cutter, playlist, segments

from .cutting import PROFILE, all_of, decoded, film
from .sources import MemorySource

if TYPE_CHECKING:
    from pathlib import Path

    from custom_components.torrent_cast.media import Worker

CUT = ["clock.mkv", "clock.mp4", "surround.mkv", "copied.mkv", "late.mkv", "mp3.mkv", "opus.mkv", "dts.mkv"]
CUT += ["vfr.mkv", "av1.mkv", "ac3.avi", "mp3.avi", "plain.avi", "large.avi"]


@pytest.mark.parametrize("name", CUT)
async def test_sound_and_picture_are_in_step_in_each_segment_alone(worker: Worker, clocks: Path, name: str) -> None:
    cut = await film(worker, clocks / name)
    beginning, media = await all_of(cut)
    assert len(media) == 5
    for segment, data in zip(cut.remux.segments, media, strict=True):
        begin = segment.begin.time if segment.begin else 0.0
        flashes, tones = decoded(beginning + data)
        assert len(flashes) >= 4
        for flash in flashes:
            assert flash == pytest.approx(round(flash), abs=0.041), "pictures are where the file has them"
            assert begin - 0.001 <= flash < begin + segment.duration
            if begin + 0.2 < flash < begin + segment.duration - 0.2:
                assert min(abs(tone - flash) for tone in tones) <= 0.040


@pytest.mark.parametrize("name", CUT)
async def test_segments_hold_every_frame_once(worker: Worker, clocks: Path, name: str) -> None:
    cut = await film(worker, clocks / name)
    beginning, media = await all_of(cut)
    flashes, tones = decoded(beginning + b"".join(media))
    assert [round(flash) for flash in flashes] == list(range(30))
    assert len(tones) in {29, 30}  # the first one's begin may be in what an encoder takes to begin
    with av.open(io.BytesIO(beginning + b"".join(media)), "r") as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        times = [float((packet.pts or 0) * packet.time_base) for packet in packets]
    steps = [after - before for before, after in pairwise(times)]
    assert max(steps) < 0.035, "no hole in the sound, at no border"
    assert min(steps) > 0.015


async def test_what_an_edit_list_hides_takes_no_sound_away_after_a_cut(worker: Worker, clocks: Path) -> None:
    cut = await film(worker, clocks / "edited.mp4")
    beginning, media = await all_of(cut)
    assert len(media) == 5
    flashes, tones = decoded(beginning + b"".join(media))
    assert [round(flash) for flash in flashes] == list(range(30)), "what is hidden is shown: the key frame is there"
    assert [round(tone) for tone in tones] == list(range(1, 30))
    assert all(abs(tone - flash) <= 0.040 for flash, tone in zip(flashes[1:], tones, strict=True))


async def test_a_film_without_sound_is_cut(worker: Worker, clocks: Path) -> None:
    cut = await film(worker, clocks / "silent.mkv", sound=False)
    beginning, media = await all_of(cut)
    with av.open(io.BytesIO(beginning + b"".join(media)), "r") as container:
        assert not container.streams.audio
        assert len(list(container.decode(video=0))) == 750


@pytest.mark.parametrize("name", ["clock.mkv", "clock.mp4", "ac3.avi"])
async def test_segments_are_the_same_in_any_order(worker: Worker, clocks: Path, name: str) -> None:
    first = await film(worker, clocks / name)
    _, media = await all_of(first)
    again = await film(worker, clocks / name)
    order = list(again.remux.segments) * 2
    random.Random(1).shuffle(order)
    for segment in order:
        assert await again.cutter.segment(segment) == media[segment.number]


async def test_a_segment_takes_its_own_bytes_and_little_more(worker: Worker, clocks: Path) -> None:
    cut = await film(worker, clocks / "clock.mkv")
    segment = cut.remux.segments[2]
    cut.source.asked.clear()
    await cut.cutter.segment(segment)
    assert cut.source.asked[0] == (segment.start, segment.end)
    beyond = [end for start, end in cut.source.asked if start >= segment.start]
    assert max(beyond) <= segment.end + (256 << 10)


async def test_a_damaged_segment_is_an_error_or_a_segment(worker: Worker, clocks: Path) -> None:
    cut = await film(worker, clocks / "clock.mkv")
    chance = random.Random(1)
    segment = cut.remux.segments[1]
    reasons = set()
    for _ in range(20):
        data = bytearray(cut.source.data)
        for _ in range(200):
            data[chance.randrange(segment.start, segment.end)] = chance.randrange(256)
        cutter = Cutter(worker, MemorySource(bytes(data)), cut.probe, cut.remux)
        outcome = (await asyncio.gather(cutter.segment(segment), return_exceptions=True))[0]
        if isinstance(outcome, Unplayable):
            reasons.add(outcome.reason)
            continue
        assert isinstance(outcome, bytes)
        size, kind = struct.unpack_from(">I4s", outcome)
        assert kind == b"moof"
        assert struct.unpack_from(">I4s", outcome, size)[1] == b"mdat"
    assert reasons <= {Reason.NOT_MEDIA, Reason.CRASHED}


@pytest.mark.parametrize(("name", "index"), [("ac3.avi", b"idx1"), ("large.avi", b"ix00")])
async def test_an_avi_is_cut_by_the_index_at_its_end_alone(
    worker: Worker, clocks: Path, name: str, index: bytes
) -> None:
    data = (clocks / name).read_bytes()
    source = MemorySource(data[: data.rindex(index)])
    found = await probe(worker, source, "film.avi")
    assert len(found.key_frames) == 0
    with pytest.raises(Refused, match="no_index"):
        deliver(found, PROFILE)


async def test_frames_of_an_avi_without_an_order_are_shown_as_they_are_decoded(worker: Worker, clocks: Path) -> None:
    cut = await film(worker, clocks / "ac3.avi")
    segment = cut.remux.segments[1]
    data = bytearray(cut.source.data)
    key = data.index(b"\0\0\1\x65", segment.start)
    data[key + 4 : key + 12] = bytes(8)  # the header that would tell
    made = await Cutter(worker, MemorySource(bytes(data)), cut.probe, cut.remux).segment(segment)
    with av.open(io.BytesIO(await cut.cutter.beginning() + made), "r") as container:
        shown = [packet.pts for packet in container.demux(video=0) if packet.size]
    assert len(set(shown)) == len(shown) == 160


# --- where to cut ----------------------------------------------------------------------------------------------------


def indexed(times: list[float], duration: float | None = 60.0, size: int = 1 << 20) -> Probe:
    """Return a film of `size` bytes with key frames at `times` s."""
    offsets = [round(time / 60 * size) for time in times]
    frames = KeyFrames(array("d", times), array("q", offsets))
    return Probe(Container.MATROSKA, "video/x-matroska", size, duration, ((0, 9),), frames)


def test_a_film_is_cut_at_its_key_frames_six_seconds_apart() -> None:
    found = segments(indexed([time * 2.5 for time in range(24)]))
    assert [segment.begin.time for segment in found if segment.begin] == [7.5, 15.0, 22.5, 30.0, 37.5, 45.0, 52.5]
    assert [segment.start for segment in found][1:] == [segment.end for segment in found][:-1]
    assert (found[0].start, found[-1].end) == (0, 1 << 20)
    assert sum(segment.duration for segment in found) == pytest.approx(60)


SECOND = 12 << 20
"""Bytes of a second of a film at 100 Mbit/s."""


def test_a_film_of_many_bytes_is_cut_more_often() -> None:
    found = segments(indexed([float(second) for second in range(60)], size=60 * SECOND))
    assert {segment.end - segment.start for segment in found} == {SECOND}
    assert sum(segment.duration for segment in found) == pytest.approx(60)


def test_a_large_group_of_pictures_is_a_segment_of_its_own() -> None:
    times = [0.0, 0.5, 1.0, 1.5, 5.0, *(5.0 + second * 0.5 for second in range(1, 110))]
    found = segments(indexed(times, size=60 * SECOND))
    assert [segment.begin.time for segment in found if segment.begin][:5] == [1.0, 1.5, 5.0, 6.0, 7.0]


def test_the_end_of_a_film_of_many_bytes_is_cut_as_often() -> None:
    found = segments(indexed([second * 0.5 for second in range(118)], size=60 * SECOND))
    assert [segment.duration for segment in found[-3:]] == [1.0, 0.5, 1.5]


def test_sparse_key_frames_make_long_segments() -> None:
    assert [segment.duration for segment in segments(indexed([0.0, 25.0]))] == [25.0, 35.0]


@pytest.mark.parametrize(
    "found",
    [indexed([], 60.0), indexed([0.0, 10.0], None), indexed([0.0, 30.0], size=3 * MAX_SEGMENT)],
    ids=["no index", "no duration", "too large"],
)
def test_what_cannot_be_cut_is_not(found: Probe) -> None:
    assert segments(found) == ()


def test_an_index_beyond_the_end_is_not_cut_by() -> None:
    assert len(segments(indexed([0.0, 90.0]))) == 1


def test_a_playlist_names_all_segments_and_no_longer_one_than_it_says() -> None:
    found = segments(indexed([0.0, 6.5, 15.0]))
    lines = playlist(found).splitlines()
    assert lines[0] == "#EXTM3U"
    assert lines[-1] == "#EXT-X-ENDLIST"
    assert "#EXT-X-PLAYLIST-TYPE:VOD" in lines
    assert [line for line in lines if line.endswith(".m4s")] == ["0.m4s", "1.m4s", "2.m4s"]
    target = next(int(line.partition(":")[2]) for line in lines if line.startswith("#EXT-X-TARGETDURATION"))
    assert target >= round(max(segment.duration for segment in found))
