"""What is kept between plays: which torrents are on disk and until when; where files were left, also of those gone."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict, override

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import DOMAIN

VERSION: Final = 1
# From 2 on, what was seen stands beside the torrents; before, it went with them.
MINOR_VERSION: Final = 2
# Who got so far has seen a film: the rest is credits.
WATCHED_SHARE: Final = 0.95
# Who left a film before has not begun it; s.
BEGUN: Final = 10.0
# Two episodes an evening for most of a year, and some 60 kB that are written once a minute while something plays.
MAX_SEEN: Final = 500
# A series comes back after a year; who has not by then begins anew.
KEEP_SEEN: Final = timedelta(days=400)


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
    """A torrent on disk: `key` is its info-hash, the times are ISO 8601 in UTC."""

    key: str
    name: str
    added: str
    last_used: str
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


class _Stored(TypedDict):
    torrents: list[dict[str, Any]]
    seen: list[dict[str, Any]]


class _Store(Store[_Stored]):
    @override
    async def _async_migrate_func(
        self, old_major_version: int, old_minor_version: int, old_data: dict[str, Any]
    ) -> _Stored:
        """Put what was seen beside the torrents; the first version knew the file that was played last only."""
        torrents, seen = [], list(old_data.get("seen", ()))
        for item in old_data["torrents"]:
            of = {name: item.pop(name, None) for name in ("seen", "file", "watched", "position")}
            found = list(of["seen"] or ())
            if of["file"] is not None and of["watched"] is not None:
                found.append({"file": of["file"], "when": of["watched"], "position": of["position"] or 0.0})
            seen += [{"key": item["key"], **one} for one in found]
            torrents.append(item)
        return {"torrents": torrents, "seen": seen}


class Library:
    """The torrents we put on disk and what was seen of any, in Home Assistant's storage."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._store = _Store(hass, VERSION, DOMAIN, atomic_writes=True, minor_version=MINOR_VERSION)
        self._kept: dict[str, Kept] = {}
        self._seen: dict[tuple[str, int], Seen] = {}  # by info-hash and file, the last one at the end

    async def load(self) -> None:
        """Read what an earlier run left."""
        if (stored := await self._store.async_load()) is None:
            return
        self._kept = {item["key"]: _read(item) for item in stored["torrents"]}
        found = [(item.pop("key"), Seen(**item)) for item in stored["seen"]]
        self._seen = {(key, seen.file): seen for key, seen in sorted(found, key=lambda one: one[1].when)}
        self._forget_old()

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
    def last_watched(self) -> tuple[str, Seen] | None:
        """Return the info-hash and the file that a device has played last, None when nothing is known of any."""
        return next(((key, seen) for (key, _), seen in reversed(self._seen.items())), None)

    def seen(self, key: str) -> tuple[Seen, ...]:
        """Return what was seen of a torrent's files, the last one first, also of a torrent that is gone from disk."""
        return tuple(seen for (of, _), seen in reversed(self._seen.items()) if of == key)

    def position(self, key: str, file: int) -> float:
        """Return where a file was left, s; 0 for one that was not begun or was played to its end."""
        seen = self._seen.get((key, file))
        return seen.position if seen is not None else 0.0

    async def watched(self, key: str, file: int, position: float, duration: float | None = None) -> None:
        """Note that a device has played the file with index `file` up to `position` of `duration` s."""
        if key not in self._kept:  # somebody has removed it meanwhile
            return
        before = self._seen.pop((key, file), None)
        is_over = duration is not None and position >= duration * WATCHED_SHARE
        self._seen[key, file] = Seen(
            file=file,
            when=dt_util.utcnow().isoformat(),
            position=0.0 if is_over else round(position, 1),
            is_watched=is_over or (before is not None and before.is_watched),
        )
        self._forget_old()
        await self._save()

    def _forget_old(self) -> None:
        """Forget what was seen too long ago, and the oldest of too much."""
        since = (dt_util.utcnow() - KEEP_SEEN).isoformat()
        newest = list(self._seen.items())[-MAX_SEEN:]
        self._seen = {place: seen for place, seen in newest if seen.when >= since}

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
        """Note that torrents are gone from disk; what was seen of them is remembered."""
        known = self._kept.keys() & keys
        for key in known:
            del self._kept[key]
        if known:
            await self._save()

    async def forget_seen(self, key: str) -> None:
        """Forget what was seen of a torrent."""
        kept = {place: seen for place, seen in self._seen.items() if place[0] != key}
        if len(kept) < len(self._seen):
            self._seen = kept
            await self._save()

    async def remove(self) -> None:
        """Forget everything, the store's file too."""
        self._kept.clear()
        self._seen.clear()
        await self._store.async_remove()

    async def _save(self) -> None:
        # At once: what a crash or a reload finds unknown to the library is deleted from disk.
        torrents = [asdict(kept) for kept in self._kept.values()]
        seen = [{"key": key, **asdict(seen)} for (key, _), seen in self._seen.items()]
        await self._store.async_save({"torrents": torrents, "seen": seen})


def _read(item: dict[str, Any]) -> Kept:
    """Return a stored torrent."""
    return Kept(**item | {"downloads": tuple(item.get("downloads", ()))})
