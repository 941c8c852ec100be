"""What is kept between plays: which torrents are on disk, since when, and until when."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import DOMAIN

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """A torrent on disk: `key` is its info-hash, the times are ISO 8601 in UTC.

    `watched` is when a device last played of it, `file` the index of what it played, `position` where that was left, s.
    """

    key: str
    name: str
    added: str
    last_used: str
    watched: str | None = None
    file: int | None = None
    position: float = 0.0

    def is_due(self, keep: timedelta, now: datetime) -> bool:
        """Tell whether the torrent was last used longer than `keep` ago."""
        used = dt_util.parse_datetime(self.last_used)
        return used is None or now - used >= keep


class _Stored(TypedDict):
    torrents: list[dict[str, Any]]


class Library:
    """The torrents we put on disk, in Home Assistant's storage."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._store: Store[_Stored] = Store(hass, VERSION, DOMAIN, atomic_writes=True)
        self._kept: dict[str, Kept] = {}

    async def load(self) -> None:
        """Read what an earlier run left."""
        if (stored := await self._store.async_load()) is not None:
            self._kept = {item["key"]: Kept(**item) for item in stored["torrents"]}

    @property
    def kept(self) -> tuple[Kept, ...]:
        """Return the torrents on disk, last used first."""
        return tuple(sorted(self._kept.values(), key=lambda kept: kept.last_used, reverse=True))

    def get(self, key: str) -> Kept | None:
        """Return the entry of the torrent with info-hash `key`."""
        return self._kept.get(key)

    async def used(self, key: str, name: str) -> None:
        """Note that a torrent is being used now."""
        now = dt_util.utcnow().isoformat()
        known = self._kept.get(key)
        if known is None:
            self._kept[key] = Kept(key, name or key, now, now)
        else:
            self._kept[key] = replace(known, name=name or known.name, last_used=now)
        await self._save()

    @property
    def last_watched(self) -> Kept | None:
        """Return the torrent that a device has played last, None when nothing of the kind is on disk."""
        seen = [kept for kept in self._kept.values() if kept.watched is not None]
        return max(seen, key=lambda kept: kept.watched or "", default=None)

    async def watched(self, key: str, file: int, position: float) -> None:
        """Note that a device has played the file with index `file` up to `position` s."""
        if (known := self._kept.get(key)) is not None:
            now = dt_util.utcnow().isoformat()
            self._kept[key] = replace(known, watched=now, file=file, position=round(position, 1))
            await self._save()

    async def forget(self, *keys: str) -> None:
        """Note that torrents are gone from disk."""
        known = self._kept.keys() & keys
        for key in known:
            del self._kept[key]
        if known:
            await self._save()

    async def remove(self) -> None:
        """Forget everything, the store's file too."""
        self._kept.clear()
        await self._store.async_remove()

    async def _save(self) -> None:
        # At once: what a crash or a reload finds unknown to the library is deleted from disk.
        await self._store.async_save({"torrents": [asdict(kept) for kept in self._kept.values()]})
