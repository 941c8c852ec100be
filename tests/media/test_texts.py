"""A film's own subtitles, cut into segments by the real worker."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from custom_components.torrent_cast.media import (
    Direct,
    Probe,
    Reason,
    Remux,
    Unplayable,
    Worker,
    deliver,
    probe,
    profile_of,
)
from custom_components.torrent_cast.media.codecs import codecs_of
from custom_components.torrent_cast.media.hls import Cutter, cues
from custom_components.torrent_cast.media.renditions import Text, master, text_in, text_playlist

from .conftest import ffmpeg
from .sources import MemorySource

if TYPE_CHECKING:
    from pathlib import Path

CHROMECAST = profile_of("Chromecast")
LINES = {1: "Grüße <i>kursiv</i>", 5.5: "über den Schnitt\nzweite Zeile", 20: "spät -> hier"}
SECONDS = 3.5
FILMS = {
    "srt.mkv": ("-c:s", "srt"),
    "ass.mkv": ("-c:s", "ass"),
    "webvtt.mkv": ("-c:s", "webvtt"),
    "text.mp4": ("-c:s", "mov_text"),
    "live.mkv": ("-c:s", "srt", "-live", "1"),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory of films of 30 s with key frames 1.6 s apart, and the same subtitles in several forms."""
    directory = tmp_path_factory.mktemp("texts")
    side = directory / "side.srt"
    lines = (f"{n}\n{_srt(at)} --> {_srt(at + SECONDS)}\n{text}\n" for n, (at, text) in enumerate(LINES.items()))
    side.write_text("\n".join(lines))
    source = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=30", "-f", "lavfi", "-i", "sine=d=30")
    video = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "40", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2")
    for name, arguments in FILMS.items():
        ffmpeg(*source, "-i", side, *video, "-metadata:s:s:0", "language=ger", *arguments, directory / name)
    return directory


def _srt(seconds: float) -> str:
    return f"00:00:{int(seconds):02},{int(seconds % 1 * 1000):03}"


def _found(texts: str) -> list[tuple[float, float, str]]:
    """Return begin, end and text of each cue."""
    pattern = re.compile(r"00:00:([\d.]+) --> 00:00:([\d.]+)\n(.+?)(?:\n\n|\Z)", re.DOTALL)
    return [(float(begin), float(end), text) for begin, end, text in pattern.findall(texts)]


async def _probed(worker: Worker, path: Path) -> tuple[MemorySource, Probe]:
    source = MemorySource(path.read_bytes())  # noqa: ASYNC240  # a small file
    return source, await probe(worker, source, path.name)


@pytest.mark.parametrize("name", sorted(set(FILMS) - {"live.mkv"}))
async def test_each_line_is_in_the_segment_it_begins_in_in_any_order(worker: Worker, films: Path, name: str) -> None:
    source, found = await _probed(worker, films / name)
    (stream,) = found.texts
    assert stream.language == "ger"
    remux = deliver(found, CHROMECAST)
    assert isinstance(remux, Remux)
    cutter = Cutter(worker, source, found, remux)
    texts = {one.number: cues(await cutter.texts(one), stream.index) for one in reversed(remux.segments)}
    again = {one.number: cues(await cutter.texts(one), stream.index) for one in remux.segments}
    assert texts == again
    for begin, line in LINES.items():
        (segment,) = [one for one in remux.segments if _start(one.begin) <= begin < _start(one.begin) + one.duration]
        ((at, until, _),) = [one for one in _found(texts[segment.number]) if one[2] == line]
        # 0.2 s later than in the file, as the pictures are; Matroska counts from the sound's first packet.
        assert at == pytest.approx(begin + 0.2, abs=0.05)
        if begin < 20 or not name.endswith("mp4"):  # the last one in MP4 is only known to begin
            assert until == pytest.approx(begin + SECONDS + 0.2, abs=0.05)
    assert not cues(b"[]", stream.index)


def _start(cut: object) -> float:
    return float(getattr(cut, "time", 0.0))


