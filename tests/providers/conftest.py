"""An indexer on loopback, a feed and a Torznab endpoint; names that lead where a test wants them to."""
# ruff: noqa: ARG001, ARG002  # fixtures are asked for by name; each handler has the same parameters

import socket
from collections.abc import AsyncIterator
from html import escape
from typing import Final

import pytest
from aiohttp import web
from aiohttp.abc import ResolveResult
from aiohttp.test_utils import TestServer
from homeassistant.helpers.aiohttp_client import HomeAssistantTCPConnector

from tests.conftest import LOOPBACK, Seed

KEY: Final = "secret-api-key"
BOMB: Final = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><rss version="2.0"><channel>'
    "<item><title>&b;</title></item></channel></rss>"
)


class Indexer:
    """Answers as indexers do, and as they should not. `titles` are what it has; all lead to the same torrent."""

    def __init__(self, seed: Seed) -> None:
        self._seed = seed
        self.titles = ["The.Film.2026.1080p", "Some.Show.S01E03.720p"]
        self.queries: list[dict[str, str]] = []
        app = web.Application()
        app.router.add_get("/feed", self._feed)
        app.router.add_get("/atom", self._atom)
        app.router.add_get("/torznab", self._torznab)
        app.router.add_get("/download/{name}", self._download)
        app.router.add_get("/bad/{kind}", self._bad)
        self.server = TestServer(app, host=LOOPBACK)

    def url(self, path: str) -> str:
        """Return an address."""
        return str(self.server.make_url(path))

    def _link(self, title: str) -> str:
        return escape(self.url(f"/download/{title}.torrent?key={KEY}"))

    async def _feed(self, request: web.Request) -> web.Response:
        items = "".join(
            f"<item><title>{title}</title><link>http://page.invalid/</link>"
            f'<enclosure url="{self._link(title)}" length="1500000" type="application/x-bittorrent"/></item>'
            for title in self.titles
        )
        return _xml(f'<rss version="2.0"><channel><title>x</title>{items}</channel></rss>')

    async def _atom(self, request: web.Request) -> web.Response:
        entries = "".join(
            f'<entry><title>{title}</title><link rel="enclosure" href="{escape(self._seed.magnet)}"/></entry>'
            for title in self.titles
        )
        return _xml(f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>')

    async def _torznab(self, request: web.Request) -> web.Response:
        self.queries.append(dict(request.query))
        if request.query.get("apikey") != KEY:
            return _xml('<error code="100" description="Incorrect user credentials"/>')
        items = "".join(
            f"<item><title>{title}</title><size>1500000</size><link>{self._link(title)}</link>"
            f'<torznab:attr name="seeders" value="{seeders}"/>'
            f'<torznab:attr name="infohash" value="{self._seed.key if seeders == 7 else ""}"/></item>'
            for seeders, title in enumerate(self.titles)
        )
        namespace = "http://torznab.com/schemas/2015/feed"
        return _xml(f'<rss version="2.0" xmlns:torznab="{namespace}"><channel>{items}</channel></rss>')

    async def _download(self, request: web.Request) -> web.Response:
        return web.Response(body=self._seed.torrent.metainfo, content_type="application/x-bittorrent")

    async def _bad(self, request: web.Request) -> web.Response:  # noqa: PLR0911  # a table
        match request.match_info["kind"]:
            case "bomb":
                return _xml(BOMB)
            case "html":
                return web.Response(text="<html>Log in</html>", content_type="text/html")
            case "text":
                return _xml("no xml at all")
            case "empty":
                return _xml("")
            case "half":
                return _xml('<?xml version="1.0"?><rs')
            case "magnet":
                return web.Response(status=302, headers={"Location": self._seed.magnet})
            case "large":
                return web.Response(body=bytes(11 << 20), content_type="application/xml")
        raise web.HTTPUnauthorized


def _xml(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/rss+xml")


@pytest.fixture
async def indexer(film: Seed, rig_sockets: None) -> AsyncIterator[Indexer]:
    """Return a running indexer."""
    found = Indexer(film)
    async with found.server:
        yield found


class Names:
    """Home Assistant's resolver: answers each name with its addresses, one after the other if it has several."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **addresses: list[str]) -> None:
        self.asked: list[str] = []
        self._addresses = addresses

        async def resolve(_connector: object, host: str) -> list[ResolveResult]:
            self.asked.append(host)
            known = self._addresses[host.partition(".")[0]]
            address = known.pop(0) if len(known) > 1 else known[0]
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            return [ResolveResult(hostname=host, host=address, port=0, family=family, proto=0, flags=0)]

        monkeypatch.setattr(HomeAssistantTCPConnector, "async_resolve_host", resolve)
