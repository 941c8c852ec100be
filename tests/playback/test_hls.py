"""A film in segments: which are kept, how its playlist grows, and what is planned for by who asks for them."""

import json
from array import array
from contextlib import nullcontext
from typing import cast

import pytest

from custom_components.torrent_cast.engine import Cursor
from custom_components.torrent_cast.media import (
    Container,
    KeyFrames,
    Kind,
    Probe,
    Reason,
    Remux,
    Stream,
    Unplayable,
)
from custom_components.torrent_cast.media.hls import BEGINNING, HOLD_BACK, MAX_SEGMENT, PLAYLIST, Cut, Cutter, Segment
from custom_components.torrent_cast.playback import Track
from custom_components.torrent_cast.playback.hls import MAX_KEPT, MAX_UNREAD, Hls, follow

from .test_playhead import MIB, Place


def asked(*starts: int) -> Place:
    """Return a cursor after requests for the segments that begin at these MiB."""
    place = Place()
    for start in starts:
        with follow(cast("Cursor", place), place, start * MIB, 600 * MIB):
            pass
    return place


def test_the_next_segment_was_planned_for() -> None:
    place = asked(0, 3, 6)
    assert (place.position, place.jumps) == (6 * MIB, [])


@pytest.mark.parametrize(("before", "to"), [(3, 300), (300, 3), (0, MAX_SEGMENT // MIB + 1)])
def test_a_segment_elsewhere_is_a_jump(before: int, to: int) -> None:
    assert asked(before, to).jumps[-1] == to


# --- what is made ----------------------------------------------------------------------------------------------------

SECONDS = 6


class Scissors:
    """Makes segments of `size` bytes and counts them; of those in `silent` it makes no lines."""

    def __init__(self, size: int, *silent: str) -> None:
        self._data = bytes(size)
        self._silent = silent
        self.made: list[str] = []

    async def segment(self, segment: Segment) -> bytes:
        """Return a segment."""
        self.made.append(segment.name)
        return self._data

    async def texts(self, segment: Segment) -> bytes:
        """Return the lines of a segment: its name."""
        self.made.append(segment.name)
        if segment.name in self._silent:
            raise Unplayable(Reason.TIMEOUT)
        return json.dumps({"2": segment.name}).encode()


def segments(*numbers: int) -> list[Segment]:
    """Return segments of six seconds and as many MiB."""

    def cut(number: int) -> Cut:
        return Cut(float(number * SECONDS), number * SECONDS * MIB)

    return [Segment(one, cut(one), cut(one + 1), SECONDS, cut(one).offset, cut(one + 1).offset) for one in numbers]


def film(scissors: Scissors, *numbers: int, grows: bool = False) -> Hls:
    """Return a film of those segments."""
    video, text = Stream(0, Kind.VIDEO, "h264"), Stream(2, Kind.SUBTITLE, "subrip")
    remux = Remux(tuple(segments(*numbers)), video, None, encodes_audio=False, grows=grows, texts=(text,))
    nothing = KeyFrames(array("d"), array("q"))
    found = Probe(Container.MATROSKA, "video/x-matroska", 600 * MIB, 600.0, ((0, 9),), nothing)
    return Hls(cast("Cutter", scissors), remux, found, lambda _place, _start, _end: nullcontext())


async def get(film: Hls, *names: str) -> list[bytes]:
    """Ask for files one after the other."""
    found = []
    for name in names:
        part = film.find(name)
        assert part is not None
        found.append(await part.make())
    return found


async def test_segments_are_made_once_as_long_as_they_are_kept() -> None:
    scissors = Scissors(MAX_KEPT // 4)
    await get(film(scissors, *range(4)), *(f"{number % 4}.m4s" for number in range(12)))
    assert scissors.made == ["0.m4s", "1.m4s", "2.m4s", "3.m4s"]


async def test_no_more_is_kept_than_the_bound_and_what_was_asked_for_last_stays() -> None:
    scissors = Scissors(MAX_KEPT // 4)
    hls = film(scissors, *range(6))
    await get(hls, "0.m4s", "1.m4s", "2.m4s", "3.m4s", "0.m4s", "4.m4s")  # all but the second fit
    assert sum(map(len, hls._kept.values())) == MAX_KEPT
    del scissors.made[:]
    await get(hls, "0.m4s", "3.m4s", "4.m4s")
    assert scissors.made == []
    await get(hls, "1.m4s")
    assert scissors.made == ["1.m4s"]
    assert sum(map(len, hls._kept.values())) == MAX_KEPT


async def test_of_segments_beyond_the_bound_one_is_kept() -> None:
    scissors = Scissors(MAX_KEPT + 1)
    hls = film(scissors, 0, 1)
    await get(hls, "0.m4s", "0.m4s", "1.m4s")
    assert (scissors.made, list(hls._kept)) == (["0.m4s", "1.m4s"], ["1.m4s"])


async def test_a_playlist_grows_and_is_that_of_a_whole_film_once_it_is_complete() -> None:
    hls = film(Scissors(1), grows=True)
    hls.offer([Track(1, "English", "en", stream=2)], lambda: None)
    hls.extend(segments(0, 1), is_complete=False)
    names = (PLAYLIST, "text2.m3u8")
    for listed in await get(hls, *names):
        lines = listed.decode().splitlines()
        assert {"#EXT-X-PLAYLIST-TYPE:EVENT", f"#EXT-X-SERVER-CONTROL:HOLD-BACK={HOLD_BACK}"} <= set(lines)
        assert "#EXT-X-ENDLIST" not in lines
    before = [listed.decode().splitlines() for listed in await get(hls, *names)]
    hls.extend(segments(2), is_complete=True)
    for listed, old in zip(await get(hls, *names), before, strict=True):
        lines = listed.decode().splitlines()
        assert "#EXT-X-PLAYLIST-TYPE:VOD" in lines
        assert lines[-1] == "#EXT-X-ENDLIST"
        assert not [line for line in lines if line.startswith(("#EXT-X-START", "#EXT-X-SERVER-CONTROL"))]
        called = [line for line in lines if not line.startswith("#")]
        assert (len(called), called[:2]) == (3, [line for line in old if not line.startswith("#")])
    assert f'#EXT-X-MAP:URI="{BEGINNING}"' in hls.playlist


async def lines(scissors: Scissors, *numbers: int) -> list[bytes]:
    """Ask for the lines of those segments of a film."""
    hls = film(scissors, *range(max(numbers) + 1))
    hls.offer([Track(1, "English", "en", stream=2)], lambda: None)
    return await get(hls, *(f"text2-{number}.vtt" for number in numbers))


async def test_a_segment_without_lines_takes_none_from_the_next_ones() -> None:
    scissors = Scissors(1, "1.m4s", "2.m4s", "4.m4s", "5.m4s")
    assert await lines(scissors, *range(7)) == [b"0.m4s", b"", b"", b"3.m4s", b"", b"", b"6.m4s"]


async def test_a_segment_that_is_asked_for_again_and_again_counts_once() -> None:
    assert await lines(Scissors(1, "0.m4s"), 0, 0, 0, 0, 1) == [b"", b"", b"", b"", b"1.m4s"]


async def test_lines_that_are_never_there_do_not_keep_the_pictures_waiting(caplog: pytest.LogCaptureFixture) -> None:
    scissors = Scissors(1, *(f"{number}.m4s" for number in range(MAX_UNREAD)))
    assert await lines(scissors, *range(MAX_UNREAD + 1)) == [b""] * (MAX_UNREAD + 1)
    assert scissors.made == ["0.m4s", "1.m4s", "2.m4s"]
    assert "The film goes on without its subtitles" in caplog.text
