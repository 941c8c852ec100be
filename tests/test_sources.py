"""Torrent files by path and by web address, from a real web server on loopback."""
# ruff: noqa: ARG001  # fixtures are asked for by name; a test may wait for its own disk

import asyncio
import errno
import gzip
import os
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import ResolveResult
from aiohttp.test_utils import TestServer
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.aiohttp_client import HomeAssistantTCPConnector, SSRFRedirectError
from yarl import URL

from custom_components.torrent_cast import fetching
from custom_components.torrent_cast.engine import SourceError
from custom_components.torrent_cast.engine.source import MAX_TORRENT_BYTES
from custom_components.torrent_cast.errors import translated
from custom_components.torrent_cast.playback import Playback
from custom_components.torrent_cast.sources import read_source
from tests.conftest import Seed, soon
from tests.providers.conftest import Names

BITTORRENT = "application/x-bittorrent"


class Indexer:
    """A web server that answers as torrent indexers do, and as they should not."""

    def __init__(self, seed: Seed) -> None:
        self._seed = seed
        self.metainfo = seed.torrent.metainfo
        self.hung = asyncio.Event()
        self.requests: list[str] = []
        app = web.Application()
        app.router.add_get("/{what:.*}", self._answer)
        self.server = TestServer(app)

    def url(self, what: str) -> str:
        """Return the address at which something is answered."""
        return str(self.server.make_url(f"/{what}"))

    async def _answer(self, request: web.Request) -> web.StreamResponse:  # noqa: C901, PLR0911, PLR0912  # a table
        what = request.match_info["what"]
        self.requests.append(what)
        match what:
            case "film.torrent":
                return web.Response(body=self.metainfo, content_type=BITTORRENT)
            case "octets":
                return web.Response(body=self.metainfo, content_type="application/octet-stream")
            case "gzip":
                headers = {"Content-Encoding": "gzip"}
                return web.Response(body=gzip.compress(self.metainfo), content_type=BITTORRENT, headers=headers)
            case "bomb":
                packed = gzip.compress(bytes(4 * MAX_TORRENT_BYTES))
                return web.Response(body=packed, content_type=BITTORRENT, headers={"Content-Encoding": "gzip"})
            case "html":
                return web.Response(text="<html>Log in</html>", content_type="text/html")
            case "hidden-html":
                return web.Response(text="<html>Log in</html>", content_type=BITTORRENT)
            case "empty":
                return web.Response(body=b"", content_type=BITTORRENT)
            case "large":
                return web.Response(body=bytes(MAX_TORRENT_BYTES + 1), content_type=BITTORRENT)
            case "largest":
                return web.Response(body=bytes(MAX_TORRENT_BYTES), content_type=BITTORRENT)
            case "hang":
                await self.hung.wait()
            case "hang-in-the-body":
                response = web.StreamResponse()
                await response.prepare(request)
                await response.write(b"d8:announce")
                await self.hung.wait()
            case "moved":
                raise web.HTTPFound("/film.torrent")
            case "loop":
                raise web.HTTPFound("/loop")
            case "magnet":
                return self._redirect(self._seed.magnet)
            case "nowhere":
                return web.Response(status=302)
            case _ if what.startswith("to/"):
                return self._redirect(what.removeprefix("to/"))
        raise web.HTTPNotFound

    @staticmethod
    def _redirect(location: str) -> web.Response:
        return web.Response(status=302, headers={"Location": location})


@pytest.fixture
async def indexer(noise: Seed, rig_sockets: None) -> AsyncIterator[Indexer]:
    """Return a running web server."""
    indexer = Indexer(noise)
    async with indexer.server:
        yield indexer
        indexer.hung.set()


async def error_of(hass: HomeAssistant, playback: Playback, text: str) -> SourceError:
    """Return why a source is refused."""
    with pytest.raises(SourceError) as caught:
        await soon(read_source(hass, playback, text))
    assert isinstance(translated(caught.value), ServiceValidationError)
    return caught.value


# --- web addresses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["film.torrent", "octets", "gzip", "moved", "magnet"])
async def test_a_torrent_is_fetched(
    hass: HomeAssistant, playback: Playback, indexer: Indexer, noise: Seed, what: str
) -> None:
    source = await soon(read_source(hass, playback, f" {indexer.url(what)} \n"))
    assert source.key == noise.key


async def test_the_scheme_is_known_in_any_case(
    hass: HomeAssistant, playback: Playback, indexer: Indexer, noise: Seed
) -> None:
    url = indexer.url("film.torrent").replace("http:", "HTTP:")
    assert (await soon(read_source(hass, playback, url))).key == noise.key


