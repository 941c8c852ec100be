"""Sources that do not play: what is said, and that nothing is left behind."""
# ruff: noqa: ARG001, ASYNC240  # fixtures are asked for by name; a test may wait for its own disk

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.playback import Playback
from custom_components.torrent_cast.playback.sessions import Sessions
from tests.conftest import LOOPBACK, OPTIONS, PIECE, Seed, Seeder, Television, Televisions, assert_nothing_left
from tests.rig.torrents import Torrent, Version, make_torrent
from tests.services.conftest import NOBODY, play, refusal

pytestmark = pytest.mark.usefixtures("entry")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("", "empty_source"),
        ("   ", "empty_source"),
        ("the film", "unknown_source"),
        ("ftp://example.org/film.torrent", "unknown_source"),
        ("file:///etc/passwd", "unknown_source"),
        ("relative.torrent", "unknown_source"),
        ("/etc/passwd", "unknown_source"),
        ("magnet:", "bad_magnet"),
        ("magnet:?dn=film", "bad_magnet"),
        ("magnet:?xt=urn:btih:", "bad_magnet"),
        ("magnet:?xt=urn:btih:123", "bad_magnet"),
        (f"{NOBODY}&dn={'x' * 40_000}", "magnet_too_long"),
        ("magnet:?xt=urn:btmh:1220caf1e1c30e81cb361b9ee167c4aa64228a7fa4fa9f6105232b28ad099f3a30", "bad_magnet"),
        (f"{NOBODY}&so=3-1", "bad_selection"),
    ],
)
async def test_a_bad_source_is_the_callers_fault(
    hass: HomeAssistant, tv: Television, playback: Playback, downloads: Path, source: str, reason: str
) -> None:
    error = await refusal(hass, tv.entity_id, source)
    assert error.translation_key == reason
    assert isinstance(error, ServiceValidationError)
    assert tv.played == []
    await assert_nothing_left(playback, downloads)


async def test_nobody_has_it(
    hass: HomeAssistant, tv: Television, impatient: None, playback: Playback, downloads: Path
) -> None:
    error = await refusal(hass, tv.entity_id, NOBODY)
    assert error.translation_key == "no_metadata"
    assert not isinstance(error, ServiceValidationError)
    await assert_nothing_left(playback, downloads)


async def test_somebody_has_described_it_but_nobody_sends_it(
    hass: HomeAssistant,
    tv: Television,
    torrent_file: Path,
    entry: MockConfigEntry,
    playback: Playback,
    downloads: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"keep_hours": 0})
    monkeypatch.setattr(Sessions, "patience", 0.05)  # with the swarm, not with libtorrent that reads a file
    error = await refusal(hass, tv.entity_id, str(torrent_file))
    assert error.translation_key == "no_data"
    await assert_nothing_left(playback, downloads)


@pytest.fixture
def described(
    hass: HomeAssistant, entry: MockConfigEntry, film_file: Path, libtorrent: ModuleType, tmp_path: Path
) -> Callable[[Torrent], str]:
    """Return what makes a magnet link whose peer has the metadata and nothing else; patience is short."""
    options = OPTIONS | {"metadata_timeout": 1, "keep_hours": 0}
    hass.config_entries.async_update_entry(entry, options=options)
    seeder = Seeder(libtorrent)
    return lambda torrent: f"{torrent.magnet}&x.pe={LOOPBACK}:{seeder.describe(torrent, tmp_path / 'nothing')}"


async def test_v2_layers_that_never_come(
    hass: HomeAssistant,
    tv: Television,
    described: Callable[[Torrent], str],
    film_file: Path,
    playback: Playback,
    downloads: Path,
) -> None:
    torrent = make_torrent(film_file, PIECE, version=Version.V2).without_layers()
    error = await refusal(hass, tv.entity_id, described(torrent))
    assert error.translation_key == "no_data"
    await assert_nothing_left(playback, downloads)


@pytest.mark.parametrize("answer", [web.Response(status=404), web.Response(status=206, body=bytes(PIECE))])
async def test_a_web_seed_without_the_film(
    hass: HomeAssistant,
    tv: Television,
    described: Callable[[Torrent], str],
    film_file: Path,
    playback: Playback,
    downloads: Path,
    answer: web.Response,
) -> None:
    asked: list[str] = []

    async def refuse(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=answer.status, body=answer.body)

    app = web.Application()
    app.router.add_get("/{path:.*}", refuse)
    async with TestServer(app) as server:
        magnet = described(make_torrent(film_file, PIECE))
        error = await refusal(hass, tv.entity_id, f"{magnet}&ws={quote(str(server.make_url('/film')), safe='')}")
        assert error.translation_key == "no_data"
        assert asked
    await assert_nothing_left(playback, downloads)


async def test_a_magnet_says_which_file(
    hass: HomeAssistant, tv: Television, film_file: Path, seeder: Callable[[Path], Seed], tmp_path: Path
) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(film_file, folder / name)
    (folder / "b.mp4").write_bytes(film_file.read_bytes() + bytes(PIECE))  # the largest one
    seed = seeder(folder)
    files = [name for name, _ in seed.torrent.files()]
    index = files.index("films/a.mp4")

    answer = await play(hass, tv.entity_id, f"{seed.magnet}&so={index}")
    assert answer["sessions"][0]["file"]["path"] == "films/a.mp4"
    answer = await play(hass, tv.entity_id, f"{seed.magnet}&so={index}", file="b.mp4")
    assert answer["sessions"][0]["file"]["path"] == "films/b.mp4"


async def test_a_magnet_that_says_a_file_that_is_not_there(
    hass: HomeAssistant, tv: Television, film: Seed, playback: Playback, downloads: Path
) -> None:
    error = await refusal(hass, tv.entity_id, f"{film.magnet}&so=7-9")
    assert error.translation_key == "no_such_file"
    assert error.translation_placeholders == {"index": "7", "last": "0"}
    await assert_nothing_left(playback, downloads)


async def test_a_hybrid_named_by_v2_is_the_film_that_plays_already(
    hass: HomeAssistant,
    televisions: Televisions,
    film_file: Path,
    shared_seeder: Seeder,
    playback: Playback,
    entry: MockConfigEntry,
    downloads: Path,
) -> None:
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"keep_hours": 0})
    seed = shared_seeder.seed(film_file, version=Version.HYBRID)
    peer = f"&x.pe={LOOPBACK}:{seed.port}"
    for name, magnet in (("one", seed.torrent.v2_magnet), ("two", seed.torrent.v1_magnet)):
        answer = await play(hass, televisions.add(name).entity_id, magnet + peer)
        assert answer["sessions"][0]["info_hash"] == seed.torrent.v1
    assert playback._torrents._users == {seed.torrent.v1: 2}
    assert len(playback.torrents) == 1

    for session in playback.sessions:
        session.end()

    await assert_nothing_left(playback, downloads)
    shared_seeder.forget(seed)
