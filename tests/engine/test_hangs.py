"""A jump's target that hangs on busy peers is asked elsewhere: a table, and who is told what when."""

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from custom_components.torrent_cast.engine import hangs as module
from custom_components.torrent_cast.engine.hangs import Hangs, hangs
from custom_components.torrent_cast.engine.scheduler import MIB, Want, plan
from custom_components.torrent_cast.engine.steering import Steering
from tests.engine.conftest import soon

if TYPE_CHECKING:
    import libtorrent as lt

A: Final = ("10.0.0.1", 1)
B: Final = ("10.0.0.2", 2)
CHOKED: Final = 1
FREE, ASKED, WRITING, THERE = range(4)
TARGET: Final = 7


def block(state: int, peer: tuple[str, int] = A) -> lt.block_info:
    return cast("lt.block_info", {"state": state, "peer": peer})


def peer(ip: tuple[str, int], queue: int, *, choked: bool = False) -> lt.peer_info:
    found = SimpleNamespace(ip=ip, download_queue_length=queue, remote_choked=CHOKED, flags=CHOKED * choked)
    return cast("lt.peer_info", found)


@pytest.mark.parametrize(
    ("blocks", "peers", "is_hanging"),
    [
        ([block(THERE), block(ASKED)], [peer(A, 60), peer(B, 0)], True),
        ([block(THERE), block(ASKED)], [peer(A, 60), peer(B, 2)], True),
        ([block(ASKED), block(ASKED, B)], [peer(A, 60), peer(B, 1)], False),  # B has its part
        ([block(THERE), block(ASKED)], [peer(A, 60), peer(B, 60)], False),  # nobody could send it sooner
        ([block(THERE), block(ASKED)], [peer(A, 60), peer(B, 0, choked=True)], False),
        ([block(THERE), block(ASKED)], [peer(A, 60)], False),
        ([block(THERE), block(ASKED)], [peer(A, 3), peer(B, 0)], False),  # comes any moment
        ([block(FREE), block(ASKED)], [peer(A, 60), peer(B, 0)], False),  # there is something left for B to take
        ([block(THERE), block(WRITING)], [peer(A, 60), peer(B, 0)], False),
        ([], [peer(A, 60), peer(B, 0)], False),
        ([block(THERE), block(ASKED, ("10.0.0.9", 9))], [peer(A, 60), peer(B, 0)], False),  # has gone
    ],
)
def test_a_piece_hangs_when_the_busy_have_it_and_others_are_idle(
    blocks: Sequence[lt.block_info], peers: Sequence[lt.peer_info], is_hanging: bool
) -> None:
    assert hangs(blocks, peers) is is_hanging


class _Handle:
    """What libtorrent shows of a torrent, and what it is told."""

    def __init__(self) -> None:
        self.blocks = [block(THERE), block(ASKED)]
        self.deadlines: list[int] = []
        self.clears = 0

    def get_download_queue(self) -> list[dict[str, Any]]:
        return [{"piece_index": TARGET, "blocks": self.blocks}]

    def get_peer_info(self) -> list[lt.peer_info]:
        return [peer(A, 60), peer(B, 0)]

    def set_piece_deadline(self, piece: int, _: int) -> None:
        self.deadlines.append(piece)

    def clear_piece_deadlines(self) -> None:
        self.clears += 1

    def prioritize_pieces(self, changes: Sequence[tuple[int, int]]) -> None:
        """Take what no test here asks for."""


async def in_thread[**P, T](function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    return function(*args, **kwargs)


@pytest.fixture
def handle() -> _Handle:
    return _Handle()


@pytest.fixture
def steering(handle: _Handle) -> Steering:
    return Steering(cast("lt.torrent_handle", handle), 100)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at once and all the time."""
    monkeypatch.setattr(module, "SENDS", 0)
    monkeypatch.setattr(module, "BETWEEN_LOOKS", 0)


@pytest.mark.usefixtures("quick")
async def test_what_hangs_is_cancelled_each_time_it_is_found(handle: _Handle, steering: Steering) -> None:
    found = asyncio.Queue[None]()
    watched = Hangs(steering, in_thread, asyncio.get_running_loop().time, lambda: found.put_nowait(None))

    def follow() -> None:
        stuck = watched.is_found(TARGET)
        wants = [Want(TARGET, 99, urgent=True, stuck=stuck, jumped=True)]
        current = () if watched.has_news() else steering.deadlines
        steering.follow(plan(wants, bytes(100), MIB, current), bytes(100))

    follow()
    assert handle.deadlines == [TARGET]
    watched.watch(cast("lt.torrent_handle", handle), TARGET)
    for times in range(1, 4):
        await soon(found.get())
        follow()
        assert handle.clears == times
        # A deadline on another piece, after none, is what cancels the requests for this one.
        assert handle.deadlines == [TARGET] + [TARGET + 1] * times
        follow()
        assert handle.clears == times

    await watched.close()


@pytest.mark.usefixtures("quick")
async def test_nobody_looks_any_more_once_the_target_has_no_deadline(handle: _Handle, steering: Steering) -> None:
    watched = Hangs(steering, in_thread, asyncio.get_running_loop().time, lambda: None)
    watched.watch(cast("lt.torrent_handle", handle), TARGET)

    await soon(asyncio.gather(*watched._watches.values()))

    assert not watched.is_found(TARGET)
    assert not watched._watches


@pytest.mark.usefixtures("quick")
async def test_a_torrent_that_is_removed_meanwhile_ends_the_watch(handle: _Handle, steering: Steering) -> None:
    steering.follow(plan([Want(TARGET, 99, urgent=True)], bytes(100), MIB, ()), bytes(100))

    def gone() -> list[dict[str, Any]]:
        raise RuntimeError("invalid torrent handle used")

    handle.get_download_queue = gone  # type: ignore[method-assign]  # as libtorrent does then
    watched = Hangs(steering, in_thread, asyncio.get_running_loop().time, lambda: None)
    watched.watch(cast("lt.torrent_handle", handle), TARGET)

    await soon(asyncio.gather(*watched._watches.values()))

    assert not watched.is_found(TARGET)
