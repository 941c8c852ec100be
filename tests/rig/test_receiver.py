"""The receiver behaves to senders as Cast devices do; the sender is pychromecast, as in Home Assistant."""

import asyncio
import ssl
import threading
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pychromecast
import pytest
import pytest_socket
from aiohttp import web
from pychromecast.controllers.media import DefaultMediaReceiverController, MediaStatus, MediaStatusListener
from pychromecast.controllers.receiver import CastStatus, CastStatusListener

from . import castv2
from .browser import BrowserPlayer
from .castv2 import CONNECTION, MEDIA, PLATFORM, RECEIVER, Envelope, Json
from .films import SHORT, film
from .player import State
from .receiver import BACKDROP, CAST_PORT, DEFAULT_MEDIA_RECEIVER, YOUTUBE, Receiver, own_host

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

HOST = own_host()
DEADLINE = 30  # s, only so that what hangs fails instead
CUES = "WEBVTT\n\n00:00.000 --> 01:00.000\nGood evening\n"


@pytest.fixture(autouse=True)
def sockets(socket_enabled: None) -> None:  # noqa: ARG001  # it has to run before
    """Open loopback, the receiver's own address too."""
    pytest_socket.socket_allow_hosts(["127.0.0.0/8"], allow_unix_socket=True)


@dataclass
class Films:
    """A server of films, on another origin than the player's page."""

    url: str = ""
    requests: list[str] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def film(self) -> str:
        """Return the URL of the short film, with a clock in the picture."""
        return f"{self.url}/film.mp4"


@pytest.fixture
async def films() -> AsyncIterator[Films]:
    """Serve the short film, and things that go wrong."""
    served, path = Films(), await film(SHORT)

    async def get(request: web.Request) -> web.StreamResponse:
        served.requests.append(request.path_qs)
        return await _answer(request.match_info["name"], path, served)

    app = web.Application()
    app.router.add_get("/{name}", get)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield served
    served.released.set()
    await runner.cleanup()


async def _answer(name: str, path: Path, served: Films) -> web.StreamResponse:
    cors = {"Access-Control-Allow-Origin": "*"}
    match name:
        case "film.mp4":
            return web.FileResponse(path, headers=cors)
        case "never.mp4":
            await served.released.wait()
        case "cues.vtt":
            return web.Response(text=CUES, content_type="text/vtt", headers=cors)
        case "no-cors.vtt":
            return web.Response(text=CUES, content_type="text/vtt")
    return web.Response(status=404, headers=cors)


