"""Reads the config entry into the settings of playback and engine."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .const import (
    CONF_ALTERNATIVE,
    CONF_ALTERNATIVE_DOWNLOAD,
    CONF_ALTERNATIVE_UPLOAD,
    CONF_AUDIO_LANGUAGE,
    CONF_AV1,
    CONF_BASE_URL,
    CONF_CONVERT,
    CONF_DHT,
    CONF_DIRECTORY,
    CONF_DOLBY,
    CONF_DOWNLOAD_LIMIT,
    CONF_H264,
    CONF_HEVC,
    CONF_KEEP_HOURS,
    CONF_LSD,
    CONF_METADATA_TIMEOUT,
    CONF_NEXT_EPISODE,
    CONF_PORT,
    CONF_SEED_RATIO,
    CONF_SEEDING,
    CONF_STUN_SERVER,
    CONF_SUBTITLE_LANGUAGE,
    CONF_SUBTITLES,
    CONF_UPLOAD_LIMIT,
    CONF_UPNP,
    CONF_VP9,
    CONF_WEBTORRENT,
    CONF_WHOLE_FILM,
    DEFAULT_ALTERNATIVE_DOWNLOAD,
    DEFAULT_ALTERNATIVE_UPLOAD,
    DEFAULT_KEEP_HOURS,
    DEFAULT_METADATA_TIMEOUT,
    DEFAULT_PORT,
    DEFAULT_SEED_RATIO,
    DEFAULT_UPLOAD_LIMIT,
)
from .engine import EngineSettings
from .media import Extra
from .playback import Habits, PlaybackSettings, Seeding, Show

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigEntry

EXTRAS: Final = {
    CONF_DOLBY: Extra.DOLBY,
    CONF_HEVC: Extra.HEVC,
    CONF_H264: Extra.H264,
    CONF_VP9: Extra.VP9,
    CONF_AV1: Extra.AV1,
}

DEFAULTS: dict[str, Any] = {
    CONF_DOWNLOAD_LIMIT: 0,
    CONF_UPLOAD_LIMIT: DEFAULT_UPLOAD_LIMIT,
    CONF_ALTERNATIVE: False,
    CONF_ALTERNATIVE_DOWNLOAD: DEFAULT_ALTERNATIVE_DOWNLOAD,
    CONF_ALTERNATIVE_UPLOAD: DEFAULT_ALTERNATIVE_UPLOAD,
    CONF_PORT: DEFAULT_PORT,
    CONF_DHT: True,
    CONF_LSD: True,
    CONF_UPNP: True,
    CONF_WEBTORRENT: False,
    CONF_KEEP_HOURS: DEFAULT_KEEP_HOURS,
    CONF_METADATA_TIMEOUT: DEFAULT_METADATA_TIMEOUT,
    CONF_WHOLE_FILM: False,
    CONF_SEEDING: Seeding.WATCHING.value,
    CONF_SEED_RATIO: DEFAULT_SEED_RATIO,
    CONF_NEXT_EPISODE: True,
    CONF_CONVERT: False,
    CONF_SUBTITLES: Show.AUTO.value,
    **{name: [] for name in EXTRAS},
}


def from_entry(entry: ConfigEntry, language: str = "en", ffmpeg: str = "ffmpeg") -> PlaybackSettings:
    """Return what the user, who reads `language` unless the options say otherwise, decided; limits are in kB/s.

    `ffmpeg` is the program that Home Assistant is to use.
    """
    options = DEFAULTS | entry.options
    download, upload = limits(options)
    return PlaybackSettings(
        directory=Path(entry.data[CONF_DIRECTORY]),
        engine=EngineSettings(
            listen_port=int(options[CONF_PORT]),
            download_limit=int(options[download] * 1000),
            upload_limit=int(options[upload] * 1000),
            dht=options[CONF_DHT],
            lsd=options[CONF_LSD],
            upnp=options[CONF_UPNP],
            webtorrent=options[CONF_WEBTORRENT],
            stun_server=options.get(CONF_STUN_SERVER, ""),
        ),
        keep=timedelta(hours=options[CONF_KEEP_HOURS]),
        metadata_timeout=options[CONF_METADATA_TIMEOUT],
        base_url=options.get(CONF_BASE_URL),
        whole_film=options[CONF_WHOLE_FILM],
        next_episode=options[CONF_NEXT_EPISODE],
        ffmpeg=ffmpeg if options[CONF_CONVERT] else None,
        seeding=Seeding(options[CONF_SEEDING]),
        seed_ratio=options[CONF_SEED_RATIO],
        habits=Habits(
            audio_language=options.get(CONF_AUDIO_LANGUAGE),
            subtitle_language=options.get(CONF_SUBTITLE_LANGUAGE) or language,
            show=Show(options[CONF_SUBTITLES]),
        ),
        extras={extra: frozenset(options[name]) for name, extra in EXTRAS.items()},
    )


def limits(options: Mapping[str, Any]) -> tuple[str, str]:
    """Return which of the options are the download and the upload limit in force."""
    if options.get(CONF_ALTERNATIVE):
        return CONF_ALTERNATIVE_DOWNLOAD, CONF_ALTERNATIVE_UPLOAD
    return CONF_DOWNLOAD_LIMIT, CONF_UPLOAD_LIMIT


def needs_restart(old: PlaybackSettings, new: PlaybackSettings) -> bool:
    """Tell whether the change cannot be applied to a running session."""
    return (old.directory, old.engine.listen_port) != (new.directory, new.engine.listen_port)
