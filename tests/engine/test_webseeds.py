"""Web seeds (BEP 19): a real web server with ranges on loopback, and no peers unless a test says so."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import hdrs, web
from aiohttp.test_utils import TestServer

from custom_components.torrent_cast.engine import Engine
from tests.engine.conftest import PIECE, Seeders, add, noise, read_all, until, write
from tests.rig.torrents import Version, make_torrent

DATA = noise(20 * PIECE + 99)


class WebSeed:
    """A web server that has the films, answers with errors, or with zeros."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.requests: list[str] = []
        app = web.Application()
        app.router.add_get("/{how}/{path:.*}", self._answer)
        self.server = TestServer(app)

    def url(self, how: str) -> str:
        """Return the address below which the films are, and `how` they are."""
        return str(self.server.make_url(f"/{how}/"))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.path_qs)
        path = self._folder / request.match_info["path"]
        match request.match_info["how"]:
            case "right":
                return web.FileResponse(path)
            case "zeros":
                return _zeros(request, path.stat().st_size)
            case status:
                return web.Response(status=int(status))


def _zeros(request: web.Request, size: int) -> web.Response:
    wanted = request.http_range
    start, stop = wanted.start or 0, min(wanted.stop or size, size)
    headers = {hdrs.CONTENT_RANGE: f"bytes {start}-{stop - 1}/{size}"}
    return web.Response(status=206, body=bytes(stop - start), headers=headers)


@pytest.fixture
async def web_seed(tmp_path: Path, rig_sockets: None) -> AsyncIterator[WebSeed]:
    """Return a running web server."""
    web_seed = WebSeed(tmp_path)
    async with web_seed.server:
        yield web_seed


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Return a film."""
    return write(tmp_path / "a film.mkv", DATA)


@pytest.mark.parametrize("version", Version)
async def test_a_film_comes_from_a_web_seed_alone(
    engine: Engine, web_seed: WebSeed, film: Path, version: Version
) -> None:
    metainfo = make_torrent(film, PIECE, version=version).with_web_seeds(web_seed.url("right"))

    torrent = await add(engine, metainfo.metainfo)

    assert await read_all(torrent) == DATA
    assert set(web_seed.requests) == {"/right/a%20film.mkv"}


async def test_a_film_among_other_files_comes_from_a_web_seed(
    engine: Engine, web_seed: WebSeed, tmp_path: Path
) -> None:
    data = {name: noise(3 * PIECE + 7, seed) for seed, name in enumerate(("a b.mkv", "ü.txt", "c#d.nfo"))}
    for name, content in data.items():
        write(tmp_path / "films" / name, content)
    metainfo = make_torrent(tmp_path / "films", PIECE).with_web_seeds(web_seed.url("right"))
    torrent = await add(engine, metainfo.metainfo)
    for file in torrent.files:
        torrent.select(file)

    assert {file.name: await read_all(torrent, index) for index, file in enumerate(torrent.files)} == data


async def test_a_magnet_names_a_web_seed(engine: Engine, seeders: Seeders, web_seed: WebSeed, film: Path) -> None:
    peer = seeders.describe(make_torrent(film, PIECE), film.parent / "nothing")

    torrent = await add(engine, f"{peer.magnet}&ws={quote(web_seed.url('right') + quote(film.name), safe='')}")

    assert await read_all(torrent) == DATA
    assert set(web_seed.requests) == {"/right/a%20film.mkv"}


async def test_zeros_from_a_web_seed_never_come_out(
    engine: Engine, seeders: Seeders, web_seed: WebSeed, film: Path
) -> None:
    metainfo = make_torrent(film, PIECE).with_web_seeds(web_seed.url("zeros"))
    torrent = await add(engine, metainfo.metainfo)
    reading = asyncio.create_task(read_all(torrent))
    handle = torrent.handle
    assert handle is not None

    await until(lambda: not handle.url_seeds())  # banned
    assert not any(torrent._have.pieces)
    assert not reading.done()
    # Once a piece is right libtorrent bans by address alone.
    good = seeders.share(metainfo, film.parent, address="127.0.0.2")
    await add(engine, good.magnet)  # not by `handle`: the torrent may be added anew

    assert await reading == DATA


@pytest.mark.parametrize("status", ["404", "500", "200"])
async def test_a_web_seed_that_answers_with_errors_does_no_harm(
    engine: Engine, seeders: Seeders, web_seed: WebSeed, film: Path, status: str
) -> None:
    metainfo = make_torrent(film, PIECE).with_web_seeds(web_seed.url(status))
    torrent = await add(engine, metainfo.metainfo)
    reading = asyncio.create_task(read_all(torrent))
    handle = torrent.handle
    assert handle is not None

    await until(lambda: web_seed.requests)
    good = seeders.share(metainfo, film.parent)
    handle.connect_peer((good.address, good.port))

    assert await reading == DATA


async def test_a_web_seed_in_the_local_network_is_not_asked_with_a_query(
    engine: Engine, web_seed: WebSeed, film: Path
) -> None:
    """What libtorrent's `ssrf_mitigation` leaves to torrents of strangers: paths, and no parameters."""
    harmful = f"{web_seed.url('right')}{quote(film.name)}?reboot=1"
    metainfo = make_torrent(film, PIECE).with_web_seeds(harmful, web_seed.url("right"))
    torrent = await add(engine, metainfo.metainfo)

    assert await read_all(torrent) == DATA
    assert set(web_seed.requests) == {"/right/a%20film.mkv"}