class Sender(MediaStatusListener, CastStatusListener):
    """What Home Assistant has of a device; pychromecast's threads on one side, the test's loop on the other."""

    def __init__(self, chromecast: pychromecast.Chromecast) -> None:
        """Listen to `chromecast`."""
        self.chromecast = chromecast
        self.seen: list[tuple[str, str | None]] = []
        """(playerState, idleReason) of every MEDIA_STATUS."""
        self.failures: list[int] = []
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        chromecast.media_controller.register_status_listener(self)
        chromecast.register_status_listener(self)

    @property
    def media(self) -> MediaStatus:
        """Return what the sender believes of the media."""
        return self.chromecast.media_controller.status

    def new_media_status(self, status: MediaStatus) -> None:
        """Note a MEDIA_STATUS."""
        self.seen.append((status.player_state, copy(status).idle_reason))
        self._loop.call_soon_threadsafe(self._changed.set)

    def load_media_failed(self, queue_item_id: int, error_code: int) -> None:
        """Note a LOAD_FAILED."""
        del queue_item_id
        self.failures.append(error_code)
        self._loop.call_soon_threadsafe(self._changed.set)

    def new_cast_status(self, status: CastStatus) -> None:
        """Note a RECEIVER_STATUS."""
        del status
        self._loop.call_soon_threadsafe(self._changed.set)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until what the sender knows fulfils `condition`."""
        async with asyncio.timeout(DEADLINE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def load(self, url: str, content_type: str = "video/mp4", **fields: Any) -> Json:  # noqa: ANN401  # passed on as they are
        """Send LOAD, return the answer."""
        return await asyncio.to_thread(self._load, url, content_type, **fields)

    def _load(self, url: str, content_type: str, **fields: Any) -> Json:  # noqa: ANN401  # play_media's own
        answers: list[Json] = []
        answered = threading.Event()

        def callback(sent: bool, answer: Json | None) -> None:  # pychromecast's
            answers.append({"sent": sent, **(answer or {})})
            answered.set()

        controller = DefaultMediaReceiverController()
        self.chromecast.register_handler(controller)
        try:
            controller.play_media(url, content_type, stream_type="BUFFERED", callback_function=callback, **fields)
            assert answered.wait(DEADLINE)
        finally:
            self.chromecast.unregister_handler(controller)
        return answers[0]


@asynccontextmanager
async def _sender(receiver: Receiver) -> AsyncIterator[Sender]:
    """Connect as Home Assistant does to a known host."""

    def connect() -> pychromecast.Chromecast:
        host = (receiver.host, CAST_PORT, receiver.uuid, receiver.model, receiver.name)
        chromecast = pychromecast.get_chromecast_from_host(host, retry_wait=0.1)
        chromecast.wait(DEADLINE)
        return chromecast

    sender = Sender(await asyncio.to_thread(connect))
    try:
        yield sender
    finally:
        await asyncio.to_thread(sender.chromecast.disconnect, DEADLINE)


@pytest.fixture
async def player() -> AsyncIterator[BrowserPlayer]:
    """Start a browser."""
    async with BrowserPlayer() as player:
        yield player


@pytest.fixture
async def receiver(player: BrowserPlayer) -> AsyncIterator[Receiver]:
    """Switch on a receiver that plays."""
    async with Receiver(HOST, player=player) as receiver:
        yield receiver


@pytest.fixture
async def sender(receiver: Receiver) -> AsyncIterator[Sender]:
    """Connect to the receiver that plays."""
    async with _sender(receiver) as sender:
        yield sender


@pytest.fixture
async def dead() -> AsyncIterator[Receiver]:
    """Switch on a receiver whose player is off."""
    async with Receiver(HOST) as receiver:
        yield receiver


async def _reaches(receiver: Receiver, *states: State) -> None:
    async with asyncio.timeout(DEADLINE):
        await receiver.reaches(*states)


async def test_a_known_host_tells_who_it_is(dead: Receiver) -> None:
    info = await asyncio.to_thread(pychromecast.dial.get_device_info, HOST)

    assert info is not None
    assert (info.friendly_name, info.model_name, info.uuid) == ("Rig TV", "Chromecast", dead.uuid)


async def test_an_idle_receiver_shows_the_backdrop(dead: Receiver) -> None:
    async with _sender(dead) as sender:
        assert sender.chromecast.is_idle
        assert sender.chromecast.app_id == BACKDROP


async def test_load_plays_pictures_and_sound(
    receiver: Receiver, player: BrowserPlayer, sender: Sender, films: Films
) -> None:
    answer = await sender.load(films.film, title="Short")
    await _reaches(receiver, State.PLAYING)
    before = await player.stats()
    await player.frames_moving(10)
    after = await player.stats()

    assert answer["type"] == "MEDIA_STATUS"
    assert after.decoded_frames > before.decoded_frames > 0
    assert after.audio_bytes > before.audio_bytes > 0
    await sender.until(lambda: sender.media.player_state == "PLAYING")
    assert sender.media.duration == pytest.approx(SHORT.seconds, abs=0.1)
    assert sender.media.title == "Short"
    assert receiver.loads[0]["media"]["contentId"] == films.film


async def test_content_url_goes_before_content_id(receiver: Receiver, sender: Sender, films: Films) -> None:
    await sender.load("torrent-cast:1", media_info={"contentUrl": films.film})
    await _reaches(receiver, State.PLAYING)

    await sender.until(lambda: sender.media.content_id == "torrent-cast:1")


async def test_load_begins_where_it_is_told_to(player: BrowserPlayer, sender: Sender, films: Films) -> None:
    await sender.load(films.film, current_time=12)
    frame = await player.frames_moving()

    assert frame.clock == pytest.approx(12, abs=1)


async def test_load_without_autoplay_waits(receiver: Receiver, sender: Sender, films: Films) -> None:
    await sender.load(films.film, autoplay=False)
    await _reaches(receiver, State.PAUSED)

    assert State.PLAYING not in [state for state, _ in sender.seen]


async def test_seek_buffers_at_once_then_lands(
    receiver: Receiver, player: BrowserPlayer, sender: Sender, films: Films
) -> None:
    await sender.load(films.film)
    await sender.until(lambda: sender.media.player_state == "PLAYING")
    del sender.seen[:]

    landing = asyncio.create_task(player.frames_moving(near=15))
    await asyncio.to_thread(sender.chromecast.media_controller.seek, 15)
    frame = await landing

    await sender.until(lambda: sender.media.player_state == "PLAYING" and len(sender.seen) > 1)
    assert sender.seen[0][0] == "BUFFERING"
    assert frame.clock == pytest.approx(15, abs=1)
    assert receiver.seeks[0]["currentTime"] == 15


async def test_pause_and_play(receiver: Receiver, player: BrowserPlayer, sender: Sender, films: Films) -> None:
    await sender.load(films.film)
    await _reaches(receiver, State.PLAYING)

    await asyncio.to_thread(sender.chromecast.media_controller.pause)
    await _reaches(receiver, State.PAUSED)
    assert (await player.stats()).paused

    await asyncio.to_thread(sender.chromecast.media_controller.play)
    await player.frames_moving()
    await _reaches(receiver, State.PLAYING)


async def test_the_end_is_finished(receiver: Receiver, sender: Sender, films: Films) -> None:
    await sender.load(films.film, current_time=SHORT.seconds - 1)
    await _reaches(receiver, State.PLAYING)

    await sender.until(lambda: ("IDLE", "FINISHED") in sender.seen)
    assert receiver.state is State.IDLE


async def test_stop_is_cancelled(receiver: Receiver, sender: Sender, films: Films) -> None:
    await sender.load(films.film)
    await asyncio.to_thread(sender.chromecast.media_controller.stop)

    await sender.until(lambda: ("IDLE", "CANCELLED") in sender.seen)
    assert receiver.state is State.IDLE


async def test_a_queue_goes_on_with_the_next(receiver: Receiver, sender: Sender, films: Films) -> None:
    await sender.load(films.film + "?1", current_time=SHORT.seconds - 1)
    await sender.load(films.film + "?2", enqueue=True)

    await sender.until(lambda: sender.media.content_id == films.film + "?2" and sender.media.player_state == "PLAYING")
    assert receiver.state is State.PLAYING


@pytest.mark.usefixtures("receiver")
async def test_a_url_that_is_not_there_fails(sender: Sender, films: Films) -> None:
    answer = await sender.load(f"{films.url}/missing.mp4")

    assert (answer["type"], answer["detailedErrorCode"]) == ("LOAD_FAILED", 104)
    await sender.until(lambda: sender.failures == [104])
    assert ("IDLE", "ERROR") in sender.seen


@pytest.mark.usefixtures("receiver")
async def test_what_a_device_does_not_list_fails_unasked(sender: Sender, films: Films) -> None:
    answer = await sender.load(films.film, "video/x-matroska")

    assert (answer["type"], answer["detailedErrorCode"]) == ("LOAD_FAILED", 104)
    assert films.requests == []


async def test_a_receiver_told_to_refuse_fails(receiver: Receiver, sender: Sender, films: Films) -> None:
    receiver.refuse = True

    assert (await sender.load(films.film))["type"] == "LOAD_FAILED"


async def test_a_load_cancels_the_one_in_progress(receiver: Receiver, sender: Sender, films: Films) -> None:
    first = asyncio.create_task(sender.load(f"{films.url}/never.mp4"))
    await _reaches(receiver, State.LOADING)
    second = await sender.load(films.film)

    assert (await first)["type"] == "LOAD_CANCELLED"
    assert second["type"] == "MEDIA_STATUS"
    await _reaches(receiver, State.PLAYING)


async def test_subtitles_show(receiver: Receiver, player: BrowserPlayer, sender: Sender, films: Films) -> None:
    await sender.load(films.film, subtitles=f"{films.url}/cues.vtt")
    await _reaches(receiver, State.PLAYING)
    assert await player.cues() == ["Good evening"]

    await asyncio.to_thread(sender.chromecast.media_controller.disable_subtitle)
    assert await player.cues() == []


@pytest.mark.usefixtures("receiver")
async def test_subtitles_without_cors_fail(sender: Sender, films: Films) -> None:
    assert (await sender.load(films.film, subtitles=f"{films.url}/no-cors.vtt"))["type"] == "LOAD_FAILED"


async def test_with_the_player_off_nothing_is_fetched(dead: Receiver, films: Films) -> None:
    async with _sender(dead) as sender:
        answer = await sender.load(films.film)
        await sender.until(lambda: sender.media.player_state == "BUFFERING")

    assert answer["type"] == "MEDIA_STATUS"
    assert films.requests == []
    assert (await dead.player.stats()).decoded_frames == 0


async def test_a_restart_forgets_everything_and_senders_come_back(
    receiver: Receiver, player: BrowserPlayer, sender: Sender, films: Films
) -> None:
    await sender.load(films.film)
    await _reaches(receiver, State.PLAYING)

    await receiver.restart()

    await sender.until(lambda: sender.chromecast.app_id == BACKDROP)
    assert receiver.state is State.IDLE
    assert (await player.stats()).ready_state == 0
    assert (await sender.load(films.film))["type"] == "MEDIA_STATUS"


async def test_another_app_takes_over(receiver: Receiver, sender: Sender, films: Films) -> None:
    await sender.load(films.film)
    await _reaches(receiver, State.PLAYING)

    await receiver.take_over(YOUTUBE)

    await sender.until(lambda: sender.chromecast.app_id == YOUTUBE)
    await sender.until(lambda: sender.media.media_session_id is None)
    assert receiver.state is State.IDLE


async def test_another_sender_loads_into_the_same_app(receiver: Receiver, sender: Sender, films: Films) -> None:
    await sender.load(films.film)
    await _reaches(receiver, State.PLAYING)

    await receiver.load_by_other({"contentId": films.film + "?other", "contentType": "video/mp4"})

    await sender.until(lambda: sender.media.content_id == films.film + "?other")
    assert ("IDLE", "INTERRUPTED") in sender.seen
    assert sender.chromecast.app_id == DEFAULT_MEDIA_RECEIVER


async def test_senders_see_what_another_does(receiver: Receiver, sender: Sender, films: Films) -> None:
    async with _sender(receiver) as other:
        await sender.load(films.film)
        await other.until(lambda: other.media.player_state == "PLAYING")
        await asyncio.to_thread(other.chromecast.media_controller.pause)
        await sender.until(lambda: sender.media.player_state == "PAUSED")
        await asyncio.to_thread(other.chromecast.set_volume, 0.25)
        await sender.until(lambda: sender.chromecast.status and sender.chromecast.status.volume_level == 0.25)

    # and that one of them is gone disturbs nobody
    await asyncio.to_thread(sender.chromecast.media_controller.play)
    await _reaches(receiver, State.PLAYING)


@asynccontextmanager
async def _raw(*channels: str) -> AsyncIterator[Callable[[str, str, Json], Any]]:
    """Talk CASTV2 by hand; gives a function that sends one message and returns the next one that comes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(HOST, CAST_PORT, ssl=context)

    async def ask(destination: str, namespace: str, payload: Json) -> Json:
        writer.write(Envelope("sender-1", destination, namespace, payload).encode())
        return (await castv2.read(reader)).payload

    for channel in channels:
        writer.write(Envelope("sender-1", channel, CONNECTION, {"type": "CONNECT"}).encode())
    try:
        yield ask
    finally:
        writer.transport.abort()


