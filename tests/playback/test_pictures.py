"""Pictures of what is downloaded already."""
# ruff: noqa: ARG001  # fixtures are asked for by name; a test may wait for its own disk

import asyncio
import shutil
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path

import av
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from yarl import URL

from custom_components.torrent_cast.media import Reason, Unplayable
from custom_components.torrent_cast.metadata import describe
from custom_components.torrent_cast.playback import Look, Playback, Session, pictures
from custom_components.torrent_cast.playback.artwork import Artwork
from custom_components.torrent_cast.playback.pictures import Downloaded, NotThere, Pictures
from custom_components.torrent_cast.views import art_path, picture_path
from tests.conftest import PATIENCE, PIECE, Seed, settled, soon, until
from tests.media.conftest import ffmpeg

NONE = Artwork([])
BASE = URL("http://192.0.2.1:8123")


@pytest.fixture
async def client(
    entry: MockConfigEntry, hass_client: ClientSessionGenerator
) -> TestClient[web.Request, web.Application]:
    """Return a client that is logged in."""
    client: TestClient[web.Request, web.Application] = await hass_client()
    return client


@pytest.fixture
async def complete(session: Session) -> Session:
    """Return a session on a film all of which is there."""
    assert session.torrent is not None
    assert session.file is not None
    await soon(session.torrent.wait_for_range(session.file, 0, session.file.size))
    return session


async def answer(client: TestClient[web.Request, web.Application], path: str) -> tuple[int, bytes]:
    """Return status and body."""
    async with client.get(path) as response:
        return response.status, await soon(response.read())


def size_of(picture: bytes, folder: Path) -> tuple[int, int]:
    """Return width and height of a JPEG."""
    path = folder / "picture.jpg"
    path.write_bytes(picture)
    with av.open(path) as container:
        frame = next(container.decode(video=0))
        return frame.width, frame.height


async def test_a_film_has_a_picture(
    client: TestClient[web.Request, web.Application], complete: Session, film: Seed, tmp_path: Path
) -> None:
    status, body = await answer(client, picture_path(film.key, 0))
    assert status == HTTPStatus.OK
    assert size_of(body, tmp_path) == (320, 180)


async def test_a_picture_stays_when_the_film_is_not_in_use_and_goes_with_it(
    hass: HomeAssistant,
    client: TestClient[web.Request, web.Application],
    complete: Session,
    film: Seed,
    playback: Playback,
) -> None:
    first = await answer(client, picture_path(film.key, 0))
    complete.end()
    await settled(playback)
    assert playback.torrents == ()
    assert await answer(client, picture_path(film.key, 0)) == first
    await playback.library.forget(film.key)
    await playback.tidy()
    assert await answer(client, picture_path(film.key, 0)) == (HTTPStatus.NOT_FOUND, b"404: Not Found")


async def test_a_picture_is_found_again_after_a_restart(complete: Session, film: Seed, playback: Playback) -> None:
    await playback.tidy()
    assert playback.pictures.look(film.key, 0) is Look.FRAME
    again = Pictures(playback.pictures._folder, playback.worker, playback.changes.beat)
    await again.load()
    assert await again.get(film.key, 0) == await playback.pictures.get(film.key, 0)


async def test_nothing_is_downloaded_for_a_picture(
    client: TestClient[web.Request, web.Application], playback: Playback, film: Seed
) -> None:
    session = playback.start_session(await playback.parse(film.torrent.metainfo))
    await soon(session.resolve())
    assert (await answer(client, picture_path(film.key, 0)))[0] == HTTPStatus.NOT_FOUND


