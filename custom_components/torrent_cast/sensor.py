"""Sensors: what comes in, goes out, plays, and how full the disk is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory, UnitOfDataRate, UnitOfInformation, UnitOfTime
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType

from . import TorrentCastConfigEntry
from .entity import TorrentCastEntity
from .playback import Activity, Playback, playable_seconds

PARALLEL_UPDATES = 0  # nothing is fetched

PLAYABLE: Final = "playable"


@dataclass(frozen=True, kw_only=True)
class Description(SensorEntityDescription):
    """A sensor and where its value is."""

    value: Callable[[Playback], StateType]


def _rate(key: str, value: Callable[[Playback], StateType]) -> Description:
    return Description(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.DATA_RATE,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfDataRate.BYTES_PER_SECOND,
        suggested_unit_of_measurement=UnitOfDataRate.MEGABYTES_PER_SECOND,
        suggested_display_precision=2,
        entity_registry_enabled_default=False,  # changes with every push
        value=value,
    )


def _size(key: str, value: Callable[[Playback], StateType]) -> Description:
    return Description(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.DATA_SIZE,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfInformation.BYTES,
        suggested_unit_of_measurement=UnitOfInformation.GIGABYTES,
        suggested_display_precision=1,
        entity_category=EntityCategory.DIAGNOSTIC,
        value=value,
    )


SENSORS: Final = (
    Description(
        key="activity",
        translation_key="activity",
        device_class=SensorDeviceClass.ENUM,
        options=[activity.value for activity in Activity],
        value=lambda playback: playback.status.activity,
    ),
    Description(
        key="torrents",
        translation_key="torrents",
        state_class=SensorStateClass.MEASUREMENT,
        value=lambda playback: playback.status.torrents,
    ),
    _rate("download_rate", lambda playback: playback.status.download_rate),
    _rate("upload_rate", lambda playback: playback.status.upload_rate),
    Description(
        key="peers",
        translation_key="peers",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,  # changes with every push
        value=lambda playback: playback.status.peers,
    ),
    _size("disk_used", lambda playback: playback.disk.used if playback.disk else None),
    _size("disk_free", lambda playback: playback.disk.free if playback.disk else None),
)


async def async_setup_entry(
    hass: HomeAssistant, entry: TorrentCastConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensors, and one per Cast device as soon as something plays there."""
    async_add_entities(TorrentCastSensor(entry, description) for description in SENSORS)
    _PlayableSensors(hass, entry, async_add_entities).begin()


class TorrentCastSensor(TorrentCastEntity, SensorEntity):
    """One figure of the whole."""

    entity_description: Description

    @property
    @override
    def native_value(self) -> StateType:
        return self.entity_description.value(self.playback)


class PlayableSensor(TorrentCastEntity, SensorEntity):
    """For how long a Cast device could go on playing if nothing came any more."""

    def __init__(self, entry: TorrentCastConfigEntry, device: er.RegistryEntry, name: str) -> None:
        super().__init__(
            entry,
            SensorEntityDescription(
                key=f"{PLAYABLE}_{device.id}",  # stays when the entity is renamed
                translation_key=PLAYABLE,
                device_class=SensorDeviceClass.DURATION,
                state_class=SensorStateClass.MEASUREMENT,
                native_unit_of_measurement=UnitOfTime.SECONDS,
                suggested_display_precision=0,
                entity_registry_enabled_default=False,  # changes with every push
            ),
        )
        self._device_id = device.id
        self._attr_translation_placeholders = {"device": name}

    @property
    @override
    def native_value(self) -> StateType:
        device = er.async_get(self.hass).entities.get_entry(self._device_id)
        sessions = self.playback.for_target(device.entity_id) if device else []
        seconds = [value for session in sessions if (value := playable_seconds(session)) is not None]
        return round(seconds[-1]) if seconds else None


class _PlayableSensors:
    """Makes the sensors of Cast devices, and removes them with their device."""

    def __init__(self, hass: HomeAssistant, entry: TorrentCastConfigEntry, add: AddConfigEntryEntitiesCallback) -> None:
        self._registry = er.async_get(hass)
        self._hass = hass
        self._entry = entry
        self._add = add
        self._prefix = f"{entry.entry_id}_{PLAYABLE}_"
        self._known: dict[str, str] = {}  # registry id -> unique id

    def begin(self) -> None:
        """Make those that were there before, and follow what plays and what is removed."""
        for ours in er.async_entries_for_config_entry(self._registry, self._entry.entry_id):
            if ours.unique_id.startswith(self._prefix):
                device = self._registry.entities.get_entry(ours.unique_id.removeprefix(self._prefix))
                if device is None:
                    self._registry.async_remove(ours.entity_id)
                else:
                    self._make(device)
        self._entry.async_on_unload(self._entry.runtime_data.changes.add(self._look))
        self._entry.async_on_unload(
            self._hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, self._on_registry, _is_removal)
        )

    @callback
    def _look(self) -> None:
        for session in self._entry.runtime_data.sessions:
            device = self._registry.async_get(session.target) if session.target else None
            if device is not None and device.id not in self._known:
                self._make(device)

    def _make(self, device: er.RegistryEntry) -> None:
        state = self._hass.states.get(device.entity_id)
        name = device.name or (state and state.name) or device.original_name or device.entity_id
        self._known[device.id] = f"{self._prefix}{device.id}"
        self._add([PlayableSensor(self._entry, device, name)])

    @callback
    def _on_registry(self, event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        for device_id, unique_id in tuple(self._known.items()):
            if self._registry.entities.get_entry(device_id) is None:
                del self._known[device_id]
                ours = self._registry.async_get_entity_id("sensor", self._entry.domain, unique_id)
                if ours is not None:
                    self._registry.async_remove(ours)


@callback
def _is_removal(data: er.EventEntityRegistryUpdatedData) -> bool:
    return data["action"] == "remove"
