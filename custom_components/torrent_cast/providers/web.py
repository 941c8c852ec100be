"""What feeds and Torznab endpoints share: an address is asked, items lead on to magnet links or torrent files."""

from dataclasses import dataclass
from typing import Final, override
from urllib.parse import quote

from homeassistant.core import HomeAssistant

from ..engine import Source, SourceError
from ..engine.files import printable
from ..engine.source import is_info_hash, is_magnet
from ..fetching import fetch
from ..playback import Playback
from .base import MAX_TITLE, Item, Provider, ProviderError

# Indexers ask for no more than a look in a quarter of an hour, and ban who looks more often. s
INTERVAL: Final = 15 * 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a provider is; one that was on the public internet when it was set up stays there."""

    url: str
    stays_outside: bool = False


class WebProvider(Provider):
    """A provider on the web."""

    interval = INTERVAL

    def __init__(self, provider_id: str, name: str, hass: HomeAssistant, place: Place) -> None:
        super().__init__(provider_id, name)
        self._hass = hass
        self._url = place.url
        self._stays_outside = place.stays_outside

    async def _ask(self, url: str) -> bytes:
        """Return the answer. Raises ProviderError, which holds nothing of the address."""
        try:
            answer = await fetch(self._hass, url, stays_outside=self._stays_outside)
        except SourceError as err:
            if (error := _trouble(err)) is None:
                raise self._unreadable() from err
            raise ProviderError("provider_unreachable", provider=self.name, error=error) from err
        if isinstance(answer, str):
            raise self._unreadable()
        return answer

    def _unreadable(self) -> ProviderError:
        return ProviderError("provider_unreadable", provider=self.name)

    @override
    async def read(self, item: Item, playback: Playback) -> Source:
        if is_magnet(item.source):
            return await playback.parse(item.source)
        found = await fetch(self._hass, item.source, origin=self._url, stays_outside=self._stays_outside)
        return await playback.parse(found)


def _trouble(error: SourceError) -> str | None:
    """Return why there is no answer, None when there is one of the wrong kind."""
    if (seconds := error.details.get("seconds")) is not None:
        return f"no answer within {seconds} s"
    if error.reason in {"not_a_torrent_file", "torrent_too_large"}:
        return None
    return error.details.get("error") or "it leads to a place that is not allowed"


def item_of(
    title: object, links: list[object], info_hash: object = None, size: object = None, seeders: object = None
) -> Item | None:
    """Return an item, None where nothing leads to a torrent; a magnet link is the best way, as it needs no server."""
    name = printable(str(title or ""))[:MAX_TITLE]
    texts = [link.strip() for link in links if isinstance(link, str) and link.strip()]
    source = next((link for link in texts if is_magnet(link)), None)
    if source is None and isinstance(info_hash, str) and is_info_hash(info_hash.strip()):
        source = f"magnet:?xt=urn:btih:{info_hash.strip()}&dn={quote(name)}"
    if source is None:
        source = next((link for link in texts if link.partition("://")[0].lower() in {"http", "https"}), None)
    return Item(name, source, _number(size), _number(seeders)) if source and name else None


def _number(value: object) -> int | None:
    text = str(value).strip() if value is not None else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None  # noqa: PLR2004  # 64 bits
