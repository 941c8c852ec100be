"""Tools of language models, called as Home Assistant calls them, and intents by the sentences of docs/voice.md."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import re
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components import conversation
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import intent, llm
from homeassistant.setup import async_setup_component

import custom_components.torrent_cast
from custom_components.torrent_cast import intent as intents
from custom_components.torrent_cast import spoken
from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.playback import Playback, seconds_to_wait
from custom_components.torrent_cast.spoken import Where
from tests.conftest import Seed, kept, soon, until
from tests.player.conftest import CAST, FEATURES, PLAYER, FakeCast
from tests.services.conftest import NOBODY

DOCS = Path(custom_components.torrent_cast.__file__).parents[2] / "docs" / "voice.md"
TOOLS = ["torrent_cast__search", "torrent_cast__play", "torrent_cast__status", "torrent_cast__stop"]


# --- tools -----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def api(hass: HomeAssistant, subentry: str) -> llm.APIInstance:
    """Return Assist's tools."""
    assert await async_setup_component(hass, "llm", {})
    await hass.async_block_till_done()
    return await tools(hass)


async def tools(hass: HomeAssistant) -> llm.APIInstance:
    context = llm.LLMContext("test", Context(), "en", "conversation", None)
    return await llm.async_get_api(hass, llm.LLM_API_ASSIST, context)


async def use(api: llm.APIInstance, name: str, **args: Any) -> Any:  # noqa: ANN401  # JSON
    result = await soon(api.async_call_tool(llm.ToolInput(f"torrent_cast__{name}", args)))
    assert isinstance(result, llm.ToolResult)
    return result.data


async def test_the_tools_are_there_while_assist_sees_a_device(hass: HomeAssistant, api: llm.APIInstance) -> None:
    ours = [tool for tool in api.tools if tool.name.startswith("torrent_cast__")]
    assert [tool.name for tool in ours] == TOOLS
    for tool in ours:
        assert tool.description
        assert tool.integration == "torrent_cast"
        for field in tool.parameters.schema:
            assert field.description, (tool.name, field)
    async_expose_entity(hass, "conversation", PLAYER, should_expose=False)
    assert [tool for tool in (await tools(hass)).tools if tool.name.startswith("torrent_cast__")] == []


