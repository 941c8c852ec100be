"""What is kept between plays: which torrents are on disk, since when, and until when."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import DOMAIN

VERSION: Final = 1
# Who got so far has seen a film: the rest is credits.
WATCHED_SHARE: Final = 0.95
# Who left a film before has not begun it; s.
BEGUN: Final = 10.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a device has played of the file with index `file`: until `when` (ISO 8601 in UTC), up to `position` s.

    The position of what was played to its end is 0, and `is_watched` stays when it is played again.
    """

    file: int
    when: str
    position: float = 0.0
    is_watched: bool = False

    @property
    def is_begun(self) -> bool:
        """Tell whether there is something to go on with."""
        return self.position >= BEGUN


@dataclass(frozen=True, slots=True)
class Kept:
    """A torrent on disk: `key` is its info-hash, the times are ISO 8601 in UTC, in `seen` the last comes first."""

    key: str
    name: str
    added: str
    last_used: str
    seen: tuple[Seen, ...] = ()
    downloads: tuple[int, ...] = ()
    """Which files, by index, are to come in to their end although nobody watches."""
    is_paused: bool = False
    """Whether somebody has paused it."""

    def is_due(self, keep: timedelta, now: datetime) -> bool:
        """Tell whether the torrent was last used longer than `keep` ago; one that is to come in is in use."""
        if self.downloads:
            return False
        used = dt_util.parse_datetime(self.last_used)
        return used is None or now - used >= keep

    def seen_of(self, file: int) -> Seen | None:
        """Return what was seen of the file with an index."""
        return next((seen for seen in self.seen if seen.file == file), None)


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
            self._kept = {item["key"]: _read(item) for item in stored["torrents"]}

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
        seen = [kept for kept in self._kept.values() if kept.seen]
        return max(seen, key=lambda kept: kept.seen[0].when, default=None)

    @property
    def begun(self) -> list[tuple[Kept, Seen]]:
        """Return the files that were left before their end, the last one first."""
        found = [(kept, seen) for kept in self._kept.values() for seen in kept.seen if seen.is_begun]
        return sorted(found, key=lambda one: one[1].when, reverse=True)

    def position(self, key: str, file: int) -> float:
        """Return where a file was left, s; 0 for one that was not begun or was played to its end."""
        seen = kept.seen_of(file) if (kept := self._kept.get(key)) is not None else None
        return seen.position if seen is not None else 0.0

    async def watched(self, key: str, file: int, position: float, duration: float | None = None) -> None:
        """Note that a device has played the file with index `file` up to `position` of `duration` s."""
        if (known := self._kept.get(key)) is None:
            return
        before = known.seen_of(file)
        is_over = duration is not None and position >= duration * WATCHED_SHARE
        seen = Seen(
            file=file,
            when=dt_util.utcnow().isoformat(),
            position=0.0 if is_over else round(position, 1),
            is_watched=is_over or (before is not None and before.is_watched),
        )
        others = (one for one in known.seen if one.file != file)
        self._kept[key] = replace(known, seen=(seen, *others))
        await self._save()

    @property
    def unfinished(self) -> list[tuple[Kept, int]]:
        """Return the files that are to come in to their end, those of the torrent added first before the others."""
        kept = sorted(self._kept.values(), key=lambda one: one.added)
        return [(one, file) for one in kept for file in one.downloads]

    async def set_download(self, key: str, file: int, *, wanted: bool) -> None:
        """Note whether the file with index `file` is to come in although nobody watches."""
        if (known := self._kept.get(key)) is None or (file in known.downloads) is wanted:
            return
        others = tuple(one for one in known.downloads if one != file)
        self._kept[key] = replace(known, downloads=(*others, file) if wanted else others)
        await self._save()

    async def set_paused(self, *keys: str, paused: bool) -> None:
        """Note that somebody has paused torrents or lets them go on."""
        changed = [key for key in keys if key in self._kept and self._kept[key].is_paused is not paused]
        for key in changed:
            self._kept[key] = replace(self._kept[key], is_paused=paused)
        if changed:
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


def _read(item: dict[str, Any]) -> Kept:
    """Return a stored torrent; the first version knew the file that was played last only."""
    file, when, position = item.pop("file", None), item.pop("watched", None), item.pop("position", 0.0)
    seen = tuple(Seen(**one) for one in item.pop("seen", ()))
    if file is not None and when is not None:
        seen = (Seen(file, when, position), *seen)
    return Kept(**item | {"downloads": tuple(item.get("downloads", ()))}, seen=seen)
