"""Which subtitles belong to a film, and which of them are shown."""

import asyncio
import gc
import re
from collections.abc import Sequence

import pytest

from custom_components.torrent_cast.engine import SourceError, TorrentFile
from custom_components.torrent_cast.media import Container, Kind, Probe, Stream
from custom_components.torrent_cast.media.probe import KeyFrames
from custom_components.torrent_cast.media.renditions import Text, master
from custom_components.torrent_cast.media.subtitles import delayed
from custom_components.torrent_cast.playback import Given, Habits, NoSuchTrack, Show, Wishes
from custom_components.torrent_cast.playback.subtitles import NOTHING, Subtitles, beside, drawn_beside, missing_of
from custom_components.torrent_cast.playback.wishes import audio_of, find_track, track_of


def files(*paths: str) -> list[TorrentFile]:
    return [TorrentFile(index, f"T/{path}", 1000, 0) for index, path in enumerate(paths)]


def labels(paths: Sequence[str]) -> list[str]:
    found = files(*paths)
    return [f"{side.language} {side.label}" for side in beside(found, found[0])]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["A film.mkv", "A film.srt"], ["None A film"]),
        (["A film.mkv", "A film.de.srt", "A film.eng.sdh.ASS"], ["de German", "en English (SDH)"]),
        (["A film.mkv", "A film.hi.srt", "A film.en.hi.srt"], ["en English (SDH)", "hi Hindi"]),
        (["A film.mkv", "A film.hi.sdh.srt", "Subs/hi.srt"], ["hi Hindi", "hi Hindi (SDH)"]),
        (["A film.mkv", "Subs/2_English.srt", "Subs/it.forced.vtt"], ["en English", "it Italian (forced)"]),
        (["It (2026).mkv", "It again.srt", "It (2026).fr.srt"], ["fr French", "None It again"]),
        (["S.S01E01.mkv", "S.S01E02.mkv", "S.S01E01.en.srt", "S.S01E02.en.srt"], ["en English"]),
        (["S 1x01.mkv", "S 1x02.mkv", "subs/s01e01.de.srt", "subs/s01e02.de.srt"], ["de German"]),
        (
            ["S.S01E01.mkv", "S.S01E02.mkv", "Subs/S.S01E01/2_English.srt", "Subs/S.S01E02/2_English.srt"],
            ["en English"],
        ),
        (["A.mkv", "AB.mkv", "A.srt", "AB.srt"], ["None A"]),
        (["A film.mkv", "A film.sub", "A film.idx"], []),
        (["A film.mkv", "A film.sub"], ["None A film"]),
        (["A film.mkv", "A film.nfo", "A film.sup"], []),
        (["A - 01 [1920x1080].mkv", "A - 02 [1920x1080].mkv", "Subs/A - 02 de [1920x1080].ass"], []),
        (["ΟΔΟΣ.mkv", "ΑΛΛΗ.mkv", "ΟΔΟΣ.de.srt", "ΑΛΛΗ.fr.srt"], ["de German"]),
        (["Caf\u00e9.mkv", "B.mkv", "Cafe\u0301.de.srt"], ["de German"]),
        (["Straße.mkv", "B.mkv", "STRASSE.de.srt"], ["de German"]),
        (["Toy Story.mkv", "Toy Story 2.mkv", "Toy Story.en.srt", "Toy Story 2.de.srt"], ["en English"]),
        (["Toy Story 2.mkv", "Toy Story.mkv", "Toy Story.en.srt", "Toy Story 2.de.srt"], ["de German"]),
        (["A (1)/A.mp4", "B (2)/B.mp4", "A (1)/Subs/English.srt", "B (2)/Subs/German.srt"], ["en English"]),
        (["A film.mkv", "Featurettes/Making of.mkv", "Subs/English.srt"], ["en English"]),
        (["Featurettes/Making of.mkv", "A film.mkv", "Subs/English.srt"], []),
        (["A/A film.mkv", "Subs/English.srt"], ["en English"]),
        (["A/A film.mkv", "B/Another.mkv", "Subs/English.srt"], []),
        (["A film.mkv", "Sample/A film sample.mkv", "Sample/English.srt"], ["en English"]),
        (["TOS.S01E01.mkv", "TNG.S01E01.mkv", "TOS.S01E01.en.srt", "TNG.S01E01.de.srt"], ["en English"]),
        (["S.S01E01.mkv", "more/S.S01E02.mkv", "s01e01.en.srt", "s01e02.de.srt"], ["en English"]),
        (["S/E01.mkv", "S/E02.mkv", "S/Subs/E01/en.srt", "S/Subs/E02/de.srt"], ["en English"]),
        (["T.mkv", "B/B movie.mkv", "Subs/English.srt", "B/Subs/German.srt"], ["en English"]),
        (["B/B movie.mkv", "T.mkv", "Subs/English.srt", "B/Subs/German.srt"], ["de German"]),
    ],
)
def test_subtitles_are_matched_by_name(paths: list[str], expected: list[str]) -> None:
    assert labels(paths) == expected


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["A film.mkv", "A film.sub", "A film.idx"], ["A film (VobSub)"]),
        (["A film.mkv", "Subs/A film.DE.SUB", "Subs/A film.de.idx", "A film.srt"], ["German (VobSub)"]),
        (["A film.mkv", "A film.eng.forced.sup"], ["English (forced) (PGS)"]),
        (["S.S01E01.mkv", "S.S01E02.mkv", "S.S01E01.de.sup", "S.S01E02.de.sup"], ["German (PGS)"]),
        (["A film.mkv", "A film.sub", "A film.idx.txt"], []),
    ],
)
def test_drawn_subtitles_beside_a_film_are_known(paths: list[str], expected: list[str]) -> None:
    found = files(*paths)
    assert [one.label for one in missing_of(drawn_beside(found, found[0]), [])] == expected


