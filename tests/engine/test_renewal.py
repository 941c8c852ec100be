"""A torrent that is added anew under those who read it, and one liar among honest seeds."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final
from unittest.mock import Mock

import pytest

from custom_components.torrent_cast.engine import Engine, Torrent, TorrentGone, lies, stranded
from custom_components.torrent_cast.engine.blocks import ON_DISK
from custom_components.torrent_cast.engine.evidence import FAILURES_TO_BAN
from custom_components.torrent_cast.engine.lies import Peers
from tests.engine.conftest import PIECE, Seeders, add, failed_pieces, noise, read_all, soon, until, write
from tests.rig.swarm import Swarm
from tests.rig.torrents import MIB, Version, make_torrent

if TYPE_CHECKING:
    import libtorrent as lt

    from custom_components.torrent_cast.engine.evidence import Endpoint
    from tests.engine.conftest import StartEngine

DATA: Final = noise(128 * PIECE + 99)
SLOW: Final = 8_000_000  # bit/s of one seed: the film takes some seconds
FAST: Final = 80_000_000
LIAR: Final = 5


def handle_of(torrent: Torrent) -> lt.torrent_handle:
    """Return libtorrent's handle, which is there."""
    assert torrent.handle is not None
    return torrent.handle


def banned(libtorrent: ModuleType, torrent: Torrent) -> set[str]:
    """Return whom libtorrent has banned, by the resume data; it reads one less from them than there are (2.0.11)."""
    data = libtorrent.bdecode((torrent.folder / "resume").read_bytes()).get(b"banned_peers", b"")
    addresses = {socket.inet_ntoa(endpoint[:4]) for (endpoint,) in struct.iter_unpack("6s", data)}
    return addresses - {"127.0.0.1"}  # ourselves: the tracker names us too


async def has_some(torrent: Torrent, pieces: int) -> None:
    """Wait until some of the film is there, and not all."""
    await until(lambda: sum(torrent._have.pieces) >= pieces)
    assert torrent.missing_bytes(torrent.files[0])


@pytest.mark.parametrize("version", list(Version))
async def test_who_reads_a_torrent_that_is_added_anew_sees_nothing_of_it(
    engine: Engine, seeders: Seeders, tmp_path: Path, version: Version
) -> None:
    seed = seeders.seed(write(tmp_path / "film.mkv", DATA), upload=4_000_000, version=version)
    torrent = await add(engine, seed.magnet)
    torrent.select(torrent.files[0])
    reading = asyncio.create_task(read_all(torrent))
    await has_some(torrent, 10)
    before, had = torrent.handle, sum(torrent._have.pieces)

    engine.renew(torrent)
    await until(lambda: torrent.handle not in (None, before))
    await until(lambda: sum(torrent._have.pieces) >= had)

    assert await soon(reading) == DATA
    assert handle_of(torrent).status().total_payload_download < len(DATA)  # what was there before was kept


