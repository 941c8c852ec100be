"""The blueprints: each is valid by Home Assistant's own schema, and each is run once."""
# fixtures are asked for by name

import shutil
from pathlib import Path
from typing import Any, Final

import pytest
from homeassistant.components.automation.config import AUTOMATION_BLUEPRINT_SCHEMA
from homeassistant.components.blueprint.models import Blueprint
from homeassistant.components.conversation import async_converse
from homeassistant.core import Context, HomeAssistant, ServiceCall
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
from pytest_homeassistant_custom_component.common import async_mock_service

from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.playback import LoadRefused, Playback, State
from tests.conftest import Seed, Television, Televisions, settled, soon, until

pytestmark = pytest.mark.usefixtures("entry")

FOLDER: Final = Path(__file__).parent.parent / "blueprints" / "automation" / DOMAIN
NAMES: Final = sorted(path.stem for path in FOLDER.glob("*.yaml"))
LIGHT: Final = "light.lamp"


async def use(hass: HomeAssistant, name: str, **inputs: Any) -> None:  # noqa: ANN401  # as in YAML
    """Set an automation up that uses a blueprint."""
    there = Path(hass.config.path("blueprints", "automation", DOMAIN))
    await hass.async_add_executor_job(lambda: shutil.copytree(FOLDER, there))
    config = {"alias": name, "use_blueprint": {"path": f"{DOMAIN}/{name}.yaml", "input": inputs}}
    assert await async_setup_component(hass, "automation", {"automation": [config]})
    await hass.async_block_till_done()
    assert [state.state for state in hass.states.async_all("automation")] == ["on"]


async def film_on(playback: Playback, film: Seed, television: Television, **fields: Any) -> Any:  # noqa: ANN401  # fields of an action, and its answer
    """Return a session that plays the film on a device."""
    session = playback.start_session(await playback.parse(film.magnet), target=television.entity_id, **fields)
    await soon(session.prepare())
    session.was_loaded = True
    session.set_state(State.PLAYING)
    return session


async def shines(hass: HomeAssistant, brightness: int) -> None:
    await until(lambda: (state := hass.states.get(LIGHT)) and state.attributes["brightness"] == brightness)


def test_the_blueprints_are_found() -> None:
    assert len(NAMES) == 5


@pytest.mark.parametrize("name", NAMES)
def test_a_blueprint_is_valid_and_says_where_it_is_from(name: str) -> None:
    data = load_yaml_dict(str(FOLDER / f"{name}.yaml"))
    blueprint = Blueprint(data, expected_domain="automation", schema=AUTOMATION_BLUEPRINT_SCHEMA)
    assert blueprint.validate() is None
    assert blueprint.metadata["source_url"].endswith(f"blueprints/automation/{DOMAIN}/{name}.yaml")
    assert all(found.get("name") and found.get("selector") for found in blueprint.inputs.values())


async def test_a_sentence_plays_what_is_in_the_library(
    hass: HomeAssistant, tv: Television, playback: Playback, film: Seed
) -> None:
    for component in ("homeassistant", "conversation"):
        assert await async_setup_component(hass, component, {})
    (await film_on(playback, film, tv)).end()
    await settled(playback)
    await use(hass, "play_from_sentence", player=tv.entity_id)

    async def said(text: str) -> str:
        result = await soon(async_converse(hass, text, None, Context(), "en"))
        speech: str = result.response.speech["plain"]["speech"]
        return speech

    assert await said("watch the film something else") == "There is no something else in the library"
    assert playback.sessions == ()
    assert await said("play the movie Film 2026") == "Starting Film 2026"
    await until(lambda: [session.state for session in playback.sessions] == [State.PLAYING])