def test_what_cannot_be_shown_is_named_where_it_is_asked_for() -> None:
    drawn = Stream(4, Kind.SUBTITLE, "hdmv_pgs_subtitle", language="ger")
    nameless = Stream(5, Kind.SUBTITLE, "dvd_subtitle")
    titled = Stream(6, Kind.SUBTITLE, "dvd_subtitle", title="Signs\x1b")
    subtitles = Subtitles([], None, nothing, [], missing_of([], [drawn, nameless, titled]))
    assert [(one.label, one.language) for one in subtitles.missing] == [
        ("German (PGS)", "de"),
        ("VobSub", None),
        ("Signs (VobSub)", None),
    ]
    with pytest.raises(NoSuchTrack) as caught:
        find_track(subtitles, "de")
    assert caught.value.reason == "subtitles_not_shown"
    assert caught.value.details == {"wanted": "de", "tracks": "-", "missing": "German (PGS), VobSub, Signs (VobSub)"}


def test_more_than_a_menu_shows_are_cut() -> None:
    assert len(labels(["A film.mkv", *(f"{number}.srt" for number in range(500))])) == 40


async def nothing(_file: TorrentFile) -> bytes:
    raise SourceError("unknown_torrent")


async def test_whoever_has_the_patience_waits_until_subtitles_are_there() -> None:
    there = asyncio.Event()

    async def read(_file: TorrentFile) -> bytes:
        await there.wait()
        return b"WEBVTT lines"

    found = files("A.mkv", "A.de.srt")
    hasty, patient = (Subtitles(beside(found, found[0]), None, read, patience=patience) for patience in (0, None))
    assert await hasty.text(1) == NOTHING
    asked = asyncio.create_task(patient.text(1))
    await asyncio.sleep(0)
    assert not asked.done()
    there.set()
    assert await asked == b"WEBVTT lines"
    hasty.close()


@pytest.fixture
def subtitles() -> Subtitles:
    found = files("A.mkv", "A.de.srt", "A.de.forced.srt", "A.en.sdh.srt", "A.en.srt")
    return Subtitles(beside(found, found[0]), None, nothing)


@pytest.mark.parametrize(
    ("show", "language", "spoken", "shown"),
    [
        (Show.AUTO, "de", "en", "German"),
        (Show.AUTO, "de", "de", "German (forced)"),
        (Show.AUTO, "de", None, "German (forced)"),
        (Show.AUTO, "en", "de", "English"),
        (Show.AUTO, "fr", "de", None),
        (Show.ALWAYS, "de", "de", "German"),
        (Show.NEVER, "de", "en", None),
    ],
)
def test_what_is_shown_unasked(
    subtitles: Subtitles, show: Show, language: str, spoken: str | None, shown: str | None
) -> None:
    track = subtitles.default(show, language, spoken)
    assert (track.label if track else None) == shown


def test_what_is_asked_for_is_shown(subtitles: Subtitles) -> None:
    found = [find_track(subtitles, wanted) for wanted in ("German", "en", "3", " OFF ")]
    assert [track.label if track else None for track in found] == ["German", "English", "English", None]
    with pytest.raises(NoSuchTrack) as caught:
        find_track(subtitles, "fr")
    assert caught.value.details["tracks"] == "1 German, 2 German (forced), 3 English, 4 English (SDH)"


async def test_what_cannot_be_read_and_nobody_asks_for_is_no_error_of_the_loop(subtitles: Subtitles) -> None:
    loop, errors = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _loop, context: errors.append(context))
    subtitles.begin(1)
    await asyncio.wait(subtitles._reading.values())
    subtitles._reading.clear()
    gc.collect()
    await asyncio.sleep(0)
    loop.set_exception_handler(None)
    assert errors == []


async def test_what_was_given_is_shown_first() -> None:
    found = files("A.mkv", "A.de.srt")
    given = Subtitles(beside(found, found[0]), Given("mine.srt", b"WEBVTT mine"), nothing)
    track = track_of(given, Wishes(), Habits(show=Show.NEVER), None)
    assert track is not None
    assert (track.label, [one.id for one in given.tracks]) == ("mine.srt", [1, 2])
    assert [await given.text(number) for number in (1, 2, 3)] == [b"WEBVTT mine", NOTHING, None]


