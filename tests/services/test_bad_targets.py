"""Targets on which nothing can be played."""

import pytest
import voluptuous as vol
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.playback import Playback
from tests.conftest import Seed, Television, soon
from tests.services.conftest import NOBODY, play, refusal

pytestmark = pytest.mark.usefixtures("entry")


async def test_a_target_that_is_no_cast_device(hass: HomeAssistant, playback: Playback) -> None:
    other = er.async_get(hass).async_get_or_create("media_player", "sonos", "x").entity_id
    light = er.async_get(hass).async_get_or_create("light", "cast", "x").entity_id
    for target in (other, light, "media_player.not_there"):
        error = await refusal(hass, target, NOBODY)
        assert (error.translation_key, error.translation_placeholders) == ("not_cast", {"device": target})
        assert isinstance(error, ServiceValidationError)
    assert playback.sessions == ()


async def test_one_bad_target_is_enough_to_refuse(hass: HomeAssistant, tv: Television, playback: Playback) -> None:
    error = await refusal(hass, [tv.entity_id, "media_player.not_there"], NOBODY)
    assert error.translation_key == "not_cast"
    assert playback.sessions == ()


@pytest.mark.parametrize("state", ["unavailable", None])
async def test_an_unavailable_target(
    hass: HomeAssistant, tv: Television, playback: Playback, state: str | None
) -> None:
    if state is None:
        hass.states.async_remove(tv.entity_id)
    else:
        hass.states.async_set(tv.entity_id, state)
    error = await refusal(hass, tv.entity_id, NOBODY)
    assert (error.translation_key, error.translation_placeholders) == ("device_unavailable", {"device": tv.entity_id})
    assert not isinstance(error, ServiceValidationError)
    assert playback.sessions == ()


async def test_no_target(hass: HomeAssistant) -> None:
    nothing: str | list[str]
    for nothing in ("none", "all", []):  # "all" means services of entities, which this is not
        assert (await refusal(hass, nothing, NOBODY)).translation_key == "no_target"
    with pytest.raises(vol.Invalid):
        await play(hass, None, NOBODY)


async def test_a_target_by_area_takes_its_cast_devices_only(
    hass: HomeAssistant, tv: Television, film: Seed, playback: Playback
) -> None:
    registry = er.async_get(hass)
    area = ar.async_get(hass).async_create("Den").id
    other = registry.async_get_or_create("media_player", "sonos", "x").entity_id
    for entity_id in (tv.entity_id, other):
        registry.async_update_entity(entity_id, area_id=area)
    data = {"source": film.magnet, "area_id": area}
    await soon(hass.services.async_call(DOMAIN, "play", data, blocking=True))
    assert [session.target for session in playback.sessions] == [tv.entity_id]


async def test_nothing_plays_while_the_entry_is_not_loaded(
    hass: HomeAssistant, tv: Television, entry: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    error = await refusal(hass, tv.entity_id, NOBODY)
    assert error.translation_key == "not_loaded"
    assert isinstance(error, ServiceValidationError)


async def test_nothing_plays_while_the_engine_stops(hass: HomeAssistant, tv: Television, playback: Playback) -> None:
    await playback.stop()
    assert (await refusal(hass, tv.entity_id, NOBODY)).translation_key == "engine_stopped"
    with pytest.raises(Exception, match="engine_stopped"):
        playback.start_session(None)  # type: ignore[arg-type]  # not looked at
