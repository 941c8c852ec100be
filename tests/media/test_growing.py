"""Films without an index: gone over in steps by the real worker, and cut where their key frames are."""

import io
import random
from array import array
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import av
import pytest

from custom_components.torrent_cast.media import (
    Container,
    KeyFrames,
    Probe,
    Reason,
    Refusal,
    Refused,
    Remux,
    Unplayable,
    deliver,
    probe,
    profile_of,
)
from custom_components.torrent_cast.media.growing import LATEST, MARGIN, MAX_JOINTS, Growth, Scanner, Stretch, _stretch
from custom_components.torrent_cast.media.hls import GROWING_TARGET, HOLD_BACK, MAX_SEGMENT, Cutter, playlist
from custom_components.torrent_cast.media.worker import Answer

from .conftest import ffmpeg
from .cutting import decoded
from .sources import MemorySource

if TYPE_CHECKING:
    from pathlib import Path

    from custom_components.torrent_cast.media import Worker
    from custom_components.torrent_cast.media.hls import Segment

UNINDEXED = ["ac3.ts", "aac.ts", "live.mkv", "fragments.mp4"]
STEP = 20_000
"""Bytes: some seconds of these small films, and now and then less than a group of pictures."""


class Grown(NamedTuple):
    """A film that was gone over, and what cuts it."""

    scanner: Scanner
    cutter: Cutter
    source: MemorySource

    @property
    def segments(self) -> list[Segment]:
        """Return its segments."""
        return self.scanner.growth.segments


async def grown(worker: Worker, path: Path, step: int = STEP) -> Grown:
    """Go over a film; small as it is, what the probe takes for an index is left aside."""
    source = MemorySource(path.read_bytes())  # noqa: ASYNC240  # a small file
    found = await probe(worker, source, path.name)
    assert found.video is not None
    encodes_audio = found.audio_codec == "ac3"
    remux = Remux((), found.video, found.audio, encodes_audio=encodes_audio, grows=True)
    scanner = Scanner(worker, source, found, step)
    while not scanner.growth.is_complete:
        await scanner.go_on()
    return Grown(scanner, Cutter(worker, source, found, remux), source)


@pytest.mark.parametrize("name", UNINDEXED)
async def test_sound_and_picture_are_in_step_in_each_segment_alone(worker: Worker, clocks: Path, name: str) -> None:
    film = await grown(worker, clocks / name)
    beginning = await film.cutter.beginning()
    assert len(film.segments) == 5
    for segment in film.segments:
        begin = segment.begin.time if segment.begin else 0.0
        flashes, tones = decoded(beginning + await film.cutter.segment(segment))
        assert len(flashes) >= 4
        for flash in flashes:
            assert flash == pytest.approx(round(flash), abs=0.041)
            assert begin - 0.001 <= flash < begin + segment.duration
            if begin + 0.2 < flash < begin + segment.duration - 0.2:
                assert min(abs(tone - flash) for tone in tones) <= 0.040


@pytest.mark.parametrize("name", UNINDEXED)
async def test_segments_hold_every_frame_once_and_are_the_same_in_any_order(
    worker: Worker, clocks: Path, name: str
) -> None:
    film = await grown(worker, clocks / name)
    beginning = await film.cutter.beginning()
    media = [await film.cutter.segment(segment) for segment in film.segments]
    whole = beginning + b"".join(media)
    flashes, tones = decoded(whole)
    assert [round(flash) for flash in flashes] == list(range(30))
    assert len(tones) in {29, 30}
    with av.open(io.BytesIO(whole), "r") as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        times = [float((packet.pts or 0) * packet.time_base) for packet in packets]
    assert max(after - before for before, after in pairwise(times)) < 0.035, "no hole in the sound, at no border"
    again = await grown(worker, clocks / name, step=50_000)
    assert again.segments == film.segments, "wherever the steps end"
    order = list(again.segments)
    random.Random(1).shuffle(order)
    for segment in order:
        assert await again.cutter.segment(segment) == media[segment.number]


@pytest.mark.parametrize("name", ["film.ts", "nocues.mkv", "timed.mkv"])
async def test_a_film_without_an_index_grows(worker: Worker, media: Path, name: str) -> None:
    source = MemorySource((media / name).read_bytes())
    found = await probe(worker, source, name)
    assert len(found.key_frames) == 0
    delivery = deliver(found, profile_of("Chromecast"))
    assert isinstance(delivery, Remux)
    assert delivery.grows
    assert not delivery.encodes_audio


