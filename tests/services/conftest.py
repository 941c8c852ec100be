"""The actions as automations call them, and what they are called with."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.const import DOMAIN
from tests.conftest import OPTIONS, Seed, random_bytes, soon

NOBODY = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567"


async def do(hass: HomeAssistant, action: str, **fields: Any) -> None:  # noqa: ANN401  # good and bad ones
    """Call an action that answers nothing."""
    await soon(hass.services.async_call(DOMAIN, action, fields, blocking=True))


async def act(hass: HomeAssistant, action: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  # good and bad ones
    """Call an action and return its response."""
    response = await soon(hass.services.async_call(DOMAIN, action, fields, blocking=True, return_response=True))
    assert isinstance(response, dict)
    return response


async def play(
    hass: HomeAssistant,
    target: str | list[str] | None,
    source: str,
    **fields: Any,  # noqa: ANN401  # good and bad ones
) -> dict[str, Any]:
    """Call the action `play` and return its response."""
    where = {"entity_id": target} if target is not None else {}
    return await act(hass, "play", source=source, **fields, **where)


async def refusal(
    hass: HomeAssistant,
    target: str | list[str] | None,
    source: str,
    **fields: Any,  # noqa: ANN401  # good and bad ones
) -> HomeAssistantError:
    """Return the error of a play that is to fail."""
    return await refused(play(hass, target, source, **fields))


async def refused(call: Awaitable[object]) -> HomeAssistantError:
    """Return the error of a call that is to fail."""
    with pytest.raises(HomeAssistantError) as caught:
        await call
    assert caught.value.translation_domain == DOMAIN
    text = str(caught.value)
    assert str(caught.value.translation_key) not in text, "not translated"
    assert "{" not in text
    return caught.value


async def refusal_key(hass: HomeAssistant, action: str, **fields: Any) -> str:  # noqa: ANN401  # good and bad ones
    """Return the key of the error of a call that is to fail."""
    return str((await refused(do(hass, action, **fields))).translation_key)


@pytest.fixture
def impatient(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Give up on peers at once."""
    hass.config_entries.async_update_entry(entry, options=OPTIONS | {"metadata_timeout": 0.05})


@pytest.fixture
def share(tmp_path: Path, seeder: Callable[[Path], Seed]) -> Callable[[dict[str, int]], Seed]:
    """Return what seeds a folder of files, given their sizes."""

    def make(files: dict[str, int]) -> Seed:
        folder = tmp_path / "seeder" / "A folder"
        for number, (name, size) in enumerate(files.items()):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(random_bytes(size, number))
        return seeder(folder)

    return make


@pytest.fixture
def torrent_file(film: Seed, allowed: Path) -> Path:
    """Return the path of the film's torrent file, in which no peer is named."""
    path = allowed / "film.torrent"
    path.write_bytes(film.torrent.metainfo)
    return path
