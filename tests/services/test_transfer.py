"""The action `transfer`."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import pytest
from homeassistant.core import Context, HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError, Unauthorized
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.playback import Playback
from tests.conftest import Seed, Television, Televisions, settled, torrents_in_libtorrent
from tests.services.conftest import act, do, refusal_key

pytestmark = pytest.mark.usefixtures("entry")


@pytest.fixture
def transport(hass: HomeAssistant, televisions: Televisions) -> list[tuple[str, str]]:
    """Return what Cast entities were asked beside playing and stopping."""
    asked: list[tuple[str, str]] = []

    async def note(call: ServiceCall) -> None:
        asked.append((call.service, call.data["entity_id"]))

    hass.services.async_register("media_player", "media_pause", note)
    hass.services.async_register("media_player", "media_play", note)
    return asked


async def test_transfer_goes_on_at_the_same_second(
    hass: HomeAssistant,
    tv: Television,
    televisions: Televisions,
    playback: Playback,
    film: Seed,
    transport: list[tuple[str, str]],
) -> None:
    kitchen = televisions.add("kitchen")
    await do(hass, "play", entity_id=tv.entity_id, source=film.magnet, start_position=7, title="The film")
    answer = await act(hass, "transfer", entity_id=kitchen.entity_id)
    (session,) = playback.sessions
    assert answer["sessions"][0]["session_id"] == session.id
    assert (session.target, session.title) == (kitchen.entity_id, "The film")
    assert session.start_position == pytest.approx(7, abs=1)
    assert (tv.stopped, transport) == (1, [("media_pause", tv.entity_id)])
    assert len(torrents_in_libtorrent(playback)) == 1


async def test_a_transfer_that_fails_goes_on_where_it_was(
    hass: HomeAssistant,
    tv: Television,
    televisions: Televisions,
    playback: Playback,
    film: Seed,
    transport: list[tuple[str, str]],
) -> None:
    kitchen = televisions.add("kitchen")
    kitchen.error = HomeAssistantError("no such luck")
    await do(hass, "play", entity_id=tv.entity_id, source=film.magnet)
    with pytest.raises(HomeAssistantError, match="no such luck"):
        await do(hass, "transfer", entity_id=kitchen.entity_id, **{"from": tv.entity_id})
    await settled(playback)
    assert [session.target for session in playback.sessions] == [tv.entity_id]
    assert (tv.stopped, transport) == (0, [("media_pause", tv.entity_id), ("media_play", tv.entity_id)])


async def test_transfers_that_cannot_be_meant_are_refused(
    hass: HomeAssistant, tv: Television, televisions: Televisions, playback: Playback, film: Seed
) -> None:
    kitchen, attic = televisions.add("kitchen"), televisions.add("attic")
    hass.states.async_set("light.lamp", "on")
    assert await refusal_key(hass, "transfer", entity_id=kitchen.entity_id) == "nothing_plays"
    await do(hass, "play", entity_id=tv.entity_id, source=film.magnet)
    assert await refusal_key(hass, "transfer", entity_id=tv.entity_id) == "same_device"
    assert await refusal_key(hass, "transfer", entity_id=[kitchen.entity_id, attic.entity_id]) == "one_target"
    assert await refusal_key(hass, "transfer", entity_id=kitchen.entity_id, **{"from": "light.lamp"}) == "not_cast"
    assert (
        await refusal_key(hass, "transfer", entity_id=kitchen.entity_id, **{"from": attic.entity_id}) == "nothing_plays"
    )
    await do(hass, "play", entity_id=attic.entity_id, source=film.magnet)
    assert await refusal_key(hass, "transfer", entity_id=kitchen.entity_id) == "which_device"
    assert len(playback.sessions) == 2


async def test_who_may_not_control_both_devices_may_not_transfer(
    hass: HomeAssistant,
    tv: Television,
    televisions: Televisions,
    playback: Playback,
    film: Seed,
    hass_read_only_user: MockUser,
    transport: list[tuple[str, str]],
) -> None:
    kitchen = televisions.add("kitchen")
    await do(hass, "play", entity_id=tv.entity_id, source=film.magnet)
    context = Context(user_id=hass_read_only_user.id)
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN, "transfer", {"entity_id": kitchen.entity_id}, blocking=True, context=context
        )
    assert transport == []
