"""The action `stop`."""

import asyncio
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError

from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.playback import Playback
from tests.conftest import Seed, Television, Televisions, assert_nothing_left, soon, until
from tests.services.conftest import NOBODY, play, refusal

pytestmark = pytest.mark.usefixtures("entry")


async def stop(hass: HomeAssistant, *targets: str) -> None:
    await soon(hass.services.async_call(DOMAIN, "stop", {"entity_id": list(targets)}, blocking=True))


async def test_stop_ends_what_plays_and_stops_the_device(
    hass: HomeAssistant, tv: Television, televisions: Televisions, film: Seed, playback: Playback
) -> None:
    kitchen = televisions.add("kitchen")
    await play(hass, [tv.entity_id, kitchen.entity_id], film.magnet)
    await stop(hass, tv.entity_id)
    assert (tv.stopped, kitchen.stopped) == (1, 0)
    assert [session.target for session in playback.sessions] == [kitchen.entity_id]


async def test_stop_all(
    hass: HomeAssistant, tv: Television, televisions: Televisions, film: Seed, playback: Playback
) -> None:
    kitchen = televisions.add("kitchen")
    hass.states.async_set("media_player.of_somebody_else", "playing")
    await play(hass, [tv.entity_id, kitchen.entity_id], film.magnet)
    await soon(hass.services.async_call(DOMAIN, "stop", {"entity_id": "all"}, blocking=True))
    assert (tv.stopped, kitchen.stopped) == (1, 1)
    assert playback.sessions == ()


async def test_stop_while_it_gets_ready(
    hass: HomeAssistant, tv: Television, playback: Playback, downloads: Path
) -> None:
    call = asyncio.create_task(refusal(hass, tv.entity_id, NOBODY))
    await until(lambda: playback.torrents)
    await stop(hass, tv.entity_id)
    assert (await soon(call)).translation_key == "session_ended"
    assert tv.stopped == 0
    await assert_nothing_left(playback, downloads)


async def test_stop_without_anything_to_stop(hass: HomeAssistant, tv: Television) -> None:
    await stop(hass, tv.entity_id)
    assert tv.stopped == 0


async def test_stop_reaches_an_unavailable_device_too(
    hass: HomeAssistant, tv: Television, film: Seed, playback: Playback
) -> None:
    await play(hass, tv.entity_id, film.magnet)
    hass.states.async_set(tv.entity_id, "unavailable")
    await stop(hass, tv.entity_id)
    assert playback.sessions == ()


async def test_what_was_stopped_is_no_error_in_the_log(
    hass: HomeAssistant, tv: Television, playback: Playback, caplog: pytest.LogCaptureFixture
) -> None:
    data = {"entity_id": tv.entity_id, "source": NOBODY, "wait": False}
    await soon(hass.services.async_call(DOMAIN, "play", data, blocking=True))
    await until(lambda: playback.torrents)
    await stop(hass, tv.entity_id)
    await hass.async_block_till_done()
    assert playback.sessions == ()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_stop_wants_a_cast_device(hass: HomeAssistant) -> None:
    with pytest.raises(ServiceValidationError) as caught:
        await stop(hass, "media_player.other")
    assert caught.value.translation_key == "not_cast"
