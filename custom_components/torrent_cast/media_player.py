"""Players: one per Cast device for which the user wants one. They show its Cast entity and what a torrent has."""

from collections.abc import Callable
from typing import Any, Final, override

from homeassistant.components import media_source
from homeassistant.components.media_player import (
    ATTR_MEDIA_CONTENT_ID,
    ATTR_MEDIA_CONTENT_TYPE,
    ATTR_MEDIA_EXTRA,
    SERVICE_PLAY_MEDIA,
    BrowseMedia,
    MediaPlayerDeviceClass,
    MediaPlayerEnqueue,
    MediaPlayerEntityFeature,
    MediaType,
    SearchMedia,
    SearchMediaQuery,
)
from homeassistant.const import (
    ATTR_DEVICE_CLASS,
    ATTR_ENTITY_PICTURE,
    ATTR_SUPPORTED_FEATURES,
    STATE_UNAVAILABLE,
)
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_track_state_change_event
from pychromecast.const import CAST_TYPE_AUDIO, CAST_TYPE_CHROMECAST

from . import TorrentCastConfigEntry
from .cast import ROOT, async_browse_media
from .const import DOMAIN
from .delegate import Delegate
from .identifiers import InTorrent
from .media_source import search_at_hand
from .menu import Menu, menu
from .mirror import features, mirrored, state_of
from .playback import Enqueue, Session, playable_seconds
from .players import Players
from .playing import end, stop_on
from .program import Program, Request
from .references import MEDIA_ID, is_ours
from .targets import authorise

PARALLEL_UPDATES = 0  # a player passes on what it is asked

ATTR_DOWNLOAD_RATE: Final = "download_rate"
ATTR_ERROR: Final = "error"
ATTR_PEERS: Final = "peers"
ATTR_PLAYABLE_SECONDS: Final = "playable_seconds"
ATTR_SEEKABLE_SECONDS: Final = "seekable_seconds"
ATTR_UPCOMING: Final = "upcoming"


