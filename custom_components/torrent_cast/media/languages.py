"""Languages: whatever a file, a name or a person calls one -> its code of ISO 639-1 (else 639-3), by babelfish."""

from functools import lru_cache
from typing import Final

# Longer names than languages have.
MAX_CHARS: Final = 40


@lru_cache(maxsize=512)
def language_of(text: str | None) -> str | None:
    """Return the code of a language given as "de", "ger", "deu", "de-AT" or "German", None for what names none.

    Reads babelfish's tables the first time, 0.3 s: not for the event loop then.
    """
    if not text or len(text) > MAX_CHARS:
        return None
    from babelfish import Language  # noqa: PLC0415  # for those who watch with subtitles or in several languages
    from babelfish.exceptions import LanguageError  # noqa: PLC0415  # see above

    text = text.strip().replace("_", "-")
    code = text.split("-")[0].lower()
    for read, value in (
        (Language.fromalpha2, code),
        (Language, code),
        (Language.fromalpha3b, code),
        (Language.fromname, text),
    ):
        try:
            found = read(value)
        except LanguageError, ValueError:
            continue
        return _code(found) if found.alpha3 not in {"und", "mis", "mul", "zxx"} else None
    return None


def _code(language: object) -> str:
    """Return the two letters of a language, three where it has no two."""
    from babelfish.exceptions import LanguageConvertError  # noqa: PLC0415  # see above

    try:
        return str(getattr(language, "alpha2"))  # noqa: B009  # made by a converter
    except LanguageConvertError:
        return str(getattr(language, "alpha3"))  # noqa: B009  # see above


def name_of(code: str) -> str:
    """Return the English name of a language, by its code."""
    from babelfish import Language  # noqa: PLC0415  # see above

    return str((Language.fromalpha2(code) if len(code) == 2 else Language(code)).name)  # noqa: PLR2004  # letters