async def test_a_model_searches_plays_asks_and_stops(
    hass: HomeAssistant, api: llm.APIInstance, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    await kept(playback, film)
    (result,) = (await use(api, "search", query="the film"))["results"]
    assert result["media_id"] == f"media-source://torrent_cast/{film.key}/0"
    assert await use(api, "play", media_id=result["media_id"], device="Living room TV", area="") == {"starting": True}
    await until(lambda: playback.torrents)
    (status,) = (await use(api, "status"))["playing"]
    assert (status["device"], status["title"]) == ("Living room TV", "The film (2026).mp4")
    film.connect(playback)
    await until(lambda: [session.state for session in playback.sessions] == ["playing"])
    (status,) = (await use(api, "status", area="Living room"))["playing"]
    assert (status["state"], status["duration"], status["seconds_until_it_can_play"]) == ("playing", 12, 0)
    assert await use(api, "stop") == {"stopped": 1}
    assert [what for what, *_ in cast.asked] == ["play_media", "media_stop"]
    assert await use(api, "status") == {"playing": []}
    assert await use(api, "stop") == {"stopped": 0}


async def test_a_model_is_told_what_is_wrong(hass: HomeAssistant, api: llm.APIInstance, playback: Playback) -> None:
    with pytest.raises(intent.MatchFailedError):
        await use(api, "play", media_id=NOBODY, device="Kitchen radio")
    with pytest.raises(ServiceValidationError, match="not valid"):
        await use(api, "play", media_id="magnet:?xt=urn:btih:zz")
    assert (await use(api, "search", query="nosferatu")) == {"results": []}
    assert playback.sessions == ()


# --- intents ---------------------------------------------------------------------------------------------------------


@pytest.fixture
async def sentences(hass: HomeAssistant, subentry: str) -> None:
    """Have the sentences of the documentation where users put them."""
    blocks = re.findall(r"`custom_sentences/(\w+)/(\w+\.yaml)`:\n\n```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert len(blocks) == 2
    for language, name, text in blocks:
        path = Path(hass.config.path("custom_sentences", language, name))
        path.parent.mkdir(parents=True)  # a test may wait for its own disk
        path.write_text(text)  # noqa: ASYNC240  # likewise
    for component in ("intent", "conversation"):
        assert await async_setup_component(hass, component, {})
    await hass.async_block_till_done()


async def say(hass: HomeAssistant, text: str, language: str = "en") -> str:
    result = await soon(conversation.async_converse(hass, text, None, Context(), language=language))
    return str(result.response.speech["plain"]["speech"])


SAID = {
    "en": (
        "Nothing plays",
        "Starting The film (2026)",
        "The film (2026).mp4 is not coming in yet, so I cannot say how long it takes",
        "The film (2026).mp4 can play",
    ),
    "de": (
        "Es läuft nichts",
        "The film (2026) wird gestartet",
        "Von The film (2026).mp4 kommt noch nichts an, deshalb kann ich nicht sagen, wie lange es noch dauert",
        "The film (2026).mp4 ist abspielbereit",
    ),
}


@pytest.mark.usefixtures("sentences")
@pytest.mark.parametrize(
    ("language", "play", "status"),
    [
        ("en", "watch the film on the living room tv", "how long until it can play"),
        ("en", "watch the film in the living room", "what is the torrent doing"),
        ("de", "zeig the film auf living room tv", "wie lange dauert es noch"),
    ],
)
async def test_a_film_is_started_and_its_wait_is_told(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed, language: str, play: str, status: str
) -> None:
    await kept(playback, film)
    nothing, starting, waiting, plays = SAID[language]
    assert await say(hass, status, language) == nothing
    assert await say(hass, play, language) == starting
    assert await say(hass, status, language) == waiting
    await until(lambda: playback.torrents)
    film.connect(playback)
    await until(lambda: [session.state for session in playback.sessions] == ["playing"])
    assert await say(hass, status, language) == plays
    assert [what for what, *_ in cast.asked] == ["play_media"]


@pytest.mark.usefixtures("sentences")
async def test_what_cannot_be_done_is_said(hass: HomeAssistant, cast: FakeCast, playback: Playback) -> None:
    assert await say(hass, "watch nosferatu on the living room tv") == "I found no nosferatu"
    assert await say(hass, "watch nosferatu") == "I found no nosferatu"  # there is one device
    assert cast.asked == []
    assert playback.sessions == ()


@pytest.mark.usefixtures("sentences")
async def test_a_device_that_assist_sees_twice_plays_once(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    async_expose_entity(hass, "conversation", CAST, should_expose=True)
    hass.states.async_set("media_player.other", "off", {"friendly_name": "Living room TV", "supported_features": 512})
    await kept(playback, film)
    assert await say(hass, "watch the film on the living room tv") == "Starting The film (2026)"
    await until(lambda: playback.torrents)
    film.connect(playback)
    await until(lambda: [session.state for session in playback.sessions] == ["playing"])
    assert [what for what, *_ in cast.asked] == ["play_media"]


@pytest.fixture
async def twins(hass: HomeAssistant, cast: FakeCast) -> dict[str, str]:
    """Return two Cast entities of one name, by their areas."""
    registry = er.async_get(hass)
    found = {}
    for room in ("attic", "cellar"):
        area = ar.async_get(hass).async_create(room)
        entity = registry.async_get_or_create(
            "media_player", "cast", room, original_name="Screen", supported_features=FEATURES
        )
        registry.async_update_entity(entity.entity_id, area_id=area.id)
        hass.states.async_set(entity.entity_id, "off", {"friendly_name": "Screen", "supported_features": FEATURES})
        async_expose_entity(hass, "conversation", entity.entity_id, should_expose=True)
        found[area.id] = entity.entity_id
    return found


async def test_two_devices_of_one_name_are_told_apart_by_where_it_was_said(
    hass: HomeAssistant, subentry: str, twins: dict[str, str]
) -> None:
    for area, entity_id in twins.items():
        here = intent.MatchTargetsPreferences(area_id=area)
        assert spoken.device(hass, Where(name="screen", assistant="conversation", preferences=here)) == entity_id
        assert spoken.device(hass, Where(name="screen", area=area, assistant="conversation")) == entity_id
    with pytest.raises(intent.MatchFailedError) as failed:
        spoken.device(hass, Where(name="screen", assistant="conversation"))
    assert failed.value.result.no_match_reason is intent.MatchFailedReason.DUPLICATE_NAME


@pytest.mark.usefixtures("sentences")
async def test_a_device_nearby_is_meant_where_none_is_said(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed, twins: dict[str, str]
) -> None:
    await kept(playback, film)
    assert await say(hass, "watch the film") == "Several Cast devices may be meant. Say which one, by its name or area."
    assert cast.asked == []
    here = intent.MatchTargetsPreferences(area_id="living_room")
    assert spoken.device(hass, Where(assistant="conversation", preferences=here)) == CAST


@pytest.mark.usefixtures("sentences")
async def test_what_is_no_cast_device_cannot_play(hass: HomeAssistant, playback: Playback, film: Seed) -> None:
    await kept(playback, film)
    radio = {"friendly_name": "Kitchen radio", "supported_features": FEATURES}
    hass.states.async_set("media_player.radio", "off", radio)
    async_expose_entity(hass, "conversation", "media_player.radio", should_expose=True)
    said = await say(hass, "watch the film on the kitchen radio")
    assert said == "No Cast device was named. Choose at least one as the target."


@pytest.mark.usefixtures("sentences")
@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.2, "The film can play in about a second"),
        (7.6, "The film can play in about 8 seconds"),
        (None, "The film is not coming in yet, so I cannot say how long it takes"),
    ],
)
async def test_the_wait_is_told_in_seconds(
    hass: HomeAssistant,
    cast: FakeCast,
    playback: Playback,
    film: Seed,
    seconds: float | None,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intents, "seconds_to_wait", lambda _session: seconds)
    session = playback.start_session(await playback.parse(film.magnet), title="The film", target=CAST)
    assert await say(hass, "how long until it can play") == told
    session.end()


