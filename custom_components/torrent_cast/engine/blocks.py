"""What libtorrent says of the pieces that are begun, block by block."""

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import libtorrent as lt

# States of a block (libtorrent's `block_info`): nobody was asked for it; somebody was; it has come; it is on disk.
FREE: Final = 0
REQUESTED: Final = 1
WRITING: Final = 2
ON_DISK: Final = 3
# It answers out of memory that all torrents of a session share until the next call (2.0.11), and the binding goes on
# reading there after its own.
_answer: Final = threading.Lock()


def begun(handle: lt.torrent_handle) -> list[lt.partial_piece]:
    """Return a torrent's download queue. Blocks. Raises RuntimeError when the torrent was removed."""
    with _answer:
        return handle.get_download_queue()
