"""What a search finds, and in which order."""

import pytest

from custom_components.torrent_cast.search import MAX_QUERY, Candidate, Query, find, query_of, rank, words
from custom_components.torrent_cast.titles import parse, plain


def candidate(path: str) -> Candidate[str]:
    title = parse(path)
    return Candidate(path, title.label, path, title.season, title.episodes)


LIBRARY = [
    candidate(path)
    for path in (
        "Show.S01E01.Pilot.mkv",
        "Show.S01E02.The.Return.mkv",
        "Show.S01E03.mkv",
        "Show.S02E03.mkv",
        "Other.Show.S01E03.mkv",
        "Big.Buck.Bunny.2008.mkv",
        "Amélie.2001.FRENCH.mkv",
        "Sintel.2010.mkv",
        "Making.of.Sintel.2010.mkv",
        "300.mkv",
        "Miniseries - 02.mkv",
        "Live/Concert.10.songs.mkv",
    )
]


def found(text: str) -> list[str]:
    return find(text, parse(text), LIBRARY)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("sintel", "Sintel.2010.mkv"),
        ("SINTEL 2010", "Sintel.2010.mkv"),
        ("making of sintel", "Making.of.Sintel.2010.mkv"),
        ("amelie", "Amélie.2001.FRENCH.mkv"),
        ("AMÉLIE", "Amélie.2001.FRENCH.mkv"),
        ("Ame\u0301lie", "Amélie.2001.FRENCH.mkv"),
        ("big buck bunny", "Big.Buck.Bunny.2008.mkv"),
        ("bunny buck", "Big.Buck.Bunny.2008.mkv"),
        ("bun", "Big.Buck.Bunny.2008.mkv"),
        ("big buck bunnie", "Big.Buck.Bunny.2008.mkv"),
        ("play the film sintel", "Sintel.2010.mkv"),
        ("the return", "Show.S01E02.The.Return.mkv"),
        ("show s01e03", "Show.S01E03.mkv"),
        ("show S1 E3", "Show.S01E03.mkv"),
        ("show 1x03", "Show.S01E03.mkv"),
        ("show season 1 episode 3", "Show.S01E03.mkv"),
        ("show staffel 2 folge 3", "Show.S02E03.mkv"),
        ("show s02e03", "Show.S02E03.mkv"),
        ("show season 2", "Show.S02E03.mkv"),
        ("show episode 2", "Show.S01E02.The.Return.mkv"),
        ("300", "300.mkv"),
        ("miniseries s01e02", "Miniseries - 02.mkv"),
        ("10 songs", "Live/Concert.10.songs.mkv"),
        ("other show", "Other.Show.S01E03.mkv"),
    ],
)
def test_the_first_result_is_what_was_meant(text: str, first: str) -> None:
    assert found(text)[0] == first


def test_an_episode_alone_is_that_of_every_show() -> None:
    assert found("s01e03") == ["Show.S01E03.mkv", "Other.Show.S01E03.mkv"]
    assert found("episode 3") == ["Show.S01E03.mkv", "Show.S02E03.mkv", "Other.Show.S01E03.mkv"]


def test_an_episode_that_is_not_there_is_not_another() -> None:
    assert found("show s01e09") == []


def test_all_words_must_fit() -> None:
    assert found("sintel making") == ["Making.of.Sintel.2010.mkv"]


@pytest.mark.parametrize("text", ["", "   ", "?!", "zzzz", "x" * 5000, "\0", "🎬"])
def test_nothing_is_found_for_nothing(text: str) -> None:
    assert found(text) == []


def test_equals_keep_their_order() -> None:
    equals = [Candidate(number, "Same") for number in range(5)]
    assert rank(Query(("same",)), equals) == [0, 1, 2, 3, 4]


def test_a_query_has_an_end() -> None:
    text = "a " * 5000
    assert len(query_of(text, plain(text)).words) <= MAX_QUERY


def test_words_have_neither_accents_nor_case() -> None:
    assert words("Straße_naïve ΑΒΓ 01.02") == ("strasse", "naive", "αβγ", "01", "02")