@pytest.mark.parametrize(
    ("what", "reason", "details"),
    [
        ("missing", "fetch_failed", {"error": "HTTP 404"}),
        ("nowhere", "fetch_failed", {"error": "HTTP 302"}),
        ("html", "not_a_torrent_file", {}),
        ("large", "torrent_too_large", {"limit": "10"}),
        ("bomb", "torrent_too_large", {"limit": "10"}),
        ("loop", "bad_redirect", {}),
        ("to/ftp://example.org/film.torrent", "bad_redirect", {}),
        ("to/file:///etc/passwd", "bad_redirect", {}),
        ("to/http://[::1", "bad_redirect", {}),
        ("to/http://localhost:1/", "bad_redirect", {}),
        ("to/http://LOCALHOST.:1/", "bad_redirect", {}),
        ("to/http://a.localhost:1/", "bad_redirect", {}),
        ("to/http://127.0.0.2:1/", "bad_redirect", {}),
        ("to/http://0.0.0.0:1/", "bad_redirect", {}),
        ("to/http://[::1]:1/", "bad_redirect", {}),
        ("to/http://[::ffff:127.0.0.1]:1/", "bad_redirect", {}),
        ("to/http://127.1:1/", "bad_redirect", {}),
        ("to/http://2130706433:1/", "bad_redirect", {}),
    ],
)
async def test_what_is_no_torrent_is_refused(
    hass: HomeAssistant,
    playback: Playback,
    indexer: Indexer,
    what: str,
    reason: str,
    details: dict[str, str],
) -> None:
    error = await error_of(hass, playback, indexer.url("") + what)
    assert (error.reason, error.details) == (reason, details)


@pytest.mark.parametrize("what", ["hidden-html", "empty", "largest"])
async def test_what_does_not_parse_is_refused(
    hass: HomeAssistant, playback: Playback, indexer: Indexer, what: str
) -> None:
    assert (await error_of(hass, playback, indexer.url(what))).reason == "bad_torrent"


async def test_a_loop_of_redirects_ends_soon(hass: HomeAssistant, playback: Playback, indexer: Indexer) -> None:
    await error_of(hass, playback, indexer.url("loop"))
    assert len(indexer.requests) == fetching.MAX_REDIRECTS + 1


async def test_a_redirect_to_a_bad_magnet(hass: HomeAssistant, playback: Playback, indexer: Indexer) -> None:
    assert (await error_of(hass, playback, indexer.url("to/magnet:?dn=x"))).reason == "bad_magnet"


@pytest.mark.parametrize("what", ["hang", "hang-in-the-body"])
async def test_a_server_that_hangs_is_given_up(
    hass: HomeAssistant, playback: Playback, indexer: Indexer, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(fetching, "FETCH_TIMEOUT", 0.2)
    error = await error_of(hass, playback, indexer.url(what))
    assert (error.reason, error.details) == ("fetch_timeout", {"seconds": "0.2"})


async def test_a_server_that_is_not_there(hass: HomeAssistant, playback: Playback, indexer: Indexer) -> None:
    url = indexer.url("film.torrent")
    await indexer.server.close()
    error = await error_of(hass, playback, url)
    assert (error.reason, error.details) == ("fetch_failed", {"error": os.strerror(errno.ECONNREFUSED)})
    assert url not in str(error)


async def test_a_server_that_speaks_no_tls(hass: HomeAssistant, playback: Playback, indexer: Indexer) -> None:
    error = await error_of(hass, playback, indexer.url("film.torrent").replace("http:", "https:"))
    assert (error.reason, error.details) == ("fetch_failed", {"error": "it does not speak TLS as is needed"})


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (aiohttp.ClientConnectorDNSError, "no machine has this name"),
        (aiohttp.ClientConnectorCertificateError, "its certificate is not trusted"),
    ],
)
async def test_why_a_server_cannot_be_spoken_with_is_said_without_its_address(
    hass: HomeAssistant, playback: Playback, monkeypatch: pytest.MonkeyPatch, kind: type[Exception], why: str
) -> None:
    place = SimpleNamespace(host="secret.example", port=443, ssl=True)

    async def fail(*_: object, **__: object) -> bytes:
        raise kind(place, OSError(0, "of secret.example"))

    monkeypatch.setattr(fetching, "_follow", fail)
    error = await error_of(hass, playback, "http://192.0.2.1/")
    assert error.details == {"error": why}


