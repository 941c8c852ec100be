"""What callers want to hear and read."""
# ruff: noqa: ASYNC240  # a test may wait for its own disk

import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant

from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.media import profile_of
from custom_components.torrent_cast.playback import Following, Playback, Session, State, Track
from tests.conftest import Seed, Television, Televisions, soon, until
from tests.media.conftest import ffmpeg
from tests.services.conftest import do, play, refusal, refused

SRT = b"1\n00:00:01,000 --> 00:00:02,500\nHello\n"


@pytest.fixture
def srt(allowed: Path) -> Path:
    """Return the path of a file of subtitles that Home Assistant may read."""
    path = allowed / "mine.srt"
    path.write_bytes(SRT)
    return path


async def test_a_file_of_subtitles_is_offered_and_shown(
    hass: HomeAssistant, tv: Television, film: Seed, srt: Path
) -> None:
    answer = await play(hass, tv.entity_id, film.magnet, subtitles=str(srt))
    assert answer["sessions"][0]["subtitles"] == [{"track": 1, "name": "mine.srt", "language": None, "shown": True}]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no subtitles", "not_subtitles"),
        (b"x" * 5_000_000, "subtitles_too_large"),
        (b"\x00\x00\x01\xba", "subtitles_drawn"),
        (None, "subtitles_unreachable"),
    ],
)
async def test_a_file_that_is_none_is_said_so_before_anything_plays(
    hass: HomeAssistant, tv: Television, playback: Playback, film: Seed, srt: Path, content: bytes | None, reason: str
) -> None:
    if content is None:
        srt.unlink()
    else:
        srt.write_bytes(content)
    error = await refusal(hass, tv.entity_id, film.magnet, subtitles=str(srt))
    assert error.translation_key == reason
    assert playback.sessions == ()


@pytest.mark.parametrize("where", ["/etc/passwd", "/etc/mine.srt", "http://127.0.0.1:1/mine.srt", "http://[/mine.srt"])
async def test_where_nothing_may_be_read_is_said_so(
    hass: HomeAssistant, tv: Television, film: Seed, where: str
) -> None:
    assert (await refusal(hass, tv.entity_id, film.magnet, subtitles=where)).translation_key == "subtitles_unreachable"


async def test_languages_that_are_not_there_are_said_so(hass: HomeAssistant, tv: Television, film: Seed) -> None:
    assert (await refusal(hass, tv.entity_id, film.magnet, subtitles="de")).translation_key == "no_subtitles"
    error = await refusal(hass, tv.entity_id, film.magnet, audio_language="German")
    assert error.translation_key == "no_audio_language"


def pgs(segment: int, payload: bytes, second: int) -> bytes:
    """Return a segment of PGS as a file of it has them: mark, two times in 90 kHz, kind, length."""
    return b"PG" + struct.pack(">IIBH", second * 90_000, 0, segment, len(payload)) + payload


# A picture of 16x16 without anything in it, and its end (presentation composition and end of display set).
EMPTY = tuple(
    pgs(0x16, struct.pack(">HHBHBBBB", 16, 16, 0x10, second, 0x80, 0, 0, 0), second) + pgs(0x80, b"", second)
    for second in (1, 2)
)


