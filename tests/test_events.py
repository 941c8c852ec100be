"""Events, triggers, conditions and the logbook: what Home Assistant hears of a play."""
# fixtures are asked for by name

from collections.abc import Callable
from typing import Any

import pytest
from homeassistant.core import Event, HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import condition
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.translation import async_load_integrations
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.events import EVENT, reason
from custom_components.torrent_cast.logbook import async_describe_events
from custom_components.torrent_cast.playback import Happening, LoadRefused, Playback, Session, State
from tests.conftest import Seed, Television, Televisions, soon

# Whoever may fire events can use the name of ours.
FOREIGN: list[dict[str, Any]] = [
    {},
    {"type": "started"},
    {"type": "started", "entity_id": "media_player.tv"},
    {"type": "started", "entity_id": ["media_player.tv"], "title": "x"},
    {"type": "other", "entity_id": "media_player.tv", "title": "x"},
    {"type": ["started"], "entity_id": "media_player.tv", "title": "x"},
]

pytestmark = pytest.mark.usefixtures("entry")


@pytest.fixture
def heard(hass: HomeAssistant) -> list[Event[Any]]:
    """Return the events, as they come."""
    events: list[Event[Any]] = async_capture_events(hass, EVENT)
    return events


@pytest.fixture
async def play(playback: Playback, film: Seed) -> Callable[..., Session]:
    """Return what makes a session of the film on a device."""
    source = await playback.parse(film.magnet)

    def make(television: Television | None, **fields: Any) -> Session:  # noqa: ANN401  # passed on as they are
        return playback.start_session(source, target=television.entity_id if television else None, **fields)

    return make


def types(events: list[Event[Any]]) -> list[str]:
    return [event.data["type"] for event in events]


# --- events ----------------------------------------------------------------------------------------------------------


