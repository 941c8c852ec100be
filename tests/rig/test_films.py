"""The test films are what they say they are, and their clock can be trusted."""

from dataclasses import replace
from typing import TYPE_CHECKING

import av
import pytest

from tests.rig.films import CHECK_MODULUS, SHORT, SHORT_LAST, TICKS, ClockLayout, Film, clock_layout, film, read_clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRAME = 1 / SHORT.fps


@pytest.fixture
def layout() -> ClockLayout:
    """Return where the short film's clock is."""
    return clock_layout(SHORT)


def _frames(path: Path, second: float) -> Iterator[av.VideoFrame]:
    """Yield the frames of `path` from the key frame before `second`."""
    with av.open(str(path)) as container:
        container.seek(round(second * av.time_base))
        yield from container.decode(video=0)


def _luma(frame: av.VideoFrame) -> tuple[bytes, int, int, int]:
    plane = frame.planes[0]
    return bytes(plane), frame.width, frame.height, plane.line_size


def _atoms(path: Path) -> list[bytes]:
    """Return the types of the file's outermost atoms, in order (ISO/IEC 14496-12 §4.2)."""
    data, start, found = path.read_bytes(), 0, []
    while start < len(data):
        found.append(data[start + 4 : start + 8])
        start += int.from_bytes(data[start : start + 4])
    return found


def _films_below(folder: Path) -> list[Path]:
    return list(folder.rglob("*.mp4"))


@pytest.mark.parametrize("second", [0.0, 0.1, 1.9, 2.0, 7.3, 12.8, 19.9])
async def test_the_clock_shows_the_time_of_the_picture(second: float, layout: ClockLayout) -> None:
    path = await film(SHORT)

    frame = next(
        frame for frame in _frames(path, second) if frame.time is not None and frame.time >= second - FRAME / 2
    )

    assert frame.time == pytest.approx(second, abs=FRAME)
    shown = read_clock(*_luma(frame), layout)
    assert shown is not None
    assert 0 <= round(frame.time - shown, 3) < 1 / TICKS


async def test_every_picture_can_be_read(layout: ClockLayout) -> None:
    path = await film(SHORT)

    shown = [read_clock(*_luma(frame), layout) for frame in _frames(path, 0)]

    assert shown == [number * TICKS // SHORT.fps / TICKS for number in range(SHORT.seconds * SHORT.fps)]


async def test_a_picture_without_a_clock_is_not_read(layout: ClockLayout) -> None:
    for shade in (0, 128, 255):
        assert (
            read_clock(bytes([shade]) * (SHORT.width * SHORT.height), SHORT.width, SHORT.height, SHORT.width, layout)
            is None
        )


async def test_any_single_wrong_block_is_noticed(layout: ClockLayout) -> None:
    path = await film(SHORT)
    luma, width, height, stride = _luma(next(_frames(path, 13.5)))
    assert read_clock(luma, width, height, stride, layout) is not None

    for x, y, w, h in layout["blocks"]:
        flipped = bytearray(luma)
        for row in range(round(y * height), round((y + h) * height)):
            for column in range(round(x * width), round((x + w) * width)):
                flipped[row * stride + column] = 255 - flipped[row * stride + column]
        assert read_clock(bytes(flipped), width, height, stride, layout) is None


def test_the_layout_leaves_room_for_ten_minutes(layout: ClockLayout) -> None:
    assert 2 ** len(layout["bits"]) > 600 * TICKS
    assert 2 ** len(layout["check"]) > CHECK_MODULUS
    assert all(x >= 0 and x + w <= 1 and y >= 0 and y + h <= 1 for x, y, w, h in layout["blocks"])


async def test_the_moov_is_where_the_recipe_wants_it() -> None:
    first, last = _atoms(await film(SHORT)), _atoms(await film(SHORT_LAST))

    assert first.index(b"moov") < first.index(b"mdat")
    assert last.index(b"mdat") < last.index(b"moov")


async def test_the_file_has_the_bit_rate_and_the_key_frames_of_the_recipe() -> None:
    path = await film(SHORT)

    with av.open(str(path)) as container:
        keys = [
            float(packet.pts * packet.time_base)
            for packet in container.demux(video=0)
            if packet.is_keyframe and packet.pts is not None
        ]
    assert keys == [float(second) for second in range(0, SHORT.seconds, 2)]
    assert path.stat().st_size * 8 / SHORT.seconds == pytest.approx(SHORT.bitrate, rel=0.1)


async def test_a_film_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORRENT_CAST_CACHE", str(tmp_path))
    recipe = replace(SHORT, seconds=1)

    made = (await film(recipe)).stat()
    again = (await film(recipe)).stat()

    assert (made.st_ino, made.st_mtime_ns) == (again.st_ino, again.st_mtime_ns)


async def test_a_film_that_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORRENT_CAST_CACHE", str(tmp_path))

    with pytest.raises(RuntimeError, match="ffmpeg ended"):
        await film(Film("Impossible.mp4", seconds=1, width=-1))

    assert not _films_below(tmp_path)
