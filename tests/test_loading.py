"""What a Cast device is told and what it may answer; how it looks on a receiver is in tests/e2e."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from pychromecast.const import CAST_TYPE_AUDIO, CAST_TYPE_CHROMECAST
from pychromecast.controllers.media import MediaStatus
from pychromecast.error import PyChromecastError

from custom_components.torrent_cast import cast, loading
from custom_components.torrent_cast.playback import (
    Enqueue,
    NoSuchTrack,
    Playback,
    Queued,
    Session,
    State,
    Track,
    Wishes,
    following,
)
from custom_components.torrent_cast.playing import stop_on
from tests.conftest import FILM_SECONDS, PATIENCE, Seed, Television, soon, until
from tests.media.conftest import ffmpeg

HERE = "http://192.0.2.1:8123"
TAKEN: dict[str, Any] = {"type": "MEDIA_STATUS"}
REFUSED: dict[str, Any] = {"type": "LOAD_FAILED", "detailedErrorCode": 104}


@dataclass
class Answer:
    """What the device does with one LOAD: whether it gets there, what is replied, and whether it asks for the film."""

    reply: dict[str, Any] | None
    asks: bool = True


class FakeChromecast:
    """pychromecast's side: sends nothing, and calls back on a thread of its own as pychromecast does."""

    def __init__(self, hass: HomeAssistant, *answers: Answer | Exception) -> None:
        self.name = "TV"
        self.model_name = "Chromecast"
        self.cast_type = CAST_TYPE_CHROMECAST
        self.uuid = uuid4()
        self.socket_client = Mock(is_connected=True, host="192.0.2.7")
        self.media_controller = Mock(status=MediaStatus())
        self.media_controller.send_message = self._send_message
        self.sent: list[dict[str, Any]] = []
        self.has_queue = True
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
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if answer.asks and self.session is not None:
            self._hass.loop.call_soon_threadsafe(self.session.requested.set)
        callback_function(answer.reply is not None, answer.reply)
        if answer.reply is None:
            self.watcher.new_connection_status(Mock(status="CONNECTED"))

    def _send_message(
        self, message: dict[str, Any], *, inc_session_id: bool, callback_function: Callable[..., None]
    ) -> None:
        assert inc_session_id
        self.sent.append(message)
        items = [{"itemId": 7 + number, **item} for number, item in enumerate(message.get("items", ()))]
        answer = TAKEN | {"status": [{"items": items}]} if self.has_queue else {"type": "INVALID_REQUEST"}
        self._unanswered.append(partial(callback_function, True, answer))  # noqa: FBT003  # as pychromecast does
        if not self.is_slow:
            self.answers_at_last()

    def answers_at_last(self) -> None:
        """Answer what is not answered yet."""
        while self._unanswered:
            self._unanswered.pop()()

    def tells(self, state: str, *, idle: str | None = None, content_id: str | None = None, at: float = 1.0) -> None:
        """Send a media status."""
        shown = content_id if content_id is not None else self.loads[-1][0]
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
    """Return what has a device play the film."""

    async def play(device: FakeChromecast, **asked: Any) -> Session:  # noqa: ANN401  # a session's
        session = device.session = playback.start_session(await playback.parse(film.magnet), **asked)
        assert await soon(cast.async_play_media(hass, tv.entity_id, device, "video", session.content_id))  # type: ignore[arg-type]  # what is used of it
        return session

    yield play
    for session in playback.sessions:
        session.end()


async def refusal(play: Callable[..., Any], device: FakeChromecast) -> str:
    """Return the key of the error of a play that is to fail, which has ended its session."""
    with pytest.raises(HomeAssistantError) as caught:
        await play(device)
    assert device.session is not None
    assert device.session.is_over
    return str(caught.value.translation_key)


# --- LOAD ------------------------------------------------------------------------------------------------------------


async def test_a_device_is_told_the_address_and_shows_an_id(hass: HomeAssistant, play: Callable[..., Any]) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    ((content_id, info),) = device.loads
    assert content_id == session.content_id
    assert info["contentUrl"].startswith(f"{HERE}/api/torrent_cast/{session.token}/")
    assert info["duration"] == pytest.approx(12, abs=0.2)
    assert session.was_loaded


