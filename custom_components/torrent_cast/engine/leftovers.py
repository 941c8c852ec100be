"""What a torrent has left on disk, where there is no libtorrent any more to tell: its resume data name it."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Final

from .errors import StorageError
from .storage import RESUME, delete

LENGTH: Final = re.compile(rb"([0-9]{1,10}):")  # before a string

type Bencoded = int | bytes | list[Bencoded] | dict[bytes, Bencoded]


def erase(directory: Path, key: str) -> None:
    """Delete a torrent's files below `directory`, and what we made ourselves. Blocks. Raises StorageError.

    Names that no file system takes libtorrent has written in another way: such files stay.
    """
    folder = directory / key
    try:
        resume = (folder / RESUME).read_bytes()
    except OSError as err:
        raise StorageError("not_writable", directory=str(folder), error=err.strerror or str(err)) from err
    delete(folder, paths(resume))


def paths(resume: bytes) -> tuple[str, ...]:
    """Return the paths of a torrent's files in its resume data, below its folder; none of what cannot be read."""
    try:
        data, _ = _value(resume, 0)
        info = data[b"info"] if isinstance(data, dict) else None
        return tuple(str(PurePath(*map(_name, path))) for path in _files(info))
    except KeyError, RecursionError, ValueError:
        return ()


def _name(part: bytes) -> str:
    """Return a name as libtorrent writes it, where that is done byte by byte."""
    return part.decode(errors="replace").replace("\N{REPLACEMENT CHARACTER}", "_").replace("\0", "_")


def _value(data: bytes, at: int) -> tuple[Bencoded, int]:
    """Return the value that begins at `at` (BEP 3), and where it ends. Raises ValueError, RecursionError."""
    match data[at : at + 1]:
        case b"i":
            end = data.index(b"e", at)
            return int(data[at + 1 : end]), end + 1
        case b"l":
            return _items(data, at + 1)
        case b"d":
            items, end = _items(data, at + 1)
            keys = [key for key in items[::2] if isinstance(key, bytes)]
            return dict(zip(keys, items[1::2], strict=True)), end
    if (length := LENGTH.match(data, at)) is None:
        raise ValueError("not bencoded")
    end = length.end() + int(length[1])
    return data[length.end() : end], end


def _items(data: bytes, at: int) -> tuple[list[Bencoded], int]:
    items: list[Bencoded] = []
    while data[at : at + 1] != b"e":
        item, at = _value(data, at)
        items.append(item)
    return items, at + 1


def _files(info: Bencoded | None) -> Iterator[tuple[bytes, ...]]:
    """Yield the path of each file, in parts: of v1 metadata, which a hybrid has, too, or of v2's (BEP 52)."""
    match info:
        case {b"name.utf-8": bytes(name)} | {b"name": bytes(name)}:
            pass
        case _:
            return
    match info:
        case {b"files": list(files)}:
            for file in files:
                match file:
                    case {b"path.utf-8": list(path)} | {b"path": list(path)}:
                        yield (name, *(part for part in path if isinstance(part, bytes)))
        case {b"file tree": dict(tree)}:
            found = list(_leaves(tree))
            yield from found if found == [(name,)] else ((name, *path) for path in found)
        case _:
            yield (name,)


def _leaves(tree: dict[bytes, Bencoded]) -> Iterator[tuple[bytes, ...]]:
    for name, below in tree.items():
        if isinstance(below, dict):
            if b"" in below:
                yield (name,)
            else:
                yield from ((name, *path) for path in _leaves(below))
