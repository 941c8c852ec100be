"""Pictures out of what strangers made: covers within films and songs, and files that say they are pictures."""

import struct
import zlib
from pathlib import Path

import av
import pytest

from custom_components.torrent_cast.media import Reason, Unplayable, Worker, cover, picture, probe, still
from custom_components.torrent_cast.media.picture import MAX_ORIGINAL
from custom_components.torrent_cast.media.streams import Kind
from tests.basics import soon

from .conftest import ffmpeg
from .sources import MemorySource

RED, BLUE = (254, 0, 0), (0, 0, 254)
ATTACHED = ("-disposition:v", "attached_pic")
MATROSKA = ("-metadata:s:t:0", "mimetype=image/jpeg", "-metadata:s:t:0", "filename=small_cover.jpg")


def drawn(path: Path, colour: str, size: str = "1000x1500") -> Path:
    """Return a picture of one colour."""
    ffmpeg("-f", "lavfi", "-i", f"color={colour}:size={size}", "-frames:v", "1", "-pix_fmt", "rgb24", path)
    return path


def shown(data: bytes, folder: Path) -> tuple[tuple[int, int], tuple[int, ...]]:
    """Return the size of a JPEG and the colour in its middle."""
    assert data.startswith(b"\xff\xd8\xff")
    path = folder / "shown.jpg"
    path.write_bytes(data)
    with av.open(path) as container:
        frame = next(container.decode(video=0))
        middle = frame.to_ndarray(format="rgb24")[frame.height // 2, frame.width // 2]
        return (frame.width, frame.height), tuple(int(value) for value in middle)


def is_near(colour: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Tell whether a colour is another one but for what JPEG loses."""
    return all(abs(one - other) < 16 for one, other in zip(colour, wanted, strict=True))


GREY, COLOURS = 0, 6
"""Colour types of a PNG: one value, and four with the opacity."""


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a part of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def zeros(rows: int, length: int) -> bytes:
    """Return so many rows of zeros, in few bytes."""
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(bytes(length)) for _ in range(rows)), packer.flush()])


def png(width: int, height: int, depth: int = 1, colours: int = GREY, beside: bytes = b"") -> bytes:
    """Return a PNG of so many black pixels, in few bytes; `beside` are parts before its pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0))
    values = 4 if colours == COLOURS else 1
    rows = chunk(b"IDAT", zeros(height, 1 + (width * depth * values + 7) // 8))
    return b"\x89PNG\r\n\x1a\n" + header + beside + rows + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("film.mp4", ("-map", "0", "-map", "1", "-c", "copy", "-disposition:v:1", "attached_pic")),
        ("song.m4a", ("-map", "0:a", "-map", "1", "-c", "copy", *ATTACHED)),
        ("song.mp3", ("-map", "0:a", "-map", "1", "-c:v", "copy", *ATTACHED)),
        ("song.flac", ("-map", "0:a", "-map", "1", "-c:v", "copy", *ATTACHED)),
    ],
)
async def test_a_cover_within_a_file_is_found(
    media: Path, worker: Worker, tmp_path: Path, name: str, arguments: tuple[str, ...]
) -> None:
    path = tmp_path / name
    ffmpeg("-i", media / "last.mp4", "-i", drawn(tmp_path / "cover.png", "red"), *arguments, path)
    size, colour = shown(await soon(cover(worker, MemorySource(path.read_bytes()))), tmp_path)
    assert size == (480, 720)
    assert is_near(colour, RED)


