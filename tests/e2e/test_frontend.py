"""A person with a browser: Home Assistant's own frontend, from the log-in to a film that plays."""

import base64
from pathlib import Path

from tests.conftest import Seed
from tests.rig.devtools import Chromium
from tests.rig.hass import Hass
from tests.rig.journey import Frontend
from tests.rig.stage import NETWORK

PNG = b"\x89PNG"


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
        assert await frontend.watch("The film (2026)", shoot) >= 2
        await frontend.library("The film (2026)", shoot)
        assert await frontend.options(shoot) == [
            "Storage",
            "Streaming",
            "Cast devices",
            "Network",
            "What others learn and get",
        ]
        assert hass.log.read_text().count("Traceback") == 0
    assert shots == ["config-flow", "search", "browser", "library", "options"]
