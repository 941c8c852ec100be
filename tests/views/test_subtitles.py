"""Subtitles as a device fetches them."""

import shutil
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest

from custom_components.torrent_cast.media import BROWSER
from custom_components.torrent_cast.playback import Given, Playback, Session, Wishes
from custom_components.torrent_cast.playback.subtitles import NOTHING
from custom_components.torrent_cast.views import delivery_path, stream_path, subtitle_path
from tests.conftest import Seed, soon
from tests.media.conftest import ffmpeg
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


async def test_frames_are_counted_at_the_rate_of_the_film(
    client: Client, playback: Playback, tmp_path: Path, film_file: Path, seeder: Callable[[Path], Seed]
) -> None:
    folder = tmp_path / "seeder" / "A film"
    folder.mkdir(parents=True)
    ffmpeg("-r", "50", "-i", film_file, "-c:v", "libx264", "-preset", "ultrafast", folder / "film.mp4")
    (folder / "film.sub").write_text("{50}{100}Hello\n")
    session = playback.start_session(await playback.parse(seeder(folder).magnet))
    await soon(session.prepare())
    async with client.get(subtitle_path(session, 1)) as response:
        assert "00:00:01.000 --> 00:00:02.000\nHello" in await response.text()


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


def tracks_path(session: Session) -> str:
    return stream_path(session).rpartition("/")[0] + "/subtitles/tracks.json"


async def test_a_browser_is_told_what_there_is_beside_a_film(client: Client, subtitled: Session) -> None:
    async with client.get(tracks_path(subtitled)) as response:
        mine, german, english = await response.json()
    assert mine == {
        "file": subtitle_path(subtitled, 1),
        "kind": "subtitles",
        "label": "mine",
        "language": "",
        "shown": True,
    }
    assert (german["file"], german["language"], german["shown"]) == (subtitle_path(subtitled, 2), "de", False)
    assert english["label"] == "English"
    async with client.get(tracks_path(subtitled).replace(subtitled.token, subtitled.side_token)) as response:
        assert response.status == HTTPStatus.NOT_FOUND


async def test_a_browser_is_told_where_a_film_has_its_own(
    client: Client, playback: Playback, tmp_path: Path, film_file: Path, seeder: Callable[[Path], Seed]
) -> None:
    path, lines = tmp_path / "seeder" / "film.mkv", tmp_path / "lines.srt"
    path.parent.mkdir(exist_ok=True)
    lines.write_text(SRT)
    told = ("-metadata:s:s:0", "language=eng", "-metadata:s:s:0", "title=SDH")
    ffmpeg("-i", film_file, "-i", lines, "-map", "0", "-map", "1", "-c", "copy", *told, path)
    session = playback.start_session(await playback.parse(seeder(path).magnet))
    session.profile = BROWSER
    await soon(session.prepare())
    async with client.get(tracks_path(session)) as response:
        (track,) = await response.json()
    assert (track["label"], track["kind"], track["shown"]) == ("English (SDH)", "captions", False)
    async with client.get(track["playlist"]) as response:
        assert "-0.vtt" in await response.text()
    async with client.get(delivery_path(session)) as response:
        assert track["playlist"].rpartition("/")[2] in await response.text()


async def test_nobody_is_told_of_subtitles_before_a_film_was_looked_at(client: Client, stream: Session) -> None:
    async with client.get(tracks_path(stream)) as response:
        assert await response.json() == []
