"""The players that the entry's subentries ask for: made, kept like their Cast entities, removed with them."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from homeassistant.components.media_player import DOMAIN as MEDIA_PLAYER
from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from . import exposing
from .const import CONF_ENTITY, CONF_VOICE, DOMAIN, PLAYER

# What a player has in common with its Cast entity when the user changes it there.
SHARED: Final = ("aliases", "area_id", "device_id", "name")


class Players:
    """Follows the subentries and the Cast entities; `make` adds the player of a subentry."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, make: Callable[[str, er.RegistryEntry], Callable[[str], None]]
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._make = make
        self._registry = er.async_get(hass)
        self._follow: dict[str, Callable[[str], None]] = {}  # by subentry: tells a player its Cast entity's id

    def begin(self) -> None:
        """Make those that are asked for, and go on following."""
        self._entry.async_on_unload(self._entry.add_update_listener(self._on_entry))
        listen = self._hass.bus.async_listen
        self._entry.async_on_unload(listen(er.EVENT_ENTITY_REGISTRY_UPDATED, self._on_registry))
        self._update()

    async def _on_entry(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self._update()

    @callback
    def _update(self) -> None:
        voices = set()
        for subentry in list(_subentries(self._entry)):
            cast = self._registry.entities.get_entry(subentry.data[CONF_ENTITY])
            if cast is None:
                self._hass.config_entries.async_remove_subentry(self._entry, subentry.subentry_id)
                continue
            if subentry.data[CONF_VOICE]:
                voices.add(cast.id)
            if subentry.subentry_id not in self._follow:
                self._follow[subentry.subentry_id] = self._make(subentry.subentry_id, cast)
            self._expose(subentry)
        exposing.async_give_back_others(self._hass, voices)
        for subentry_id in self._follow.keys() - self._entry.subentries.keys():
            del self._follow[subentry_id]

    def _expose(self, subentry: ConfigSubentry) -> None:
        """Have Assist see one of the two, once both are there."""
        player = self._player(subentry.subentry_id)
        cast = self._registry.entities.get_entry(subentry.data[CONF_ENTITY])
        if player is None or cast is None:
            return
        if subentry.data[CONF_VOICE]:
            exposing.async_take_over(self._hass, player.entity_id, cast.entity_id)
        elif DOMAIN in cast.options or exposing.ASSIST not in player.options:
            exposing.async_hide(self._hass, player.entity_id)

    def _player(self, subentry_id: str) -> er.RegistryEntry | None:
        entity_id = self._registry.async_get_entity_id(MEDIA_PLAYER, DOMAIN, subentry_id)
        return self._registry.async_get(entity_id) if entity_id else None

    @callback
    def _on_registry(self, event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        data = event.data
        entity = self._registry.async_get(data["entity_id"])
        if data["action"] == "remove":
            self._update()
        elif entity is not None:
            self._on_entity(data, entity)

    def _on_entity(self, data: er.EventEntityRegistryUpdatedData, entity: er.RegistryEntry) -> None:
        for subentry in _subentries(self._entry):
            if data["action"] == "create" and subentry.subentry_id == entity.config_subentry_id:
                self._greet(subentry, entity)
            elif data["action"] == "update" and subentry.data[CONF_ENTITY] == entity.id:
                self._on_cast(subentry, entity, data["changes"])

    def _greet(self, subentry: ConfigSubentry, player: er.RegistryEntry) -> None:
        """Give a new player what the user has given the Cast entity."""
        cast = self._registry.entities.get_entry(subentry.data[CONF_ENTITY])
        if cast is not None:
            self._share(player, cast, SHARED)
        self._expose(subentry)

    def _on_cast(self, subentry: ConfigSubentry, cast: er.RegistryEntry, changes: dict[str, Any]) -> None:
        if (player := self._player(subentry.subentry_id)) is not None:
            self._share(player, cast, tuple(name for name in SHARED if name in changes))
        if subentry.subentry_id in self._follow:
            self._follow[subentry.subentry_id](cast.entity_id)

    def _share(self, player: er.RegistryEntry, cast: er.RegistryEntry, names: tuple[str, ...]) -> None:
        if names:
            self._registry.async_update_entity(player.entity_id, **{name: getattr(cast, name) for name in names})


def _subentries(entry: ConfigEntry) -> Iterator[ConfigSubentry]:
    return (one for one in entry.subentries.values() if one.subentry_type == PLAYER)


@callback
def cast_of(hass: HomeAssistant, player: er.RegistryEntry) -> str | None:
    """Return the Cast entity that a player of ours stands for."""
    entry = hass.config_entries.async_get_entry(player.config_entry_id or "")
    subentry = entry.subentries.get(player.config_subentry_id or "") if entry else None
    cast = er.async_get(hass).entities.get_entry(subentry.data[CONF_ENTITY]) if subentry else None
    return cast.entity_id if cast else None
