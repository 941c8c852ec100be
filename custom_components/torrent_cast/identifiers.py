"""What an id of the media source means, written down and read."""

from dataclasses import dataclass
from typing import Final

from .engine.storage import KEY

SOURCE: Final = "source/"
PROVIDER: Final = "provider/"
CONTINUE: Final = "continue"
FOLDER: Final = "folder/"
SEASON: Final = "season/"
# More than any torrent has files, or a show seasons; int() of longer ones would take its time.
MAX_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class InTorrent:
    """A torrent by its info-hash `key`; with one of the others, a file, a folder or a season of it."""

    key: str
    index: int | None = None
    folder: str | None = None
    season: int | None = None

    def __str__(self) -> str:
        """Return the id: `key`, `key/3`, `key/folder/Show/Extras`, `key/season/2`."""
        if self.index is not None:
            return f"{self.key}/{self.index}"
        if self.folder is not None:
            return f"{self.key}/{FOLDER}{self.folder}"
        return self.key if self.season is None else f"{self.key}/{SEASON}{self.season}"


@dataclass(frozen=True, slots=True)
class Pasted:
    """A magnet link, info-hash or address that somebody typed into the search."""

    text: str

    def __str__(self) -> str:
        """Return the id."""
        return f"{SOURCE}{self.text}"


@dataclass(frozen=True, slots=True)
class Provided:
    """A provider by the id of its settings, or one `item` that it has found."""

    provider: str
    item: str | None = None

    def __str__(self) -> str:
        """Return the id: `provider/01ABC`, `provider/01ABC/0123456789abcdef`."""
        return f"{PROVIDER}{self.provider}" + ("" if self.item is None else f"/{self.item}")


@dataclass(frozen=True, slots=True)
class Continued:
    """What was begun; with `key` and `index`, one file of it, which goes on where it was left."""

    key: str | None = None
    index: int | None = None

    def __str__(self) -> str:
        """Return the id: `continue`, `continue/KEY/3`."""
        return CONTINUE if self.key is None else f"{CONTINUE}/{self.key}/{self.index}"


type Identifier = InTorrent | Pasted | Provided | Continued


def parse(text: str) -> Identifier:
    """Return what `text` names. Raises ValueError."""
    if text.startswith(SOURCE):
        return Pasted(text.removeprefix(SOURCE))
    if text.startswith(PROVIDER):
        provider, slash, item = text.removeprefix(PROVIDER).partition("/")
        return Provided(provider, item if slash else None)
    first, _, rest = text.partition("/")
    return _continued(rest) if first == CONTINUE else _in_torrent(text)


def _continued(text: str) -> Continued:
    if not text:
        return Continued()
    where = _in_torrent(text)
    if where.index is None:
        raise ValueError("no file")
    return Continued(where.key, where.index)


def _in_torrent(text: str) -> InTorrent:
    key, slash, rest = text.partition("/")
    if not KEY.fullmatch(key):
        raise ValueError("no info-hash")
    if not slash:
        return InTorrent(key)
    if rest.startswith(FOLDER):
        return InTorrent(key, folder=rest.removeprefix(FOLDER))
    if rest.startswith(SEASON):
        return InTorrent(key, season=_number(rest.removeprefix(SEASON)))
    return InTorrent(key, index=_number(rest))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > MAX_DIGITS:
        raise ValueError("no number")
    return int(text)
