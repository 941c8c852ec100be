"""What a libtorrent session tells of its torrents, handed to each of them."""

import logging
from collections.abc import Callable, Coroutine, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Final

from .errors import StorageError
from .registry import Registry
from .tuning import Tuning

if TYPE_CHECKING:
    import libtorrent as lt

_LOGGER = logging.getLogger(__name__)

# libtorrent's error for two magnet links, one by v1 and one by v2, that turn out to be one hybrid torrent.
DUPLICATE_TORRENT: Final = 19


class Alerts:
    """Hands alerts to the torrents they are about; `spawn` runs what takes a while, by a name."""

    def __init__(
        self,
        libtorrent: ModuleType,
        registry: Registry,
        tuning: Tuning,
        spawn: Callable[[Coroutine[object, object, None], str], object],
    ) -> None:
        self._lt = libtorrent
        self._registry = registry
        self._tuning = tuning
        self._spawn = spawn

    def handlers(self) -> Mapping[type, Callable[..., None]]:
        """Return what is to be called with which alert."""
        return {
            self._lt.metadata_received_alert: self._on_metadata,
            self._lt.torrent_checked_alert: self._on_checked,
            self._lt.state_update_alert: self._on_state_update,
            self._lt.piece_finished_alert: self._on_piece,
            self._lt.hash_failed_alert: self._on_failed_piece,
            self._lt.block_finished_alert: self._on_block,
            self._lt.peer_ban_alert: self._on_banned,
            self._lt.read_piece_alert: self._on_read,
            self._lt.file_error_alert: self._on_file_error,
            self._lt.torrent_error_alert: self._on_torrent_error,
        }

    def _on_metadata(self, alert: lt.metadata_received_alert) -> None:
        if (torrent := self._registry.of(alert.handle)) is not None:
            self._spawn(torrent.on_metadata(), "metadata")

    def _on_checked(self, alert: lt.torrent_checked_alert) -> None:
        if (torrent := self._registry.of(alert.handle)) is not None:
            torrent.on_checked()

    def _on_state_update(self, alert: lt.state_update_alert) -> None:
        for status in alert.status:
            if (torrent := self._registry.of(status.handle)) is not None:
                torrent.on_status(status)

    def _on_piece(self, alert: lt.piece_finished_alert) -> None:
        if (torrent := self._registry.of(alert.handle)) is None or not torrent.has_metadata:
            return
        if torrent.supply.suspect():
            self._spawn(torrent.look_at_peers(), "peers")
        torrent.on_piece(alert.piece_index)

    def _on_failed_piece(self, alert: lt.hash_failed_alert) -> None:
        if (torrent := self._registry.of(alert.handle)) is not None:
            torrent.on_failed_piece(alert.piece_index)
            self._tuning.watch_senders(self._registry.torrents)

    def _on_block(self, alert: lt.block_finished_alert) -> None:
        if (torrent := self._registry.of(alert.handle)) is not None:
            torrent.on_block(alert.piece_index, alert.block_index, alert.endpoint)

    def _on_banned(self, alert: lt.peer_ban_alert) -> None:
        if (torrent := self._registry.of(alert.handle)) is not None and torrent.lies is not None:
            torrent.lies.evidence.on_banned(alert.endpoint)

    def _on_read(self, alert: lt.read_piece_alert) -> None:
        if (torrent := self._registry.of(alert.handle)) is not None:
            torrent.on_read(alert.piece, None if alert.error.value() else alert.buffer)

    def _on_file_error(self, alert: lt.file_error_alert) -> None:
        self._fail(alert, StorageError("disk_error", error=alert.error.message()))

    def _on_torrent_error(self, alert: lt.torrent_error_alert) -> None:
        if alert.error.value() == DUPLICATE_TORRENT and alert.error.category().name() == "libtorrent":
            return  # the conflict alert behind it says what to do
        self._fail(alert, StorageError("torrent_error", error=alert.error.message()))

    def _fail(self, alert: lt.torrent_alert, error: StorageError) -> None:
        if (torrent := self._registry.of(alert.handle)) is not None and not torrent.failed:
            _LOGGER.error("A torrent stopped: %s", error.details["error"])
            torrent.fail(error)