async def test_as_much_as_is_there_is_gone_over_at_once(worker: Worker, clocks: Path) -> None:
    source = MemorySource((clocks / "ac3.ts").read_bytes())
    scanner = Scanner(worker, source, await probe(worker, source, "ac3.ts"), STEP)
    source.asked.clear()
    await scanner.go_on(source.size // 2)
    assert max(end for _, end in source.asked) == source.size // 2
    await scanner.go_on(2 * source.size)
    assert scanner.growth.is_complete
    assert scanner.growth.segments == (await grown(worker, clocks / "ac3.ts")).segments


async def test_a_film_is_gone_over_once(worker: Worker, clocks: Path) -> None:
    film = await grown(worker, clocks / "ac3.ts")
    read = sum(end - start for start, end in film.source.asked)
    assert read < 3 * film.source.size + (1 << 20), "steps overlap by less than themselves"


async def test_bytes_that_look_like_a_fragment_are_not_entered_at(worker: Worker, clocks: Path, tmp_path: Path) -> None:
    data = bytearray((clocks / "fragments.mp4").read_bytes())
    at = data.index(b"moof", data.index(b"moof", len(data) // 2) + 4)
    frame = data.index(b"mdat", at) + 64
    data[frame : frame + 4] = b"moof"
    path = tmp_path / "fragments.mp4"
    path.write_bytes(data)
    expected = (await grown(worker, clocks / "fragments.mp4")).segments
    assert (await grown(worker, path)).segments == expected


async def test_a_damaged_stretch_is_an_error_or_a_stretch(worker: Worker, clocks: Path) -> None:
    data = (clocks / "ac3.ts").read_bytes()
    chance = random.Random(1)
    found = await probe(worker, MemorySource(data), "ac3.ts")
    reasons = set()
    for _ in range(20):
        damaged = bytearray(data)
        for _ in range(2000):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        scanner = Scanner(worker, MemorySource(bytes(damaged)), found, STEP)
        try:
            while not scanner.growth.is_complete:
                await scanner.go_on()
        except Unplayable as err:
            reasons.add(err.reason)
    assert reasons <= {Reason.NOT_MEDIA, Reason.CRASHED, Refusal.NO_INDEX}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["forth", "back"])
async def test_recordings_glued_together_go_on_where_the_clock_jumps(
    worker: Worker, clocks: Path, tmp_path: Path, order: tuple[int, int]
) -> None:
    first = clocks / "ac3.ts"
    later = tmp_path / "later.ts"
    ffmpeg("-i", first, "-c", "copy", "-output_ts_offset", "5000", later)
    glued = tmp_path / "glued.ts"
    parts = [first, later]
    glued.write_bytes(b"".join(parts[number].read_bytes() for number in order))
    film = await grown(worker, glued)
    beginning = await film.cutter.beginning()
    flashes, tones = [], []
    for segment in film.segments:
        found = decoded(beginning + await film.cutter.segment(segment))
        flashes += found[0]
        tones += found[1]
    assert [round(flash) for flash in flashes] == list(range(60))
    assert all(min(abs(tone - flash) for tone in tones) <= 0.040 for flash in flashes[1:])
    assert film.scanner.growth.probe.duration == pytest.approx(60, abs=0.1)


# --- what becomes known by and by ------------------------------------------------------------------------------------


def stretch(*times: float, until: float | None = None, rate: int = 1 << 20) -> Stretch:
    """Return key frames at `times` s, `rate` bytes for each second."""
    offsets = [round(time * rate) for time in times]
    return Stretch(KeyFrames(array("d", times), array("q", offsets)), offsets[-1] if offsets else 0, until or times[-1])


def growth(size: int = 40 << 20) -> Growth:
    """Return a film of `size` bytes of which nothing is known."""
    empty = KeyFrames(array("d"), array("q"))
    return Growth(Probe(Container.MPEGTS, "video/mp2t", size, None, ((0, 9),), empty))


def test_a_segment_is_told_of_once_more_than_it_is_known() -> None:
    found = growth()
    found.take(stretch(0, 4, 8), 9 << 20)
    assert found.segments == [], "its sound may lie behind it"
    found.take(stretch(12, until=8 + MARGIN), 13 << 20)
    assert [segment.duration for segment in found.segments] == [8]
    assert found.probe.scanned == 13 << 20


def test_what_is_found_again_counts_once() -> None:
    found = growth()
    found.take(stretch(0, 8), 9 << 20)
    found.take(stretch(8, 16, until=20), 20 << 20)
    assert [segment.name for segment in found.segments] == ["0.m4s", "1.m4s"]
    assert len(found.probe.key_frames) == 3


def test_key_frames_without_end_do_not_fill_the_memory() -> None:
    found = growth()
    found.take(stretch(*(frame / 10_000 for frame in range(100_000)), until=20), 20 << 20)
    assert len(found.probe.key_frames) <= 101


def test_the_last_segment_goes_to_the_end() -> None:
    found = growth()
    found.take(stretch(0, 8, until=40), 40 << 20)
    found.finish()
    assert [segment.duration for segment in found.segments] == [8, 32]
    assert (found.probe.duration, found.probe.scanned, found.is_complete) == (40, None, True)


def test_after_a_jump_of_its_clock_the_film_goes_on_where_it_was() -> None:
    found = growth()
    found.take(replace(stretch(0, 8, until=10), reached=10 << 20, is_jump=True), 10 << 20)
    assert found.known_until is None
    at = array("q", [10 << 20, 18 << 20])
    found.take(Stretch(KeyFrames(array("d", [1000.0, 1008.0]), at), 18 << 20, 1012.0), 30 << 20)
    begun = [(segment.begin.time if segment.begin else 0, segment.is_apart) for segment in found.segments]
    assert begun == [(0, False), (8, True), (10, False)]
    assert [segment.origin for segment in found.segments] == [0, 0, 990_000_000]


def test_a_clock_that_jumps_for_ever_is_refused() -> None:
    found = growth(size=1 << 40)

    def jump(number: int) -> None:
        at = array("q", [number << 20])
        found.take(Stretch(KeyFrames(array("d", [0.0]), at), number << 20, 1.0, is_jump=True), (number + 1) << 20)

    for number in range(MAX_JOINTS + 1):
        jump(number)
    with pytest.raises(Refused, match="no_index"):
        jump(MAX_JOINTS + 1)


def test_clocks_that_make_a_film_of_many_days_are_refused() -> None:
    found = growth(size=1 << 40)
    for number in range(2):
        at, until = array("q", [number << 20]), LATEST * 0.4
        found.take(Stretch(KeyFrames(array("d", [0.0]), at), number << 20, until, is_jump=True), (number + 1) << 20)
    with pytest.raises(Refused, match="no_index"):
        found.take(Stretch(KeyFrames(array("d", [0.0]), array("q", [2 << 20])), 2 << 20, LATEST * 0.4), 3 << 20)


def test_a_film_of_many_bytes_is_cut_as_often_whenever_it_is_gone_over() -> None:
    rate = 12 << 20
    at_once, by_and_by = growth(40 * rate), growth(40 * rate)
    times = [0.0, 0.5, 1.0, 1.5, 5.0, *(5.0 + second * 0.5 for second in range(1, 70))]
    for first, second in pairwise([*times, 40.0]):
        by_and_by.take(stretch(first, until=second, rate=rate), round(second * rate))
    at_once.take(stretch(*times, until=40.0, rate=rate), 40 * rate)
    for found in (at_once, by_and_by):
        found.finish()
    assert at_once.segments == by_and_by.segments
    assert [segment.begin.time for segment in at_once.segments if segment.begin][:5] == [1.0, 1.5, 5.0, 6.0, 7.0]
    assert max(segment.end - segment.start for segment in at_once.segments) == 3.5 * rate, "one group of pictures"


def test_what_was_cut_before_the_clock_jumps_is_not_cut_again_after_it() -> None:
    rate = 12 << 20
    found = growth(20 * rate)
    found.take(replace(stretch(0, 1, 2, until=3, rate=rate), reached=3 * rate, is_jump=True), 3 * rate)
    at = array("q", [3 * rate, 4 * rate, 5 * rate])
    found.take(Stretch(KeyFrames(array("d", [1000.0, 1001.0, 1002.0]), at), 5 * rate, 1003.0), 6 * rate)
    found.finish()
    begun = [(segment.begin.time if segment.begin else 0, segment.is_apart) for segment in found.segments]
    assert begun == [(0, False), (1, False), (2, True), (3, False), (4, False), (5, False)]


def test_key_frames_too_far_apart_are_refused() -> None:
    found = growth(size=4 * MAX_SEGMENT)
    with pytest.raises(Refused, match="no_index"):
        found.take(stretch(until=9), MAX_SEGMENT + 1)
    with pytest.raises(Refused, match="no_index"):
        growth().finish()


def test_a_place_is_not_looked_for_beyond_what_is_known() -> None:
    found = growth()
    found.take(stretch(0, 8, until=12), 12 << 20)
    assert found.probe.byte_at(9).offset == 8 << 20
    assert found.probe.byte_at(3600).offset < 12 << 20
    assert found.probe.bytes_per_second == 1 << 20


def test_a_growing_playlist_begins_at_its_beginning_and_has_no_end() -> None:
    found = growth()
    found.take(stretch(0, 8, 16, until=20), 20 << 20)
    lines = playlist(found.segments, is_complete=False).splitlines()
    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in lines
    assert "#EXT-X-START:TIME-OFFSET=0" in lines
    assert f"#EXT-X-SERVER-CONTROL:HOLD-BACK={HOLD_BACK}" in lines, "else devices stay three segments away"
    assert f"#EXT-X-TARGETDURATION:{GROWING_TARGET}" in lines
    assert "#EXT-X-ENDLIST" not in lines


@pytest.mark.parametrize(
    ("result", "payload"),
    [
        ({"until": "late"}, b""),
        ({"reached": 99}, b""),
        ({"is_jump": 1}, b""),
        ({}, array("d", [0.0]).tobytes() + array("q", [99]).tobytes()),
        ({}, array("d", [float("nan")]).tobytes() + array("q", [5]).tobytes()),
        ({}, array("d", [LATEST]).tobytes() + array("q", [5]).tobytes()),
        ({"until": float("inf")}, b""),
    ],
)
def test_an_answer_that_makes_no_sense_is_an_error(result: dict[str, object], payload: bytes) -> None:
    with pytest.raises((LookupError, TypeError, ValueError)):
        _stretch(Answer({"reached": 5, "until": 1.0, "is_jump": False} | result, payload), 0, 9)


def test_a_part_answer_is_an_error() -> None:
    with pytest.raises(LookupError):
        _stretch(Answer({}, b""), 0, 9)
