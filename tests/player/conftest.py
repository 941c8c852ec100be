"""A Cast device as Home Assistant shows it, without a receiver behind it, and a player of ours for it."""
# ruff: noqa: ARG001  # fixtures are asked for by name; Home Assistant's hooks have their signatures

from collections.abc import Awaitable, Callable
from typing import Any, override

import pytest
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.components.media_player import (
    MediaPlayerEntity,
    MediaPlayerEntityFeature,
    MediaPlayerState,
)
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import Context, HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockEntityPlatform

from custom_components.torrent_cast.errors import translate_errors
from custom_components.torrent_cast.playback import Playback, Session, State
from custom_components.torrent_cast.playback.session import SCHEME
from tests.conftest import soon

CAST = "media_player.living_room_tv"
PLAYER = "media_player.living_room_tv_torrent_cast"
FEATURES = (
    MediaPlayerEntityFeature.PLAY_MEDIA
    | MediaPlayerEntityFeature.TURN_OFF
    | MediaPlayerEntityFeature.TURN_ON
    | MediaPlayerEntityFeature.VOLUME_MUTE
    | MediaPlayerEntityFeature.VOLUME_SET
    | MediaPlayerEntityFeature.PAUSE
    | MediaPlayerEntityFeature.PLAY
    | MediaPlayerEntityFeature.STOP
    | MediaPlayerEntityFeature.SEEK
    | MediaPlayerEntityFeature.BROWSE_MEDIA
)


class FakeCast(MediaPlayerEntity):
    """Notes what it is asked; a session of ours it prepares as `cast.py` does, and says that it plays."""

    _attr_has_entity_name = True
    _attr_name = None
    _attr_should_poll = False
    _attr_supported_features = FEATURES
    _attr_unique_id = "tv"

    def __init__(self, device: dr.DeviceEntry) -> None:
        self.device_entry = device
        self.entity_id = CAST
        self.asked: list[tuple[Any, ...]] = []
        self.contexts: list[Context | None] = []
        self.how: Callable[[Session], Awaitable[None]] = self.prepare
        self._attr_state = MediaPlayerState.OFF
        self._attr_volume_level = 0.5

    def note(self, *what: Any) -> None:  # noqa: ANN401  # a command and its values
        """Take down what is asked, and in whose name."""
        self.asked.append(what)
        self.contexts.append(self._context)

    def show(self, state: MediaPlayerState, **attributes: Any) -> None:  # noqa: ANN401  # as of the entity
        """Take on a state."""
        self._attr_state = state
        for name, value in attributes.items():
            setattr(self, f"_attr_{name}", value)
        self.async_write_ha_state()

    @property
    def playback(self) -> Playback:
        """Return the integration's."""
        (entry,) = self.hass.config_entries.async_loaded_entries("torrent_cast")
        found: Playback = entry.runtime_data
        return found

    @override
    async def async_play_media(self, media_type: str, media_id: str, **kwargs: Any) -> None:
        self.note("play_media", media_id)
        session = self.playback.by_id(media_id.removeprefix(f"{SCHEME}:"))
        if session is not None:
            self.playback.claim(session, self.entity_id)
            with translate_errors():
                await self.how(session)

    async def prepare(self, session: Session) -> None:
        """Play it, instead of what was on the screen, as the watcher would notice."""
        await session.prepare()
        for other in self.playback.for_target(self.entity_id):
            if other is not session:
                other.end()
        session.was_loaded = True
        self.show(MediaPlayerState.PLAYING, media_content_id=session.content_id, media_title=session.title)
        session.set_state(State.PLAYING)

    @override
    async def async_turn_on(self) -> None:
        self.note("turn_on")

    @override
    async def async_turn_off(self) -> None:
        self.note("turn_off")
        self.show(MediaPlayerState.OFF)

    @override
    async def async_media_play(self) -> None:
        self.note("media_play")
        self.show(MediaPlayerState.PLAYING)

    @override
    async def async_media_pause(self) -> None:
        self.note("media_pause")
        self.show(MediaPlayerState.PAUSED)

    @override
    async def async_media_stop(self) -> None:
        self.note("media_stop")
        self.show(MediaPlayerState.IDLE)

    @override
    async def async_media_next_track(self) -> None:
        self.note("media_next_track")

    @override
    async def async_media_seek(self, position: float) -> None:
        self.note("media_seek", position)

    @override
    async def async_set_volume_level(self, volume: float) -> None:
        self.note("volume_set", round(volume, 2))
        self.show(self._attr_state or MediaPlayerState.IDLE, volume_level=volume)

    @override
    async def async_mute_volume(self, mute: bool) -> None:
        self.note("volume_mute", mute)


@pytest.fixture
async def cast(hass: HomeAssistant, playback: Playback) -> FakeCast:
    """Return a Cast device, "Living room TV", in the living room."""
    assert await async_setup_component(hass, "homeassistant", {})
    entry = MockConfigEntry(domain="cast")
    entry.add_to_hass(hass)
    area = ar.async_get(hass).async_create("Living room")
    devices = dr.async_get(hass)
    device = devices.async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("cast", "tv")}, name="Living room TV"
    )
    devices.async_update_device(device.id, area_id=area.id)
    fake = FakeCast(device)

    platform = MockEntityPlatform(hass, domain="media_player", platform_name="cast")
    platform.config_entry = entry
    await platform.async_add_entities([fake])
    await hass.async_block_till_done()
    assert hass.states.get(CAST) is not None
    return fake


async def add_player(hass: HomeAssistant, entry: MockConfigEntry, *, voice: bool) -> str:
    """Go through the flow that adds a player; return the subentry's id."""
    flows = hass.config_entries.subentries
    form = await flows.async_init((entry.entry_id, "player"), context={"source": SOURCE_USER})
    result = await flows.async_configure(form["flow_id"], {"entity": CAST, "voice": voice})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    subentry_id: str
    (subentry_id,) = [key for key, one in entry.subentries.items() if one.subentry_type == "player"]
    return subentry_id


@pytest.fixture
async def subentry(hass: HomeAssistant, entry: MockConfigEntry, cast: FakeCast) -> str:
    """Return the subentry of a player that is there, for voice too."""
    async_expose_entity(hass, "conversation", CAST, should_expose=True)
    return await add_player(hass, entry, voice=True)


async def ask(hass: HomeAssistant, service: str, **fields: Any) -> None:  # noqa: ANN401  # what the service takes
    """Call a media player's service on our player."""
    context = fields.pop("context", None)
    data = {"entity_id": PLAYER, **fields}
    await soon(hass.services.async_call("media_player", service, data, blocking=True, context=context))


async def play(hass: HomeAssistant, media_id: str, **fields: Any) -> None:  # noqa: ANN401  # what the service takes
    """Play something on our player."""
    await ask(hass, "play_media", media_content_id=media_id, media_content_type="video", **fields)


def shown(hass: HomeAssistant) -> Any:  # noqa: ANN401  # a state
    """Return the state of our player."""
    return hass.states.get(PLAYER)
