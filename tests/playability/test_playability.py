"""The judge of the matrix finds what is wrong, and says how the rest is delivered."""

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from custom_components.torrent_cast.media import Worker, profile_of
from tests.media.conftest import ffmpeg
from tests.rig.hass import HassError

from .choice import CHOICES
from .costs import Cost
from .films import AUDIO, CONTAINERS, PICTURE, SOUND, VIDEO, film
from .judging import Judge, Verdict
from .playing import Ended, Played, _load, _read
from .report import COSTS, page, played_page, with_costs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CHROMECAST = profile_of("Chromecast")


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Return picture, sound, and sound that comes 100 ms late."""
    folder = tmp_path_factory.mktemp("streams")
    picture, sound, late = folder / "picture.mkv", folder / "sound.mkv", folder / "late.mkv"
    ffmpeg("-f", "lavfi", "-i", PICTURE, *VIDEO["H.264"], picture)
    ffmpeg("-f", "lavfi", "-i", SOUND, *AUDIO["AC3 5.1"], sound)
    ffmpeg("-f", "lavfi", "-i", SOUND.replace("mod(t,1)", "mod(t-0.1,1)"), *AUDIO["AC3 5.1"], late)
    return picture, sound, late


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    """Return a worker, stopped after the test."""
    async with Worker() as worker:
        yield worker


async def test_a_film_in_step_is_right(worker: Worker, streams: tuple[Path, Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    assert film(path, "Matroska, Cues", *streams[:2])
    verdict = await Judge(worker, path).judge(CHROMECAST)
    assert (verdict.how, verdict.wrong) == ("HLS, AAC", "")
    assert 0 < verdict.apart < 0.04


async def test_sound_that_is_late_is_wrong(worker: Worker, streams: tuple[Path, Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    assert film(path, "Matroska, Cues", streams[0], streams[2])
    assert "ms off" in (await Judge(worker, path).judge(CHROMECAST)).wrong


async def test_what_is_refused_says_why(worker: Worker, streams: tuple[Path, Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    ffmpeg("-i", streams[0], "-c:v", "libx264", "-pix_fmt", "yuv420p10le", path)
    verdict = await Judge(worker, path).judge(CHROMECAST)
    assert (verdict.how, verdict.is_delivered) == ("refused: video_depth", False)


async def test_a_film_without_an_index_grows(worker: Worker, streams: tuple[Path, Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "film.ts"
    assert film(path, "MPEG-TS", *streams[:2])
    verdict = await Judge(worker, path).judge(CHROMECAST)
    assert (verdict.how, verdict.wrong) == ("growing HLS, AAC", "")


def test_the_page_counts_what_is_right_and_names_what_is_wrong() -> None:
    verdicts = {
        "AAC": Verdict("as it is", 0.012),
        "MP3": Verdict("HLS, AAC", wrong="sound 50 ms off at 3 s"),
        "FLAC": Verdict("refused: no_index", is_delivered=False),
        "none": None,
    }
    text = page({("TV", "WebM", "VP9", audio): verdict for audio, verdict in verdicts.items()}, {}, 7.0)
    assert "| TV | 3 | 2 | 1 | 12 ms |" in text
    assert "as it is · 12" in text
    assert "**wrong**: sound 50 ms off at 3 s" in text
    assert "no: no index" in text


def test_the_page_says_how_far_off_jumps_landed_and_what_was_not_seen() -> None:
    played = {
        ("TV", "one film"): Played("HLS", 0.12),
        ("TV", "another film"): Played("growing HLS"),
        ("Box", "one film"): Played("refused: video_codec", is_delivered=False),
        ("Box", "another film"): Played("HLS", wrong="no sound"),
    }
    lines = played_page(played, ["one film", "another film"]).splitlines()
    assert "| TV | 2 | 2 | 0 | 0 | 0 |" in lines
    assert "| Box | 2 | 0 | 0 | 1 | 1 |" in lines
    assert "| one film | HLS · 0.1 s | no: codec |" in lines
    assert "| another film | growing HLS · 0.0 s | **wrong**: no sound |" in lines


def test_what_it_costs_stays_when_the_rest_of_the_page_is_written_anew() -> None:
    results = {("TV", "WebM", "VP9", "AAC"): Verdict("as it is", 0.012)}
    assert COSTS not in page(results, {}, 7.0)
    costed = with_costs(page(results, {}, 7.0), [Cost("a minute", "2.0 s")], 2)
    anew = page(results, {}, 8.0, costed)
    assert "The run took 8 s." in anew
    assert anew.endswith(costed[costed.index(COSTS) :])
    again = with_costs(anew, [Cost("a minute", "3.0 s")], 2)
    assert again.splitlines()[-1] == "| a minute | 3.0 s |"
    assert (again.count(COSTS), "2.0 s" in again) == (1, False)


class Refusing:
    """Home Assistant that plays nothing, for one reason."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def command(self, *_: object, **__: object) -> None:
        """Refuse."""
        raise HassError(json.dumps({"translation_key": self._reason}))


def stage(reason: str) -> Any:  # noqa: ANN401  # what is used of a stage
    """Return a stage that plays nothing."""
    receiver, swarm = SimpleNamespace(loads=[]), SimpleNamespace(magnet="magnet:")
    return SimpleNamespace(receivers=[receiver], swarm=swarm, screens=["tv"], hass=Refusing(reason))


@pytest.mark.parametrize(
    ("reason", "is_delivered", "wrong"),
    [("video_codec", False, ""), ("no_encoder", False, ""), ("no_metadata", True, "not played: no_metadata")],
)
async def test_only_a_refusal_of_the_delivery_is_none_of_ours(reason: str, *, is_delivered: bool, wrong: str) -> None:
    with pytest.raises(Ended) as caught:
        await _load(stage(reason), 0, CHOICES[0], can_be_seen=True)
    assert (caught.value.played.is_delivered, caught.value.played.wrong) == (is_delivered, wrong)


async def test_a_film_whose_subtitles_are_not_seen_is_wrong() -> None:
    async def never(beginning: str) -> None:
        raise TimeoutError(beginning)

    player: Any = SimpleNamespace(line=never)
    with pytest.raises(Ended) as caught:
        await _read(player, "HLS")
    assert caught.value.played.wrong == "no subtitles"


def test_films_that_are_played_again_have_new_rows_and_the_others_keep_theirs_while_they_are_in_the_matrix() -> None:
    devices, names = ("TV", "Box"), ("one", "two", "three")
    before = played_page({(device, name): Played("HLS", 0.1) for device in devices for name in names}, names)
    played = {("TV", "two"): Played("as it is", 0.2), ("TV", "four"): Played("growing HLS, not seen")}
    after = played_page(played, ("four", "one", "two"), before)
    assert after.splitlines()[-3:] == [
        "| four | growing HLS, not seen |  |",
        "| one | HLS · 0.1 s | HLS · 0.1 s |",
        "| two | as it is · 0.2 s |  |",
    ]
    assert after.count("| film | TV | Box |") == 1
    assert "| TV | 3 | 2 | 1 | 0 | 0 |" in after
    assert "| Box | 1 | 1 | 0 | 0 | 0 |" in after


def test_each_kind_of_the_matrix_is_played() -> None:
    assert {choice.container for choice in CHOICES} == set(CONTAINERS)
    assert {choice.video for choice in CHOICES} == set(VIDEO)
    assert {choice.audio for choice in CHOICES} == set(AUDIO)
    assert len({choice.name for choice in CHOICES}) == len(CHOICES)
