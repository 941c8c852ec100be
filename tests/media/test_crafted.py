"""Files crafted to keep the worker busy or to take all memory, while another film is cut: it plays on."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from custom_components.torrent_cast.media import Probe, Reason, Unplayable, Worker, probe

from .crafting import endless, wants
from .cutting import all_of, film
from .sources import MemorySource

if TYPE_CHECKING:
    from pathlib import Path


async def outcome(data: bytes, name: str) -> Probe | Unplayable:
    """Return what a worker of its own makes of a file."""
    async with Worker() as worker:
        try:
            return await probe(worker, MemorySource(data), name)
        except Unplayable as err:
            return err


@pytest.mark.parametrize("size", [1 << 28, 1 << 32, 1 << 35])
async def test_a_file_that_wants_all_memory_is_not_given_it_and_another_plays_on(
    worker: Worker, clocks: Path, size: int
) -> None:
    crafted = wants((clocks / "clock.mp4").read_bytes(), size)
    cut = await film(worker, clocks / "clock.mkv")
    found, (_, media) = await asyncio.gather(outcome(crafted, "film.mp4"), all_of(cut))
    if isinstance(found, Unplayable):
        assert found.reason in {Reason.TOO_BIG, Reason.NOT_MEDIA}
    else:
        assert len(found.key_frames) < 100, "no index of what is not there"
    assert len(media) == 5


async def test_a_file_without_an_end_is_given_up_and_another_plays_on(worker: Worker, clocks: Path) -> None:
    crafted = endless((clocks / "clock.mkv").read_bytes())
    cut = await film(worker, clocks / "clock.mkv")
    found, (_, media) = await asyncio.gather(outcome(crafted, "film.mkv"), all_of(cut))
    assert isinstance(found, Unplayable)
    assert found.reason in {Reason.TOO_BIG, Reason.TIMEOUT}
    assert len(media) == 5
