"""Takes the pictures of the documentation from the real thing: `python -m tests.rig.screenshots`."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from .devtools import Chromium
from .stage import Stage

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
WIDTH: Final = 1200
HEIGHT: Final = 750
# Home Assistant's frontend draws when its data has come, and says so to nobody; s.
DRAWING: Final = 6.0
# Lovelace's more-info dialog over the overview shows the device with what plays.
DIALOG: Final = """
document.querySelector("home-assistant").dispatchEvent(
  new CustomEvent("hass-more-info", {detail: {entityId: %s}, bubbles: true, composed: true}))
"""


@asynccontextmanager
async def frontend(stage: Stage) -> AsyncIterator[Chromium]:
    """Yield a browser that is logged in at the stage's Home Assistant."""
    async with Chromium() as chromium:
        await chromium.call("Page.enable")
        await chromium.call("Runtime.enable")
        await chromium.call(
            "Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=1, mobile=False
        )
        await chromium.open(f"{stage.hass.url}/manifest.json")
        await asyncio.sleep(1)
        await chromium.evaluate(f"localStorage.setItem('hassTokens', {json.dumps(json.dumps(stage.hass.tokens))})")
        yield chromium


async def shoot(chromium: Chromium, name: str) -> None:
    """Save what the page shows once it is drawn."""
    await asyncio.sleep(DRAWING)
    picture = await chromium.call("Page.captureScreenshot")
    IMAGES.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread((IMAGES / f"{name}.png").write_bytes, base64.b64decode(picture["data"]))


async def main() -> None:
    """Play the film and take the pictures."""
    async with Stage() as stage:
        await stage.hass.service(
            "torrent_cast.play", entity_id=stage.entity_id, source=stage.swarm.magnet, title="Film (2026)"
        )
        async with frontend(stage) as chromium:
            browser = f"{stage.hass.url}/media-browser/{stage.entity_id}"
            await chromium.open(f"{browser}/app%2Cmedia-source%3A%2F%2Ftorrent_cast")
            await shoot(chromium, "media-browser")
            await chromium.open(stage.hass.url)
            await asyncio.sleep(DRAWING)
            await chromium.evaluate(DIALOG % json.dumps(stage.entity_id))
            await shoot(chromium, "player")


if __name__ == "__main__":
    asyncio.run(main())
