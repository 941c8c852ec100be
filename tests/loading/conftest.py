"""A Cast device without a network, and what plays the film on it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import pytest
from homeassistant.components.media_player import DOMAIN as MEDIA_PLAYER
from homeassistant.const import SERVICE_MEDIA_STOP
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError
from pychromecast import APP_MEDIA_RECEIVER
from pychromecast.const import CAST_TYPE_CHROMECAST
from pychromecast.controllers.media import MediaStatus
from pychromecast.controllers.receiver import CastStatus

from custom_components.torrent_cast import cast, loading
from custom_components.torrent_cast.playback import Playback, Queue, Session, State
from tests.conftest import PATIENCE, Seed, Television, soon

HERE = "http://192.0.2.1:8123"
TAKEN: dict[str, Any] = {"type": "MEDIA_STATUS"}
REFUSED: dict[str, Any] = {"type": "LOAD_FAILED", "detailedErrorCode": 104}


@dataclass
class Answer:
    """What the device does with one LOAD: whether it gets there, what is replied and when, and whether it asks."""

    reply: dict[str, Any] | None
    asks: bool = True
    comes: bool = True


class FakeChromecast:
    """pychromecast's side: sends nothing, and calls back on a thread of its own as pychromecast does."""

    def __init__(self, hass: HomeAssistant, *answers: Answer | Exception) -> None:
        self.name = "TV"
        self.model_name = "Chromecast"
        self.cast_type = CAST_TYPE_CHROMECAST
        self.uuid = uuid4()
        self.socket_client = Mock(is_connected=True, host="192.0.2.7", session_id="first run of the app")
        self.media_controller = Mock(status=MediaStatus(), is_active=True)
        self.media_controller.status.media_session_id = 1
        self.media_controller.send_message = Mock(side_effect=AssertionError("launches the app"))
        self.media_controller.send_message_nocheck = self._send_message
        self.sent: list[dict[str, Any]] = []
        self.loses = 0  # messages on their way to it
        self.is_quick = True  # to tell of itself when it is connected
        self.has_queue = True
        self.items: list[dict[str, Any]] = []  # of its own queue
        self._current = 0
        self._numbers = count(6)
        self.is_slow = False  # keeps its answers until `answers_at_last`
        self._unanswered: list[Callable[[], None]] = []
        self.loads: list[tuple[str, dict[str, Any]]] = []
        self.session: Session | None = None
        self.watcher: Any = None
        self._hass = hass
        self._answers = list(answers)

    def register_status_listener(self, watcher: object) -> None:
        """Keep whom to tell."""
        self.watcher = watcher

    def register_connection_listener(self, watcher: object) -> None:
        """Know whom to tell already."""

    def register_handler(self, controller: Any) -> None:  # noqa: ANN401  # pychromecast's
        """Take what the controller would send."""
        controller.play_media = self._play_media

    def unregister_handler(self, controller: object) -> None:
        """Forget it."""

    def _play_media(
        self,
        content_id: str,
        _type: str,
        *,
        media_info: dict[str, Any],
        callback_function: Callable[..., None],
        **_fields: object,
    ) -> None:
        self.loads.append((content_id, media_info))
        if self.status is None:
            return  # it drops what comes before its channel is open
        self.items = [self.item(content_id)]
        self._current = self.items[0]["itemId"]
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if not answer.comes:
            return
        if answer.asks and self.session is not None:
            self._hass.loop.call_soon_threadsafe(self.session.requested.set)
        callback_function(answer.reply is not None, answer.reply)
        if answer.reply is None:
            self.connects_anew()

    def _send_message(
        self, message: dict[str, Any], *, inc_session_id: bool, callback_function: Callable[..., None]
    ) -> None:
        assert inc_session_id
        if self.loses:
            self.loses -= 1
            callback_function(False, None)  # noqa: FBT003  # as pychromecast does
            return
        self.sent.append(message)
        self.items += [{"itemId": next(self._numbers), **item} for item in message.get("items", ())]
        self.items = [item for item in self.items if item["itemId"] not in message.get("itemIds", ())]
        status = {"currentItemId": self._current, "items": list(self.items)}
        answer = TAKEN | {"status": [status]} if self.has_queue else {"type": "INVALID_REQUEST"}
        self._unanswered.append(partial(callback_function, True, answer))  # noqa: FBT003  # as pychromecast does
        if not self.is_slow:
            self.answers_at_last()

    @property
    def status(self) -> CastStatus | None:
        """Return what it has told of itself since it was connected."""
        status: CastStatus | None = self.socket_client.receiver_controller.status
        return status

    @status.setter
    def status(self, status: CastStatus | None) -> None:
        self.socket_client.receiver_controller.status = status

    def connects_anew(self) -> None:
        """Say so, and tell of itself if it is quick."""
        self.status = None
        self.watcher.new_connection_status(Mock(status="CONNECTED"))
        if self.is_quick:
            self.tells_of_itself()

    def tells_of_itself(self) -> None:
        """Answer what pychromecast asks first."""
        self.status = Mock(app_id=APP_MEDIA_RECEIVER)
        self.watcher.new_cast_status(self.status)

    def item(self, content_id: str) -> dict[str, Any]:
        """Return an item as its queue has them, with a number of its own."""
        return {"itemId": next(self._numbers), "media": {"contentId": content_id}}

    @property
    def told(self) -> list[str]:
        """Return what it was told, in one word each."""
        return [message["type"] for message in self.sent]

    @property
    def inserted(self) -> list[str]:
        """Return the content ids of what was put into its own queue."""
        return [item["media"]["contentId"] for message in self.sent for item in message.get("items", ())]

    def answers_at_last(self) -> None:
        """Answer what is not answered yet."""
        while self._unanswered:
            self._unanswered.pop()()

    def tells(self, state: str, *, idle: str | None = None, content_id: str | None = None, at: float = 1.0) -> None:
        """Send a media status."""
        shown = content_id if content_id is not None else self.loads[-1][0]
        known = (item["itemId"] for item in self.items if item["media"]["contentId"] == shown)
        self._current = next(known, self._current)
        self.watcher.new_media_status(Mock(content_id=shown, player_state=state, idle_reason=idle, current_time=at))


