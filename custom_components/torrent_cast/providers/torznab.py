"""A Torznab endpoint, as Prowlarr and Jackett have: https://torznab.github.io/spec-1.3-draft."""

from typing import TYPE_CHECKING, Final, override
from xml.etree.ElementTree import ParseError  # only the name of an error

from homeassistant.core import HomeAssistant
from yarl import URL

from .base import MAX_ITEMS, Item, ProviderError
from .web import Place, WebProvider, item_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ATTRIBUTE: Final = "{http://torznab.com/schemas/2015/feed}attr"
# Newznab's numbers of films and series.
CATEGORIES: Final = "2000,5000"
MAX_ERROR: Final = 100


class Torznab(WebProvider):
    """An endpoint that searches."""

    def __init__(self, provider_id: str, name: str, hass: HomeAssistant, place: Place, api_key: str) -> None:
        super().__init__(provider_id, name, hass, place)
        self._api_key = api_key

    @override
    async def _latest(self) -> list[Item]:
        return await self._search("")

    @override
    async def _search(self, text: str) -> list[Item]:
        parameters = {"t": "search", "cat": CATEGORIES, "limit": str(MAX_ITEMS), "extended": "1"}
        root = await self._call(parameters | ({"q": text} if text else {}))
        found = (_item(element) for element in root.iter("item"))
        return [item for item in found if item is not None]

    async def _call(self, parameters: dict[str, str]) -> Element:
        key = {"apikey": self._api_key} if self._api_key else {}
        data = await self._ask(str(URL(self._url).update_query(parameters | key)))
        root = await self._hass.async_add_executor_job(_parsed, data)
        if root is None:
            raise self._unreadable()
        if root.tag == "error":
            error = "".join(filter(str.isprintable, root.get("description", "")))[:MAX_ERROR]
            raise ProviderError("provider_refused", provider=self.name, error=error or "?")
        return root


def _parsed(data: bytes) -> Element | None:
    """Return the document, None when it is none or could do harm. Takes CPU time."""
    from defusedxml import DefusedXmlException  # noqa: PLC0415  # for those who have an endpoint
    from defusedxml.ElementTree import fromstring  # noqa: PLC0415  # see above

    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except ParseError, DefusedXmlException, ValueError, LookupError:
        return None
    return root


def _item(element: Element) -> Item | None:
    attributes = {found.get("name", "").lower(): found.get("value") for found in element.iter(ATTRIBUTE)}
    enclosure = element.find("enclosure")
    links = [
        attributes.get("magneturl"),
        None if enclosure is None else enclosure.get("url"),
        element.findtext("link"),
    ]
    size = element.findtext("size") or attributes.get("size")
    return item_of(element.findtext("title"), list(links), attributes.get("infohash"), size, attributes.get("seeders"))
