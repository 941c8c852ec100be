"""The test rig: real films, a real tracker and a real swarm, all on this machine."""

import os
from pathlib import Path


def rig_cache() -> Path:
    """Return the directory that keeps what is slow to make (films, the unpacked libtorrent) between runs."""
    if chosen := os.environ.get("TORRENT_CAST_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "torrent-cast"
