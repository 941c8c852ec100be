"""Torrent Cast: plays a torrent on a Google Cast device while it downloads."""

import contextlib
import logging
import mimetypes
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HassJob, HomeAssistant
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.typing import ConfigType

from . import converting, events, exposing, issues, renaming, settings, transport, watcher
from .const import CONF_DIRECTORY, DOMAIN
from .engine import BindingError, StorageError, binding, leftovers, storage
from .errors import translation
from .listener import LISTENER, PlainListener
from .playback import Library, Playback
from .playback.playback import HOUSEKEEPING_INTERVAL
from .providers import Adding
from .providing import PROVIDERS, Providers
from .queueing import Succession
from .services import async_setup_services
from .sources import CONTENT_TYPE, SUFFIX
from .views import VIEWS, async_show_in_browser

_LOGGER = logging.getLogger(__name__)

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS: Final = (Platform.BUTTON, Platform.MEDIA_PLAYER, Platform.SENSOR, Platform.SWITCH)

type TorrentCastConfigEntry = ConfigEntry[Playback]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register what does not depend on the config entry."""
    async_setup_services(hass)
    renaming.async_keep_options(hass)
    # Home Assistant cannot resolve local media whose type the system does not know.
    mimetypes.add_type(CONTENT_TYPE, SUFFIX)
    for view in VIEWS:
        hass.http.register_view(view)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: TorrentCastConfigEntry) -> bool:
    """Load libtorrent and make the playback."""
    chosen = settings.from_entry(entry, hass.config.language, await converting.program(hass, entry))
    libtorrent = await _libtorrent(hass)
    try:
        await hass.async_add_executor_job(storage.check_directory, chosen.directory)
    except StorageError as err:
        _report(hass, err)
        raise ConfigEntryNotReady(**translation(err)) from err
    issues.async_mend(hass, issues.Issue.DIRECTORY_GONE, issues.Issue.NO_LIBTORRENT)
    library = Library(hass)
    await library.load()
    playback = entry.runtime_data = Playback(libtorrent, library, chosen, _cache(hass))
    await playback.pictures.load()

    providers = hass.data[PROVIDERS] = Providers(hass, entry, playback)
    await providers.update()

    async def tidy(_now: object = None) -> None:
        await playback.tidy()

    await tidy()
    entry.async_on_unload(
        async_track_time_interval(hass, tidy, timedelta(seconds=HOUSEKEEPING_INTERVAL), cancel_on_shutdown=True)
    )
    entry.async_on_unload(transport.async_listen(hass, playback))
    entry.async_on_unload(renaming.async_listen(hass, playback))  # before the players hear of a new name
    entry.async_on_unload(watcher.async_listen(hass, playback))
    start = partial(entry.async_create_background_task, hass)
    entry.async_on_unload(Succession(hass, playback, start).async_listen())
    entry.async_on_unload(events.async_listen(hass, playback))
    entry.async_on_unload(issues.async_listen(hass, playback))
    entry.async_on_unload(async_show_in_browser(hass))
    listener = hass.data[LISTENER] = PlainListener(hass)
    entry.async_on_unload(listener.stop)
    entry.async_on_unload(hass.async_add_shutdown_job(HassJob(playback.stop, "torrent_cast stop")))
    entry.async_on_unload(hass.async_add_shutdown_job(HassJob(listener.stop, "torrent_cast stop listening")))
    entry.async_on_unload(entry.add_update_listener(_async_options_changed))
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    start(playback.go_on(), "torrent_cast go on")
    return True


def _report(hass: HomeAssistant, error: BindingError | StorageError) -> None:
    if (issue := issues.issue_of(error)) is not None:
        issues.async_report(hass, issue, error)


async def _libtorrent(hass: HomeAssistant) -> ModuleType:
    """Return libtorrent. Raises ConfigEntryError, and an issue for the user, where there is none."""
    try:
        libtorrent = await hass.async_add_executor_job(binding.load, _cache(hass))
    except BindingError as err:
        _report(hass, err)
        raise ConfigEntryError(**translation(err)) from err
    await hass.async_add_executor_job(binding.sweep, _cache(hass))
    return libtorrent


async def async_unload_entry(hass: HomeAssistant, entry: TorrentCastConfigEntry) -> bool:
    """End every session and the engine."""
    if unloaded := await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        await hass.data.pop(PROVIDERS).stop()
        await entry.runtime_data.stop()
    return unloaded


async def async_remove_entry(hass: HomeAssistant, entry: TorrentCastConfigEntry) -> None:
    """Delete what was downloaded, what is remembered and what was to be mended; give voice back what it had."""
    exposing.async_give_back_others(hass, set())
    issues.async_mend(hass, *issues.Issue)
    await Adding.remove(hass)
    library = Library(hass)
    try:
        libtorrent = await hass.async_add_executor_job(binding.load, _cache(hass))
    except BindingError:  # of an older Home Assistant's Python, say
        await hass.async_add_executor_job(_erase, Path(entry.data[CONF_DIRECTORY]))
    else:
        await Playback(libtorrent, library, settings.from_entry(entry, hass.config.language), _cache(hass)).erase()
    await library.remove()
    await hass.async_add_executor_job(_empty, _cache(hass))


def _erase(directory: Path) -> None:
    """Delete what torrents have left, without libtorrent. Blocks."""
    for key in storage.keys(directory):
        try:
            leftovers.erase(directory, key)
        except StorageError as err:
            _LOGGER.warning("What a torrent has left cannot be deleted: %s", err.details["error"])


def _empty(cache: Path) -> None:
    """Delete what was unpacked, and folders of ours in which nothing is left. Blocks."""
    binding.remove(cache)
    for folder in (*cache.glob("*/"), cache):
        with contextlib.suppress(OSError):
            folder.rmdir()


def _cache(hass: HomeAssistant) -> Path:
    """Return where to keep what can be made again."""
    return Path(hass.config.cache_path(DOMAIN))


async def _async_options_changed(hass: HomeAssistant, entry: TorrentCastConfigEntry) -> None:
    """Apply new options at once; a new directory or port takes a reload."""
    await hass.data[PROVIDERS].update()
    playback = entry.runtime_data
    chosen = settings.from_entry(entry, hass.config.language, await converting.program(hass, entry))
    if not settings.needs_restart(playback.settings, chosen):
        playback.apply(chosen)
        playback.changes.beat()  # the switch shows an option
        return
    if chosen.directory != playback.settings.directory:
        await playback.stop()
        await playback.erase()  # nobody would look into the old directory again
    hass.config_entries.async_schedule_reload(entry.entry_id)
