"""Search by words, season and episode: pure functions over what can be found."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Final

from .titles import Title

WORD: Final = re.compile(r"[^\W_]+")
# What is typed or said is a name, not a text.
MAX_QUERY: Final = 200
# How alike a misheard word and the right one are, at least (difflib's ratio): "bunnie" and "bunny" have 0.73.
ALIKE: Final = 0.7
# Shorter words are alike by chance.
MIN_ALIKE_CHARS: Final = 4
# Of a query's letters, where not all of its words can be found: "play the film Sintel" means Sintel, not any "the".
MIN_SHARE: Final = 0.3


class Match(IntEnum):
    """How well a word fits."""

    NONE = 0
    ALIKE = 1
    INSIDE = 2
    BEGINNING = 4
    WHOLE = 6


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: words that must be there, and the season and episode that are meant."""

    words: tuple[str, ...]
    season: int | None = None
    episode: int | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is looked for."""
        return not self.words and self.season is None and self.episode is None


@dataclass(frozen=True)
class Candidate[T]:
    """What may be found: `title` as it is shown, `text` what else it is known by (path, folders)."""

    item: T
    title: str
    text: str = ""
    season: int | None = None
    episodes: tuple[int, ...] = ()

    @cached_property
    def title_words(self) -> tuple[str, ...]:
        """Return the words of the title."""
        return words(self.title)

    @cached_property
    def all_words(self) -> frozenset[str]:
        """Return the words of title and text."""
        return frozenset((*self.title_words, *words(self.text)))


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text without accents and case."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return tuple(WORD.findall(plain.casefold()))


def query_of(text: str, guess: Title) -> Query:
    """Return what `text` looks for; `guess` is what its title was taken for."""
    all_words = words(text[:MAX_QUERY])
    if len(all_words) == 1 and all_words[0].isdigit():  # "300" is a film
        return Query(all_words)
    if guess.season is None and not guess.episodes:
        return Query(all_words)
    named = words(f"{guess.name} {guess.year or ''} {guess.episode_title or ''}")
    return Query(named, guess.season, guess.episodes[0] if guess.episodes else None)


def find[T](text: str, guess: Title, candidates: Sequence[Candidate[T]]) -> list[T]:
    """Return what `text` looks for, best first; a number that is no episode's may be part of a name ("10 songs")."""
    query = query_of(text, guess)
    found = rank(query, candidates)
    all_words = words(text[:MAX_QUERY])
    if found or query.words == all_words or not all_words:
        return found
    return _best(all_words, candidates, forgiving=False)


def rank[T](query: Query, candidates: Iterable[Candidate[T]]) -> list[T]:
    """Return what fits, best first; among equals the order given. Where no word fits, words that are alike do."""
    meant = [candidate for candidate in candidates if _is_meant(query, candidate)]
    if query.is_empty or not meant:
        return []
    if not query.words:
        return [candidate.item for candidate in meant]
    return _best(query.words, meant, forgiving=False) or _best(query.words, meant, forgiving=True)


def _is_meant[T](query: Query, candidate: Candidate[T]) -> bool:
    """Tell whether season and episode are those looked for; a film in one part has neither."""
    if query.season is not None and candidate.season != query.season and not _is_first(query, candidate):
        return False
    return query.episode is None or query.episode in candidate.episodes


def _is_first[T](query: Query, candidate: Candidate[T]) -> bool:
    """Tell whether an episode without a season is meant by one of the first."""
    return query.season == 1 and candidate.season is None and bool(candidate.episodes)


def _best[T](wanted: Sequence[str], candidates: Sequence[Candidate[T]], *, forgiving: bool) -> list[T]:
    known = frozenset().union(*(candidate.all_words for candidate in candidates))
    fits = {word: _fits(word, known, forgiving=forgiving) for word in wanted}
    scored = [(_score(wanted, fits, candidate, forgiving=forgiving), candidate.item) for candidate in candidates]
    return [item for score, item in sorted(scored, key=lambda pair: -pair[0]) if score > 0]


def _fits(word: str, known: Iterable[str], *, forgiving: bool) -> dict[str, Match]:
    """Return which of the known words fit, and how well."""
    found = {other: match for other in known if (match := _match(word, other))}
    if forgiving and not found and len(word) >= MIN_ALIKE_CHARS:
        found = dict.fromkeys(difflib.get_close_matches(word, known, cutoff=ALIKE), Match.ALIKE)
    return found


def _match(word: str, other: str) -> Match:
    if word == other:
        return Match.WHOLE
    if other.startswith(word):
        return Match.BEGINNING
    return Match.INSIDE if len(word) > 1 and word in other else Match.NONE


def _score[T](
    wanted: Sequence[str], fits: dict[str, dict[str, Match]], candidate: Candidate[T], *, forgiving: bool
) -> float:
    """Return how well a candidate fits, 0 when it does not: words in the title count twice."""
    best = {word: _best_of(fits[word], candidate) for word in wanted}
    letters = sum(map(len, best))
    found = sum(len(word) for word, match in best.items() if match)
    if found < (letters * MIN_SHARE if forgiving else letters):
        return 0.0
    title = candidate.title_words
    covered = len(best.keys() & set(title)) / len(set(title)) if title else 0.0
    mean = sum(len(word) * match for word, match in best.items()) / letters
    return mean + covered + (Match.WHOLE if tuple(wanted) == title else 0)


def _best_of[T](fits: dict[str, Match], candidate: Candidate[T]) -> int:
    in_title = max((2 * fits[word] for word in candidate.title_words if word in fits), default=0)
    return max(in_title, max((int(fits[word]) for word in candidate.all_words & fits.keys()), default=0))