async def async_setup_entry(
    hass: HomeAssistant, entry: TorrentCastConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add a player for each of the entry's subentries that asks for one, now and later."""

    def make(subentry_id: str, cast: er.RegistryEntry) -> Callable[[str], None]:
        player = TorrentCastPlayer(hass, entry, subentry_id, cast)
        async_add_entities([player], config_subentry_id=subentry_id)
        return player.async_follow

    Players(hass, entry, make).begin()


class TorrentCastPlayer(Delegate):
    """Stands for a Cast device: what is asked of it, the Cast entity is asked with the caller's rights."""

    _attr_has_entity_name = True
    _attr_name = None
    _attr_should_poll = False
    _attr_translation_key = "player"
    _unrecorded_attributes = frozenset(
        {ATTR_DOWNLOAD_RATE, ATTR_PEERS, ATTR_PLAYABLE_SECONDS, ATTR_SEEKABLE_SECONDS, ATTR_UPCOMING}
    )

    def __init__(
        self, hass: HomeAssistant, entry: TorrentCastConfigEntry, subentry_id: str, cast: er.RegistryEntry
    ) -> None:
        self._entry = entry
        self._cast = cast.entity_id
        self._attr_unique_id = subentry_id
        self.device_entry = dr.async_get(hass).async_get(cast.device_id) if cast.device_id else None
        self.entity_id = f"{cast.entity_id}_{DOMAIN}"
        if self.device_entry is None:
            self._attr_name = cast.name or cast.original_name
        self._program = Program(hass, entry, lambda: self._cast, self._show)
        self._menu: Menu = {}
        self._menu_of: object = None
        self._is_added = False
        self._unfollow: Callable[[], None] = lambda: None

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        playback = self._entry.runtime_data
        self.async_on_remove(playback.changes.add(self._show))
        self.async_on_remove(playback.happenings.add(self._program.on_happening))
        self._follow_cast()
        self._is_added = True
        self._look()

    @override
    async def async_will_remove_from_hass(self) -> None:
        self._is_added = False
        self._unfollow()
        self._program.cancel()

    @callback
    def async_follow(self, cast: str) -> None:
        """Take note that the Cast entity goes by the id `cast` now."""
        if cast != self._cast:
            self._cast = cast
            self._unfollow()
            self._follow_cast()
            self._show()

    def _follow_cast(self) -> None:
        self._unfollow = async_track_state_change_event(self.hass, self._cast, self._on_state)

    @callback
    def _on_state(self, event: Event[EventStateChangedData]) -> None:
        self._show()

    # --- what it shows ---------------------------------------------------------------------------------------------

    @callback
    def _show(self) -> None:
        if self._is_added:
            self._look()
            self.async_write_ha_state()

    def _look(self) -> None:
        shown = self.hass.states.get(self._cast)
        self._attr_available = shown is not None and shown.state != STATE_UNAVAILABLE
        if shown is None:
            return
        sessions, program = self._sessions, self._program
        for name, value in mirrored(shown.attributes, sessions):
            setattr(self, f"_attr_{name}", value)
        self._attr_device_class = shown.attributes.get(ATTR_DEVICE_CLASS)
        self._attr_state = state_of(shown.state, sessions, is_starting=program.is_choosing)
        self._attr_supported_features = features(
            shown.attributes, is_busy=program.is_busy, is_queued=bool(program.queue.items), has_next=program.has_next
        )
        self._attr_extra_state_attributes = self._figures(self._session)
        self._attr_media_image_hash = self._picture
        self._look_at_menu()

    @property
    def _sessions(self) -> list[Session]:
        return self._entry.runtime_data.for_target(self._cast)

    @property
    def _session(self) -> Session | None:
        return next(reversed(self._sessions), None)

    def _figures(self, session: Session | None) -> dict[str, Any]:
        seconds = playable_seconds(session) if session else None
        statistics = session.torrent.statistics if session and session.torrent else None
        return {
            ATTR_PLAYABLE_SECONDS: None if seconds is None else round(seconds),
            ATTR_SEEKABLE_SECONDS: session.seekable_seconds if session else None,
            ATTR_PEERS: statistics.peers if statistics else None,
            ATTR_DOWNLOAD_RATE: statistics.download_rate if statistics else None,
            ATTR_UPCOMING: len(self._program.queue.items),
            ATTR_ERROR: self._program.error,
        }

    @property
    def _picture(self) -> str | None:
        """Return what tells our picture of what plays from another; None when there is none."""
        session = self._session
        if session is None or session.file is None:
            return None
        key, index = session.source.key, session.file.index
        look = self._entry.runtime_data.pictures.look(key, index)
        return None if look is None else f"{key}-{index}-{look}"

    @property
    @override
    def entity_picture(self) -> str | None:
        if self.media_image_hash is not None:
            return self.media_image_local
        shown = self.hass.states.get(self._cast)
        return shown.attributes.get(ATTR_ENTITY_PICTURE) if shown and not self._session else None

    @override
    async def async_get_media_image(self) -> tuple[bytes | None, str | None]:
        session = self._session
        if session is None or session.file is None:
            return None, None
        return await self._entry.runtime_data.picture(session.source.key, session.file.index), "image/jpeg"

    # --- its sources -----------------------------------------------------------------------------------------------

    def _look_at_menu(self) -> None:
        """Have the list of sources made anew when what is loaded or kept has changed."""
        playback, session = self._entry.runtime_data, self._session
        loaded = session.source.key if session else None
        known = [(torrent.key, torrent.has_metadata) for torrent in playback.torrents]
        of = (loaded, known, [kept.key for kept in playback.library.kept])
        if of != self._menu_of:
            self._menu_of = of
            self._entry.async_create_background_task(self.hass, self._read_menu(of, loaded), "torrent_cast sources")
        self._attr_source_list = list(self._menu)
        plays = InTorrent(loaded, session.file.index) if loaded and session and session.file else None
        self._attr_source = next((label for label, where in self._menu.items() if where == plays), None)

    async def _read_menu(self, of: object, loaded: str | None) -> None:
        found = await menu(self.hass, self._entry.runtime_data, loaded)
        if of == self._menu_of:
            self._menu = found
            self._show()

    @override
    async def async_select_source(self, source: str) -> None:
        if (where := self._menu.get(source)) is None:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="unknown_choice", translation_placeholders={"choice": source}
            )
        await self._program.play(Request(f"{MEDIA_ID}{where}", self._context))

    # --- what it plays ---------------------------------------------------------------------------------------------

    @override
    async def async_play_media(
        self,
        media_type: MediaType | str,
        media_id: str,
        enqueue: MediaPlayerEnqueue | None = None,
        announce: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Play ours, by and by; hand over to the Cast entity what is not."""
        if self.is_asked_both:
            return
        if not is_ours(media_type, media_id):
            await self._hand_over(media_type, media_id, kwargs.get(ATTR_MEDIA_EXTRA))
            return
        where = Enqueue.REPLACE if enqueue is None else Enqueue(enqueue)
        await self._program.play(Request(media_id, self._context), where)

    async def _hand_over(self, media_type: str, media_id: str, extra: dict[str, Any] | None) -> None:
        media: dict[str, Any] = {ATTR_MEDIA_CONTENT_TYPE: media_type, ATTR_MEDIA_CONTENT_ID: media_id}
        await self._ask(SERVICE_PLAY_MEDIA, **media, **({ATTR_MEDIA_EXTRA: extra} if extra else {}))

    @override
    async def async_browse_media(
        self, media_content_type: MediaType | str | None = None, media_content_id: str | None = None
    ) -> BrowseMedia:
        media_id = media_content_id or ROOT
        is_speaker = self.device_class == MediaPlayerDeviceClass.SPEAKER
        kind = CAST_TYPE_AUDIO if is_speaker else CAST_TYPE_CHROMECAST
        ours = await async_browse_media(self.hass, media_content_type or "", media_id, kind)
        return ours or await media_source.async_browse_media(self.hass, media_id)

    @override
    async def async_search_media(self, query: SearchMediaQuery) -> SearchMedia:
        if query.media_content_id not in {None, "", ROOT}:
            return await media_source.async_search_media(self.hass, query.media_content_id, query)
        return await search_at_hand(self.hass, query)

    # --- what only a player of torrents does -----------------------------------------------------------------------

    @override
    async def async_media_stop(self) -> None:
        """Stop, also what is not on the screen yet."""
        sessions = await self._give_up()
        if self.is_asked_both:
            for session in sessions:
                session.end()
        elif not await stop_on(self.hass, self._context, self._cast, sessions) and not sessions:
            await super().async_media_stop()

    @override
    async def async_turn_off(self) -> None:
        await end(await self._give_up())
        await super().async_turn_off()

    async def _give_up(self) -> list[Session]:
        """Start nothing any more; return what is there."""
        await authorise(self.hass, self._context, [self._cast])
        self._program.cancel()
        self._program.queue.give_up()
        return self._sessions

    @override
    async def async_media_next_track(self) -> None:
        cast = self.hass.states.get(self._cast)
        goes_on = (
            cast is not None and cast.attributes.get(ATTR_SUPPORTED_FEATURES, 0) & MediaPlayerEntityFeature.NEXT_TRACK
        )
        if self._program.queue.items or (self._program.has_next and not goes_on):
            await self._program.play_next(self._context)
        else:
            await super().async_media_next_track()

    @override
    async def async_clear_playlist(self) -> None:
        await authorise(self.hass, self._context, [self._cast])
        self._program.queue.clear()
        self._show()
