"""Subtitles of every format and encoding as WebVTT, by the real worker process."""

from collections.abc import AsyncIterator

import pytest

from custom_components.torrent_cast.media import Reason, Unplayable, Worker
from custom_components.torrent_cast.media.inside import film
from custom_components.torrent_cast.media.languages import language_of
from custom_components.torrent_cast.media.subtitles import LATER, MAX_BYTES, SAMPLE, decoded, delayed, webvtt

SRT = "1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Hello</i>\r\nworld\r\n"
ASS = """[Script Info]
ScriptType: v4.00+
[V4+ Styles]
Format: Name, Fontname
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\an8\\i1}Hello{\\i0}\\Nworld
Comment: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,for the translator
"""
VTT = "WEBVTT\n\n00:01.000 --> 00:02.500\n<i>Hello</i>\nworld\n"
RUSSIAN = "1\n00:00:01,000 --> 00:00:02,500\nПривет, как дела сегодня вечером, дорогой друг?\n"  # noqa: RUF001  # Cyrillic


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    """Return a worker process."""
    async with Worker() as worker:
        yield worker


@pytest.mark.parametrize("text", [SRT, ASS, VTT], ids=["srt", "ass", "vtt"])
async def test_every_format_becomes_webvtt(worker: Worker, text: str) -> None:
    found = (await webvtt(worker, text.encode())).decode()
    assert found.startswith("WEBVTT\n\n")
    assert "00:00:01.000 --> 00:00:02.500\n<i>Hello</i>\nworld\n" in found
    assert found.count("-->") == 1
    assert b"00:00:01.200 --> 00:00:02.700\n" in delayed(found.encode())


def test_lines_are_as_late_as_the_pictures_in_segments() -> None:
    assert float(film.LATER) == LATER


@pytest.mark.parametrize(
    ("text", "rate", "end"),
    [
        ("{24}{48}Hello|world\n", None, "00:00:02.002"),
        ("{24}{48}Hello|world\n", 25.0, "00:00:01.920"),
        ("{1}{1}25\n{25}{50}Hello|world\n", 24.0, "00:00:02.000"),
    ],
)
async def test_frames_are_counted_at_the_rate_of_the_file_of_the_film_or_of_films(
    worker: Worker, text: str, rate: float | None, end: str
) -> None:
    found = (await webvtt(worker, text.encode(), rate)).decode()
    assert f" --> {end}\nHello\nworld\n" in found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1251", "koi8-r"])
def test_any_encoding_is_read(encoding: str) -> None:
    text = RUSSIAN * 10
    data = (b"\xfe\xff" if encoding == "utf-16-be" else b"") + text.encode(encoding)
    assert decoded(data) == text


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("gbk", "今天晚上我们一起去看电影吧，亲爱的朋友们，好不好？"),  # noqa: RUF001  # Chinese
        ("big5", "今天晚上我們一起去看電影吧，親愛的朋友們，好不好？"),  # noqa: RUF001  # Chinese
        ("euc-kr", "오늘 저녁에 우리 함께 영화를 보러 가자, 사랑하는 친구야."),
    ],
    ids=["gbk", "big5", "euc-kr"],
)
def test_letters_of_two_bytes_are_told_wherever_the_sample_of_them_ends(encoding: str, line: str) -> None:
    cue = f"1\n00:00:01,000 --> 00:00:02,500\n{line}\n\n".encode(encoding)
    before = b"\n" * ((SAMPLE - cue.index(line.encode(encoding)) - 1) % len(cue))
    data = before + cue * (2 * SAMPLE // len(cue))
    with pytest.raises(UnicodeDecodeError):
        data[:SAMPLE].decode(encoding)
    assert decoded(data) == data.decode(encoding)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.NOT_SUBTITLES),
        (b"\n \n", Reason.NOT_SUBTITLES),
        (b"a story without times", Reason.NOT_SUBTITLES),
        (bytes(1000), Reason.NOT_SUBTITLES),
        (b"\x00\x00\x01\xba\x44", Reason.SUBTITLES_DRAWN),
        (b"PG\x00", Reason.SUBTITLES_DRAWN),
        (b"x" * (MAX_BYTES + 1), Reason.SUBTITLES_TOO_LARGE),
        (SRT.encode() * 21_000, Reason.NOT_SUBTITLES),
        (b"{" * 1_000_000, Reason.NOT_SUBTITLES),
        (b"00:00:01,000 --> " * 200_000, Reason.NOT_SUBTITLES),
    ],
    ids=["empty", "blank", "story", "zeros", "vobsub", "pgs", "large", "lines", "braces", "arrows"],
)
async def test_what_is_none_is_an_error_and_the_worker_goes_on(worker: Worker, data: bytes, reason: Reason) -> None:
    with pytest.raises(Unplayable) as caught:
        await webvtt(worker, data)
    assert caught.value.reason is reason
    assert b"Hello" in await webvtt(worker, SRT.encode())


async def test_an_arrow_in_a_line_does_not_end_it(worker: Worker) -> None:
    found = await webvtt(worker, b"{24}{48}this --> that\n")
    assert found.count(b"-->") == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(("de", "de"), ("ger", "de"), ("deu", "de"), ("German", "de"), ("de-AT", "de"), ("pt_BR", "pt"), ("EN", "en")),
        *(("gsw", "gsw"), ("und", None), ("", None), (None, None), ("no such", None), ("x" * 1000, None)),
    ],
)
def test_a_language_is_known_by_all_its_names(text: str | None, code: str | None) -> None:
    assert language_of(text) == code
