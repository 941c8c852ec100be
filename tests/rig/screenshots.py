"""Takes the pictures of the documentation from the real thing: `python -m tests.rig.screenshots`."""

import asyncio
import base64
from pathlib import Path
from typing import Final

from .devtools import Chromium
from .journey import Frontend, Shoot
from .stage import Stage

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
# The frontend fades things in, and loads pictures last; s.
DRAWING: Final = 6.0
TITLE: Final = "Film moov first (2026)"
CARDS: Final = ("Service info", "Controls", "Sensors", "Configuration", "Diagnostic")
# A little before 0.3 of the film; s.
PICTURE_AT: Final = 178


async def main() -> None:
    """Play the film and take the pictures."""
    async with Stage() as stage, Chromium() as chromium:

        async def shoot(name: str) -> None:
            await asyncio.sleep(DRAWING)
            picture = await chromium.call("Page.captureScreenshot")
            IMAGES.mkdir(parents=True, exist_ok=True)
            await asyncio.to_thread((IMAGES / f"{name}.png").write_bytes, base64.b64decode(picture["data"]))

        await visit(Frontend(chromium, stage.hass), stage, shoot)


async def visit(frontend: Frontend, stage: Stage, shoot: Shoot) -> str:
    """Look at all that is shown of a film that plays; return the player that was made for its device."""
    await stage.hass.service("torrent_cast.play", entity_id=stage.entity_id, source=stage.swarm.magnet)
    # There its picture can be taken.
    await stage.hass.service("media_player.media_seek", entity_id=stage.entity_id, seek_position=PICTURE_AT)
    await stage.hass.add_subentry(stage.entry_id, "player", {"entity": stage.entity_id, "voice": True})
    entities = await stage.hass.entities_of("torrent_cast")
    player = next(one["entity_id"] for one in entities if one["entity_id"].startswith("media_player."))
    service = next(one["device_id"] for one in entities if one["entity_id"].startswith("switch."))
    await stage.hass.until(player, lambda state: bool(state["attributes"].get("source_list")))
    await frontend.prepare()
    await frontend.log_in()
    await frontend.library(TITLE, shoot)
    await frontend.player(player, shoot)
    await frontend.options(shoot)
    await frontend.device(service, CARDS, shoot)
    return str(player)


if __name__ == "__main__":
    asyncio.run(main())