async def test_a_play_is_told_from_ready_to_its_end(
    hass: HomeAssistant,
    tv: Television,
    play: Callable[..., Session],
    heard: list[Event[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("custom_components.torrent_cast.playback.session.JUMP_SECONDS", 0.0)
    session = play(tv, title="The film")
    await soon(session.prepare())
    for state in (State.PLAYING, State.STALLED, State.PLAYING, State.PAUSED, State.PLAYING):
        session.set_state(state)
    session.end(State.FINISHED)
    await hass.async_block_till_done()
    assert types(heard) == ["ready", "started", "stalled", "resumed", "paused", "resumed", "finished"]
    assert heard[0].data == {
        "type": "ready",
        "entity_id": tv.entity_id,
        "session_id": session.id,
        "title": "The film",
        "position": 0.0,
        "duration": pytest.approx(12, abs=0.2),
    }


async def test_a_failure_says_why(
    hass: HomeAssistant, tv: Television, play: Callable[..., Session], heard: list[Event[Any]]
) -> None:
    play(tv).end(State.FAILED, LoadRefused("load_refused", detail="LOAD_FAILED 104"))
    play(tv).end(State.FAILED, TimeoutError())
    await hass.async_block_till_done()
    assert [event.data["reason"] for event in heard] == [
        "The device refused the film (LOAD_FAILED 104). It probably cannot play this format",
        "TimeoutError",
    ]


async def test_what_no_device_plays_is_not_told(
    hass: HomeAssistant, play: Callable[..., Session], heard: list[Event[Any]]
) -> None:
    session = play(None)
    await soon(session.prepare())
    session.end()
    await hass.async_block_till_done()
    assert heard == []


async def test_an_event_holds_nothing_that_opens_or_names_the_torrent(
    hass: HomeAssistant, tv: Television, play: Callable[..., Session], heard: list[Event[Any]], film: Seed
) -> None:
    session = play(tv)
    await soon(session.prepare())
    session.end(State.FAILED, LoadRefused("load_refused", detail="x"))
    await hass.async_block_till_done()
    told = str([event.data for event in heard])
    assert [secret for secret in (session.token, film.key, str(film.port), "magnet") if secret in told] == []


async def test_after_an_unload_nothing_is_told(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, heard: list[Event[Any]]
) -> None:
    assert await hass.config_entries.async_unload(entry.entry_id)
    playback.happenings.tell(None, Happening.READY)  # type: ignore[arg-type]  # nobody is there to look at it
    assert heard == []


# --- triggers --------------------------------------------------------------------------------------------------------


async def automate(hass: HomeAssistant, **automation: Any) -> list[ServiceCall]:  # noqa: ANN401  # as in YAML
    """Set an automation up; return the calls of its action, as they come."""
    calls: list[ServiceCall] = []

    async def note(call: ServiceCall) -> None:
        calls.append(call)

    hass.services.async_register("test", "note", note)
    action = {"action": "test.note", "data": {"title": "{{ trigger.title }}", "entity_id": "{{ trigger.entity_id }}"}}
    config = {"alias": "test", "actions": [action]} | automation
    assert await async_setup_component(hass, "automation", {"automation": [config]})
    await hass.async_block_till_done()
    states = hass.states.async_all("automation")
    assert [state.state for state in states] == ["on"]
    return calls


@pytest.mark.parametrize("happening", list(Happening))
async def test_each_trigger_runs_for_its_own_event_and_no_other(
    hass: HomeAssistant, tv: Television, play: Callable[..., Session], playback: Playback, happening: Happening
) -> None:
    calls = await automate(hass, triggers=[{"trigger": f"{DOMAIN}.{happening}"}])
    session = play(tv, title="The film")
    for one in Happening:
        playback.happenings.tell(session, one)
    await hass.async_block_till_done()
    assert [call.data for call in calls] == [{"title": "The film", "entity_id": tv.entity_id}]


async def test_a_trigger_keeps_to_its_devices(
    hass: HomeAssistant, tv: Television, televisions: Televisions, play: Callable[..., Session]
) -> None:
    kitchen, attic = televisions.add("kitchen"), televisions.add("attic")
    area = ar.async_get(hass).async_create("Upstairs")
    er.async_get(hass).async_update_entity(attic.entity_id, area_id=area.id)
    target = {"entity_id": [kitchen.entity_id], "area_id": [area.id]}
    calls = await automate(hass, triggers=[{"trigger": f"{DOMAIN}.started", "target": target}])
    for television in (tv, kitchen, attic):
        play(television, title=television.entity_id).set_state(State.PLAYING)
    await hass.async_block_till_done()
    assert sorted(call.data["title"] for call in calls) == [attic.entity_id, kitchen.entity_id]


@pytest.mark.parametrize("data", FOREIGN)
async def test_an_event_of_somebody_else_runs_nothing(
    hass: HomeAssistant, data: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    calls = await automate(hass, triggers=[{"trigger": f"{DOMAIN}.started"}])
    hass.bus.async_fire(EVENT, data)
    await hass.async_block_till_done()
    assert calls == []
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_trigger_with_unknown_options_is_refused(hass: HomeAssistant) -> None:
    bad = {"alias": "bad", "triggers": [{"trigger": f"{DOMAIN}.started", "options": {"loud": True}}], "actions": []}
    await async_setup_component(hass, "automation", {"automation": [bad]})
    await hass.async_block_till_done()
    assert [state.state for state in hass.states.async_all("automation")] == ["unavailable"]


# --- conditions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "behavior", "playing", "runs"),
    [
        (None, "any", [], False),
        (None, "any", ["tv"], True),
        (["tv"], "any", ["kitchen"], False),
        (["tv", "kitchen"], "any", ["kitchen"], True),
        (["tv", "kitchen"], "all", ["kitchen"], False),
        (["tv", "kitchen"], "all", ["kitchen", "tv"], True),
    ],
)
async def test_is_streaming(
    hass: HomeAssistant,
    televisions: Televisions,
    play: Callable[..., Session],
    target: list[str] | None,
    behavior: str,
    playing: list[str],
    runs: bool,
) -> None:
    by_name = {name: televisions.add(name) for name in ("tv", "kitchen")}
    condition: dict[str, Any] = {"condition": f"{DOMAIN}.is_streaming", "options": {"behavior": behavior}}
    if target is not None:
        condition["target"] = {"entity_id": [by_name[name].entity_id for name in target]}
    trigger = {"trigger": "event", "event_type": "go"}
    calls = await automate(hass, triggers=[trigger], conditions=[condition], actions=[{"action": "test.note"}])
    for name in playing:
        play(by_name[name]).set_state(State.PLAYING)
    hass.bus.async_fire("go")
    await hass.async_block_till_done()
    assert bool(calls) is runs


async def test_who_follows_the_condition_hears_of_what_may_change_it(
    hass: HomeAssistant, tv: Television, play: Callable[..., Session]
) -> None:
    area = ar.async_get(hass).async_create("Attic")
    config = {"condition": f"{DOMAIN}.is_streaming", "target": {"area_id": [area.id]}}
    checker = await condition.async_from_config(hass, await condition.async_validate_condition_config(hass, config))
    answers: list[bool | None] = []
    stop = await checker.async_track_changes(lambda: answers.append(checker.async_check()))
    assert not checker.needs_polling
    session = play(tv)
    session.set_state(State.PLAYING)
    await hass.async_block_till_done()
    assert answers.pop() is False
    er.async_get(hass).async_update_entity(tv.entity_id, area_id=area.id)
    await hass.async_block_till_done()
    assert answers.pop() is True
    session.end()
    await hass.async_block_till_done()
    assert answers.pop() is False
    stop()
    heard = len(answers)
    play(tv).set_state(State.PLAYING)
    await hass.async_block_till_done()
    assert len(answers) == heard


async def test_what_is_paused_is_not_streaming(
    hass: HomeAssistant, tv: Television, play: Callable[..., Session], entry: MockConfigEntry
) -> None:
    session = play(tv)
    calls = await automate(
        hass,
        triggers=[{"trigger": "event", "event_type": "go"}],
        conditions=[{"condition": f"{DOMAIN}.is_streaming"}],
        actions=[{"action": "test.note"}],
    )

    async def runs() -> bool:
        before = len(calls)
        hass.bus.async_fire("go")
        await hass.async_block_till_done()
        return len(calls) > before

    session.set_state(State.PLAYING)
    assert await runs()
    session.set_state(State.PAUSED)
    assert not await runs()
    session.set_state(State.PLAYING)
    assert await runs()
    session.end()
    assert not await runs()
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert not await runs()


# --- logbook ---------------------------------------------------------------------------------------------------------


async def test_the_logbook_tells_it_in_words(
    hass: HomeAssistant, tv: Television, play: Callable[..., Session], heard: list[Event[Any]]
) -> None:
    found: dict[str, Callable[[Event[Any]], dict[str, Any]]] = {}
    async_describe_events(hass, lambda domain, event, describe: found.update({f"{domain} {event}": describe}))
    session = play(tv, title="The film")
    session.set_state(State.PLAYING)
    session.end(State.FAILED, LoadRefused("load_refused", detail="x"))
    await hass.async_block_till_done()
    describe = found[f"{DOMAIN} {EVENT}"]
    assert [describe(event) for event in heard] == [
        {"name": "tv", "message": "started to play The film", "entity_id": tv.entity_id},
        {
            "name": "tv",
            "message": "could not play The film: The device refused the film (x). It probably cannot play this format",
            "entity_id": tv.entity_id,
        },
    ]
    hass.states.async_remove(tv.entity_id)
    assert describe(heard[0])["name"] == tv.entity_id


@pytest.mark.parametrize("data", FOREIGN)
async def test_the_logbook_tells_an_event_of_somebody_else_apart(hass: HomeAssistant, data: dict[str, Any]) -> None:
    found: list[Callable[[Event[Any]], dict[str, Any]]] = []
    async_describe_events(hass, lambda _domain, _event, describe: found.append(describe))
    assert found[0](Event(EVENT, data)) == {"name": EVENT, "message": "was fired by somebody else"}


async def test_log_and_reason_are_in_home_assistants_language(
    hass: HomeAssistant, tv: Television, play: Callable[..., Session], heard: list[Event[Any]]
) -> None:
    hass.config.language = "de"
    await async_load_integrations(hass, {DOMAIN})
    found: list[Callable[[Event[Any]], dict[str, Any]]] = []
    async_describe_events(hass, lambda _domain, _event, describe: found.append(describe))
    play(tv, title="The film").end(State.FAILED, LoadRefused("load_refused", detail="x"))
    await hass.async_block_till_done()
    why = "Das Gerät hat den Film abgelehnt (x). Wahrscheinlich kann es dieses Format nicht abspielen"
    assert [event.data["reason"] for event in heard] == [why]
    assert found[0](heard[0])["message"] == f"konnte The film nicht abspielen: {why}"


async def test_the_logbook_has_words_for_all_also_before_a_new_language_is_loaded(
    hass: HomeAssistant, tv: Television, play: Callable[..., Session], playback: Playback, heard: list[Event[Any]]
) -> None:
    found: list[Callable[[Event[Any]], dict[str, Any]]] = []
    async_describe_events(hass, lambda _domain, _event, describe: found.append(describe))
    session = play(tv, title="The film")
    for happening in Happening:
        playback.happenings.tell(session, happening)
    await hass.async_block_till_done()
    english = {found[0](event)["message"] for event in heard}
    assert len(english) == len(Happening)
    assert all("The film" in message for message in english)
    hass.config.language = "fr"
    assert {found[0](event)["message"] for event in heard} == english


async def test_an_error_that_leaves_out_what_its_text_names_is_told_all_the_same(hass: HomeAssistant) -> None:
    error = HomeAssistantError(translation_domain=DOMAIN, translation_key="device_unavailable")
    assert "{device}" in str(error)
    assert reason(hass, error) == str(error)
