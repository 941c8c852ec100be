"""The browser really plays, says truly what it decoded, and the recorder what it was sent."""

import asyncio
import gzip
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_socket
from aiohttp import web

from tests.media.conftest import ffmpeg

from .browser import BrowserPlayer
from .films import SHORT, film
from .player import Event, MediaError, Source, State
from .process import running
from .recorder import Recorder, verify

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

DEADLINE = 30  # s, only so that what hangs fails instead
BULK = 64 * 1024 * 1024  # bytes, far more than all the buffers on the way hold
CORS = {"Access-Control-Allow-Origin": "*"}


@pytest.fixture(autouse=True)
def sockets(socket_enabled: None) -> None:  # noqa: ARG001  # it has to run before
    """Open loopback."""
    pytest_socket.socket_allow_hosts(["127.0.0.0/8"], allow_unix_socket=True)


@dataclass
class Server:
    """Where films come from."""

    path: Path
    url: str = ""
    playlists: Path | None = None
    """The folder of a film as HLS."""
    written: int = 0
    """Bytes of bulk taken off the server's hands."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when whoever fetched the bulk hung up."""

    async def film(self, _: web.Request) -> web.StreamResponse:
        """Serve the film with ranges and CORS."""
        return web.FileResponse(self.path, headers=CORS)

    async def segment(self, request: web.Request) -> web.StreamResponse:
        """Serve a file of the film as HLS."""
        assert self.playlists is not None
        return web.FileResponse(self.playlists / request.match_info["name"], headers=CORS)

    async def bulk(self, request: web.Request) -> web.StreamResponse:
        """Serve a lot, as fast as it is taken."""
        response = web.StreamResponse(headers={"Content-Length": str(BULK), "Content-Type": "video/mp4"})
        await response.prepare(request)
        try:
            while self.written < BULK:
                await response.write(bytes(65536))
                self.written += 65536
        except ConnectionError, asyncio.CancelledError:
            self.left.set()
            raise
        return response


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Serve films on loopback."""
    served = Server(await film(SHORT))

    async def without_cors(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(served.path)

    async def packed(_: web.Request) -> web.StreamResponse:
        headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain", "X-Mine": "1"}
        return web.Response(body=gzip.compress(b"abc" * 100), headers=headers)

    app = web.Application()
    app.router.add_get("/film.mp4", served.film)
    app.router.add_get("/no-cors.mp4", without_cors)
    app.router.add_get("/hls/{name}", served.segment)
    app.router.add_get("/bulk", served.bulk)
    app.router.add_get("/packed", packed)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield served
    await runner.cleanup()


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    """Record."""
    async with Recorder() as recorder:
        yield recorder


@pytest.fixture
async def player(recorder: Recorder) -> AsyncIterator[BrowserPlayer]:
    """Start a browser that fetches through the recorder."""
    async with BrowserPlayer(recorder) as player:
        yield player


@pytest.fixture
def source(server: Server) -> Source:
    """Return the film, to be played."""
    return Source(f"{server.url}/film.mp4", "video/mp4")


@pytest.fixture
async def client(recorder: Recorder) -> AsyncIterator[aiohttp.ClientSession]:
    """Fetch through the recorder by hand."""
    async with aiohttp.ClientSession(proxy=recorder.url, auto_decompress=False) as client:
        yield client


async def test_a_model_refuses_what_only_its_browser_plays(server: Server, recorder: Recorder, tmp_path: Path) -> None:
    server.path = tmp_path / "film.webm"
    picture = ("-f", "lavfi", "-i", "testsrc2=size=64x36:duration=1", "-pix_fmt", "yuv420p")
    await asyncio.to_thread(ffmpeg, *picture, "-c:v", "libvpx-vp9", "-deadline", "realtime", server.path)
    async with BrowserPlayer(recorder, model="Chromecast") as player:
        with pytest.raises(MediaError, match=r"Chromecast does not play .*vp9") as caught:
            await player.load(Source(f"{server.url}/film.mp4", "video/webm"))
        assert caught.value.code == 104
        assert len(player.beyond) == 1
        assert (await player.stats()).width == 64, "the browser does"


async def test_it_decodes_pictures_and_sound_in_real_time(player: BrowserPlayer, source: Source) -> None:
    await player.load(source)
    first = await player.next_frame()
    before = await player.stats()
    later = await player.frames_moving(25)
    after = await player.stats()

    assert after.decoded_frames - before.decoded_frames >= 20
    assert after.audio_bytes > before.audio_bytes
    assert (after.width, after.height) == (SHORT.width, SHORT.height)
    assert later.at - first.at == pytest.approx(later.media_time - first.media_time, abs=0.5)


async def test_the_picture_tells_the_time(player: BrowserPlayer, source: Source) -> None:
    await player.load(replace(source, start=7))
    frame = await player.frames_moving(near=7)

    assert frame.clock == pytest.approx(frame.media_time, abs=0.11)  # the clock's step is 0.1 s


async def test_frames_after_a_seek_are_those_of_the_new_place(player: BrowserPlayer, source: Source) -> None:
    await player.load(source)
    await player.frames_moving()

    landing = asyncio.create_task(player.frames_moving(near=16))
    await player.seek(16)

    assert (await landing).clock == pytest.approx(16, abs=1)


@pytest.fixture
async def playlists(server: Server, tmp_path: Path) -> Callable[[str], Source]:
    """Return what plays the film as HLS with lines of its own in German and English, beginning with those of one."""
    arguments = ("-c", "copy", "-f", "hls", "-hls_segment_type", "fmp4", "-hls_playlist_type", "vod")
    async with running("ffmpeg", "-v", "error", "-i", str(server.path), *arguments, str(tmp_path / "film.m3u8")) as one:
        assert await one.wait() == 0
    for language in ("de", "en"):
        line = f"WEBVTT\n\n00:00.000 --> 00:{SHORT.seconds}.000\n{language}\n"
        (tmp_path / f"{language}.vtt").write_text(line)
        head = f"#EXTM3U\n#EXT-X-TARGETDURATION:{SHORT.seconds}\n#EXT-X-PLAYLIST-TYPE:VOD\n"
        (tmp_path / f"{language}.m3u8").write_text(f"{head}#EXTINF:{SHORT.seconds},\n{language}.vtt\n#EXT-X-ENDLIST\n")
    server.playlists = tmp_path

    def beginning_with(shown: str) -> Source:
        media = (
            f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="t",NAME="{one}",LANGUAGE="{one}",AUTOSELECT=YES,'
            f'DEFAULT={"YES" if one == shown else "NO"},URI="{one}.m3u8"'
            for one in ("de", "en")
        )
        film = ('#EXT-X-STREAM-INF:BANDWIDTH=2000000,CLOSED-CAPTIONS=NONE,SUBTITLES="t"', "film.m3u8")
        (tmp_path / f"main-{shown}.m3u8").write_text("\n".join(["#EXTM3U", *media, *film, ""]))
        return Source(f"{server.url}/hls/main-{shown}.m3u8", "application/x-mpegurl", active=None)

    return beginning_with


async def test_lines_of_a_playlist_show_also_after_another_one_with_others(
    player: BrowserPlayer, playlists: Callable[[str], Source]
) -> None:
    async with asyncio.timeout(DEADLINE):
        for shown in ("de", "en", "en", "de") * 4:  # a race that was lost once in thirty times
            await player.load(playlists(shown))
            await player.line(beginning=shown)
            assert await player.cues() == [shown]


async def test_events_reach_python(player: BrowserPlayer, source: Source) -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()
    forget = player.listen(events.put_nowait)
    await player.load(replace(source, start=SHORT.seconds - 1))
    seen: list[Event] = []
    async with asyncio.timeout(DEADLINE):
        while not seen or not seen[-1].ended:
            seen.append(await events.get())
    forget()

    assert {"loadedmetadata", "seeking", "seeked", "playing", "timeupdate"} <= {event.type for event in seen}
    assert State.BUFFERING in {event.state for event in seen}
    assert State.PLAYING in {event.state for event in seen}


async def test_cors_is_real(player: BrowserPlayer, server: Server) -> None:
    with pytest.raises(MediaError):
        await player.load(Source(f"{server.url}/no-cors.mp4", "video/mp4"))


async def test_a_codec_it_does_not_have_is_an_error(player: BrowserPlayer, server: Server, tmp_path: Path) -> None:
    spoken = tmp_path / "ac3.mp4"
    async with running(
        "ffmpeg", "-v", "error", "-i", str(server.path), "-c:v", "copy", "-c:a", "ac3", str(spoken)
    ) as ac3:
        assert await ac3.wait() == 0
    server.path = spoken
    failed: asyncio.Queue[Event] = asyncio.Queue()
    player.listen(lambda event: failed.put_nowait(event) if event.error else None)

    await player.load(Source(f"{server.url}/film.mp4", "video/mp4"))

    async with asyncio.timeout(DEADLINE):
        assert (await failed.get()).code == 104


async def test_what_was_sent_is_what_is_in_the_file(
    player: BrowserPlayer, recorder: Recorder, server: Server, source: Source, tmp_path: Path
) -> None:
    await player.load(source)
    await player.frames_moving()
    await player.seek(15)
    await player.frames_moving(near=15)
    await player.stop()

    verdict = verify(recorder.exchanges, server.path)
    assert verdict
    assert verdict.bytes == sum(exchange.count for exchange in recorder.exchanges)
    assert all(exchange.is_media and exchange.range for exchange in recorder.exchanges)

    data = bytearray(server.path.read_bytes())
    data[100] ^= 1
    wrong = tmp_path / "wrong.mp4"
    wrong.write_bytes(data)
    assert not verify(recorder.exchanges, wrong)


async def test_a_range_is_compared_where_it_was(
    recorder: Recorder, client: aiohttp.ClientSession, server: Server
) -> None:
    async with client.get(f"{server.url}/film.mp4", headers={"Range": "bytes=1000-1999"}) as answer:
        body = await answer.read()

    (exchange,) = recorder.exchanges
    assert body == server.path.read_bytes()[1000:2000]
    assert (exchange.start, exchange.count, exchange.range) == (1000, 1000, "bytes=1000-1999")
    assert verify(recorder.exchanges, server.path)


async def test_answers_pass_unchanged(client: aiohttp.ClientSession, server: Server) -> None:
    async with client.get(f"{server.url}/packed") as answer:
        body = await answer.read()

    assert gzip.decompress(body) == b"abc" * 100
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["X-Mine"] == "1"


async def test_who_does_not_read_is_not_sent_more(
    client: aiohttp.ClientSession, server: Server, recorder: Recorder
) -> None:
    async with client.get(f"{server.url}/bulk") as slow:
        await slow.content.readexactly(1024)
        for _ in range(50):  # time enough for the bulk to run through, if it could
            async with client.get(f"{server.url}/film.mp4") as quick:
                await quick.read()
        assert server.written < BULK // 2
        slow.close()
        async with asyncio.timeout(DEADLINE):
            await server.left.wait()

    assert recorder.exchanges[0].count < BULK // 2
    assert not recorder.exchanges[0].complete


async def test_hosts_with_names_are_out_of_reach(client: aiohttp.ClientSession, recorder: Recorder) -> None:
    async with client.get("http://example.com/") as answer:
        assert answer.status == 403
    assert recorder.exchanges == []


async def test_nothing_is_left_behind() -> None:
    async with BrowserPlayer() as player:
        assert player.version.startswith("Chrome/")
        profile = Path(player._chromium.profile)
        assert _users(profile)

    assert not _is_there(profile)
    assert not _users(profile)


def _is_there(profile: Path) -> bool:
    return profile.exists()


def _users(profile: Path) -> list[str]:
    """Return the ids of the processes that were started for `profile`."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and str(profile).encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
        except OSError:  # it ended meanwhile
            continue
    return found
