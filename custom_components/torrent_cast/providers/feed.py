"""An RSS or Atom feed of torrents."""

import io
import time
from typing import Any, Final, override

from ..sources import CONTENT_TYPE
from .base import Item
from .web import WebProvider, item_of

# Browsing and searching ask no more often than this; s.
FRESH: Final = 60.0


class Feed(WebProvider):
    """The items of a feed, as it orders them."""

    _items_at = 0.0
    _last: tuple[Item, ...] = ()

    @override
    async def _latest(self) -> list[Item]:
        if not self._last or time.monotonic() - self._items_at > FRESH:
            items = await self._hass.async_add_executor_job(_items, await self._ask(self._url))
            if items is None:
                raise self._unreadable()
            self._last, self._items_at = tuple(items), time.monotonic()
        return list(self._last)


def _items(data: bytes) -> list[Item] | None:
    """Return the items of a feed, None when it is none. Takes CPU time."""
    import feedparser  # noqa: PLC0415  # for those who have a feed

    # A stream: given bytes or text, feedparser could take them for an address or a path and open it.
    feed = feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
    entries = feed.get("entries", [])
    if not feed.get("version") and not entries:
        return None
    found = (_item(entry) for entry in entries)
    return [item for item in found if item is not None]


def _item(entry: Any) -> Item | None:  # noqa: ANN401  # feedparser's, without types
    links = entry.get("links", [])
    torrents = [link for link in links if link.get("type") == CONTENT_TYPE]
    enclosures = [link for link in links if link.get("rel") == "enclosure"]
    magnets = [entry.get("torrent_magneturi"), entry.get("torznab_magneturi")]
    addresses = [link.get("href") for link in (*torrents, *enclosures)]
    page = entry.get("link")
    if isinstance(page, str) and (
        page.lower().startswith("magnet:") or page.lower().partition("?")[0].endswith(".torrent")
    ):
        addresses.append(page)
    length = next((link.get("length") for link in (*torrents, *enclosures)), None)
    return item_of(
        entry.get("title"),
        [*magnets, *addresses],
        entry.get("torrent_infohash") or entry.get("nyaa_infohash"),
        entry.get("torrent_contentlength") or length,
        entry.get("torrent_seeds") or entry.get("nyaa_seeders"),
    )
