"""Home Assistant's own conversation agent, with its own sentences, and a player of ours."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import asyncio
import time
from collections.abc import Iterable
from typing import Any

import pytest
from homeassistant.components import conversation
from homeassistant.components.media_player import MediaPlayerState, SearchMediaQuery
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import intent
from homeassistant.setup import async_setup_component

from custom_components.torrent_cast import candidates, labels, media_source, titles
from custom_components.torrent_cast.media_source import SPOKEN_READING
from custom_components.torrent_cast.playback import Playback, State
from custom_components.torrent_cast.program import ANSWER
from custom_components.torrent_cast.providing import PROVIDERS
from tests.conftest import Seed, kept, soon, until
from tests.player.conftest import CAST, FakeCast, shown

# Longer than that nobody believes to have been heard; s.
VOICE_LIMIT = 3.0
# (language, what is said, what the device is asked), once by its name and once by its area
PLAYS = [
    ("en", "play the film on the living room tv"),
    ("en", "play the film in the living room"),
    ("de", "spiele the film auf living room tv"),
    ("de", "spiele the film in living room"),
]
COMMANDS = [
    ("en", "pause the living room tv", ("media_pause",)),
    ("en", "pause the music in the living room", ("media_pause",)),
    ("en", "resume the living room tv", ("media_play",)),
    ("en", "resume the music in the living room", ("media_play",)),
    ("en", "turn up the volume in the living room", ("volume_set", 0.6)),
    ("en", "set the volume to 70% on the living room tv", ("volume_set", 0.7)),
    ("en", "turn off the living room tv", ("turn_off",)),
    ("de", "pausiere living room tv", ("media_pause",)),
    ("de", "living room tv fortsetzen", ("media_play",)),
    ("de", "living room tv lauter", ("volume_set", 0.6)),
    ("de", "schalte living room tv aus", ("turn_off",)),
]


@pytest.fixture
async def assist(hass: HomeAssistant, subentry: str) -> None:
    """Have the conversation agent and its intents."""
    for component in ("intent", "conversation"):
        assert await async_setup_component(hass, component, {})
    await hass.async_block_till_done()


async def say(hass: HomeAssistant, language: str, text: str) -> tuple[Any, str]:
    """Return the kind of Assist's answer, and the answer."""
    context = Context()
    result = await soon(conversation.async_converse(hass, text, None, context, language=language))
    return result.response.response_type, result.response.speech["plain"]["speech"]


@pytest.mark.usefixtures("assist")
@pytest.mark.parametrize(("language", "text"), PLAYS)
async def test_a_film_is_played_by_its_name(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed, language: str, text: str
) -> None:
    await kept(playback, film)
    saying = asyncio.create_task(say(hass, language, text))
    await until(lambda: playback.torrents or saying.done())
    film.connect(playback)
    kind, answer = await saying
    assert kind is intent.IntentResponseType.ACTION_DONE, answer
    assert [what for what, *_ in cast.asked] == ["play_media"]
    assert [session.source.key for session in playback.sessions] == [film.key]
    await until(lambda: shown(hass).state == "playing")


@pytest.mark.usefixtures("assist")
@pytest.mark.parametrize(("language", "text", "asked"), COMMANDS)
async def test_what_is_said_reaches_the_device_once(
    hass: HomeAssistant, cast: FakeCast, language: str, text: str, asked: tuple[Any, ...]
) -> None:
    cast.show(MediaPlayerState.PAUSED if asked == ("media_play",) else MediaPlayerState.PLAYING)
    await hass.async_block_till_done()
    kind, answer = await say(hass, language, text)
    assert kind is intent.IntentResponseType.ACTION_DONE, answer
    assert cast.asked == [asked]


@pytest.mark.usefixtures("assist")
async def test_nobody_waits_for_a_slow_swarm(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    await kept(playback, film)
    kind, answer = await say(hass, "en", "play the film on the living room tv")  # nobody sends it
    assert kind is intent.IntentResponseType.ACTION_DONE, answer
    assert [session.target for session in playback.sessions] == [CAST]
    assert shown(hass).state == "buffering"
    film.connect(playback)
    await until(lambda: [session.state for session in playback.sessions] == [State.PLAYING])


@pytest.mark.usefixtures("assist")
async def test_providers_have_less_time_than_who_speaks(
    hass: HomeAssistant, cast: FakeCast, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    async def search(_text: str, patience: float) -> list[object]:
        given.append(patience)
        return []

    monkeypatch.setattr(hass.data[PROVIDERS], "search", search)
    kind, _ = await say(hass, "en", "play nosferatu on the living room tv")
    assert (kind, cast.asked) == (intent.IntentResponseType.ERROR, [])
    assert given
    assert SPOKEN_READING + sum(given) + ANSWER < VOICE_LIMIT


@pytest.mark.usefixtures("assist")
async def test_a_large_library_does_not_keep_who_speaks_waiting(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[float] = []

    def noted(paths: Iterable[str], until: float | None = None) -> dict[str, titles.Title]:
        assert until is not None
        ends.append(until)
        return titles.read_titles(paths, 0.0)  # as if there was no time for any

    await kept(playback, film)
    for module in (labels, candidates):
        monkeypatch.setattr(module, "read_titles", noted)
    begin = time.monotonic()
    found = await media_source.search_at_hand(hass, SearchMediaQuery(search_query="film 2026"))
    assert [node.title for node in found.result] == ["The film (2026)"]
    assert ends
    assert max(ends) <= time.monotonic() + SPOKEN_READING
    assert min(ends) >= begin + SPOKEN_READING


@pytest.mark.usefixtures("assist")
async def test_what_is_not_there_is_said_so(hass: HomeAssistant, cast: FakeCast) -> None:
    kind, _ = await say(hass, "en", "play nosferatu on the living room tv")
    assert kind is intent.IntentResponseType.ERROR
    assert cast.asked == []
