"""What is planned for when a player says nothing of where it is but asks for segments."""

from typing import cast

import pytest

from custom_components.torrent_cast.engine import Cursor
from custom_components.torrent_cast.media.hls import MAX_SEGMENT
from custom_components.torrent_cast.playback.hls import follow

from .test_playhead import MIB, Place


def asked(*starts: int) -> Place:
    """Return a cursor after requests for the segments that begin at these MiB."""
    place = Place()
    for start in starts:
        with follow(cast("Cursor", place), place, start * MIB, 600 * MIB):
            pass
    return place


def test_the_next_segment_was_planned_for() -> None:
    place = asked(0, 3, 6)
    assert (place.position, place.jumps) == (6 * MIB, [])


@pytest.mark.parametrize(("before", "to"), [(3, 300), (300, 3), (0, MAX_SEGMENT // MIB + 1)])
def test_a_segment_elsewhere_is_a_jump(before: int, to: int) -> None:
    assert asked(before, to).jumps[-1] == to