@pytest.mark.usefixtures("sentences")
@pytest.mark.parametrize(
    ("language", "question", "why"),
    [
        ("en", "how long until it can play", "Torrent Cast is not set up or did not start"),
        ("de", "wie lange dauert es noch", "Torrent Cast ist nicht eingerichtet oder nicht gestartet"),
    ],
)
async def test_what_is_wrong_is_said_in_the_language_of_who_asks(
    hass: HomeAssistant, language: str, question: str, why: str
) -> None:
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert why in await say(hass, question, language)


async def test_the_wait_is_what_is_missing_over_what_comes_in_for_it(
    hass: HomeAssistant,
    subentry: str,
    cast: FakeCast,
    playback: Playback,
    film: Seed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = playback.start_session(await playback.parse(film.magnet), target=CAST)
    assert seconds_to_wait(session) is None
    await soon(session.prepare())
    assert seconds_to_wait(session) == 0
    torrent = session.torrent
    assert torrent is not None
    with monkeypatch.context() as missing:
        missing.setattr(torrent, "has", lambda _piece: False)
        missing.setattr(torrent, "rate_for", {session.viewer: torrent.piece_length}.__getitem__)
        pieces = seconds_to_wait(session)
        missing.setattr(torrent, "rate_for", {session.viewer: torrent.piece_length * 2}.__getitem__)
        assert pieces
        assert seconds_to_wait(session) == pieces / 2
    session.end()
