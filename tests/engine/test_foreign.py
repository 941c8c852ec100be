"""Peers of another make: films that transmission seeds."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from custom_components.torrent_cast.engine import Engine
from tests.engine.conftest import PIECE, add, noise, write
from tests.rig.torrents import make_torrent
from tests.rig.transmission import TransmissionError, transmission

DATA = noise(80 * PIECE + 99)
# transmission decides every 10 s who may download; a machine that does much else makes that longer. s
UNCHOKED = 60.0


async def test_a_film_comes_from_transmission(engine: Engine, tmp_path: Path, rig_sockets: None) -> None:
    """By v1: Debian 12's transmission (3.00) calls hybrid and v2 torrent files corrupt."""
    metainfo = make_torrent(write(tmp_path / "seed" / "film.mkv", DATA), PIECE)

    async with transmission(metainfo, tmp_path / "seed") as address:
        torrent = await add(engine, f"{metainfo.magnet}&x.pe={address}")
        torrent.select(torrent.files[0])
        async with asyncio.timeout(UNCHOKED), torrent.open(torrent.files[0]) as reader:
            # Jumps too: it never answers a request that was cancelled, and would be lost for us.
            for position in (0, 70 * PIECE, 30 * PIECE, 50 * PIECE, 10 * PIECE):
                reader.seek(position)
                assert await reader.read_exactly(2 * PIECE) == DATA[position : position + 2 * PIECE]


async def test_transmission_says_why_it_does_not_seed(tmp_path: Path, rig_sockets: None) -> None:
    metainfo = make_torrent(write(tmp_path / "seed" / "film.mkv", DATA), PIECE)

    with pytest.raises(TransmissionError, match="torrent"):
        async with transmission(replace(metainfo, metainfo=b"garbage"), tmp_path / "seed"):
            pass
