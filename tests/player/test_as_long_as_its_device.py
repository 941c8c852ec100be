"""A player is added by a flow, goes with its Cast entity, and leaves voice as it was."""
# ruff: noqa: ARG001  # fixtures are asked for by name

from typing import Any

from homeassistant.components.homeassistant import async_should_expose
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.components.media_player import MediaPlayerState
from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER, SubentryFlowContext
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.player.conftest import CAST, PLAYER, FakeCast, add_player, shown


def exposed(hass: HomeAssistant) -> tuple[bool, bool]:
    """Tell whether Assist sees the Cast entity and our player."""
    return async_should_expose(hass, "conversation", CAST), async_should_expose(hass, "conversation", PLAYER)


async def reconfigure(hass: HomeAssistant, entry: MockConfigEntry, subentry: str, *, voice: bool) -> Any:  # noqa: ANN401  # a flow's result
    flows = hass.config_entries.subentries
    context = SubentryFlowContext(source=SOURCE_RECONFIGURE, subentry_id=subentry)
    form = await flows.async_init((entry.entry_id, "player"), context=context)
    assert form["description_placeholders"] == {"device": "Living room TV"}
    result = await flows.async_configure(form["flow_id"], {"voice": voice})
    await hass.async_block_till_done()
    return result


async def test_without_a_cast_device_there_is_nothing_to_add(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "player"), context={"source": SOURCE_USER}
    )
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "no_cast_device")


async def test_a_device_has_one_player(hass: HomeAssistant, entry: MockConfigEntry, subentry: str) -> None:
    assert entry.subentries[subentry].title == "Living room TV"
    result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "player"), context={"source": SOURCE_USER}
    )
    assert result["reason"] == "no_cast_device"


async def test_it_shares_the_device_its_name_and_its_area(
    hass: HomeAssistant, entry: MockConfigEntry, cast: FakeCast
) -> None:
    registry = er.async_get(hass)
    area = ar.async_get(hass).async_create("Kitchen")
    registry.async_update_entity(CAST, name="Telly", area_id=area.id, aliases=["The box"])
    await add_player(hass, entry, voice=False)
    player, device = registry.entities[PLAYER], registry.entities[CAST]
    assert player.device_id == device.device_id
    assert (player.name, player.area_id, player.aliases) == ("Telly", area.id, ["The box"])
    registry.async_update_entity(CAST, name=None, area_id=None)
    await hass.async_block_till_done()
    assert (registry.entities[PLAYER].name, registry.entities[PLAYER].area_id) == (None, None)
    assert shown(hass).name == "Living room TV"


async def test_it_follows_its_cast_entity_to_another_id(hass: HomeAssistant, subentry: str, cast: FakeCast) -> None:
    er.async_get(hass).async_update_entity(CAST, new_entity_id="media_player.telly")
    await hass.async_block_till_done()
    cast.show(MediaPlayerState.PLAYING)
    await hass.async_block_till_done()
    assert shown(hass).state == "playing"
    data = {"entity_id": PLAYER}
    await hass.services.async_call("media_player", "media_pause", data, blocking=True)
    assert cast.asked == [("media_pause",)]


async def test_it_goes_when_its_cast_entity_does(hass: HomeAssistant, entry: MockConfigEntry, subentry: str) -> None:
    er.async_get(hass).async_remove(CAST)
    await hass.async_block_till_done()
    assert entry.subentries == {}
    assert er.async_get(hass).async_get(PLAYER) is None
    assert shown(hass) is None


async def test_it_goes_also_when_nobody_looked(hass: HomeAssistant, entry: MockConfigEntry, subentry: str) -> None:
    await hass.config_entries.async_unload(entry.entry_id)
    er.async_get(hass).async_remove(CAST)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.subentries == {}
    assert shown(hass) is None


async def test_with_consent_voice_has_the_player_instead_until_it_goes(
    hass: HomeAssistant, entry: MockConfigEntry, subentry: str
) -> None:
    assert exposed(hass) == (False, True)
    await hass.config_entries.async_reload(entry.entry_id)
    assert exposed(hass) == (False, True)
    hass.config_entries.async_remove_subentry(entry, subentry)
    await hass.async_block_till_done()
    assert async_should_expose(hass, "conversation", CAST)
    assert shown(hass) is None


async def test_what_the_user_changes_afterwards_stays(
    hass: HomeAssistant, entry: MockConfigEntry, subentry: str
) -> None:
    async_expose_entity(hass, "conversation", PLAYER, should_expose=False)
    await hass.config_entries.async_reload(entry.entry_id)
    assert exposed(hass) == (False, False)


async def test_a_cast_entity_that_voice_did_not_have_it_does_not_get_back(
    hass: HomeAssistant, entry: MockConfigEntry, cast: FakeCast
) -> None:
    async_expose_entity(hass, "conversation", CAST, should_expose=False)
    subentry = await add_player(hass, entry, voice=True)
    assert exposed(hass) == (False, True)
    hass.config_entries.async_remove_subentry(entry, subentry)
    await hass.async_block_till_done()
    assert not async_should_expose(hass, "conversation", CAST)


async def test_without_consent_voice_keeps_the_cast_entity(
    hass: HomeAssistant, entry: MockConfigEntry, cast: FakeCast
) -> None:
    async_expose_entity(hass, "conversation", CAST, should_expose=True)
    subentry = await add_player(hass, entry, voice=False)
    assert exposed(hass) == (True, False)
    for voice in (True, False):
        result = await reconfigure(hass, entry, subentry, voice=voice)
        assert result["reason"] == "reconfigure_successful"
        assert exposed(hass) == (not voice, voice)


async def test_removing_the_integration_gives_voice_its_cast_entity_back(
    hass: HomeAssistant, entry: MockConfigEntry, subentry: str
) -> None:
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert async_should_expose(hass, "conversation", CAST)
    assert "torrent_cast" not in er.async_get(hass).entities[CAST].options
