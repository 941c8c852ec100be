"""Names and defaults of the integration."""

from typing import Final

DOMAIN: Final = "torrent_cast"

CONF_DIRECTORY: Final = "download_directory"
CONF_DOWNLOAD_LIMIT: Final = "download_limit"
CONF_UPLOAD_LIMIT: Final = "upload_limit"
CONF_ALTERNATIVE: Final = "alternative_limits"
CONF_ALTERNATIVE_DOWNLOAD: Final = "alternative_download_limit"
CONF_ALTERNATIVE_UPLOAD: Final = "alternative_upload_limit"
CONF_PORT: Final = "port"
CONF_DHT: Final = "dht"
CONF_LSD: Final = "lsd"
CONF_UPNP: Final = "upnp"
CONF_WEBTORRENT: Final = "webtorrent"
CONF_STUN_SERVER: Final = "stun_server"
CONF_KEEP_HOURS: Final = "keep_hours"
CONF_METADATA_TIMEOUT: Final = "metadata_timeout"
CONF_BASE_URL: Final = "base_url"
CONF_WHOLE_FILM: Final = "whole_film"
CONF_NEXT_EPISODE: Final = "next_episode"
CONF_CONVERT: Final = "convert_video"
CONF_SEEDING: Final = "seeding"
CONF_SEED_RATIO: Final = "seed_ratio"
CONF_AUDIO_LANGUAGE: Final = "audio_language"
CONF_SUBTITLE_LANGUAGE: Final = "subtitle_language"
CONF_SUBTITLES: Final = "subtitles"
CONF_NAME: Final = "name"
CONF_FOLDER: Final = "folder"
CONF_URL: Final = "url"
CONF_OUTSIDE: Final = "outside"
CONF_API_KEY: Final = "api_key"
CONF_ADD: Final = "add"
CONF_WORDS: Final = "words"
CONF_DOLBY: Final = "dolby_devices"
CONF_H264: Final = "h264_devices"
CONF_HEVC: Final = "hevc_devices"
CONF_VP9: Final = "vp9_devices"
CONF_AV1: Final = "av1_devices"
CONF_ENTITY: Final = "entity"
CONF_VOICE: Final = "voice"

# The type of a config subentry that makes a player.
PLAYER: Final = "player"

# BitTorrent's customary first port; 0 lets the system choose.
DEFAULT_PORT: Final = 6881
# A film stopped in the evening is often finished the next day.
DEFAULT_KEEP_HOURS: Final = 24
# A healthy swarm answers in seconds; after a minute it is nearly always dead. s
DEFAULT_METADATA_TIMEOUT: Final = 60
# As much given as taken is what swarms ask of their members.
DEFAULT_SEED_RATIO: Final = 1.0
# Uploading without a limit starves a home line's downloads. kB/s
DEFAULT_UPLOAD_LIMIT: Final = 500
# 10 Gbit/s: more is a typing error. kB/s
MAX_LIMIT: Final = 1_250_000
# Enough for a film of 4 Mbit/s, and little enough to leave a home line to others. kB/s
DEFAULT_ALTERNATIVE_DOWNLOAD: Final = 1000
DEFAULT_ALTERNATIVE_UPLOAD: Final = 50