async def test_with_a_film_in_segments_lines_are_as_late_as_its_pictures() -> None:
    lines = b"WEBVTT\n\n1\n00:00:59.900 --> 01:59:59.850\n00:00:01.000\nat 00:00:02.000\n\n"

    async def read(_file: TorrentFile) -> bytes:
        return lines

    found = files("A.mkv", "A.de.srt")
    whole, cut = (
        Subtitles(beside(found, found[0]), Given("mine.srt", lines), read, in_segments=is_cut)
        for is_cut in (False, True)
    )

    late = lines.replace(b"00:00:59.900 --> 01:59:59.850", b"00:01:00.100 --> 02:00:00.050")
    assert [await whole.text(number) for number in (1, 2)] == [lines, lines]
    assert [await cut.text(number) for number in (1, 2)] == [late, late]
    assert delayed(NOTHING) == NOTHING


ENGLISH, GERMAN = (
    Stream(index, Kind.AUDIO, "aac", channels=2, language=language) for index, language in ((1, "eng"), (2, "ger"))
)


def film(*streams: Stream) -> Probe:
    from array import array  # noqa: PLC0415  # nothing else here wants one

    frames = KeyFrames(array("d"), array("q"))
    return Probe(
        Container.MP4, "video/mp4", 1000, 10.0, ((0, 10),), frames, streams, audio=streams[0] if streams else None
    )


@pytest.mark.parametrize(
    ("asked", "habit", "heard"),
    [(None, None, 1), ("de", None, 2), (None, "German", 2), ("en", "de", 1), (None, "fr", 1)],
)
def test_the_sound_is_chosen_by_language(asked: str | None, habit: str | None, heard: int) -> None:
    found = audio_of(film(ENGLISH, GERMAN), Wishes(audio_language=asked), Habits(audio_language=habit))
    assert found is not None
    assert found.index == heard


def test_sound_that_nobody_decodes_is_heard_by_nobody() -> None:
    alien = Stream(0, Kind.AUDIO, None, language="ger")
    assert audio_of(film(alien, ENGLISH), Wishes(), Habits(audio_language="de")) is ENGLISH
    assert audio_of(film(alien, ENGLISH, GERMAN), Wishes(audio_language="de"), Habits()) is GERMAN
    assert audio_of(film(alien), Wishes(), Habits()) is alien


def test_a_language_that_was_asked_for_and_is_not_there_is_said_so() -> None:
    with pytest.raises(NoSuchTrack) as caught:
        audio_of(film(ENGLISH, GERMAN), Wishes(audio_language="fr"), Habits())
    assert caught.value.details == {"wanted": "fr", "languages": "eng, ger"}


def test_a_film_without_sound_has_none() -> None:
    assert audio_of(film(), Wishes(audio_language="fr"), Habits()) is None


def text(index: int, language: str | None = None, title: str | None = None, *, forced: bool = False) -> Stream:
    return Stream(index, Kind.SUBTITLE, "subrip", language=language, title=title, is_forced=forced)


def test_the_films_own_come_after_those_beside_it_each_by_a_name_of_its_own() -> None:
    found = files("A.mkv", "A.de.srt")
    inside = [
        text(2, "ger"),
        text(3, "eng", "SDH"),
        text(4, "eng", "English"),
        text(5, "ger", forced=True),
        text(6, None, 'The "cut" \x1bcommentary"'),
        text(7),
        text(8, "xxx", "x" * 500),
        text(9, "eng"),
    ]
    tracks = Subtitles(beside(found, found[0]), None, nothing, inside).tracks
    assert [(track.id, track.stream) for track in tracks] == [(1, None), *((n, n) for n in range(2, 10))]
    labels = [track.label for track in tracks]
    assert labels[:7] == [
        "German",
        "German 2",
        "English (SDH)",
        "English",
        "German (forced)",
        "The cut commentary",
        "Track 7",
    ]
    assert len(set(labels)) == len(labels)
    assert max(map(len, labels)) < 80
    assert [track.id for track in tracks if track.is_forced] == [5]
    assert [track.id for track in tracks if track.is_for_deaf] == [3]


def test_the_films_own_go_by_the_names_that_the_playlist_says() -> None:
    inside = [text(2, "eng", 'English "signs"'), text(3, "eng", '"'), text(4, None, '" "'), text(5, "eng", '"Signs"')]
    tracks = Subtitles([], None, nothing, inside).tracks
    told = master([Text(track.id, track.label, track.language, track.id) for track in tracks], None, (), None)
    assert re.findall('NAME="([^"]*)"', told) == [track.label for track in tracks]
    assert [track.label for track in tracks] == ["English signs", "English", "Track 3", "English (Signs)"]


def test_the_films_own_are_found_and_shown_unasked_as_others() -> None:
    subtitles = Subtitles([], None, nothing, [text(2, "eng"), text(3, "ger", "Forced"), text(4, "ger")])
    assert getattr(subtitles.default(Show.AUTO, "de", "en"), "stream", None) == 4
    assert getattr(subtitles.default(Show.AUTO, "de", "de"), "stream", None) == 3
    assert getattr(find_track(subtitles, "2"), "stream", None) == 3
    assert find_track(subtitles, "off") is None