async def test_a_device_that_does_not_know_addresses_beside_ids_gets_them_as_ids_from_then_on(
    hass: HomeAssistant, play: Callable[..., Any]
) -> None:
    device = FakeChromecast(hass, Answer(REFUSED, asks=False), Answer(TAKEN), Answer(TAKEN))
    for _ in range(2):
        await play(device)
    assert [content_id.startswith(HERE) for content_id, _ in device.loads] == [False, True, True]


@pytest.mark.parametrize(
    ("answers", "key"),
    [
        ([Answer(REFUSED)], "load_refused"),
        ([Answer(REFUSED, asks=False), Answer(REFUSED, asks=False)], "load_refused"),
        ([Answer({"type": "LOAD_CANCELLED"})], "session_ended"),
        ([PyChromecastError("gone")], "device_unavailable"),
        ([Answer(None), PyChromecastError("gone")], "device_unavailable"),
    ],
)
async def test_what_a_device_does_not_take_is_an_error(
    hass: HomeAssistant, play: Callable[..., Any], answers: list[Answer | Exception], key: str
) -> None:
    assert await refusal(play, FakeChromecast(hass, *answers)) == key


async def test_a_message_that_got_lost_is_sent_again(hass: HomeAssistant, play: Callable[..., Any]) -> None:
    device = FakeChromecast(hass, Answer(None, asks=False), Answer(TAKEN))
    await play(device)
    assert len(device.loads) == 2


async def test_a_device_that_never_asks_cannot_reach_us(
    hass: HomeAssistant, play: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "REQUEST_TIMEOUT", 0.05)
    assert await refusal(play, FakeChromecast(hass, Answer(TAKEN, asks=False))) == "no_request"


async def test_a_device_out_of_reach_and_one_without_a_screen_are_not_asked(
    hass: HomeAssistant, play: Callable[..., Any]
) -> None:
    away, speaker = FakeChromecast(hass), FakeChromecast(hass)
    away.socket_client.is_connected = False
    speaker.cast_type = CAST_TYPE_AUDIO
    assert (await refusal(play, away), await refusal(play, speaker)) == ("device_unavailable", "speaker")


