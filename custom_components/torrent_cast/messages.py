"""What a Cast device is told of a session: LOAD, and an item of the receiver's own queue."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, override

from pychromecast import Chromecast
from pychromecast.controllers.media import DefaultMediaReceiverController
from yarl import URL

from .media.hls import CONTENT_TYPE
from .media.subtitles import CONTENT_TYPE as SUBTITLE_TYPE
from .playback import Session
from .playback.session import SCHEME
from .views import subtitle_path, token_in

# What a receiver does not see from the playlist (Cast's HlsSegmentFormat, HlsVideoSegmentFormat).
HLS_INFO: Final = {"hlsSegmentFormat": "fmp4", "hlsVideoSegmentFormat": "fmp4"}
# White with a black edge on a shade: readable on any picture (Cast's TextTrackStyle, colours with opacity at the end).
TEXT_STYLE: Final = {
    "foregroundColor": "#FFFFFFFF",
    "backgroundColor": "#00000066",
    "edgeType": "OUTLINE",
    "edgeColor": "#000000FF",
}
# So long before the end of a film a receiver may come for the next in its queue; s.
PRELOAD: Final = 10.0

type Answer = dict[str, Any]
"""What a device replies."""


class Receiver(DefaultMediaReceiverController):
    """The receiver's media app, with what pychromecast has no argument for."""

    active_tracks: list[int] | None  # None: those that the playlist says

    @override
    def send_message(self, data: Any, **how: Any) -> None:
        active = {} if self.active_tracks is None else {"activeTrackIds": self.active_tracks}
        super().send_message(data | active, **how)


@dataclass(frozen=True, slots=True)
class Load:
    """What a device is to play, and how to begin."""

    content_id: str
    content_type: str
    title: str
    position: float
    media_info: dict[str, Any]
    active_tracks: list[int] | None
    metadata: dict[str, Any]

    def item(self) -> dict[str, Any]:
        """Return it as an item of the receiver's own queue (Cast's QueueItem)."""
        media = {
            "contentId": self.content_id,
            "contentType": self.content_type,
            "streamType": "BUFFERED",
            "metadata": self.metadata | {"title": self.title},
            **self.media_info,
        }
        active = {} if self.active_tracks is None else {"activeTrackIds": self.active_tracks}
        return {"media": media, "autoplay": True, "startTime": self.position, "preloadTime": PRELOAD} | active

    def send(
        self,
        chromecast: Chromecast,
        controller: Receiver,
        on_reply: Callable[[bool, Answer | None], None],
    ) -> None:
        """Launch the receiver's media app if needed and send. Blocks."""
        controller.active_tracks = self.active_tracks
        chromecast.register_handler(controller)
        controller.play_media(
            self.content_id,
            self.content_type,
            title=self.title,
            metadata=dict(self.metadata),
            current_time=self.position,
            stream_type="BUFFERED",
            media_info=self.media_info,
            callback_function=on_reply,
        )


def message_of(session: Session, url: URL, position: float, *, plain: bool) -> Load:
    """Return the message; by `contentUrl` the token stays out of the states that other senders see."""
    info: dict[str, Any] = {} if plain else {"contentUrl": str(url)}
    if session.probe is not None and session.probe.duration is not None:
        info["duration"] = session.probe.duration
    if session.hls is not None:
        info |= HLS_INFO
    if session.subtitles is not None and session.subtitles.tracks:
        info |= {"tracks": _tracks(session, url), "textTrackStyle": TEXT_STYLE}
    return Load(
        content_id=str(url) if plain else session.content_id,
        content_type=session.content_type if session.hls is None else CONTENT_TYPE,
        title=session.title,
        position=position,
        media_info=info,
        active_tracks=_active(session),
        metadata=session.metadata,
    )


def is_ours(content_id: str) -> bool:
    """Tell whether something was once given to a device by us, in whatever run."""
    return content_id.startswith(f"{SCHEME}:") or token_in(content_id) is not None


def item_in(answer: Answer, content_id: str) -> int | None:
    """Return the number that a device's queue has for what was put into it last."""
    return next((number for number, name in reversed(_items(answer)) if name == content_id), None)


def out_of_date_in(answer: Answer, content_id: str) -> list[int]:
    """Return the numbers of what we have put behind a queue's current item at other times than last."""
    items, last = _items(answer), item_in(answer, content_id)
    numbers = [number for number, _ in items]
    current = next((status.get("currentItemId") for status in answer.get("status", ())), None)
    if last is None or current not in numbers:
        return []
    return [number for number, name in items[numbers.index(current) + 1 :] if number != last and is_ours(name)]


def _items(answer: Answer) -> list[tuple[int, str]]:
    """Return the numbers and content ids of the items that an answer tells of, in order."""
    items = [item for status in answer.get("status", ()) for item in status.get("items", ())]
    return [(item["itemId"], str(item.get("media", {}).get("contentId"))) for item in items]


def _active(session: Session) -> list[int] | None:
    """Return what LOAD says is to be shown."""
    if (track := session.shown_track) is None:
        return []
    return [track.id] if track.stream is None else None


def _tracks(session: Session, url: URL) -> list[dict[str, Any]]:
    """Return the subtitles beside the film as Cast's Track has them; its own are in the playlist."""
    return [
        {
            "trackId": track.id,
            "type": "TEXT",
            "subtype": "CAPTIONS" if track.is_for_deaf else "SUBTITLES",
            "trackContentId": str(url.with_path(subtitle_path(session, track.id))),
            "trackContentType": SUBTITLE_TYPE,
            "name": track.label,
            "language": track.language or "",
        }
        for track in (session.subtitles.tracks if session.subtitles else ())
        if track.stream is None
    ]
