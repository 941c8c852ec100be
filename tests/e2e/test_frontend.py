"""A person with a browser: Home Assistant's own frontend, from the log-in to a film that plays."""

import base64
import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Seed
from tests.rig.devtools import Chromium
from tests.rig.films import Film
from tests.rig.films import film as film_of
from tests.rig.hass import Hass
from tests.rig.journey import Frontend
from tests.rig.screenshots import visit
from tests.rig.stage import NETWORK, Stage

PNG = b"\x89PNG"
OTHER = "The film (2026)"
DOLBY = Film("Dolby (2026).mkv", seconds=60, bitrate=1_000_000, codec="ac3", texts=("ger", "eng"))
PLAIN = Film("Plain (2026).mp4", seconds=60, bitrate=1_000_000)
SAID = {"French": "fr", "German": "ger", "English": "eng"}


async def test_what_plays_on_a_device_is_shown_and_chosen_in_the_dashboard(film: Seed) -> None:
    async with Stage() as stage, Chromium() as chromium:
        shots: list[str] = []

        async def shoot(name: str) -> None:
            shots.append(name)

        frontend = Frontend(chromium, stage.hass)
        player = await visit(frontend, stage, shoot)
        await stage.hass.service("torrent_cast.add", source=film.magnet)
        await stage.hass.until(player, lambda state: OTHER in state["attributes"]["source_list"])
        await frontend.player(player, shoot)
        await frontend.pick_source(OTHER)
        await stage.hass.until(player, lambda state: bool(state["attributes"].get("source") == OTHER))
        assert stage.hass.log.read_text().count("Traceback") == 0
    assert shots == ["library", "player", "options", "device", "player"]


async def test_a_film_is_found_and_watched_in_the_browser(film: Seed, tmp_path: Path) -> None:
    async with Hass(tmp_path / "config") as hass, Chromium() as chromium:
        shots: list[str] = []

        async def shoot(name: str) -> None:
            picture = await chromium.call("Page.captureScreenshot")
            assert base64.b64decode(picture["data"]).startswith(PNG)
            shots.append(name)

        frontend = Frontend(chromium, hass)
        await frontend.prepare()
        await frontend.log_in()
        await frontend.add_integration(shoot)
        (entry,) = await hass.get("/api/config/config_entries/entry?domain=torrent_cast")
        await hass.set_options(entry["entry_id"], {"keep_hours": 24, "metadata_timeout": 60} | NETWORK)
        await frontend.paste(film.magnet, shoot)
        assert await frontend.watch(OTHER, shoot) >= 2
        await frontend.library(OTHER, shoot)
        assert await frontend.options(shoot) == [
            "Storage",
            "Streaming",
            "Cast devices",
            "Network",
            "Privacy and sharing",
        ]
        assert hass.log.read_text().count("Traceback") == 0
    assert shots == ["config-flow", "search", "browser", "library", "options"]


async def titled(recipe: Film, folder: Path) -> Path:
    """Make a folder with a film and a file of subtitles in French, which say the second."""
    source = await film_of(recipe)
    folder = folder / "seeder" / source.stem
    folder.mkdir(parents=True)
    shutil.copy(source, folder)
    clock = "{}\n00:00:{:02},000 --> 00:00:{:02},900\nfr {}\n"
    lines = [clock.format(second + 1, second, second, second) for second in range(recipe.seconds)]
    (folder / f"{source.stem}.fr.srt").write_text("\n".join(lines))
    return folder


async def test_a_film_in_the_browser_has_its_subtitles(tmp_path: Path, seeder: Callable[[Path], Seed]) -> None:
    async with Hass(tmp_path / "config") as hass, Chromium() as chromium:

        async def shoot(_name: str) -> None:
            return

        options = {"subtitles": "always", "subtitle_language": "fr"}
        await hass.set_up("torrent_cast", {"download_directory": str(tmp_path / "downloads"), "network": NETWORK})
        (entry,) = await hass.get("/api/config/config_entries/entry?domain=torrent_cast")
        await hass.set_options(entry["entry_id"], {"keep_hours": 24, "metadata_timeout": 60} | NETWORK | options)
        frontend = Frontend(chromium, hass)
        await frontend.prepare()
        await frontend.log_in()
        beside, own = ("French", "showing"), [("German", "disabled"), ("English", "disabled")]
        for recipe, inside in ((DOLBY, own), (PLAIN, [])):
            seed = seeder(await titled(recipe, tmp_path))
            await frontend.paste(seed.magnet, shoot)
            assert await frontend.watch(seed.content.name, shoot) >= 2
            assert await frontend.subtitles() == [beside, *inside]
            for label, at in itertools.product([one[0] for one in (beside, *inside)], (None, 40)):
                line, second = await frontend.line(label, at=at)
                language, said = line.split()
                assert language == SAID[label]
                assert int(said) == pytest.approx(second, abs=1.2), "the line of what is on the screen"
        assert hass.log.read_text().count("Traceback") == 0