@pytest.mark.usefixtures("dead")
async def test_who_did_not_connect_is_closed() -> None:
    async with _raw() as ask:
        assert (await ask(PLATFORM, RECEIVER, {"type": "GET_STATUS", "requestId": 1}))["type"] == "CLOSE"


@pytest.mark.usefixtures("dead")
async def test_apps_that_are_not_there_do_not_launch() -> None:
    async with _raw(PLATFORM) as ask:
        answer = await ask(PLATFORM, RECEIVER, {"type": "LAUNCH", "appId": "NONSENSE", "requestId": 7})
        known = await ask(
            PLATFORM, RECEIVER, {"type": "GET_APP_AVAILABILITY", "appId": [DEFAULT_MEDIA_RECEIVER, "NONSENSE"]}
        )

    assert answer == {"type": "LAUNCH_ERROR", "reason": "NOT_FOUND", "requestId": 7}
    assert known["availability"] == {DEFAULT_MEDIA_RECEIVER: "APP_AVAILABLE", "NONSENSE": "APP_UNAVAILABLE"}


async def test_commands_need_a_media_session_and_the_right_one(dead: Receiver) -> None:
    async with _raw(PLATFORM) as ask:
        status = await ask(PLATFORM, RECEIVER, {"type": "LAUNCH", "appId": DEFAULT_MEDIA_RECEIVER})
        app = status["status"]["applications"][0]["transportId"]
        async with _raw(app) as ask_app:
            nothing = await ask_app(app, MEDIA, {"type": "PAUSE", "mediaSessionId": 1, "requestId": 2})
            await dead.load_by_other({"contentId": "http://127.0.0.1/", "contentType": "video/mp4"})
            await ask_app(app, MEDIA, {"type": "GET_STATUS", "requestId": 3})
            await _reaches(dead, State.BUFFERING)
        async with _raw(app) as ask_app:
            wrong = await ask_app(app, MEDIA, {"type": "PAUSE", "mediaSessionId": 99, "requestId": 4})

    assert nothing == {"type": "INVALID_PLAYER_STATE", "requestId": 2}
    assert wrong == {"type": "INVALID_REQUEST", "reason": "INVALID_MEDIA_SESSION_ID", "requestId": 4}
