"""How much of each file is there, by the pieces that are."""

import pytest

from custom_components.torrent_cast.engine import TorrentFile
from custom_components.torrent_cast.engine.contents import bytes_there

LENGTH = 10


@pytest.mark.parametrize(
    ("offset", "size", "have", "there"),
    [
        (0, 30, "111", 30),
        (0, 30, "000", 0),
        (0, 30, "010", 10),
        (0, 25, "001", 5),
        (5, 20, "100", 5),
        (5, 20, "001", 5),
        (5, 20, "010", 10),
        (5, 20, "111", 20),
        (12, 3, "010", 3),
        (12, 3, "101", 0),
        (10, 10, "010", 10),
        (30, 0, "111", 0),
    ],
)
def test_bytes_there(offset: int, size: int, have: str, there: int) -> None:
    pieces = bytes(int(piece) for piece in have)
    assert bytes_there(TorrentFile(0, "film.mkv", size, offset), pieces, LENGTH) == there