async def test_a_magnet_link_makes_its_own_session(
    hass: HomeAssistant, playback: Playback, play: Callable[..., Any], film: Seed, tv: Television
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    work = hass.async_create_task(cast.async_play_media(hass, tv.entity_id, device, "video", film.magnet))  # type: ignore[arg-type]  # likewise
    await until(lambda: playback.sessions)
    (device.session,) = playback.sessions
    assert await soon(work)
    assert device.session.target == tv.entity_id
    assert not await cast.async_play_media(hass, tv.entity_id, device, "video", "http://other.example/film.mp4")  # type: ignore[arg-type]  # likewise


# --- what it says afterwards -----------------------------------------------------------------------------------------


async def test_a_session_follows_its_device(hass: HomeAssistant, play: Callable[..., Any]) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    for said, state in (
        ("PLAYING", State.PLAYING),
        ("PAUSED", State.PAUSED),
        ("PLAYING", State.PLAYING),
        ("BUFFERING", State.STALLED),
        ("IDLE", State.STALLED),  # without a reason it is between two things
    ):
        device.tells(said)
        await hass.async_block_till_done()
        assert session.state is state
    device.watcher.load_media_failed(1, 104)  # the reply to LOAD tells it
    device.watcher.new_cast_status(Mock(app_id="CC1AD845"))
    await hass.async_block_till_done()
    assert not session.is_over


@pytest.mark.parametrize(("reason", "state"), [("FINISHED", State.FINISHED), ("CANCELLED", State.STOPPED)])
async def test_a_session_ends_with_the_film(
    hass: HomeAssistant, play: Callable[..., Any], reason: str, state: State
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    device.tells("PLAYING")
    device.tells("IDLE", idle=reason)
    await hass.async_block_till_done()
    assert session.state is state


async def test_another_film_and_another_app_end_a_session(hass: HomeAssistant, play: Callable[..., Any]) -> None:
    device = FakeChromecast(hass, Answer(TAKEN), Answer(TAKEN))
    first = await play(device)
    device.tells("PLAYING", content_id="http://other.example/film.mp4")
    await hass.async_block_till_done()
    assert first.state is State.STOPPED
    second = await play(device)
    device.watcher.new_cast_status(Mock(app_id="E8C28D3C"))
    await hass.async_block_till_done()
    assert second.state is State.STOPPED


def _has_loaded(device: FakeChromecast, session: Session, loads: int) -> bool:
    return len(device.loads) == loads and session.was_loaded


async def test_a_stream_that_breaks_off_is_loaded_again_three_times(
    hass: HomeAssistant, play: Callable[..., Any]
) -> None:
    device = FakeChromecast(hass, *[Answer(TAKEN)] * 4)
    session = await play(device)
    for loads in (2, 3, 4):
        device.tells("PLAYING", at=3.0)
        device.tells("IDLE", idle="ERROR")
        await until(partial(_has_loaded, device, session, loads))
    device.tells("PLAYING", at=3.0)
    device.tells("IDLE", idle="ERROR")
    await until(lambda: session.is_over)
    assert session.state is State.FAILED


async def test_a_device_that_is_out_of_reach_is_waited_for(hass: HomeAssistant, play: Callable[..., Any]) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    device.watcher.new_connection_status(Mock(status="LOST"))
    await until(lambda: session.disconnected_since is not None)
    device.watcher.new_connection_status(Mock(status="CONNECTED"))
    await until(lambda: session.disconnected_since is None)


async def out_of_reach(play: Callable[..., Any], device: FakeChromecast) -> Session:
    """Return what plays on a device whose connection is lost."""
    session: Session = await play(device)
    device.tells("PLAYING")
    device.watcher.new_connection_status(Mock(status="LOST"))
    await until(lambda: session.disconnected_since is not None)
    return session


async def test_where_the_device_has_a_new_connection_its_entity_tells(
    hass: HomeAssistant, play: Callable[..., Any], tv: Television
) -> None:
    session = await out_of_reach(play, FakeChromecast(hass, Answer(TAKEN)))
    hass.states.async_set(tv.entity_id, "unavailable")
    await hass.async_block_till_done()
    assert session.disconnected_since is not None
    hass.states.async_set(tv.entity_id, "idle")
    await hass.async_block_till_done()
    assert not session.is_over, "nothing is known of it yet"
    hass.states.async_set(tv.entity_id, "paused", {"media_content_id": session.content_id, "media_position": 4})
    await until(lambda: session.disconnected_since is None)
    assert session.state is State.PAUSED
    hass.states.async_set(tv.entity_id, "off")
    await until(lambda: session.is_over)


@pytest.mark.parametrize(("position", "state"), [(FILM_SECONDS - 1, State.FINISHED), (4, State.STOPPED)])
async def test_a_film_that_ends_on_a_new_connection_was_watched_to_its_end(
    hass: HomeAssistant, play: Callable[..., Any], tv: Television, position: float, state: State
) -> None:
    session = await out_of_reach(play, FakeChromecast(hass, Answer(TAKEN)))
    attributes: dict[str, Any] = {"media_content_id": session.content_id, "media_position": position}
    hass.states.async_set(tv.entity_id, "playing", attributes)
    await until(lambda: session.disconnected_since is None)
    hass.states.async_set(tv.entity_id, "idle", attributes)
    await until(lambda: session.is_over)
    assert session.state is state


async def test_what_is_wanted_of_a_device_reaches_it(hass: HomeAssistant, play: Callable[..., Any]) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    at_work = session.following._device
    await at_work.pause()
    await at_work.play()
    await session.following.show_subtitles(Track(3, "German", "de"))
    await session.following.show_subtitles(None)
    media = device.media_controller
    assert [call[0] for call in media.method_calls if call[0] != "register_status_listener"] == [
        "pause",
        "play",
        "enable_subtitle",
        "disable_subtitle",
    ]
    media.pause.side_effect = PyChromecastError("gone")
    with pytest.raises(Exception, match="device_unavailable"):
        await at_work.pause()


async def test_who_goes_away_while_a_device_loads_ends_it(hass: HomeAssistant, play: Callable[..., Any]) -> None:
    device = FakeChromecast(hass, Answer(TAKEN, asks=False))
    work = asyncio.create_task(play(device))
    await until(lambda: device.loads)
    assert device.session is not None
    device.session.end()
    with pytest.raises(HomeAssistantError):
        await soon(work)


# --- its own queue ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def followed(
    hass: HomeAssistant, playback: Playback, play: Callable[..., Any], tv: Television
) -> tuple[FakeChromecast, Session, Session]:
    """Return a device, the film that plays on it, and the one that it has in its queue."""
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    await enqueue(hass, playback, tv, device, session)
    await until(lambda: device.sent)
    queued = playback.queue(tv.entity_id).ready
    assert queued is not None
    return device, session, queued


async def enqueue(
    hass: HomeAssistant, playback: Playback, tv: Television, device: FakeChromecast, session: Session
) -> None:
    """Queue the film once more, and have it made ready."""
    playback.queue(tv.entity_id).put([Queued(session.source)], Enqueue.ADD)
    device.tells("PLAYING")
    await hass.async_block_till_done()
    assert session.state is State.PLAYING


async def test_a_device_has_the_next_film_in_its_own_queue(followed: tuple[FakeChromecast, Session, Session]) -> None:
    device, _, queued = followed
    (message,) = device.sent
    (item,) = message["items"]
    assert (message["type"], item["media"]["contentId"]) == ("QUEUE_INSERT", queued.content_id)
    assert item["media"]["contentUrl"].startswith(f"{HERE}/api/torrent_cast/{queued.token}/")
    assert item["media"]["metadata"]["title"]
    assert (item["startTime"], item["preloadTime"], item["activeTrackIds"]) == (0.0, 10.0, [])


async def test_a_speaker_does_not_get_a_film_into_its_queue(
    hass: HomeAssistant, playback: Playback, play: Callable[..., Any], tv: Television
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    device.cast_type = CAST_TYPE_AUDIO
    await enqueue(hass, playback, tv, device, session)
    queue = playback.queue(tv.entity_id)
    await until(lambda: queue.ready is not None and queue.ready.playhead is not None)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert device.sent == []


@pytest.mark.parametrize("says_so", [True, False])
async def test_a_device_goes_on_by_itself(
    hass: HomeAssistant,
    playback: Playback,
    tv: Television,
    followed: tuple[FakeChromecast, Session, Session],
    *,
    says_so: bool,
) -> None:
    device, session, queued = followed
    device.tells("PLAYING", at=11.9)
    if says_so:
        device.tells("IDLE", idle="FINISHED")
    device.tells("IDLE", content_id=queued.content_id)
    device.tells("PLAYING", content_id=queued.content_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (session.state, queued.state) == (State.FINISHED, State.PLAYING)
    assert (queued.target, len(device.loads), tv.played) == (tv.entity_id, 1, [])
    assert playback.queue(tv.entity_id).items == ()
    queued.end(State.FINISHED)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(device.sent) == 1, "nothing is left in its queue to be taken out"


async def test_who_skips_to_the_next_film_has_stopped_this_one(
    hass: HomeAssistant, followed: tuple[FakeChromecast, Session, Session]
) -> None:
    device, session, queued = followed
    device.tells("PLAYING", content_id=queued.content_id, at=0.0)
    await hass.async_block_till_done()
    assert (session.state, queued.state) == (State.STOPPED, State.PLAYING)


async def test_what_is_no_longer_next_is_taken_out_of_its_queue(
    hass: HomeAssistant, playback: Playback, tv: Television, followed: tuple[FakeChromecast, Session, Session]
) -> None:
    device, session, queued = followed
    playback.queue(tv.entity_id).clear()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert queued.is_over
    assert device.sent[-1] == {"type": "QUEUE_REMOVE", "itemIds": [7], "mediaSessionId": None}
    assert not session.is_over


async def test_a_device_is_stopped_when_nothing_else_is_on_its_way(
    hass: HomeAssistant, playback: Playback, tv: Television, followed: tuple[FakeChromecast, Session, Session]
) -> None:
    device, session, _ = followed
    sends, writes = device.media_controller.send_message, threading.Event()

    def write(message: dict[str, Any], **how: Any) -> None:  # noqa: ANN401  # pychromecast's
        assert writes.wait(PATIENCE)
        sends(message, **how)

    device.media_controller.send_message = write
    playback.queue(tv.entity_id).give_up()  # takes the next film out
    stop = asyncio.create_task(stop_on(hass, None, tv.entity_id, [session]))
    for _ in range(100):  # turns of the loop: many more than a stop takes that does not wait
        await asyncio.sleep(0)
    assert (session.is_over, tv.stopped) == (True, 0)
    writes.set()
    assert await soon(stop)
    assert (tv.stopped, device.sent[-1]["type"]) == (1, "QUEUE_REMOVE")


async def test_nothing_is_taken_out_of_the_queue_of_another_sender(
    hass: HomeAssistant, playback: Playback, play: Callable[..., Any], tv: Television
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    device.media_controller.status.media_session_id = 1
    await enqueue(hass, playback, tv, device, session)
    await until(lambda: device.sent)
    device.media_controller.status.media_session_id = 2
    device.tells("PLAYING", content_id="http://other.example/film.mp4")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert [(one["type"], one["mediaSessionId"]) for one in device.sent] == [("QUEUE_INSERT", 1), ("QUEUE_REMOVE", 1)]


async def test_what_gives_way_before_the_device_has_it_is_taken_out_all_the_same(
    hass: HomeAssistant, playback: Playback, play: Callable[..., Any], tv: Television
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    device.is_slow = True
    session = await play(device)
    await enqueue(hass, playback, tv, device, session)
    await until(lambda: device.sent)
    queued = playback.queue(tv.entity_id).ready
    assert queued is not None
    playback.queue(tv.entity_id).clear()
    assert queued.is_over
    device.is_slow = False
    device.answers_at_last()
    await until(lambda: len(device.sent) > 1)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (device.sent[-1]["type"], device.sent[-1]["itemIds"]) == ("QUEUE_REMOVE", [7])


async def test_what_a_device_begins_with_although_it_was_taken_out_is_not_followed(
    hass: HomeAssistant, playback: Playback, tv: Television, followed: tuple[FakeChromecast, Session, Session]
) -> None:
    device, session, queued = followed
    playback.queue(tv.entity_id).clear()
    device.tells("PLAYING", content_id=queued.content_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (session.state, queued.state) == (State.STOPPED, State.STOPPED)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "torrent_cast look"]


async def test_what_ends_while_the_next_film_is_described_leaves_the_queue_alone(
    hass: HomeAssistant,
    playback: Playback,
    play: Callable[..., Any],
    tv: Television,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    session = await play(device)
    assert session.following is not None
    ended = asyncio.Event()

    async def describe(*_: object) -> dict[str, Any]:
        device.tells("PLAYING", content_id="http://other.example/film.mp4")
        await until(lambda: session.is_over)
        ended.set()
        return {}

    monkeypatch.setattr(session.following._device, "_describe", describe)
    await enqueue(hass, playback, tv, device, session)
    await ended.wait()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert device.sent == []


@pytest.mark.parametrize("has_queue", [True, False])
async def test_a_device_that_does_not_go_on_is_given_the_next_film(
    hass: HomeAssistant,
    playback: Playback,
    play: Callable[..., Any],
    tv: Television,
    monkeypatch: pytest.MonkeyPatch,
    *,
    has_queue: bool,
) -> None:
    monkeypatch.setattr(following, "GAP", 0.05)
    device = FakeChromecast(hass, Answer(TAKEN))
    device.has_queue = has_queue
    session = await play(device)
    await enqueue(hass, playback, tv, device, session)
    await until(lambda: device.sent)
    device.tells("IDLE", idle="FINISHED")
    await until(lambda: tv.played)
    assert len(tv.played) == 1


async def test_who_goes_back_has_the_film_before_it_played_again(
    hass: HomeAssistant, playback: Playback, tv: Television, followed: tuple[FakeChromecast, Session, Session]
) -> None:
    device, session, queued = followed
    device.tells("PLAYING", content_id=queued.content_id, at=0.0)
    await hass.async_block_till_done()
    device.tells("IDLE", content_id=session.content_id)
    await until(lambda: tv.played)
    assert queued.state is State.STOPPED
    (again,) = (one for one in playback.sessions if one.target == tv.entity_id)
    assert again.content_id == tv.played[0]
    assert session.file is not None
    assert (again.source.key, again.wanted) == (session.source.key, session.file.index)


async def test_what_another_sender_puts_on_near_the_end_is_left_alone(
    hass: HomeAssistant, playback: Playback, tv: Television, followed: tuple[FakeChromecast, Session, Session]
) -> None:
    device, session, _ = followed
    device.tells("PLAYING", at=FILM_SECONDS - 0.1)
    device.tells("PLAYING", content_id="http://other.example/film.mp4")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (session.state, playback.queue(tv.entity_id).items, tv.played) == (State.STOPPED, (), [])


async def test_what_comes_next_is_queued_again_where_the_film_was_loaded_anew(
    hass: HomeAssistant,
    playback: Playback,
    tv: Television,
    play: Callable[..., Any],
    followed: tuple[FakeChromecast, Session, Session],
) -> None:
    device, session, queued = followed
    device._answers.append(Answer(TAKEN))
    again = await play(device, target=tv.entity_id)
    device.tells("PLAYING")
    await until(lambda: len(device.sent) > 1)
    assert (session.state, again.state) == (State.STOPPED, State.PLAYING)
    assert device.sent[-1]["items"][0]["media"]["contentId"] == queued.content_id
    assert playback.queue(tv.entity_id).has_ready(queued)


# --- the film's own subtitles ----------------------------------------------------------------------------------------


@pytest.fixture
def captioned(tmp_path: Path, film_file: Path, seeder: Callable[[Path], Seed]) -> Seed:
    """Return a torrent of a film that has subtitles in German."""
    side, path = tmp_path / "side.srt", tmp_path / "seeder" / "Captioned.mkv"
    side.write_text("1\n00:00:01,000 --> 00:00:03,000\nHallo\n")
    path.parent.mkdir(exist_ok=True)
    ffmpeg("-i", film_file, "-i", side, "-c", "copy", "-c:s", "srt", "-metadata:s:s:0", "language=ger", path)
    return seeder(path)


def offers(device: FakeChromecast, content_id: str, *names: str) -> None:
    """Have the device's status tell of a playlist's tracks."""
    device.media_controller.status.content_id = content_id
    device.media_controller.status.subtitle_tracks = [
        {"trackId": number, "type": "TEXT", "name": name} for number, name in enumerate(names, 11)
    ]


async def test_a_track_of_the_playlist_goes_by_the_number_that_the_device_gives_it(
    hass: HomeAssistant, playback: Playback, captioned: Seed, tv: Television
) -> None:
    device = FakeChromecast(hass, Answer(TAKEN))
    wishes = Wishes(subtitles="German")
    session = device.session = playback.start_session(await playback.parse(captioned.magnet), wishes=wishes)
    offers(device, "torrent-cast:another film", "German")
    work = hass.async_create_task(cast.async_play_media(hass, tv.entity_id, device, "video", session.content_id))  # type: ignore[arg-type]  # likewise
    await until(lambda: device.loads)
    offers(device, session.content_id, "English", "German")
    device.tells("PLAYING")
    assert await soon(work)
    assert device.loads[0][1]["tracks"] == []
    device.media_controller.enable_subtitle.assert_called_once_with(12)
    assert session.shown == 1


async def test_a_film_plays_without_subtitles_on_a_device_that_does_not_offer_its_own(
    hass: HomeAssistant, playback: Playback, captioned: Seed, tv: Television, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "TRACKS_TIMEOUT", 0.05)
    device = FakeChromecast(hass, Answer(TAKEN))
    wishes = Wishes(subtitles="German")
    session = device.session = playback.start_session(await playback.parse(captioned.magnet), wishes=wishes)
    assert await soon(cast.async_play_media(hass, tv.entity_id, device, "video", session.content_id))  # type: ignore[arg-type]  # likewise
    device.tells("PLAYING")
    await hass.async_block_till_done()
    assert (session.state, session.shown) == (State.PLAYING, None)
    with pytest.raises(NoSuchTrack, match="tracks_not_read"):
        await session.show_subtitles("de")
    session.end()
