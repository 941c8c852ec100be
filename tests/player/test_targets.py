"""A player of ours as a target of actions, triggers and conditions: it stands for its Cast device."""
# ruff: noqa: ARG001  # fixtures are asked for by name

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.media_player import MediaPlayerState
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import label_registry as lr
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.playback import Happening, Playback, State
from tests.conftest import Seed, Televisions, soon
from tests.player.conftest import CAST, PLAYER, FakeCast, add_player
from tests.validate.files import OURS

# The files that say what can be chosen in the user interface.
PICKERS = [
    *(OURS / name for name in ("services.yaml", "triggers.yaml", "conditions.yaml")),
    *sorted((OURS.parents[1] / "blueprints").rglob("*.yaml")),
]
TARGETS = ("entity_id", "device_id", "area_id", "label_id")


@pytest.fixture
async def player(hass: HomeAssistant, entry: MockConfigEntry, cast: FakeCast) -> None:
    """Have a player whose Cast entity is hidden, as one of two that look alike may be; only the player has a label."""
    await add_player(hass, entry, voice=False)
    label = lr.async_get(hass).async_create("Films").label_id
    registry = er.async_get(hass)
    registry.async_update_entity(PLAYER, labels={label})
    registry.async_update_entity(CAST, hidden_by=er.RegistryEntryHider.USER)
    await hass.async_block_till_done()


def target(hass: HomeAssistant, kind: str) -> dict[str, list[str]]:
    """Return a target that means the player."""
    device = er.async_get(hass).entities[PLAYER].device_id
    assert device is not None
    known = {"entity_id": PLAYER, "device_id": device, "area_id": "living_room", "label_id": "films"}
    return {kind: [known[kind]]}


async def automate(hass: HomeAssistant, **automation: Any) -> list[ServiceCall]:  # noqa: ANN401  # as in YAML
    """Set an automation up; return the calls of its action, as they come."""
    calls: list[ServiceCall] = []

    async def note(call: ServiceCall) -> None:
        calls.append(call)

    hass.services.async_register("test", "note", note)
    config = {"alias": "test", "actions": [{"action": "test.note"}]} | automation
    assert await async_setup_component(hass, "automation", {"automation": [config]})
    await hass.async_block_till_done()
    return calls


@pytest.mark.usefixtures("player")
@pytest.mark.parametrize("kind", TARGETS)
async def test_a_film_plays_on_its_device_once(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed, kind: str
) -> None:
    data = {"source": film.magnet, **target(hass, kind)}
    await soon(hass.services.async_call("torrent_cast", "play", data, blocking=True))
    assert [session.target for session in playback.sessions] == [CAST]
    assert [what for what, *_ in cast.asked] == ["play_media"]


@pytest.mark.usefixtures("player")
@pytest.mark.parametrize("kind", TARGETS)
async def test_a_trigger_and_a_condition_hear_of_its_device(
    hass: HomeAssistant, playback: Playback, film: Seed, kind: str
) -> None:
    condition = {"condition": "torrent_cast.is_streaming", "target": target(hass, kind), "options": {"behavior": "all"}}
    trigger = {"trigger": "torrent_cast.started", "target": target(hass, kind)}
    calls = await automate(hass, triggers=[trigger], conditions=[condition])
    source = await playback.parse(film.magnet)
    playback.start_session(source, target="media_player.another").set_state(State.PLAYING)
    await hass.async_block_till_done()
    assert calls == []
    playback.start_session(source, target=CAST).set_state(State.PLAYING)
    await hass.async_block_till_done()
    assert len(calls) == 1


def filters(node: Any) -> Iterator[Any]:  # noqa: ANN401  # YAML
    """Yield the lists of entities that pickers offer, wherever they stand in a file."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in {"entity", "filter"} and "cast" in str(value) and "filter" not in value:
                yield value
            else:
                yield from filters(value)
    elif isinstance(node, list):
        for value in node:
            yield from filters(value)


@pytest.mark.parametrize("path", PICKERS, ids=lambda path: path.name)
def test_it_can_be_chosen_wherever_a_cast_entity_can(path: Path) -> None:
    for found in filters(load_yaml_dict(str(path))):
        assert found == [{"integration": name, "domain": "media_player"} for name in ("cast", "torrent_cast")]


def test_the_walk_finds_pickers() -> None:
    """The test above would pass on nothing."""
    assert len([one for path in PICKERS for one in filters(load_yaml_dict(str(path)))]) > len(Happening)


async def test_a_player_that_was_named_and_is_away_is_said_so_though_others_are_there(
    hass: HomeAssistant, player: None, cast: FakeCast, televisions: Televisions, playback: Playback, film: Seed
) -> None:
    kitchen = televisions.add("kitchen")
    cast._attr_available = False
    cast.show(MediaPlayerState.OFF)
    await hass.async_block_till_done()
    data = {"source": film.magnet, "entity_id": [PLAYER, kitchen.entity_id]}
    with pytest.raises(HomeAssistantError) as refused:
        await soon(hass.services.async_call("torrent_cast", "play", data, blocking=True))
    assert refused.value.translation_key == "device_unavailable"
    assert playback.sessions == ()
