"""The worker program with methods that do what a hostile file may make it do. Run by path."""

import importlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from custom_components.torrent_cast.media.inside.sparse import SparseFile

sys.path.extend([*sys.argv[1:], str(Path(__file__).parents[2] / "custom_components/torrent_cast/media")])
inside = importlib.import_module("inside.serving")

type Result = tuple[dict[str, object], bytes]


def identify(*_: object) -> Result:
    """Tell the process and its environment."""
    return {"pid": os.getpid(), "environment": dict(os.environ)}, b""


def loop(*_: object) -> Result:
    """Never answer."""
    while True:
        signal.pause()


def die(*_: object) -> Result:
    """Crash."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def hog(*_: object) -> Result:
    """Want all the memory."""
    return {}, bytes(inside.MEMORY)


def pry(*_: object) -> Result:
    """Open a file."""
    return {"read": Path(__file__).read_text(encoding="utf-8")}, b""


def babble(*_: object) -> Result:
    """Send what is no reply."""
    os.write(0, b"\xff" * 64)
    return {}, b""


def nest(*_: object) -> Result:
    """Send JSON too deep to read."""
    os.write(0, inside.LENGTHS.pack(100_000, 0) + b"[" * 100_000)
    return {}, b""


def scatter(file: SparseFile, *_: object) -> Result:
    """Read one byte of every mebibyte."""
    for position in range(0, file.size, 1 << 20):
        file.seek(position)
        file.read(1)
    return {}, b""


inside.METHODS.update({method.__name__: method for method in (identify, loop, die, hog, pry, babble, nest, scatter)})
inside.main()
