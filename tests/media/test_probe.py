"""What probing finds in real files, and which bytes it asks for."""
# the name of a test is its sentence

import asyncio
import json
import random
import subprocess
from array import array
from typing import TYPE_CHECKING

import pytest

from custom_components.torrent_cast.media import (
    Container,
    KeyFrames,
    Kind,
    Probe,
    Reason,
    Unplayable,
    content_type,
    probe,
)
from custom_components.torrent_cast.media.probe import _probe
from custom_components.torrent_cast.media.worker import Answer

from .conftest import ffmpeg
from .sources import MemorySource

if TYPE_CHECKING:
    from pathlib import Path

    from custom_components.torrent_cast.media import Worker

HEAD = (0, 256 << 10)

FILES = [
    ("first.mp4", Container.MP4, "video/mp4", "h264", "aac"),
    ("last.mp4", Container.MP4, "video/mp4", "h264", "aac"),
    ("film.mkv", Container.MATROSKA, "video/x-matroska", "h264", "aac"),
    ("film.webm", Container.WEBM, "video/webm", "vp8", "opus"),
    ("film.ts", Container.MPEGTS, "video/mp2t", "h264", "aac"),
    ("film.avi", Container.AVI, "video/x-msvideo", "mpeg4", "mp3"),
    ("song.m4a", Container.MP4, "audio/mp4", None, "aac"),
    ("song.mp3", Container.MP3, "audio/mpeg", None, "mp3"),
    ("song.flac", Container.FLAC, "audio/flac", None, "flac"),
    ("song.wav", Container.WAV, "audio/wav", None, "pcm_s16le"),
    ("song.ogg", Container.OGG, "audio/ogg", None, "vorbis"),
]

INDEXED = [("first.mp4", 0), ("last.mp4", 0), ("film.mkv", 1024), ("film.webm", 1024), ("film.avi", 8)]
"""Files with an index, and by how many bytes at most it names a place before the packet: cluster or chunk header."""


async def look(worker: Worker, path: Path) -> tuple[Probe, MemorySource]:
    """Probe a file; return the finding and what was asked."""
    source = MemorySource(path.read_bytes())  # noqa: ASYNC240  # a small file
    return await probe(worker, source, path.name), source


def key_packets(path: Path) -> list[tuple[float, int]]:
    """Return time and position of every key frame, as ffprobe sees them."""
    arguments = ("-v", "error", "-select_streams", "v:0", "-show_packets", "-of", "json", path)
    packets = json.loads(subprocess.run(["ffprobe", *arguments], check=True, stdout=subprocess.PIPE).stdout)["packets"]
    return [(float(p.get("pts_time", p.get("dts_time"))), int(p["pos"])) for p in packets if "K" in p["flags"]]


