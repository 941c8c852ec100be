"""What is sent and answered, byte by byte and header by header."""

import asyncio
from http import HTTPStatus

import pytest

from custom_components.torrent_cast.playback import Session
from custom_components.torrent_cast.views import stream_path
from tests.conftest import PIECE, Seed, soon, until
from tests.views.conftest import ORIGIN, Client, content, fetch, size_of


async def test_the_whole_file(client: Client, stream: Session, noise: Seed) -> None:
    async with client.get(stream_path(stream)) as response:
        assert response.status == HTTPStatus.OK
        assert response.headers["Content-Length"] == str(size_of(stream))
        assert response.headers["Content-Type"] == "video/mp4"
        assert response.headers["Accept-Ranges"] == "bytes"
        assert response.headers["Cache-Control"] == "no-store"
        assert "Content-Range" not in response.headers
        assert await soon(response.read()) == content(noise)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("bytes=0-1", slice(0, 2)),
        ("bytes=0-0", slice(0, 1)),
        (f"bytes={PIECE - 1}-{PIECE}", slice(PIECE - 1, PIECE + 1)),
        ("bytes=-5", slice(-5, None)),
        (f"bytes={10 * PIECE}-", slice(10 * PIECE, None)),
        (f"bytes={10 * PIECE}-999999999", slice(10 * PIECE, None)),
        ("bytes=-999999999", slice(0, None)),
    ],
)
async def test_a_range(client: Client, stream: Session, noise: Seed, wanted: str, expected: slice) -> None:
    whole = content(noise)
    part = whole[expected]
    first = whole.index(part)
    async with client.get(stream_path(stream), headers={"Range": wanted}) as response:
        assert response.status == HTTPStatus.PARTIAL_CONTENT
        assert response.headers["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/{len(whole)}"
        assert response.headers["Content-Length"] == str(len(part))
        assert await soon(response.read()) == part


async def test_a_real_film_arrives_as_it_is(client: Client, session: Session, film: Seed) -> None:
    assert await fetch(client, session) == (HTTPStatus.OK, film.content.read_bytes())


async def test_several_clients_at_once(client: Client, stream: Session, noise: Seed) -> None:
    whole = content(noise)
    ranges = [(0, 99), (5 * PIECE, 6 * PIECE), (3, len(whole) - 1), (9 * PIECE - 1, 9 * PIECE), (0, len(whole) - 1)]
    answers = await asyncio.gather(*(fetch(client, stream, Range=f"bytes={a}-{b}") for a, b in ranges))
    assert [body for _, body in answers] == [whole[a : b + 1] for a, b in ranges]
    await until(lambda: stream.connections == 0)


async def test_one_connection_serves_many_ranges(client: Client, stream: Session, noise: Seed) -> None:
    whole = content(noise)
    for position in (9, 2, 5, 0):
        begin = position * PIECE
        _, body = await fetch(client, stream, Range=f"bytes={begin}-{begin + 999}")
        assert body == whole[begin : begin + 1000]


async def test_head_has_the_headers_of_get_and_no_body(client: Client, lonely: Session) -> None:
    async with client.head(stream_path(lonely)) as head, client.get(stream_path(lonely)) as get:
        assert head.status == get.status == HTTPStatus.OK
        names = ("Content-Length", "Content-Type", "ETag", "Accept-Ranges", "Cache-Control")
        assert [head.headers[name] for name in names] == [get.headers[name] for name in names]
        assert await head.read() == b""
    assert head.headers["Content-Length"] == str(size_of(lonely))


async def test_head_does_not_count_as_a_connection(client: Client, lonely: Session) -> None:
    async with client.head(stream_path(lonely)):
        pass
    assert not lonely.requested.is_set()


async def test_head_ignores_a_range(client: Client, lonely: Session) -> None:
    """RFC 9110 §14.2: range handling is defined for GET only."""
    async with client.head(stream_path(lonely), headers={"Range": "bytes=0-1"}) as response:
        assert response.status == HTTPStatus.OK
        assert response.headers["Content-Length"] == str(size_of(lonely))


@pytest.mark.parametrize(
    "wanted", ["bytes={size}-", "bytes={size}-{size}", "bytes=99999999999999999999-", "bytes=-0", "bytes=-00"]
)
async def test_what_cannot_be_satisfied_says_how_long_the_file_is(client: Client, lonely: Session, wanted: str) -> None:
    size = size_of(lonely)
    async with client.get(stream_path(lonely), headers={"Range": wanted.format(size=size)}) as response:
        assert response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        assert response.headers["Content-Range"] == f"bytes */{size}"
        assert response.headers["Content-Length"] == "0"
        assert await soon(response.read()) == b""


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=0-1,5-6",
        "bytes=5-2",
        "bytes=-",
        "bytes=",
        "bytes",
        "",
        "bytes=a-b",
        "bytes=0x0-0x1",
        "bytes=--5",
        "bytes=0-1-2",
        "bytes=1.5-2",
        "seconds=0-1",
        "0-1",
        f"bytes=0-{'9' * 5000}",
    ],
)
async def test_a_range_in_no_form_we_know_is_ignored(client: Client, lonely: Session, wanted: str) -> None:
    """RFC 9110 §14.2: a server may ignore it, and must where it does not understand it."""
    async with client.get(stream_path(lonely), headers={"Range": wanted}) as response:
        assert response.status == HTTPStatus.OK
        assert response.headers["Content-Length"] == str(size_of(lonely))
        assert "Content-Range" not in response.headers


@pytest.mark.parametrize("wanted", ["bytes=0-1", "Bytes=0-1", "BYTES= 0-1 "])
async def test_the_unit_is_known_in_any_case(client: Client, lonely: Session, wanted: str) -> None:
    async with client.get(stream_path(lonely), headers={"Range": wanted}) as response:
        assert response.headers["Content-Range"] == f"bytes 0-1/{size_of(lonely)}"


async def test_the_etag_is_strong_and_names_torrent_and_file(client: Client, lonely: Session, noise: Seed) -> None:
    async with client.head(stream_path(lonely)) as response:
        assert response.headers["ETag"] == f'"{noise.key}-0"'


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ('"{key}-0"', HTTPStatus.PARTIAL_CONTENT),
        ('"{key}-1"', HTTPStatus.OK),
        ('W/"{key}-0"', HTTPStatus.OK),  # RFC 9110 §13.1.5: compared strongly
        ("Sat, 29 Oct 1994 19:43:31 GMT", HTTPStatus.OK),
        ("{key}-0", HTTPStatus.OK),
    ],
)
async def test_if_range(client: Client, lonely: Session, noise: Seed, condition: str, status: HTTPStatus) -> None:
    headers = {"Range": "bytes=0-1", "If-Range": condition.format(key=noise.key)}
    async with client.get(stream_path(lonely), headers=headers) as response:
        assert response.status == status


async def test_nothing_is_compressed(client: Client, lonely: Session) -> None:
    async with client.get(stream_path(lonely), headers={"Accept-Encoding": "gzip, deflate, br"}) as response:
        assert "Content-Encoding" not in response.headers
        assert "Transfer-Encoding" not in response.headers


async def test_cors_is_home_assistants(client: Client, lonely: Session) -> None:
    async with client.get(stream_path(lonely), headers={"Origin": ORIGIN}) as response:
        assert response.headers.getall("Access-Control-Allow-Origin") == [ORIGIN]
    async with client.get(stream_path(lonely)) as response:
        assert "Access-Control-Allow-Origin" not in response.headers
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    async with client.options(stream_path(lonely), headers=preflight) as response:
        assert response.status == HTTPStatus.OK
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