async def test_of_several_covers_the_one_for_the_front_is_taken(media: Path, worker: Worker, tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    small, front = drawn(tmp_path / "small.jpg", "blue"), drawn(tmp_path / "front.jpg", "red")
    named = (*MATROSKA, "-metadata:s:t:1", "mimetype=image/jpeg", "-metadata:s:t:1", "filename=cover.jpg")
    ffmpeg("-i", media / "film.mkv", "-c", "copy", "-attach", small, "-attach", front, *named, path)
    source = MemorySource(path.read_bytes())
    found = await soon(probe(worker, source, path.name))
    assert [stream.kind for stream in found.streams].count(Kind.COVER) == 2
    probed, source.asked = source.asked, []
    assert is_near(shown(await soon(cover(worker, source)), tmp_path)[1], RED)
    assert max(end for _, end in source.asked) <= max(end for _, end in probed), "nothing more is downloaded for it"


async def test_a_film_without_a_cover_has_none(media: Path, worker: Worker) -> None:
    with pytest.raises(Unplayable) as caught:
        await soon(cover(worker, MemorySource((media / "film.mkv").read_bytes())))
    assert caught.value.reason is Reason.NOT_MEDIA


@pytest.mark.parametrize("suffix", ["jpg", "png"])
async def test_a_picture_is_made_small(worker: Worker, tmp_path: Path, suffix: str) -> None:
    data = drawn(tmp_path / f"cover.{suffix}", "blue", "1600x800").read_bytes()
    size, colour = shown(await soon(still(worker, data)), tmp_path)
    assert size == (480, 240)
    assert is_near(colour, BLUE)


@pytest.mark.parametrize(
    "data",
    [
        b"<html><script>alert(1)</script></html>",
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"\xff\xd8\xff<html><script>alert(1)</script></html>",
        b"\x89PNG\r\n\x1a\n<svg/>",
        b"GIF89a" + bytes(100),
        b"#EXTM3U\nfile:///etc/passwd\n",
        b"",
        png(1, 1),
        png(63, 4000),
        png(64, 64)[:33],
    ],
    ids=["html", "svg", "html as jpeg", "svg as png", "gif", "playlist", "empty", "dot", "line", "cut"],
)
async def test_what_is_no_picture_is_refused(worker: Worker, data: bytes) -> None:
    with pytest.raises(Unplayable) as caught:
        await soon(still(worker, data))
    assert caught.value.reason in {Reason.NOT_MEDIA, Reason.CRASHED}


async def test_what_follows_a_picture_in_its_file_is_not_passed_on(worker: Worker, tmp_path: Path) -> None:
    data = drawn(tmp_path / "cover.jpg", "red").read_bytes() + b"<script>alert(1)</script>"
    assert b"script" not in await soon(still(worker, data))


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (2_000_000_000, 64), (64, 60_000_000)])
async def test_a_bomb_is_refused_unpacked(worker: Worker, width: int, height: int) -> None:
    data = png(width, height) if width < 10**6 > height else png(64, 64)[:16] + struct.pack(">II", width, height)
    with pytest.raises(Unplayable) as caught:
        await soon(still(worker, data))
    assert caught.value.reason is Reason.NOT_MEDIA


@pytest.mark.parametrize(
    ("width", "height", "colours"), [(6300, 6300, COLOURS), (600_000, 64, GREY), (64, 600_000, GREY)]
)
async def test_what_would_take_half_a_gigabyte_is_refused_unpacked(
    worker: Worker, width: int, height: int, colours: int
) -> None:
    with pytest.raises(Unplayable) as caught:
        await soon(still(worker, png(width, height, 16, colours)))
    assert (caught.value.reason, "too large" in str(caught.value)) == (Reason.NOT_MEDIA, True)


async def test_nothing_is_unpacked_beside_the_pixels(worker: Worker, tmp_path: Path) -> None:
    million = 1 << 20
    bomb = chunk(b"iCCP", b"profile\0\0" + zeros(512, million))  # half a gigabyte
    size, _ = shown(await soon(still(worker, png(100, 100, beside=bomb))), tmp_path)
    assert size == (100, 100)
    assert status_of(worker, "VmHWM") < 256 * 1024, "kB"


async def test_pictures_of_many_films_leave_nothing_behind(media: Path, worker: Worker) -> None:
    source = MemorySource((media / "film.mkv").read_bytes())

    async def look() -> int:
        for second in (1.0, 3.0, 5.0, 7.0):
            await soon(picture(worker, source, second))
        return status_of(worker, "VmSize")

    before = await look()
    assert await look() < before + 64 * 1024, "kB: what one thread has for itself"
    assert status_of(worker, "Threads") < 8


def status_of(worker: Worker, name: str) -> int:
    """Return what the kernel tells of a worker's process."""
    assert worker._link is not None
    status = Path(f"/proc/{worker._link.process.pid}/status").read_text()
    (value,) = [int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{name}:")]
    return value


async def test_a_film_with_a_bomb_for_a_cover_is_a_film_all_the_same(
    media: Path, worker: Worker, tmp_path: Path
) -> None:
    bomb, path = tmp_path / "cover.png", tmp_path / "film.mkv"
    bomb.write_bytes(png(30_000, 30_000))
    named = ("-metadata:s:t", "mimetype=image/png", "-metadata:s:t", "filename=cover.png")
    ffmpeg("-i", media / "film.mkv", "-c", "copy", "-attach", bomb, *named, path)
    source = MemorySource(path.read_bytes())
    assert (await soon(probe(worker, source, path.name))).video_codec == "h264"
    with pytest.raises(Unplayable):
        await soon(cover(worker, source))


async def test_what_is_too_large_is_not_looked_at(worker: Worker) -> None:
    with pytest.raises(Unplayable) as caught:
        await soon(still(worker, bytes(MAX_ORIGINAL + 1)))
    assert caught.value.reason is Reason.TOO_BIG