@pytest.fixture(autouse=True)
def reachable(playback: Playback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an address, and devices that were never seen before."""
    playback.apply(replace(playback.settings, base_url=HERE))
    monkeypatch.setattr(loading, "_needs_plain_url", set())


@pytest.fixture
async def play(
    hass: HomeAssistant, playback: Playback, film: Seed, tv: Television
) -> AsyncIterator[Callable[..., Any]]:
    """Return what has a device play the film, or that of another `source`."""

    async def play(device: FakeChromecast, source: Seed = film, **asked: Any) -> Session:  # noqa: ANN401  # a session's
        session = device.session = playback.start_session(await playback.parse(source.magnet), **asked)
        assert await soon(cast.async_play_media(hass, tv.entity_id, device, "video", session.content_id))  # type: ignore[arg-type]  # what is used of it
        return session

    yield play
    for session in playback.sessions:
        session.end()


type Playing = tuple[FakeChromecast, Session]
"""A device, and the film that plays on it."""

type Handed = tuple[FakeChromecast, Session, Session]
"""A device, the film that plays on it, and the one that it has in its own queue."""


@pytest.fixture
async def playing(hass: HomeAssistant, play: Callable[..., Any]) -> Playing:
    """Return a device and the film that plays on it."""
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    device.tells("PLAYING")
    await hass.async_block_till_done()
    assert session.state is State.PLAYING
    return device, session


@pytest.fixture
def queue(playback: Playback, tv: Television) -> Queue:
    """Return what the device is to play next."""
    return playback.queue(tv.entity_id)


class SlowLine:
    """Holds back what is written to a device until it `goes`, and notes what reaches that in which order."""

    def __init__(self, hass: HomeAssistant, device: FakeChromecast) -> None:
        self.told: list[str] = []
        self.begun = asyncio.Event()
        self.goes = threading.Event()
        self._loop = hass.loop
        self._send = device.media_controller.send_message_nocheck
        device.media_controller.send_message_nocheck = self._write
        hass.services.async_register(MEDIA_PLAYER, SERVICE_MEDIA_STOP, self._stop)

    def _write(self, message: dict[str, Any], **how: Any) -> None:  # noqa: ANN401  # pychromecast's
        self._loop.call_soon_threadsafe(self.begun.set)
        assert self.goes.wait(PATIENCE)
        self.told.append(message["type"])
        self._send(message, **how)

    async def _stop(self, _call: ServiceCall) -> None:
        self.told.append("STOP")


@pytest.fixture
def slow_line(hass: HomeAssistant) -> Iterator[Callable[[FakeChromecast], SlowLine]]:
    """Return what puts a slow line before a device."""
    lines: list[SlowLine] = []

    def make(device: FakeChromecast) -> SlowLine:
        lines.append(SlowLine(hass, device))
        return lines[-1]

    yield make
    for line in lines:
        line.goes.set()


def ready_in(queue: Queue) -> Session:
    """Return what is ready to come next."""
    assert queue.ready is not None
    return queue.ready


async def refusal(play: Callable[..., Any], device: FakeChromecast) -> str:
    """Return the key of the error of a play that is to fail, which has ended its session."""
    with pytest.raises(HomeAssistantError) as caught:
        await play(device)
    assert device.session is not None
    assert device.session.is_over
    return str(caught.value.translation_key)
