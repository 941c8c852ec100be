"""libtorrent's session settings, from what the user chose and what streaming needs."""

from dataclasses import dataclass
from types import ModuleType
from typing import Final

# Home routers and small boards keep up with this many connections; streaming gains nothing from more.
CONNECTIONS: Final = 100

# The length from which on files are mapped, in blocks of 16 KiB: the largest there is.
NEVER_MAP: Final = 2**31 - 1

# A seed that left, or that hung up while nothing was wanted, is asked again after 1, 2, 3 ... 10 s.
MAX_FAILCOUNT: Final = 10


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the user decides. Rates are bytes/s, 0 means no limit; port 0 lets the system choose.

    What is said of WebTorrent is for a libtorrent that knows it. `stun_server` is host:port; "" asks nobody.
    """

    listen_port: int = 0
    download_limit: int = 0
    upload_limit: int = 0
    dht: bool = True
    lsd: bool = True
    upnp: bool = True
    webtorrent: bool = False
    stun_server: str = ""


def session_settings(lt: ModuleType, settings: EngineSettings) -> dict[str, object]:
    """Return the settings pack for a libtorrent session.

    The reasons are measurements on shaped links (docs/engine.md) unless a comment says otherwise.
    """
    return {
        "alert_mask": alert_mask(lt),
        "alert_queue_size": 10_000,  # a restart posts one alert per piece of every torrent
        "listen_interfaces": f"0.0.0.0:{settings.listen_port},[::]:{settings.listen_port}",
        **live_settings(lt, settings),
        # No automatic queueing: a torrent runs because somebody watches it.
        "active_downloads": -1,
        "active_seeds": -1,
        "active_limit": -1,
        # A fast start. Peers are connected to at a tick: with the default of 500 ms half a second late.
        "tick_interval": 100,
        # Ask for the wanted piece from the first block on: by default the first 4 pieces are random ones.
        "initial_picker_threshold": 0,
        # Never a whole piece from a single peer: all share in it, so it comes sooner. The default of 20 gives one away
        # to who brings it within 20 s.
        "whole_pieces_threshold": 0,
        # All peers that may be connected are tried at once, when a tracker answers and each second after it.
        "connections_limit": CONNECTIONS,
        "connection_speed": CONNECTIONS,
        "torrent_connect_boost": CONNECTIONS,
        # Where uTP is blocked each attempt costs 4 s before TCP is tried; peers may still come in by uTP.
        "enable_outgoing_utp": False,
        # prefer_tcp: by default TCP, which we connect by, is slowed down for the sake of those few.
        "mixed_mode_algorithm": 0,
        # A limit for what is sent is none for what comes: libtorrent would take a fortieth of that off it for ACKs, and
        # with nothing left send no request either.
        "rate_limit_ip_overhead": False,
        # What waits to be sent to a peer, in hundredths of what it is sent in a second: a limit is handed out for
        # all of it at once, and with 50, the default, such bursts queue in front of a slow line out.
        "send_buffer_watermark_factor": 5,
        # Short queues: what a peer was asked for before a seek still arrives. `Engine` lengthens them where too little
        # comes in.
        "request_queue_time": 0,
        # libtorrent's default, 8 MiB on their way, limits nobody. 8, 16 and 32 did not make jumps quicker: what the
        # peer offers overrides it.
        "max_out_request_queue": 500,
        # A SYN and the two that Linux sends after 1 and 3 s (RFC 6298), with 3 s for the last one's answer: who is
        # silent until then gives its place to another. 15 by default.
        "peer_connect_timeout": 6,
        # Who sends nothing of what it was asked for in that time loses a block to others. A block of 16 KiB in 8 s is 2
        # kB/s: slower peers are no help. Shorter than what is in hand (`LOW_SECONDS`); 20 by default.
        "piece_timeout": 8,
        # Who left is tried again after 1, 2, 3 ... s. With the default of 60 a swarm that comes back is a minute late.
        "min_reconnect_time": 1,
        "max_failcount": MAX_FAILCOUNT,
        # Who has nothing for us now is needed when another file is chosen or a piece turns out to be wrong.
        "close_redundant_connections": False,
        # Who had a part in a wrong piece downloads alone, seconds for each piece: only where comparing finds nobody.
        "use_parole_mode": False,
        # Writing, reading and hashing of what comes. One per core of a Raspberry Pi, 10 by default; with 1 and 2 a
        # download took no less CPU time.
        "aio_threads": 4,
        # By calls, not mapped: a file that shrinks, or a disk that fills up, under a mapping is a signal and not an
        # error, and the mapped storage of 2.0.11 has a bug that corrupts (mended in 2.0.14).
        "disk_write_mode": 0,
        "mmap_file_size_cutoff": NEVER_MAP,
        # Only for files that are checked as a whole. One, the default, reads a hard disk from front to back.
        "hashing_threads": 1,
        # The destructor waits for trackers to hear "stopped"; HA's whole shutdown has 20 s.
        "stop_tracker_timeout": 2,
    }


def alert_mask(lt: ModuleType, *, blocks: bool = False) -> int:
    """Return the categories of alerts that the engine needs; `blocks`: also an alert for each block that comes."""
    category = lt.alert.category_t
    mask: int = (
        category.status_notification
        | category.error_notification
        | category.peer_notification
        | category.piece_progress_notification
        | category.storage_notification
        | category.dht_notification
        | category.port_mapping_notification
    )
    return mask | category.block_progress_notification if blocks else mask


def live_settings(lt: ModuleType, settings: EngineSettings) -> dict[str, object]:
    """Return the part of the settings that a running session takes without a restart."""
    return {
        "download_rate_limit": settings.download_limit,
        "upload_rate_limit": settings.upload_limit,
        "enable_dht": settings.dht,
        "enable_lsd": settings.lsd,
        "enable_upnp": settings.upnp,
        "enable_natpmp": settings.upnp,
        **_webtorrent_settings(lt, settings),
    }


def has_webtorrent(lt: ModuleType) -> bool:
    """Tell whether this libtorrent knows WebTorrent, as 2.1 does; one built without it still has its settings."""
    return "max_webtorrent_offers" in lt.default_settings()


def _webtorrent_settings(lt: ModuleType, settings: EngineSettings) -> dict[str, object]:
    """Return what lets WebTorrent speak, or keeps it quiet: libtorrent's own STUN server is a third party's."""
    if not has_webtorrent(lt):
        return {}
    if not settings.webtorrent:
        return {"webtorrent_stun_server": "", "max_webtorrent_offers": 0}
    return {
        # Without the scheme it takes a host that has no dot for one, and stops the torrent (2.1.1).
        "webtorrent_stun_server": settings.stun_server and f"stun:{settings.stun_server}",
        "max_webtorrent_offers": lt.default_settings()["max_webtorrent_offers"],
    }