async def test_whom_nothing_is_proven_against_is_let_in_again(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    film = write(tmp_path / "film.mkv", DATA)
    seed = seeders.seed(film, upload=1_000_000)
    torrent = await add(engine, seed.magnet)
    torrent.select(torrent.files[0])
    await has_some(torrent, 4)
    assert torrent.lies is not None
    honest: Endpoint = (seed.address, seed.port)
    for piece in range(FAILURES_TO_BAN):
        torrent.lies.evidence.on_wrong(piece)
    torrent.lies.evidence.on_banned(honest)
    torrent.lies._last_failure = asyncio.get_running_loop().time() - 10
    before = torrent.handle

    await until(lambda: torrent.handle not in (None, before))

    assert await read_all(torrent) == DATA
    assert not torrent.lies.evidence.unproven


async def have_it_all(torrent: Torrent) -> None:
    """Want the film and have it."""
    torrent.select(torrent.files[0])
    await read_all(torrent)


async def only_seed(torrent: Torrent) -> None:
    """Want nothing more."""
    torrent.only_seed()


async def halt(torrent: Torrent) -> None:
    """Want the film, but not now."""
    torrent.halt(halts=True)
    torrent.select(torrent.files[0])


@pytest.mark.parametrize("rest", [have_it_all, only_seed, halt])
async def test_nobody_is_watched_or_looked_at_while_nothing_is_to_come(
    engine: Engine,
    seeders: Seeders,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rest: Callable[[Torrent], Awaitable[None]],
) -> None:
    torrent = await add(engine, seeders.seed(write(tmp_path / "film.mkv", DATA)).magnet)
    lies = torrent.lies
    assert lies is not None
    await rest(torrent)
    for piece in range(FAILURES_TO_BAN):
        lies.evidence.on_wrong(piece)
    lies.evidence.on_banned(("127.0.0.9", 9))
    suspect: Endpoint = ("127.0.0.8", 8)
    lies._peers = Peers(frozenset({suspect}), frozenset({suspect}))
    monkeypatch.setattr(lies, "_look_at_peers", look := Mock(return_value=lies._peers))

    for _ in range(60):
        torrent.on_second()
        if lies._look is not None:
            await lies._look
    engine._tuning.watch_senders(engine.torrents)

    look.assert_not_called()
    blocks, _ = engine._tuning._suspicion
    assert not blocks


@pytest.mark.parametrize("is_news", [True, False])
async def test_who_is_accused_is_let_in_again_where_nobody_else_is_left_unless_that_is_news(
    engine: Engine, seeders: Seeders, tmp_path: Path, is_news: bool
) -> None:
    seed = seeders.seed(write(tmp_path / "film.mkv", DATA), upload=1_000_000)
    torrent = await add(engine, seed.magnet)
    torrent.select(torrent.files[0])
    await has_some(torrent, 4)
    assert torrent.lies is not None
    liar: Endpoint = ("127.0.0.9", 9)
    torrent.lies.evidence.accused.add(liar)
    torrent.lies._has_news = is_news
    torrent.lies._peers = Peers(asked=False)
    before = torrent.handle

    engine.renew(torrent)
    await until(lambda: torrent.handle not in (None, before))

    assert torrent.lies.evidence.accused == ({liar} if is_news else set())


@pytest.mark.usefixtures("rig_sockets")
async def test_a_liar_is_found_out_and_banned_and_nobody_else(
    start_engine: StartEngine, libtorrent: ModuleType, tmp_path: Path
) -> None:
    film = write(tmp_path / "content" / "film.mkv", noise(16 * MIB))
    metainfo = make_torrent(film, MIB)  # a piece is so long that the liar has a part in each
    async with Swarm(metainfo, film.parent, rates=(SLOW,) * 6, corrupt=(LIAR,), namespaces=False) as swarm:
        engine = await start_engine()
        torrent = await add(engine, swarm.magnet)
        torrent.select(torrent.files[0])
        assert torrent.lies is not None

        assert await read_all(torrent) == film.read_bytes()

        # On a busy machine the liar may be so late that a piece is right without it, which tells libtorrent who lied.
        assert torrent.lies.evidence.accused <= {(swarm.peers[LIAR], swarm._port(LIAR))}
        await soon(engine.save(torrent))
        assert banned(libtorrent, torrent) == {swarm.peers[LIAR]}


async def test_a_piece_that_was_complete_when_it_was_overwritten_is_downloaded_again(
    engine: Engine, seeders: Seeders, tmp_path: Path
) -> None:
    seed = seeders.seed(write(tmp_path / "film.mkv", DATA), upload=4_000_000)
    torrent = await add(engine, seed.magnet)
    torrent.select(torrent.files[0])
    assert torrent.lies is not None
    last = len(torrent._have.pieces) - 1
    torrent.lies._begun_anew.add(last)

    assert await read_all(torrent) == DATA
    assert torrent.has(last)


async def test_a_torrent_with_a_piece_that_is_complete_and_not_hashed_is_added_anew(
    engine: Engine, seeders: Seeders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stranded, "HASHED_AFTER", 0.0)
    monkeypatch.setattr(stranded, "BETWEEN_LOOKS", 0.0)
    film = write(tmp_path / "film.mkv", DATA)
    metainfo = make_torrent(film, PIECE)
    torrent = await add(engine, metainfo.metainfo)
    # Whether libtorrent leaves one so hangs on how its threads take turns: once in some tens of tries.
    complete = [{"piece_index": 0, "blocks": [{"state": ON_DISK}]}]
    monkeypatch.setattr(lies, "begun", lambda _: complete)
    assert torrent.lies is not None
    torrent.lies._last_wrong = asyncio.get_running_loop().time()
    before = handle_of(torrent)

    reading = asyncio.create_task(read_all(torrent))
    await until(lambda: torrent.handle not in (None, before))
    await add(engine, seeders.share(metainfo, tmp_path).magnet)

    assert await reading == DATA


async def test_what_comes_after_the_end_is_not_compared(engine: Engine, seeders: Seeders, tmp_path: Path) -> None:
    seed = seeders.seed(write(tmp_path / "film.mkv", DATA))
    torrent = await add(engine, seed.magnet)
    assert torrent.lies is not None
    torrent.lies._comparison.remember(0, {}, {})
    await soon(torrent.close(TorrentGone("torrent_gone")))

    sender = seed.address, seed.port
    on_block = engine._handlers[engine._lt.block_finished_alert]
    on_block(Mock(handle=torrent.handle, piece_index=0, block_index=0, endpoint=sender))

    assert not torrent.lies._tasks


async def test_nobody_is_left_waiting_when_the_engine_stops_meanwhile(
    engine: Engine, seeders: Seeders, tmp_path: Path
) -> None:
    seed = seeders.seed(write(tmp_path / "film.mkv", DATA), upload=1_000_000)
    torrent = await add(engine, seed.magnet)
    torrent.select(torrent.files[0])
    reading = asyncio.create_task(read_all(torrent))
    await has_some(torrent, 4)

    engine.renew(torrent)
    await asyncio.sleep(0)
    await soon(engine.stop())

    with pytest.raises(TorrentGone):
        await reading


@pytest.mark.usefixtures("rig_sockets")
@pytest.mark.parametrize("rate", [SLOW, FAST])
async def test_a_film_is_complete_with_one_liar_among_honest_seeds(
    start_engine: StartEngine, libtorrent: ModuleType, tmp_path: Path, rate: int
) -> None:
    film = write(tmp_path / "content" / "film.mkv", noise(256 * PIECE + 99))
    metainfo = make_torrent(film, PIECE)
    rates = (rate,) * (LIAR + 1)
    async with Swarm(metainfo, film.parent, rates=rates, corrupt=(LIAR,), namespaces=False) as swarm:
        engine = await start_engine()
        failed = failed_pieces(engine)
        torrent = await add(engine, swarm.magnet)
        torrent.select(torrent.files[0])

        assert await read_all(torrent) == film.read_bytes()

        assert failed  # the liar was believed at first
        await soon(engine.stop())
    # The next session bans nobody for what was sent in this one.
    engine = await start_engine()
    again = await soon(engine.add(await engine.source_of(metainfo.info_hash)))
    assert await read_all(again) == film.read_bytes()
    await soon(engine.save(again))
    assert not banned(libtorrent, again)
