# What the engine uses of libtorrent's Python binding (2.0.11).
from collections.abc import Sequence
from typing import Any, TypedDict

__version__: str

class error_category:
    def name(self) -> str: ...

class error_code:
    def category(self) -> error_category: ...
    def value(self) -> int: ...
    def message(self) -> str: ...

class sha1_hash: ...

class sha256_hash:
    def to_bytes(self) -> bytes: ...

class info_hash_t:
    v1: sha1_hash
    v2: sha256_hash
    def has_v1(self) -> bool: ...
    def has_v2(self) -> bool: ...

class file_storage:
    flag_pad_file: int
    def num_files(self) -> int: ...
    def file_path(self, index: int) -> str: ...
    def file_size(self, index: int) -> int: ...
    def file_offset(self, index: int) -> int: ...
    def file_index_at_piece(self, piece: int) -> int: ...
    def root(self, index: int) -> sha256_hash: ...
    def file_flags(self, index: int) -> int: ...

class file_slice:
    file_index: int
    offset: int
    size: int

class torrent_info:
    def map_block(self, piece: int, offset: int, size: int) -> list[file_slice]: ...
    def name(self) -> str: ...
    def files(self) -> file_storage: ...
    def info_hashes(self) -> info_hash_t: ...
    def info_section(self) -> bytes: ...
    def num_pieces(self) -> int: ...
    def piece_length(self) -> int: ...
    def piece_size(self, piece: int) -> int: ...
    def hash_for_piece(self, piece: int) -> bytes: ...

class add_torrent_params:
    banned_peers: list[tuple[str, int]]
    download_limit: int
    file_priorities: list[int]
    flags: int
    have_pieces: list[bool]
    info_hashes: info_hash_t
    name: str
    peers: list[tuple[str, int]]
    piece_priorities: list[int]
    save_path: str
    ti: torrent_info | None
    total_downloaded: int
    total_uploaded: int
    trackers: list[str]
    unfinished_pieces: dict[int, list[bool]]
    url_seeds: list[str]

class torrent_states:  # the binding has it in torrent_status
    checking_files: int
    checking_resume_data: int

class torrent_status:
    all_time_download: int
    all_time_upload: int
    download_payload_rate: int
    handle: torrent_handle
    list_peers: int
    num_peers: int
    num_seeds: int
    pieces: list[bool]
    state: int
    states: torrent_states
    total_download: int
    total_payload_download: int
    total_upload: int
    upload_payload_rate: int

class block_info(TypedDict):  # a plain dict; the binding has no name for it
    peer: tuple[str, int]
    state: int

class partial_piece(TypedDict):  # a plain dict; the binding has no name for it
    blocks: list[block_info]
    piece_index: int

class peer_info:
    client: str | bytes
    connection_type: int
    dht: int
    download_queue_length: int
    flags: int
    ip: tuple[str, int]
    lsd: int
    on_parole: int
    outgoing_connection: int
    payload_down_speed: int
    pex: int
    remote_choked: int
    resume_data: int
    source: int
    standard_bittorrent: int
    total_download: int
    tracker: int

class torrent_handle:
    def __getattr__(self, name: str) -> Any: ...  # tests look at more of it
    overwrite_existing: int
    def add_piece(self, piece: int, data: bytes, flags: int) -> None: ...
    def add_tracker(self, tracker: dict[str, object]) -> None: ...
    def add_url_seed(self, url: str) -> None: ...
    def url_seeds(self) -> list[str]: ...
    def clear_error(self) -> None: ...
    def clear_piece_deadlines(self) -> None: ...
    def connect_peer(self, address: tuple[str, int], source: int = ...) -> None: ...
    def force_dht_announce(self) -> None: ...
    def force_reannounce(self, seconds: int = ..., tracker_idx: int = ..., flags: int = ...) -> None: ...
    def force_recheck(self) -> None: ...
    def info_hashes(self) -> info_hash_t: ...
    def get_download_queue(self) -> list[partial_piece]: ...
    def get_peer_info(self) -> list[peer_info]: ...
    def pause(self, flags: int = ...) -> None: ...
    def resume(self) -> None: ...
    def post_status(self, flags: int = ...) -> None: ...
    def prioritize_pieces(self, priorities: Sequence[int] | Sequence[tuple[int, int]]) -> None: ...
    def read_piece(self, piece: int) -> None: ...
    def reset_piece_deadline(self, piece: int) -> None: ...
    def save_resume_data(self, flags: int = ...) -> None: ...
    def set_download_limit(self, limit: int) -> None: ...
    def set_upload_limit(self, limit: int) -> None: ...
    def set_metadata(self, info: bytes) -> None: ...
    def set_piece_deadline(self, piece: int, deadline: int, flags: int = ...) -> None: ...
    def torrent_file(self) -> torrent_info | None: ...

class session:
    def __init__(self, settings: dict[str, object]) -> None: ...
    def __getattr__(self, name: str) -> Any: ...  # tests look at more of it
    def apply_settings(self, settings: dict[str, object]) -> None: ...
    def async_add_torrent(self, params: add_torrent_params) -> None: ...
    def get_torrents(self) -> list[torrent_handle]: ...
    def pause(self) -> None: ...
    def pop_alerts(self) -> list[alert]: ...
    def post_torrent_updates(self, flags: int = ...) -> None: ...
    def remove_torrent(self, handle: torrent_handle, option: int = ...) -> None: ...
    def set_alert_fd(self, fd: int) -> None: ...

class alert: ...

class torrent_alert(alert):
    handle: torrent_handle

class add_torrent_alert(torrent_alert):
    error: error_code
    params: add_torrent_params

class metadata_received_alert(torrent_alert): ...
class torrent_checked_alert(torrent_alert): ...

class state_update_alert(alert):
    status: list[torrent_status]

class hash_failed_alert(torrent_alert):
    piece_index: int

class peer_ban_alert(torrent_alert):
    endpoint: tuple[str, int]

class block_finished_alert(torrent_alert):
    block_index: int
    endpoint: tuple[str, int]
    piece_index: int

class piece_finished_alert(torrent_alert):
    piece_index: int

class read_piece_alert(torrent_alert):
    buffer: bytes
    error: error_code
    piece: int

class save_resume_data_alert(torrent_alert):
    params: add_torrent_params

class save_resume_data_failed_alert(torrent_alert): ...

class torrent_removed_alert(torrent_alert):
    info_hashes: info_hash_t

class torrent_deleted_alert(torrent_alert):
    info_hashes: info_hash_t

class torrent_delete_failed_alert(torrent_alert):
    info_hashes: info_hash_t

class file_error_alert(torrent_alert):
    error: error_code

class torrent_error_alert(torrent_alert):
    error: error_code

class torrent_conflict_alert(torrent_alert):
    conflicting_torrent: torrent_handle
    metadata: torrent_info

class dht_bootstrap_alert(alert): ...

class listen_succeeded_alert(alert):
    address: str
    port: int
    socket_type: object

class listen_failed_alert(alert):
    error: error_code

class portmap_alert(alert): ...

class portmap_error_alert(alert):
    error: error_code

class incoming_connection_alert(alert):
    endpoint: tuple[str, int]

class alerts_dropped_alert(alert): ...

def __getattr__(name: str) -> Any: ...  # the rig's own sessions and make_torrent use more of it
