"""Who is tried again, and when: no network."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final, cast

from custom_components.torrent_cast.engine.lost import BETWEEN_TRIES, MOST, TRIED_FOR, Lost

if TYPE_CHECKING:
    import libtorrent as lt

OUTGOING: Final = 1
CHATTY: Final = 16_384  # bytes


@dataclass
class Clock:
    """A clock that stands still."""

    now: float = 1000.0  # s

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def peer(number: int, given: int = CHATTY, *, flags: int = OUTGOING, kind: int = 0) -> lt.peer_info:
    """Return one that is connected."""
    found = SimpleNamespace(
        ip=(f"10.0.0.{number}", 6881),
        total_download=given,
        flags=flags,
        outgoing_connection=OUTGOING,
        connection_type=kind,
        standard_bittorrent=0,
    )
    return cast("lt.peer_info", found)


def test_who_gave_something_and_went_is_tried_until_it_is_back() -> None:
    clock = Clock()
    lost = Lost(clock)
    lost.see([peer(1), peer(2)])
    assert lost.due() == []

    lost.see([peer(2)])
    assert lost.due() == [peer(1).ip]
    assert lost.due() == []  # not twice in so short a time
    clock.now += BETWEEN_TRIES
    assert lost.due() == [peer(1).ip]

    lost.see([peer(2), peer(1)])
    clock.now += BETWEEN_TRIES
    assert lost.due() == []


def test_who_does_not_come_back_is_given_up() -> None:
    clock = Clock()
    lost = Lost(clock)
    lost.see([peer(1)])
    lost.see([])
    clock.now += TRIED_FOR

    lost.see([])

    assert lost.due() == []


def test_who_comes_and_goes_and_gives_nothing_is_not_tried_for_longer() -> None:
    clock = Clock()
    lost = Lost(clock)
    lost.see([peer(1)])
    lost.see([])
    clock.now += TRIED_FOR / 2
    lost.see([peer(1, 0)])
    lost.see([])
    clock.now += TRIED_FOR / 2

    lost.see([])

    assert lost.due() == []


def test_nobody_is_tried_who_gave_nothing_or_listens_elsewhere_or_is_a_web_server() -> None:
    lost = Lost(Clock())
    lost.see([peer(1, 0), peer(2, flags=0), peer(3, kind=1)])

    lost.see([])

    assert lost.due() == []


def test_of_many_those_who_gave_most_are_tried() -> None:
    lost = Lost(Clock())
    lost.see([peer(number, CHATTY * number) for number in range(1, 2 * MOST + 1)])

    lost.see([])

    assert lost.due() == [peer(number).ip for number in range(2 * MOST, MOST, -1)]