@pytest.fixture
def drawn(tmp_path: Path, film_file: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return a torrent of a film with drawn subtitles in German within it, and in French beside it."""
    folder, sup = tmp_path / "seeder" / "Drawn", tmp_path / "drawn.sup"
    folder.mkdir(parents=True)
    sup.write_bytes(b"".join(EMPTY))
    streams = ("-map", "0", "-map", "1", "-c", "copy", "-metadata:s:s:0", "language=ger")
    ffmpeg("-i", film_file, "-f", "sup", "-i", sup, *streams, folder / "Drawn.mkv")
    for name in ("Drawn.fr.sub", "Drawn.fr.idx"):
        (folder / name).write_bytes(b"\x00\x00\x01\xba")
    return seeder(folder)


async def test_drawn_subtitles_are_named_as_not_supported(hass: HomeAssistant, tv: Television, drawn: Seed) -> None:
    answer = await play(hass, tv.entity_id, drawn.magnet)
    assert answer["sessions"][0]["subtitles"] == [
        {"track": None, "name": "French (VobSub)", "language": "fr"},
        {"track": None, "name": "German (PGS)", "language": "de"},
    ]
    error = await refusal(hass, tv.entity_id, drawn.magnet, subtitles="de")
    assert error.translation_key == "subtitles_not_shown"
    assert "German (PGS)" in str(error)


class Screen:
    """A device that notes what subtitles it is to show."""

    name = "TV"

    def __init__(self) -> None:
        self.shown: list[int | None] = []

    async def settled(self) -> None:
        """Have nothing on its way."""

    async def show_subtitles(self, track: Track | None) -> None:
        """Show a track."""
        self.shown.append(None if track is None else track.id)


async def test_subtitles_are_switched_while_it_plays(
    hass: HomeAssistant, tv: Television, playback: Playback, film: Seed, srt: Path
) -> None:
    async def switch(subtitles: str) -> None:
        data = {"entity_id": tv.entity_id, "subtitles": subtitles}
        await soon(hass.services.async_call(DOMAIN, "set_subtitles", data, blocking=True))

    await play(hass, tv.entity_id, film.magnet, subtitles=str(srt))
    (session,) = playback.sessions
    assert session.playhead is not None
    screen: Any = Screen()
    session.following = Following(session, screen, session.playhead)
    await switch("off")
    await switch("1")
    assert (screen.shown, session.shown) == ([None, 1], 1)


@pytest.fixture
def dubbed_file(tmp_path: Path, film_file: Path) -> Path:
    """Return a film in English and German."""
    path = tmp_path / "seeder" / "Dubbed.mp4"
    path.parent.mkdir(exist_ok=True)
    languages = ("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger")
    ffmpeg("-i", film_file, "-map", "0:v", "-map", "0:a", "-map", "0:a", "-c", "copy", *languages, path)
    return path


@pytest.fixture
def dubbed(dubbed_file: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return its torrent."""
    return seeder(dubbed_file)


async def on_chromecast(session: Session) -> None:
    """Play as a Chromecast does, which can switch nothing by itself."""
    session.profile = profile_of("Chromecast")
    await session.prepare()
    assert session.playhead is not None
    screen: Any = Screen()
    session.following = Following(session, screen, session.playhead)
    session.was_loaded = True
    session.set_state(State.PLAYING)


async def test_the_sound_is_switched_at_the_same_second(
    hass: HomeAssistant, tv: Television, playback: Playback, dubbed: Seed
) -> None:
    tv.how = on_chromecast
    await play(hass, tv.entity_id, dubbed.magnet, start_position=5, title="Dubbed")
    (english,) = playback.sessions
    assert english.hls is None
    await do(hass, "set_audio", entity_id=tv.entity_id, audio_language="English")
    assert playback.sessions == (english,), "it is heard already"
    error = await refused(do(hass, "set_audio", entity_id=tv.entity_id, audio_language="fr"))
    assert error.translation_key == "no_audio_language"
    assert english.state is State.PLAYING
    await do(hass, "set_audio", entity_id=tv.entity_id, audio_language="de")
    german = playback.sessions[-1]
    assert german.audio is not None
    assert (german.audio.language, german.title, german.shown) == ("ger", "Dubbed", None)
    assert german.start_position == pytest.approx(5, abs=1)
    assert german.hls is not None, "a device plays the first sound of a file as it is"


# --- and of what comes next ------------------------------------------------------------------------------------------


@pytest.fixture
def series(dubbed_file: Path, tmp_path: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return a torrent of two episodes in English and German, with subtitles; the second has some in Arabic too."""
    folder = tmp_path / "seeder" / "Some Show"
    folder.mkdir(parents=True)
    for episode, languages in (("E01", ("cs", "en", "de")), ("E02", ("ar", "cs", "en", "de"))):
        shutil.copy(dubbed_file, folder / f"Some Show S01{episode}.mp4")
        for language in languages:
            (folder / f"Some Show S01{episode}.{language}.srt").write_bytes(SRT)
    return seeder(folder)


def shown(session: Session) -> str | None:
    """Return the language of the subtitles that are shown."""
    return session.shown_track.language if session.shown_track is not None else None


async def begin(hass: HomeAssistant, tv: Television, playback: Playback, series: Seed, **wishes: str) -> Session:
    """Play the first episode."""
    tv.how = on_chromecast
    await play(hass, tv.entity_id, series.magnet, file="*E01*", **wishes)
    (session,) = playback.sessions
    return session


async def continued(hass: HomeAssistant, playback: Playback, action: str, tv: Television, **fields: str) -> Session:
    """Have what plays go on in another way; return how it does."""
    await do(hass, action, entity_id=tv.entity_id, **fields)
    before, session = playback.sessions
    before.end()  # as its device tells
    return session


async def go_on(playback: Playback) -> Session:
    """Have what plays come to its end; return the next episode."""
    (session,) = playback.sessions
    session.end(State.FINISHED)
    await until(lambda: [session.state for session in playback.sessions] == [State.PLAYING])
    (following,) = playback.sessions
    assert following.file is not None
    assert "E02" in following.file.name
    return following


async def test_subtitles_that_were_given_are_of_one_episode_also_in_another_language(
    hass: HomeAssistant, tv: Television, playback: Playback, series: Seed, srt: Path
) -> None:
    await begin(hass, tv, playback, series, subtitles=str(srt))
    german = await continued(hass, playback, "set_audio", tv, audio_language="de")
    assert german.shown_track is not None
    assert german.shown_track.label == "mine.srt"
    assert shown(await go_on(playback)) == "en", "as nobody has said anything of it, and the sound is German"


async def test_the_next_episode_has_the_language_that_was_asked_for_also_on_another_device(
    hass: HomeAssistant, tv: Television, televisions: Televisions, playback: Playback, series: Seed
) -> None:
    kitchen = televisions.add("kitchen")
    kitchen.how = on_chromecast
    hass.services.async_register("media_player", "media_pause", lambda _call: None)
    await begin(hass, tv, playback, series, subtitles="de")
    await do(hass, "transfer", entity_id=kitchen.entity_id)
    (session,) = playback.sessions
    assert (session.target, shown(session)) == (kitchen.entity_id, "de")
    assert shown(await go_on(playback)) == "de"


@pytest.mark.parametrize("switches", [False, True])
async def test_a_number_is_of_one_episode_and_its_language_of_the_next(
    hass: HomeAssistant, tv: Television, playback: Playback, series: Seed, *, switches: bool
) -> None:
    first = await begin(hass, tv, playback, series, **({} if switches else {"subtitles": "1"}))
    if switches:
        await do(hass, "set_subtitles", entity_id=tv.entity_id, subtitles="1")
    assert shown(first) == "cs"
    assert shown(await go_on(playback)) == "cs"


async def test_sound_in_another_language_brings_subtitles_unasked(
    hass: HomeAssistant, tv: Television, playback: Playback, series: Seed
) -> None:
    first = await begin(hass, tv, playback, series)
    assert shown(first) is None
    assert shown(await continued(hass, playback, "set_audio", tv, audio_language="de")) == "en"
    await do(hass, "set_subtitles", entity_id=tv.entity_id, subtitles="off")
    assert shown(await continued(hass, playback, "set_audio", tv, audio_language="en")) is None
    again = await continued(hass, playback, "set_audio", tv, audio_language="de")
    assert shown(again) is None, "as somebody has said"
    assert shown(await go_on(playback)) is None


async def test_there_is_no_sound_to_switch_where_nothing_plays(hass: HomeAssistant, tv: Television) -> None:
    error = await refused(do(hass, "set_audio", entity_id=tv.entity_id, audio_language="de"))
    assert error.translation_key == "nothing_plays"
