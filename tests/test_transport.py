"""What users ask of a Cast entity is known before it is carried out."""

from typing import Any, cast

import pytest
from homeassistant.components.media_player import DOMAIN as MEDIA_PLAYER
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.playback import Following, Playback
from custom_components.torrent_cast.playback.hold import Hold
from tests.conftest import Seed, Television, soon


class Notes:
    """Notes what a device's follower is told, and when."""

    def __init__(self) -> None:
        self.hold = Hold()
        self.told: list[str] = []

    def on_seek(self, seconds: float) -> None:
        """Note a seek."""
        self.told.append(f"seek {seconds:g}")

    def on_pause(self) -> None:
        """Note a pause."""
        self.told.append("pause")

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
async def notes(hass: HomeAssistant, playback: Playback, film: Seed, tv: Television) -> Notes:
    """Return what is told of the film on the device."""
    notes = Notes()
    session = playback.start_session(await playback.parse(film.magnet), target=tv.entity_id)
    session.following = cast("Following", notes)

    async def carry_out(_call: ServiceCall) -> None:
        notes.told.append("carried out")

    for service in ("media_seek", "media_pause", "media_play_pause", "volume_mute"):
        hass.services.async_register(MEDIA_PLAYER, service, carry_out)
    return notes


async def call(hass: HomeAssistant, service: str, **data: Any) -> None:  # noqa: ANN401  # good and bad ones
    """Call a media player's action."""
    await soon(hass.services.async_call(MEDIA_PLAYER, service, data, blocking=True))


async def test_a_seek_is_known_before_it_is_carried_out(hass: HomeAssistant, notes: Notes, tv: Television) -> None:
    await call(hass, "media_seek", entity_id=tv.entity_id, seek_position=90.5)
    assert notes.told == ["seek 90.5", "carried out"]


@pytest.mark.parametrize("service", ["media_pause", "media_play_pause"])
async def test_a_pause_too(hass: HomeAssistant, notes: Notes, tv: Television, service: str) -> None:
    await call(hass, service, entity_id=[tv.entity_id])
    assert notes.told == ["pause", "carried out"]


@pytest.mark.parametrize("entity_id", ["all", "ALL", "media_player.other, {tv}", "{TV}"])
async def test_a_device_may_be_named_in_any_way(
    hass: HomeAssistant, notes: Notes, tv: Television, entity_id: str
) -> None:
    named = entity_id.format(tv=tv.entity_id, TV=tv.entity_id.upper())
    await call(hass, "media_seek", entity_id=named, seek_position="7.5")
    assert notes.told == ["seek 7.5", "carried out"]


async def test_an_area_stands_for_its_devices(hass: HomeAssistant, notes: Notes, tv: Television) -> None:
    area = ar.async_get(hass).async_create("Living room")
    er.async_get(hass).async_update_entity(tv.entity_id, area_id=area.id)
    await call(hass, "media_seek", area_id=area.id, seek_position=7)
    assert notes.told[0] == "seek 7"


@pytest.mark.parametrize(
    ("service", "data"),
    [
        ("volume_mute", {}),
        ("media_seek", {"seek_position": "soon"}),
        ("media_seek", {"seek_position": float("nan")}),
        ("media_seek", {"seek_position": float("inf")}),
        ("media_seek", {}),
        ("media_seek", {"entity_id": "media_player.other", "seek_position": 5}),
        ("media_seek", {"entity_id": 5, "seek_position": 5}),
        ("media_seek", {"entity_id": None, "seek_position": 5}),
    ],
)
async def test_the_rest_is_none_of_our_business(
    hass: HomeAssistant,
    notes: Notes,
    tv: Television,
    service: str,
    data: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    await call(hass, service, **{"entity_id": tv.entity_id} | data)
    assert notes.told == ["carried out"]
    assert "Error" not in caplog.text


async def test_nobody_listens_after_the_entry_s_end(
    hass: HomeAssistant, entry: MockConfigEntry, notes: Notes, tv: Television
) -> None:
    assert await hass.config_entries.async_unload(entry.entry_id)
    await call(hass, "media_seek", entity_id=tv.entity_id, seek_position=90)
    assert notes.told == ["carried out"]
