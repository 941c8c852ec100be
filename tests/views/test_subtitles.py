"""Subtitles as a device fetches them."""

import shutil
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest

from custom_components.torrent_cast.playback import Given, Playback, Session, Wishes
from custom_components.torrent_cast.playback.subtitles import NOTHING
from custom_components.torrent_cast.views import stream_path, subtitle_path
from tests.conftest import Seed, soon
from tests.views.conftest import ORIGIN, Client

SRT = "1\n00:00:01,000 --> 00:00:02,500\nGrüße\n"


@pytest.fixture
async def subtitled(playback: Playback, tmp_path: Path, film_file: Path, seeder: Callable[[Path], Seed]) -> Session:
    """Return a prepared session on a film with subtitles beside it, of which the English ones are none."""
    folder = tmp_path / "seeder" / "A film"
    folder.mkdir(parents=True)
    shutil.copy(film_file, folder / "film.mp4")
    (folder / "film.de.srt").write_bytes(SRT.encode("cp1252"))
    (folder / "film.en.srt").write_bytes(b"no subtitles at all")
    given = Wishes(given=Given("mine", b"WEBVTT\n\n"))
    session = playback.start_session(await playback.parse(seeder(folder).magnet), wishes=given)
    await soon(session.prepare())
    return session


async def test_a_track_comes_as_webvtt_to_whoever_knows_the_token(client: Client, subtitled: Session) -> None:
    assert subtitled.subtitles is not None
    assert [track.label for track in subtitled.subtitles.tracks] == ["mine", "German", "English"]
    assert subtitled.shown == 1
    assert subtitled.token not in subtitle_path(subtitled, 2), "a device tells everybody"
    async with client.get(subtitle_path(subtitled, 2), headers={"Origin": ORIGIN}) as response:
        assert response.status == HTTPStatus.OK
        assert response.headers["Access-Control-Allow-Origin"] in {ORIGIN, "*"}
        assert response.content_type == "text/vtt"
        assert "00:00:01.000 --> 00:00:02.500\nGrüße" in await response.text()


async def test_what_cannot_be_read_has_no_lines(
    client: Client, subtitled: Session, caplog: pytest.LogCaptureFixture
) -> None:
    async with client.get(subtitle_path(subtitled, 3)) as response:
        assert (response.status, await response.read()) == (HTTPStatus.OK, NOTHING)
    assert "Subtitles 3 cannot be read: not_subtitles" in caplog.text


async def test_other_numbers_and_ended_sessions_are_not_found(client: Client, subtitled: Session) -> None:
    async with client.get(subtitle_path(subtitled, 4)) as response:
        assert response.status == HTTPStatus.NOT_FOUND
    subtitled.end()
    async with client.get(subtitle_path(subtitled, 2)) as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_what_opens_the_subtitles_does_not_open_the_film(client: Client, subtitled: Session) -> None:
    for path in (stream_path(subtitled), f"/api/torrent_cast/{subtitled.token}/hls/film.m3u8"):
        async with client.get(path.replace(subtitled.token, subtitled.side_token)) as response:
            assert response.status == HTTPStatus.NOT_FOUND