@pytest.mark.parametrize(("name", "container", "kind", "video", "audio"), FILES)
async def test_a_file_is_what_it_is(
    worker: Worker, media: Path, name: str, container: Container, kind: str, video: str | None, audio: str
) -> None:
    found, source = await look(worker, media / name)
    assert (found.container, found.content_type) == (container, kind)
    assert (found.video_codec, found.audio_codec) == (video, audio)
    assert found.audio is not None
    assert found.audio.channels == 1
    assert (found.video is None) is (video is None)
    if found.video is not None:
        assert (found.video.width, found.video.height, found.video.depth) == (320, 180, 8)
    assert found.duration == pytest.approx(12, abs=0.1)
    assert found.bytes_per_second == pytest.approx(source.size / 12, rel=0.01)
    assert found.index[0][0] == 0


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
async def test_the_rate_of_pictures_is_exact(worker: Worker, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"film.{suffix}"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=24000/1001:duration=3", "-c:v", "mpeg4", path)
    found, _ = await look(worker, path)
    assert found.picture_rate == pytest.approx(24000 / 1001)
    assert found.video is not None
    assert found.video.rate == 24


COVERED = {
    "after.mp4": ("-map", "0", "-map", "1", "-c", "copy", "-disposition:v:1", "attached_pic"),
    "before.mp4": ("-map", "1", "-map", "0", "-c", "copy", "-disposition:v:0", "attached_pic"),
    "attached.mkv": ("-map", "0", "-c", "copy", "-attach", "{cover}", "-metadata:s:t", "mimetype=image/png"),
}
"""How films with a cover are made: it comes after their video, before it, or as a file that is attached."""


@pytest.mark.parametrize("name", COVERED)
async def test_a_cover_is_not_the_films_video(worker: Worker, media: Path, tmp_path: Path, name: str) -> None:
    cover, path = tmp_path / "cover.png", tmp_path / name
    ffmpeg("-f", "lavfi", "-i", "color=red:size=64x96", "-frames:v", "1", cover)
    ffmpeg("-i", media / "last.mp4", "-i", cover, *(part.format(cover=cover) for part in COVERED[name]), path)
    found, _ = await look(worker, path)
    assert [one.codec for one in found.streams if one.kind is Kind.COVER] == ["png"]
    assert found.video is not None
    assert (found.video_codec, found.video.width) == ("h264", 320)
    assert len(found.key_frames) > 1, "by its own index"


async def test_the_cover_of_a_song_makes_it_no_film(worker: Worker, media: Path, tmp_path: Path) -> None:
    cover, path = tmp_path / "cover.png", tmp_path / "song.mp3"
    ffmpeg("-f", "lavfi", "-i", "color=red:size=64x96", "-frames:v", "1", cover)
    pictured = ("-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic")
    ffmpeg("-i", media / "song.mp3", "-i", cover, *pictured, path)
    found, _ = await look(worker, path)
    assert [one.kind for one in found.streams] == [Kind.AUDIO, Kind.COVER]
    assert (found.video, found.content_type) == (None, "audio/mpeg")


async def test_sound_that_nobody_decodes_has_no_codec(worker: Worker, media: Path, tmp_path: Path) -> None:
    path = tmp_path / "alien.mkv"
    path.write_bytes((media / "film.mkv").read_bytes().replace(b"A_AAC", b"A_XYZ"))
    found, _ = await look(worker, path)
    assert (found.video_codec, found.audio_codec) == ("h264", None)
    assert found.audio is not None


@pytest.mark.parametrize("name", ["first.mp4", "fragmented.mp4", "nocues.mkv", "timed.mkv"])
async def test_a_file_with_all_in_its_head_needs_only_that(worker: Worker, media: Path, name: str) -> None:
    found, source = await look(worker, media / name)
    assert source.asked == [HEAD]
    assert len(found.index) == 1
    assert found.index[0][1] <= HEAD[1]


@pytest.mark.parametrize("name", ["last.mp4", "film.mkv", "film.webm", "film.avi"])
async def test_a_file_with_its_index_at_the_end_needs_head_and_end(worker: Worker, media: Path, name: str) -> None:
    found, source = await look(worker, media / name)
    head, (start, end) = source.asked
    assert head == HEAD
    assert start > source.size - (100 << 10)
    assert end == source.size
    assert len(found.index) == 2
    assert found.index[1][0] <= start
    assert found.index[1][1] == source.size


async def test_the_end_of_a_transport_stream_tells_its_duration_and_is_no_index(worker: Worker, media: Path) -> None:
    found, source = await look(worker, media / "film.ts")
    assert source.asked[0] == HEAD
    assert source.asked[-1] == (source.size - 250_000, source.size)
    assert len(found.index) == 1


@pytest.mark.parametrize(("name", "slack"), INDEXED)
@pytest.mark.parametrize("seconds", [0.0, 1.99, 2.05, 7.9, 11.0])
async def test_a_second_is_at_its_key_frame(worker: Worker, media: Path, name: str, slack: int, seconds: float) -> None:
    found, _ = await look(worker, media / name)
    position = found.byte_at(seconds)
    packets = key_packets(media / name)
    expected = max((pos for time, pos in packets if time <= seconds), default=packets[0][1])
    assert position.exact
    assert expected - slack <= position.offset <= expected


@pytest.mark.parametrize("name", ["film.ts", "timed.mkv", "song.mp3", "song.flac"])
async def test_a_second_is_estimated_without_index(worker: Worker, media: Path, name: str) -> None:
    found, source = await look(worker, media / name)
    position = found.byte_at(6)
    assert not position.exact
    assert position.offset == pytest.approx(source.size / 2, rel=0.01)
    assert found.byte_at(1e6).offset == source.size - 1
    assert found.byte_at(-1).offset == 0


@pytest.mark.parametrize("name", ["fragmented.mp4", "nocues.mkv"])
async def test_a_file_that_does_not_tell_its_duration_is_still_probed(worker: Worker, media: Path, name: str) -> None:
    found, _ = await look(worker, media / name)
    assert found.duration is None
    assert found.bytes_per_second is None
    assert not found.byte_at(5).exact


def test_an_index_that_ends_early_is_not_believed_beyond() -> None:
    frames = KeyFrames(array("d", [0.0, 2.0]), array("q", [48, 5000]))
    assert frames.at(1.9) == 48
    assert frames.at(12.0) == 5000
    assert frames.at(60.0) is None


async def test_two_files_are_probed_at_once(worker: Worker, media: Path) -> None:
    slow = MemorySource((media / "last.mp4").read_bytes())
    slow.open.clear()
    task = asyncio.create_task(probe(worker, slow, "last.mp4"))
    await slow.waiting.wait()
    other, _ = await look(worker, media / "film.mkv")
    slow.open.set()
    assert other.container is Container.MATROSKA
    assert (await task).container is Container.MP4


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        random.Random(1).randbytes(2 << 20),
        b"1\n00:00:01,000 --> 00:00:02,000\nHello\n\n" * 100,
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        b"\x89PNG\r\n\x1a\n" + bytes(1000),
    ],
    ids=["empty", "byte", "random", "subtitles", "playlist", "concat", "image"],
)
async def test_what_is_not_media_is_unplayable(worker: Worker, data: bytes) -> None:
    with pytest.raises(Unplayable) as caught:
        await probe(worker, MemorySource(data), "film.mp4")
    assert caught.value.reason is Reason.NOT_MEDIA