async def test_a_redirect_from_elsewhere_to_this_machine_is_home_assistants_to_refuse(
    hass: HomeAssistant, playback: Playback, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> bytes:
        raise SSRFRedirectError("to a name that resolves to loopback")

    monkeypatch.setattr(fetching, "_follow", refuse)
    assert (await error_of(hass, playback, "http://192.0.2.1/")).reason == "bad_redirect"


@pytest.mark.parametrize("text", ["http://[::1", "http://a:b:c/", "http://host:99999/"])
async def test_what_is_no_address_is_said_so(hass: HomeAssistant, playback: Playback, text: str) -> None:
    assert (await error_of(hass, playback, text)).reason == "bad_url"


async def test_an_address_without_a_host(hass: HomeAssistant, playback: Playback) -> None:
    assert (await error_of(hass, playback, "http://")).reason == "fetch_failed"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.168.1.1", "192.168.1.1"),
        ("::1", "::1"),
        ("127.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("192.168.1.1.", "192.168.1.1"),
        ("example.org", None),
        ("", None),
    ],
)
def test_an_address_in_any_spelling(host: str, address: str | None) -> None:
    assert fetching.address_in(host) == (ip_address(address) if address else None)


# --- what a stranger may lead to --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("1.1.1.1", True),
        ("2606:4700:4700::1111", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104  # nothing is bound to it
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("ff0e::1", False),
        ("::ffff:192.168.1.1", False),
        ("::ffff:1.1.1.1", True),
        ("2002:c0a8:101::", False),
        ("64:ff9b::c0a8:101", False),
        ("64:ff9b::101:101", True),
    ],
)
def test_which_addresses_are_public(address: str, *, public: bool) -> None:
    assert fetching.is_public(ip_address(address)) is public


