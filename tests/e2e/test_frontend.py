"""A person with a browser: Home Assistant's own frontend, from the log-in to a film that plays."""

import base64
from pathlib import Path

from tests.conftest import Seed
from tests.rig.devtools import Chromium
from tests.rig.hass import Hass
from tests.rig.journey import Frontend
from tests.rig.screenshots import visit
from tests.rig.stage import NETWORK, Stage

PNG = b"\x89PNG"
OTHER = "The film (2026)"


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