async def test_pages_without_end_are_an_error(worker: Worker, tmp_path: Path) -> None:
    side, path = tmp_path / "side.srt", tmp_path / "novel.mkv"
    page = "and so on " * 6000
    side.write_text("\n".join(f"{n}\n{_srt(n / 10)} --> {_srt(n / 10 + 1)}\n{page}\n" for n in range(20)))
    video = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=14", "-f", "lavfi", "-i", "sine=d=14")
    how = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "40", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2")
    ffmpeg(*video, "-i", side, *how, "-c:s", "srt", path)
    source, found = await _probed(worker, path)
    remux = deliver(found, CHROMECAST)
    assert isinstance(remux, Remux)
    with pytest.raises(Unplayable) as caught:
        await Cutter(worker, source, found, remux).texts(remux.segments[0])
    assert caught.value.reason is Reason.TOO_BIG


async def test_only_bytes_of_the_segment_are_asked_for(worker: Worker, films: Path) -> None:
    source, found = await _probed(worker, films / "text.mp4")
    remux = deliver(found, CHROMECAST)
    assert isinstance(remux, Remux)
    cutter = Cutter(worker, source, found, remux)
    await cutter.beginning()
    for segment in remux.segments[:1] + remux.segments[2:]:
        source.asked.clear()
        await cutter.texts(segment)
        assert source.asked == [(segment.start, segment.end)]


async def test_a_film_with_subtitles_is_cut_where_it_can_be(worker: Worker, films: Path) -> None:
    _, found = await _probed(worker, films / "text.mp4")
    browser = deliver(found, CHROMECAST)
    assert isinstance(browser, Remux)
    assert not browser.encodes_audio
    assert isinstance(deliver(replace(found, video=None), CHROMECAST), Direct), "sound alone"


async def test_a_film_without_an_index_has_its_lines_too(worker: Worker, films: Path) -> None:
    from custom_components.torrent_cast.media.growing import Scanner  # noqa: PLC0415  # for one test

    source, found = await _probed(worker, films / "live.mkv")
    remux = deliver(found, CHROMECAST)
    assert isinstance(remux, Remux)
    assert remux.grows
    scanner = Scanner(worker, source, found)
    while not scanner.growth.is_complete:
        await scanner.go_on()
    cutter = Cutter(worker, source, scanner.growth.probe, remux)
    texts = [cues(await cutter.texts(one), found.texts[0].index) for one in scanner.growth.segments]
    begun = {text: begin for one in texts for begin, _, text in _found(one)}
    assert begun == {line: pytest.approx(at + 0.2, abs=0.05) for at, line in LINES.items()}


async def test_what_a_film_is_made_of_is_said(worker: Worker, films: Path) -> None:
    source, found = await _probed(worker, films / "srt.mkv")
    remux = deliver(found, CHROMECAST)
    assert isinstance(remux, Remux)
    codecs = codecs_of(await Cutter(worker, source, found, remux).beginning())
    assert codecs == ("avc1.42C00B", "mp4a.40.2")
    german = Text(2, 'Ger"man\n', "de", 7)
    told = master([german], 7, codecs, 1000.0).splitlines()
    assert told[3] == (
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="texts",NAME="Ger man",LANGUAGE="de",'
        'DEFAULT=YES,AUTOSELECT=YES,FORCED=NO,URI="text2.m3u8"'
    )
    assert told[4] == (
        '#EXT-X-STREAM-INF:BANDWIDTH=16000,CLOSED-CAPTIONS=NONE,CODECS="avc1.42C00B,mp4a.40.2",SUBTITLES="texts"'
    )
    lines = text_playlist(2, remux.segments, is_complete=True).splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        f"text2-{n}.vtt" for n in range(len(remux.segments))
    ]
    assert text_in("text2-3.vtt") == (2, 3)
    assert text_in("text2.m3u8") == (2, None)
    assert text_in("film.m3u8") is None


@pytest.mark.parametrize("broken", [b"", b"\0\0\0\1moov", b"\0\0\0\x10moov\0\0\0\x08trak", b"x" * 100])
def test_a_beginning_that_makes_no_sense_has_no_codecs(broken: bytes) -> None:
    assert codecs_of(broken) == ()