async def test_an_mp4_without_its_end_is_unplayable(worker: Worker, media: Path) -> None:
    with pytest.raises(Unplayable) as caught:
        await probe(worker, MemorySource((media / "last.mp4").read_bytes()[:500_000]), "last.mp4")
    assert caught.value.reason is Reason.NOT_MEDIA


@pytest.mark.parametrize("name", ["first.mp4", "film.mkv", "film.ts", "film.avi", "song.mp3", "song.ogg"])
async def test_a_damaged_file_is_probed_or_unplayable(worker: Worker, media: Path, name: str) -> None:
    chance = random.Random(name)
    data = bytearray((media / name).read_bytes())
    reasons = set()
    for _ in range(20):
        for _ in range(chance.randrange(50)):
            data[chance.randrange(4096)] = chance.randrange(256)
        try:
            found = await probe(worker, MemorySource(bytes(data)), name)
        except Unplayable as err:
            reasons.add(err.reason)
        else:
            assert 0 <= found.byte_at(6).offset < found.size
    assert reasons <= {Reason.NOT_MEDIA, Reason.TOO_BIG}


@pytest.mark.parametrize(
    ("change", "payload"),
    [
        ({"formats": 7, "touched": [["x"]]}, b""),
        ({"touched": [[-1, 5]]}, b""),
        ({"streams": [{"index": 0, "kind": "video", "width": 1 << 40}]}, b""),
        ({"streams": [{"index": 0, "kind": "smell"}]}, b""),
        ({"chapters": [[0]]}, b""),
        ({"start": "soon"}, b""),
        ({}, b"odd"),
        ({}, array("d", [0.0]).tobytes() + array("q", [-1]).tobytes()),
    ],
)
async def test_an_answer_that_makes_no_sense_is_an_error(change: dict[str, object], payload: bytes) -> None:
    sound = {"formats": ["mov"], "webm": False, "duration": 1.0, "video": None, "audio": None}
    result = sound | {"streams": [], "chapters": [], "touched": [[0, 9]], "start": 0}
    assert _probe(Answer(result, b""), 9, "x.mp4").index == ((0, 9),)
    with pytest.raises((ValueError, TypeError)):
        _probe(Answer(result | change, payload), 9, "x.mp4")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Film.MP4", "video/mp4"),
        ("a.b.mkv", "video/x-matroska"),
        ("film.webm", "video/webm"),
        ("film.ts", "video/mp2t"),
        ("film.avi", "video/x-msvideo"),
        ("song.mp3", "audio/mpeg"),
        ("song.m4a", "audio/mp4"),
        ("song.wav", "audio/wav"),
        ("film.mp4.gz", "application/octet-stream"),
        ("folder.mp4/readme", "application/octet-stream"),
        ("data:video/mp4,x", "application/octet-stream"),
    ],
)
def test_a_name_promises_a_content_type(name: str, kind: str) -> None:
    assert content_type(name) == kind


async def test_streams_and_chapters_are_told(worker: Worker, tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    (tmp_path / "words.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    (tmp_path / "font.ttf").write_bytes(bytes(100))
    chapters = (
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=1\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1\nSTART=1\nEND=2\n"
    )
    (tmp_path / "chapters.txt").write_text(chapters)
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=2"),
        *("-f", "lavfi", "-i", "sine=duration=2", "-i", tmp_path / "words.srt", "-i", tmp_path / "chapters.txt"),
        *("-map", "0", "-map", "1", "-map", "1", "-map", "2", "-map_metadata", "3"),
        *("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le"),
        *("-c:a:0", "ac3", "-ac:a:0", "6", "-c:a:1", "aac", "-c:s", "srt"),
        *("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger", "-metadata:s:a:1", "title=Kommentar"),
        *("-disposition:s:0", "forced", "-attach", tmp_path / "font.ttf"),
        *("-metadata:s:t", "mimetype=application/x-truetype-font", film),
    )
    found, _ = await look(worker, film)
    video, sound, other, words, font = found.streams
    assert (video.kind, video.codec, video.profile, video.depth, video.is_420) == ("video", "hevc", "Main 10", 10, True)
    assert 10 <= video.level <= 62
    assert (sound.codec, sound.channels, sound.rate, sound.language) == ("ac3", 6, 44_100, "eng")
    assert (other.codec, other.language, other.title) == ("aac", "ger", "Kommentar")
    assert (words.kind, words.codec, words.is_forced) == ("subtitle", "subrip", True)
    assert (font.kind, font.title) == ("attachment", "font.ttf")
    assert found.video is video
    assert found.audio is sound
    assert [(chapter.start, chapter.title) for chapter in found.chapters] == [(0, "One"), (1, "")]