async def test_what_is_no_film_has_none_and_is_not_tried_again(
    client: TestClient[web.Request, web.Application], playback: Playback, noise: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = playback.start_session(await playback.parse(noise.magnet))
    await soon(session.resolve())
    assert session.torrent is not None
    assert session.file is not None
    await soon(session.torrent.wait_for_range(session.file, 0, session.file.size))
    assert (await answer(client, picture_path(noise.key, 0)))[0] == HTTPStatus.NOT_FOUND
    assert not playback.pictures.may_take(noise.key, session.file)


def drawn(path: Path, colour: str) -> None:
    """Make a poster of one colour."""
    ffmpeg("-f", "lavfi", "-i", f"color={colour}:size=600x900", "-frames:v", "1", path)


@pytest.fixture
def shelf(
    film_file: Path, tmp_path: Path, seeder: Callable[[Path], Seed]
) -> Callable[[Mapping[str, str | bytes]], Seed]:
    """Return what makes a torrent of the film and of files beside it: posters by their colour, or bytes."""

    def make(beside: Mapping[str, str | bytes]) -> Seed:
        folder = tmp_path / "seeder" / "A film"
        folder.mkdir(parents=True)
        (folder / film_file.name).write_bytes(film_file.read_bytes())
        for name, what in beside.items():
            (folder / name).write_bytes(what) if isinstance(what, bytes) else drawn(folder / name, what)
        return seeder(folder)

    return make


async def prepared(playback: Playback, seed: Seed) -> Session:
    """Return a session that is ready to play."""
    session = playback.start_session(await playback.parse(seed.magnet))
    await soon(session.prepare())
    return session


def index_of(session: Session) -> int:
    """Return which file a session plays."""
    assert session.file is not None
    return session.file.index


async def test_a_poster_beside_a_film_is_its_picture_at_the_first_play(
    hass: HomeAssistant,
    client: TestClient[web.Request, web.Application],
    playback: Playback,
    shelf: Callable[..., Seed],
    tmp_path: Path,
) -> None:
    seed = shelf({"folder.jpg": "red", "readme.txt": b"nothing"})
    session = await prepared(playback, seed)
    (image,) = (await describe(hass, playback, session, BASE))["images"]
    assert image["url"] == str(BASE.with_path(art_path(session))), "LOAD names it before it is there"
    status, body = await answer(client, art_path(session))
    assert status == HTTPStatus.OK
    assert size_of(body, tmp_path) == (480, 720)
    assert playback.pictures.look(seed.key, index_of(session)) is Look.ART
    (shown,) = (await playback.entry(seed.key)).pictures.items()
    assert shown == (index_of(session), Look.ART)
    assert (await answer(client, picture_path(seed.key, *shown)))[1] == body
    session.end()


async def test_a_poster_takes_the_place_of_a_moment_of_the_film_and_outlasts_a_restart(
    playback: Playback, shelf: Callable[..., Seed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = shelf({"poster.png": "red"})
    session = playback.start_session(await playback.parse(seed.magnet))
    await soon(session.resolve())
    assert session.torrent is not None
    assert session.file is not None
    name = seed.key, session.file.index
    await soon(session.torrent.wait_for_range(session.file, 0, session.file.size))
    told: list[None] = []
    playback.changes.add(lambda: told.append(None))
    with monkeypatch.context() as unseen:
        unseen.setattr(playback.pictures, "_artwork_of", lambda _torrent: NONE)
        await playback.pictures.take(session.torrent, session.file)
    assert playback.pictures.look(*name) is Look.FRAME
    await playback.tidy()
    await soon(session.artwork_found(PATIENCE))
    assert playback.pictures.look(*name) is Look.ART
    await until(lambda: told)
    again = Pictures(playback.pictures._folder, playback.worker, playback.changes.beat)
    await again.load()
    picture = await again.get(*name)
    assert picture is not None
    assert size_of(picture, tmp_path) == (480, 720)
    session.end()
    await settled(playback)
    await playback.library.forget(seed.key)
    await playback.tidy()
    assert list(playback.pictures._folder.iterdir()) == []


async def test_what_only_says_that_it_is_a_poster_is_passed_over(
    client: TestClient[web.Request, web.Application], playback: Playback, shelf: Callable[..., Seed]
) -> None:
    evil = b"<html><script>alert(1)</script></html>"
    seed = shelf({"poster.jpg": evil, "cover.png": evil, "folder.jpg": "red"})
    session = await prepared(playback, seed)
    async with client.get(art_path(session)) as response:
        assert (response.status, response.content_type) == (HTTPStatus.OK, "image/jpeg")
        assert (await response.read()).startswith(b"\xff\xd8\xff")
    session.end()


async def test_without_a_real_poster_there_is_none(
    client: TestClient[web.Request, web.Application], playback: Playback, shelf: Callable[..., Seed]
) -> None:
    session = await prepared(playback, shelf({"poster.jpg": b"<svg/>" * 100, "nothing.jpg": "red"}))
    await soon(session.artwork_found(PATIENCE))
    assert not playback.has_picture(session)
    assert not session.is_finding_artwork
    session.end()


async def test_only_as_long_as_a_film_plays_its_poster_is_waited_for(
    playback: Playback, shelf: Callable[..., Seed]
) -> None:
    seed = shelf({"poster.jpg": "red"})
    session = playback.start_session(await playback.parse(seed.torrent.metainfo))  # nobody has it
    await soon(session.resolve())
    assert session.torrent is not None
    session.find_artwork(playback.pictures.fetch)
    await until(lambda: session.torrent is not None and session.torrent._selection.beside)
    torrent = session.torrent
    session.end()
    await settled(playback)
    assert not torrent._selection.beside


async def test_a_poster_that_nobody_has_does_not_keep_a_complete_film_awake(
    playback: Playback, shelf: Callable[..., Seed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "PATIENCE", 0.05)
    seed = shelf({"poster.jpg": "red"})
    session = playback.start_session(await playback.parse(seed.torrent.metainfo))
    await soon(session.resolve())
    assert session.torrent is not None
    monkeypatch.setattr(session.torrent, "missing_bytes", lambda _file: 0)
    session.find_artwork(playback.pictures.fetch)
    await soon(session.artwork_found(PATIENCE))
    assert not session.is_finding_artwork
    assert not session.torrent._selection.beside
    session.end()


async def test_a_song_has_the_cover_that_is_in_it(
    client: TestClient[web.Request, web.Application],
    playback: Playback,
    seeder: Callable[[Path], Seed],
    film_file: Path,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "seeder"
    folder.mkdir()
    drawn(tmp_path / "front.png", "red")
    ffmpeg(
        *("-i", film_file, "-i", tmp_path / "front.png", "-map", "0:a", "-map", "1", "-c:v", "copy"),
        *("-disposition:v", "attached_pic", folder / "A song.mp3"),
    )
    session = await prepared(playback, seeder(folder / "A song.mp3"))
    assert playback.has_picture(session)
    status, body = await answer(client, art_path(session))
    assert status == HTTPStatus.OK
    assert size_of(body, tmp_path) == (480, 720)
    session.end()


async def test_who_goes_away_does_not_break_off_what_the_worker_does(
    client: TestClient[web.Request, web.Application],
    complete: Session,
    film: Seed,
    playback: Playback,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, goes, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(*_: object) -> bytes:
        begun.set()
        await goes.wait()
        done.set()
        raise NotThere

    monkeypatch.setattr(pictures, "cover", slow)
    asking = asyncio.create_task(answer(client, picture_path(film.key, 0)))
    await soon(begun.wait())
    asking.cancel()
    await until(lambda: not playback.pictures._asked._tasks)
    goes.set()
    await soon(done.wait())


async def test_a_picture_that_many_ask_for_is_made_once(
    client: TestClient[web.Request, web.Application],
    complete: Session,
    film: Seed,
    playback: Playback,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[object] = []

    async def vain(*args: object) -> bytes:
        made.append(args)
        await until(lambda: len(playback.pictures._asked._waiting) == 1 and asked() == 20)
        raise NotThere

    def asked() -> int:
        return sum(playback.pictures._asked._waiting.values())

    monkeypatch.setattr(pictures, "cover", vain)
    monkeypatch.setattr(Pictures, "_frame", vain)
    paths = [picture_path(film.key, 0)] * 20
    answers = await asyncio.gather(*(answer(client, path) for path in paths))
    assert {status for status, _ in answers} == {HTTPStatus.NOT_FOUND}
    assert len(made) == 2, "a cover, and a moment"


async def test_what_is_no_picture_is_looked_at_once_for_all_the_films_beside_it(
    playback: Playback, film_file: Path, tmp_path: Path, seeder: Callable[[Path], Seed], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "seeder" / "Films"
    folder.mkdir(parents=True)
    for number in range(3):
        shutil.copy(film_file, folder / f"{number}.mp4")
    (folder / "poster.jpg").write_bytes(b"<html>")
    looked_at: list[bytes] = []

    async def look(_worker: object, data: bytes) -> bytes:
        looked_at.append(data)
        raise Unplayable(Reason.NOT_MEDIA)

    monkeypatch.setattr(pictures, "still", look)
    session = await prepared(playback, seeder(folder))
    assert session.torrent is not None
    await soon(session.artwork_found(PATIENCE))
    for file in session.torrent.files:
        await soon(playback.pictures.take(session.torrent, file))
    assert looked_at == [b"<html>"]
    session.end()


async def test_a_poster_is_tried_once_more_where_the_machine_may_have_been_at_fault(
    playback: Playback, shelf: Callable[..., Seed], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Reason] = []

    async def killed(_worker: object, _data: bytes) -> bytes:
        tries.append(Reason.CRASHED)
        raise Unplayable(Reason.CRASHED)

    monkeypatch.setattr(pictures, "still", killed)
    session = await prepared(playback, shelf({"poster.jpg": "red"}))
    assert session.torrent is not None
    assert session.file is not None
    await soon(session.artwork_found(PATIENCE))
    for _ in range(3):
        await soon(playback.pictures.take(session.torrent, session.file))
    assert len(tries) == 2
    session.end()


async def test_a_poster_whose_torrent_is_removed_is_waited_for_no_longer(
    client: TestClient[web.Request, web.Application],
    playback: Playback,
    shelf: Callable[..., Seed],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seed = shelf({"poster.jpg": "red"})
    session = playback.start_session(await playback.parse(seed.torrent.metainfo))  # nobody has it
    await soon(session.resolve())
    session.find_artwork(playback.pictures.fetch)
    await until(lambda: session.torrent is not None and session.torrent._selection.beside)
    waits, found = asyncio.Event(), session.artwork_found

    async def wait(patience: float) -> None:
        waits.set()
        await found(patience)

    monkeypatch.setattr(session, "artwork_found", wait)
    asking = asyncio.create_task(answer(client, art_path(session)))
    await soon(waits.wait())
    await soon(playback.remove(seed.key, delete_files=True))
    assert (await soon(asking))[0] == HTTPStatus.NOT_FOUND


async def test_no_more_than_what_is_asked_for_is_held_of_large_pieces(session: Session) -> None:
    torrent, file = session.torrent, session.file
    assert torrent is not None
    assert file is not None
    source = Downloaded(torrent, file)
    await soon(torrent.wait_for_range(file, 0, file.size))
    whole = await soon(source.read_range(0, file.size))
    for start, end in ((0, 1), (PIECE - 1, PIECE + 1), (5, 3 * PIECE), (file.size - 1, file.size)):
        assert await soon(source.read_range(start, end)) == whole[start:end]


async def test_only_who_is_logged_in_sees_pictures(hass: HomeAssistant, complete: Session, film: Seed) -> None:
    async with TestClient(TestServer(hass.http.app)) as stranger:
        assert (await answer(stranger, picture_path(film.key, 0)))[0] == HTTPStatus.UNAUTHORIZED


async def test_only_who_knows_the_address_sees_what_plays_and_as_long_as_it_does(
    hass: HomeAssistant, complete: Session
) -> None:
    async with TestClient(TestServer(hass.http.app)) as device:
        path = art_path(complete)
        assert (await answer(device, path))[0] == HTTPStatus.OK
        for other in (path.replace(complete.side_token, complete.token), path.replace(complete.side_token, "x")):
            assert (await answer(device, other))[0] == HTTPStatus.NOT_FOUND
        complete.end()
        assert (await answer(device, path))[0] == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("where", ["x/0", f"{'0' * 40}/x", f"{'0' * 40}/{'9' * 30}", f"{'0' * 40}/0", "..%2f..%2fx/0"])
async def test_other_pictures_are_not_found(client: TestClient[web.Request, web.Application], where: str) -> None:
    assert (await answer(client, f"/api/torrent_cast/thumbnail/{where}"))[0] in {
        HTTPStatus.NOT_FOUND,
        HTTPStatus.BAD_REQUEST,
    }
