"""Home Assistant's websocket commands for the media source, as the frontend sends them; a show and an album."""
# ruff: noqa: ARG001  # fixtures are asked for by name; a test may wait for its own disk

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.torrent_cast.playback import Playback
from tests.conftest import Seed, kept, random_bytes, soon
from tests.media.conftest import ffmpeg

ROOT = "media-source://torrent_cast"
KEY = "0123456789abcdef0123456789abcdef01234567"

type Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
async def ask(hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator) -> Ask:
    """Return what sends a command of the media source and returns its result."""
    client = await hass_ws_client(hass)

    async def command(name: str, media_content_id: str = ROOT, **fields: Any) -> Any:  # noqa: ANN401  # JSON
        await client.send_json_auto_id({"type": f"media_source/{name}", "media_content_id": media_content_id, **fields})
        answer = await soon(client.receive_json())
        return answer["result"] if answer["success"] else answer["error"]

    return command


async def titles(ask: Ask, media_content_id: str = ROOT) -> list[str]:
    """Return what a node shows."""
    return [child["title"] for child in (await ask("browse_media", media_content_id))["children"]]


async def found(ask: Ask, text: str, media_content_id: str = ROOT, **fields: Any) -> list[str]:  # noqa: ANN401  # JSON
    """Return the titles that a search finds."""
    answer = await ask("search_media", media_content_id, search_query=text, **fields)
    return [item["title"] for item in answer["result"]]


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a second of film in Matroska, with sound that browsers do not decode."""
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=64x36:duration=1", "-f", "lavfi", "-i", "sine=duration=1"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "ac3", path),
    )
    return path.read_bytes()


@pytest.fixture
async def show(playback: Playback, tmp_path: Path, seeder: Callable[[Path], Seed], clip: bytes) -> Seed:
    """Return a show of two seasons without folders, that is kept."""
    folder = tmp_path / "seeder" / "Some.Show.COMPLETE.720p"
    folder.mkdir(parents=True)
    for name in ("S01E01.Pilot", "S01E02", "S02E01", "S02E10", "S02E09"):
        (folder / f"Some.Show.{name}.720p.mkv").write_bytes(clip)
    (folder / "info.nfo").write_bytes(b"nothing to play")
    (folder / "Extras").mkdir()
    (folder / "Extras" / "Interview.mkv").write_bytes(random_bytes(1000, seed=9))
    seed = seeder(folder)
    await kept(playback, seed)
    return seed


async def supplied(playback: Playback, seed: Seed) -> None:
    """Have a torrent connected to its seed: what is only kept knows of no peers."""
    await soon(playback.start_session(await playback.parse(seed.magnet), wanted=0, holder="who connects").resolve())


@pytest.fixture
async def album(playback: Playback, tmp_path: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return songs, kept."""
    folder = tmp_path / "seeder" / "An Album"
    folder.mkdir(parents=True)
    for number in (2, 10, 1):
        (folder / f"{number} Song.mp3").write_bytes(random_bytes(1000, seed=number + 20))
    seed = seeder(folder)
    await kept(playback, seed)
    return seed