async def led_from(hass: HomeAssistant, url: str) -> str | bytes:
    """Fetch a link that a provider on the internet gave."""
    return await soon(fetching.fetch(hass, url, origin="http://provider.example/feed"))


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "fd00::1"])
async def test_a_provider_does_not_lead_to_a_name_at_home(
    hass: HomeAssistant, indexer: Indexer, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    names = Names(monkeypatch, inside=[address])
    with pytest.raises(SourceError, match="bad_redirect"):
        await led_from(hass, f"http://inside.example:{indexer.server.port}/film.torrent")
    assert names.asked == ["inside.example"]
    assert indexer.requests == []


@pytest.mark.parametrize("host", ["192.168.1.1", "10.1", "[fe80::1]", "[::ffff:127.0.0.1]", "127.0.0.1", "3232235777"])
async def test_a_provider_does_not_lead_to_an_address_at_home(hass: HomeAssistant, indexer: Indexer, host: str) -> None:
    with pytest.raises(SourceError, match="bad_redirect"):
        await led_from(hass, f"http://{host}:{indexer.server.port}/film.torrent")
    assert indexer.requests == []


async def test_a_name_that_is_somewhere_else_a_moment_later_leads_nowhere(
    hass: HomeAssistant, indexer: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names(monkeypatch, rebinding=["127.0.0.3", "127.0.0.1"])
    monkeypatch.setattr(fetching, "is_public", lambda address: str(address) != "127.0.0.1")
    with pytest.raises(SourceError, match="fetch_failed"):  # nobody listens there
        await led_from(hass, f"http://rebinding.example:{indexer.server.port}/film.torrent")
    assert names.asked == ["rebinding.example"]
    assert indexer.requests == []


@pytest.mark.parametrize("origin", [None, "http://rebinding.example/feed"])
async def test_who_was_on_the_internet_a_moment_ago_does_not_come_home(
    hass: HomeAssistant, indexer: Indexer, monkeypatch: pytest.MonkeyPatch, origin: str | None
) -> None:
    names = Names(monkeypatch, rebinding=["127.0.0.3", "127.0.0.1"])
    monkeypatch.setattr(fetching, "is_public", lambda address: str(address) != "127.0.0.1")
    url = f"http://rebinding.example:{indexer.server.port}/film.torrent"
    with pytest.raises(SourceError, match="bad_redirect"):
        await soon(fetching.fetch(hass, url, origin=origin))
    assert names.asked == ["rebinding.example"] * 2
    assert indexer.requests == []


async def test_who_was_set_up_on_the_internet_stays_there(
    hass: HomeAssistant, indexer: Indexer, noise: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    Names(monkeypatch, rebinding=["127.0.0.1"])
    url = f"http://rebinding.example:{indexer.server.port}/film.torrent"
    for origin in (None, url):
        with pytest.raises(SourceError, match="bad_redirect"):
            await soon(fetching.fetch(hass, url, origin=origin, stays_outside=True))
    assert indexer.requests == []
    monkeypatch.setattr(fetching, "is_public", lambda _address: True)  # there is no internet here
    assert await soon(fetching.fetch(hass, url, stays_outside=True)) == noise.torrent.metainfo


async def test_a_name_that_nobody_knows_is_not_outside(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(_connector: object, _host: str) -> list[ResolveResult]:
        raise OSError("no such name")

    monkeypatch.setattr(HomeAssistantTCPConnector, "async_resolve_host", resolve)
    assert not await fetching.is_outside(hass, URL("http://nobody.example/"))
    assert not await fetching.is_outside(hass, URL("http://a.localhost/"))
    assert await fetching.is_outside(hass, URL("http://1.1.1.1/"))


async def test_a_provider_leads_to_the_internet(
    hass: HomeAssistant, indexer: Indexer, noise: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    Names(monkeypatch, outside=["127.0.0.1"])
    monkeypatch.setattr(fetching, "is_public", lambda _address: True)  # there is no internet here
    url = f"http://outside.example:{indexer.server.port}/moved"
    assert await led_from(hass, url) == noise.torrent.metainfo


async def test_a_provider_at_home_leads_to_itself_and_not_to_its_neighbour(
    hass: HomeAssistant, indexer: Indexer, noise: Seed
) -> None:
    home = indexer.url("")
    assert await soon(fetching.fetch(hass, indexer.url("film.torrent"), origin=home)) == noise.torrent.metainfo
    for elsewhere in ("http://127.0.0.1:1/", "http://192.168.1.1/"):
        with pytest.raises(SourceError, match="bad_redirect"):
            await soon(fetching.fetch(hass, indexer.url(f"to/{elsewhere}"), origin=home))


async def test_who_was_led_away_is_not_led_back_home(
    hass: HomeAssistant, indexer: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Names(monkeypatch, outside=["127.0.0.1"])
    real = fetching.is_public
    monkeypatch.setattr(fetching, "is_public", lambda address: address == ip_address("127.0.0.1") or real(address))
    home = f"http://127.0.0.2:{indexer.server.port}/"
    link = f"http://outside.example:{indexer.server.port}/to/{home}film.torrent"
    with pytest.raises(SourceError, match="bad_redirect"):
        await soon(fetching.fetch(hass, link, origin=home))
    assert len(indexer.requests) == 1


# --- paths -----------------------------------------------------------------------------------------------------------


async def test_a_torrent_is_read_from_a_path(
    hass: HomeAssistant, playback: Playback, allowed: Path, noise: Seed
) -> None:
    (allowed / "Film.TORRENT").write_bytes(noise.torrent.metainfo)
    assert (await read_source(hass, playback, str(allowed / "Film.TORRENT"))).key == noise.key


async def test_a_path_that_is_not_allowed(hass: HomeAssistant, playback: Playback, allowed: Path, noise: Seed) -> None:
    (allowed.parent / "film.torrent").write_bytes(noise.torrent.metainfo)
    (allowed / "link.torrent").symlink_to(allowed.parent / "film.torrent")
    for path in (allowed.parent / "film.torrent", allowed / "link.torrent", allowed / ".." / "film.torrent"):
        error = await error_of(hass, playback, str(path))
        assert (error.reason, error.details) == ("path_not_allowed", {})


async def test_a_path_that_is_not_there(hass: HomeAssistant, playback: Playback, allowed: Path) -> None:
    error = await error_of(hass, playback, str(allowed / "missing.torrent"))
    assert (error.reason, error.details) == ("unreadable_path", {"error": "No such file or directory"})


async def test_a_path_with_a_null_byte(hass: HomeAssistant, playback: Playback, allowed: Path) -> None:
    error = await error_of(hass, playback, f"{allowed}/a\0b.torrent")
    assert error.reason in {"unreadable_path", "path_not_allowed"}


async def test_a_path_that_is_no_file(hass: HomeAssistant, playback: Playback, allowed: Path) -> None:
    (allowed / "directory.torrent").mkdir()
    os.mkfifo(allowed / "pipe.torrent")
    for name in ("directory.torrent", "pipe.torrent"):
        assert (await error_of(hass, playback, str(allowed / name))).reason == "not_a_file"


@pytest.mark.parametrize("name", ["film.mp4", "passwd", "torrent", ".torrent"])
async def test_a_path_of_another_kind(hass: HomeAssistant, playback: Playback, allowed: Path, name: str) -> None:
    (allowed / name).write_bytes(b"d")
    assert (await error_of(hass, playback, str(allowed / name))).reason == "unknown_source"


@pytest.mark.parametrize("data", [b"", b"d", b"i42e", b"de", b"<html>", b"d4:infode", b"\xff" * 1000, b"d" * 100_000])
async def test_a_file_that_is_no_torrent(hass: HomeAssistant, playback: Playback, allowed: Path, data: bytes) -> None:
    (allowed / "film.torrent").write_bytes(data)
    assert (await error_of(hass, playback, str(allowed / "film.torrent"))).reason == "bad_torrent"


async def test_a_file_that_is_too_large(hass: HomeAssistant, playback: Playback, allowed: Path) -> None:
    (allowed / "film.torrent").write_bytes(bytes(11 << 20))
    error = await error_of(hass, playback, str(allowed / "film.torrent"))
    assert (error.reason, error.details) == ("torrent_too_large", {"limit": "10"})