async def test_the_lights_go_down_and_come_back_as_they_were(
    hass: HomeAssistant, tv: Television, playback: Playback, film: Seed
) -> None:
    for component in ("homeassistant", "scene"):
        assert await async_setup_component(hass, component, {"scene": []})
    lamp: list[dict[str, Any]] = []

    async def switch(call: ServiceCall) -> None:
        lamp.append(dict(call.data))
        brightness = call.data.get("brightness", call.data.get("brightness_pct"))
        hass.states.async_set(LIGHT, "on", {"brightness": brightness, "color_mode": "brightness"})

    hass.services.async_register("light", "turn_on", switch)
    hass.states.async_set(LIGHT, "on", {"brightness": 200, "color_mode": "brightness"})
    await use(hass, "dim_lights", player=tv.entity_id, lights=[LIGHT], brightness=7, transition=0)
    session = await film_on(playback, film, tv)
    await shines(hass, 7)
    session.set_state(State.PAUSED)
    await shines(hass, 200)
    await hass.async_block_till_done()
    session.set_state(State.PLAYING)
    await shines(hass, 7)
    await hass.async_block_till_done()
    session.end(State.FINISHED)
    await shines(hass, 200)
    await hass.async_block_till_done()
    assert hass.states.async_all("scene") == []


async def test_a_button_brings_the_last_film_to_another_device(
    hass: HomeAssistant, tv: Television, televisions: Televisions, playback: Playback, film: Seed
) -> None:
    async_mock_service(hass, "media_player", "media_pause")
    kitchen = televisions.add("kitchen")
    when = [{"trigger": "event", "event_type": "button"}]
    await use(hass, "resume_on_other_tv", when=when, player=kitchen.entity_id)
    session = await film_on(playback, film, tv, start_position=6)
    hass.bus.async_fire("button")
    await until(lambda: [one.target for one in playback.sessions] == [kitchen.entity_id])
    assert session.is_over
    assert playback.sessions[0].start_position == pytest.approx(6, abs=1)
    await until(lambda: playback.sessions[0].is_streaming)
    await hass.async_block_till_done()
    hass.bus.async_fire("button")  # it plays there already
    await hass.async_block_till_done()
    assert len(kitchen.played) == 1
    playback.sessions[0].end()
    await settled(playback)
    hass.bus.async_fire("button")
    await until(lambda: len(kitchen.played) == 2)
    assert playback.sessions[0].start_position == pytest.approx(6, abs=1)


async def test_a_message_tells_of_the_end_and_of_a_failure(
    hass: HomeAssistant, tv: Television, playback: Playback, film: Seed
) -> None:
    messages = async_mock_service(hass, "notify", "send_message")
    hass.states.async_set(tv.entity_id, "idle", {"friendly_name": "TV"})
    await use(hass, "notify_when_finished", notifier=["notify.phone"])
    (await film_on(playback, film, tv, title="The film")).end(State.FINISHED)
    await until(lambda: len(messages) == 1)
    failed = await film_on(playback, film, tv, title="The film")
    failed.end(State.FAILED, LoadRefused("load_refused", detail="x"))
    await until(lambda: len(messages) == 2)
    assert [(call.data["title"], call.data["message"]) for call in messages] == [
        ("TV", "The film is over."),
        (
            "TV",
            "The film cannot be played: The device refused the film (x). It probably cannot play this format",
        ),
    ]


async def test_what_lands_in_a_folder_is_added(
    hass: HomeAssistant, playback: Playback, film: Seed, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    hass.config.allowlist_external_dirs = {str(folder)}
    adds: list[str] = []
    await hass.async_add_executor_job(folder.mkdir)
    await hass.async_add_executor_job((folder / "film.torrent").write_bytes, film.torrent.metainfo)
    await use(hass, "add_from_folder", folder=f"{folder}/")
    hass.bus.async_listen("call_service", lambda event: adds.append(event.data["service"]))
    for event_type, path in (
        ("closed", folder / "notes.txt"),
        ("created", folder / "film.torrent"),
        ("closed", tmp_path / "elsewhere" / "film.torrent"),
        ("closed", folder / "film.torrent"),
    ):
        hass.bus.async_fire("folder_watcher", {"event_type": event_type, "path": str(path)})
    await until(lambda: playback.sessions)
    (session,) = playback.sessions
    assert session.downloads
    await until(lambda: session.torrent)
    film.connect(playback)
    await until(lambda: session.is_over)
    await hass.async_block_till_done()
    assert adds == ["add"]
