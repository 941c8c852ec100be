"""What a receiver plays with: the interface, the values that cross it, and a player that is switched off."""

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, override

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class State(enum.StrEnum):
    """What a media session does, in Cast's words; LOADING is Cast's extended state before there is anything to play."""

    IDLE = "IDLE"
    LOADING = "LOADING"
    BUFFERING = "BUFFERING"
    PLAYING = "PLAYING"
    PAUSED = "PAUSED"


@dataclass(frozen=True, slots=True)
class TextTrack:
    """A subtitle file beside the media."""

    id: int
    url: str
    language: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """What to play, and how to begin."""

    url: str
    content_type: str
    start: float = 0.0
    """Position, s."""
    autoplay: bool = True
    tracks: tuple[TextTrack, ...] = ()
    active: tuple[int, ...] | None = ()
    """Ids of the text tracks to show, None: those that the playlist says."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something the player said, and how it stood at that moment."""

    type: str
    state: State
    position: float
    """s"""
    duration: float | None = None
    """s"""
    ended: bool = False
    error: str | None = None
    code: int | None = None
    """Cast's detailed error code, when there is an error."""
    tracks: Sequence[dict[str, Any]] = ()
    """The text tracks of the playlist: trackId, name and language of each."""
    active: tuple[int, ...] = ()
    """Which of them are shown."""


@dataclass(frozen=True, slots=True)
class PlayerStats:
    """How much was really decoded: the proof that something plays."""

    current_time: float = 0.0
    """s"""
    duration: float | None = None
    """s"""
    paused: bool = True
    ready_state: int = 0
    """`HTMLMediaElement.readyState`, 0 to 4."""
    decoded_frames: int = 0
    dropped_frames: int = 0
    audio_bytes: int = 0
    video_bytes: int = 0
    clock: float | None = None
    """The second that the picture itself shows, s; None where there is no readable clock."""
    error: str | None = None
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture that was presented."""

    at: float
    """When, on `time.monotonic`, s."""
    media_time: float
    """Its timestamp in the media, s."""
    clock: float | None
    """The second that the picture itself shows, s."""


class MediaError(Exception):
    """The player cannot play this."""

    def __init__(self, message: str, code: int) -> None:
        """`code` is Cast's detailedErrorCode: 101 aborted, 102 decode, 103 network, 104 source not supported."""
        super().__init__(message)
        self.code = code


class Player(Protocol):
    """The part of a receiver that fetches, decodes and shows."""

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Have every event passed to `listener`; the returned function ends that."""

    async def load(self, source: Source) -> Event:
        """Begin to play, return once the metadata is known; raises `MediaError`."""

    async def play(self) -> Event:
        """Go on."""

    async def pause(self) -> Event:
        """Hold."""

    async def seek(self, position: float) -> Event:
        """Go to `position` (s); returns when asked, not when there."""

    async def stop(self) -> None:
        """Forget the media."""

    async def set_rate(self, rate: float) -> Event:
        """Play `rate` times as fast."""

    async def set_tracks(self, active: tuple[int, ...]) -> Event:
        """Show these text tracks and no others."""

    async def stats(self) -> PlayerStats:
        """Return what was decoded since the last load."""


@dataclass
class NoPlayer(Player):
    """A receiver whose player is dead: takes every LOAD, fetches nothing, buffers for ever."""

    position: float = field(default=0.0)

    def _event(self) -> Event:
        return Event("off", State.BUFFERING, self.position)

    @override
    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        return lambda: None

    @override
    async def load(self, source: Source) -> Event:
        self.position = source.start
        return self._event()

    @override
    async def play(self) -> Event:
        return self._event()

    @override
    async def pause(self) -> Event:
        return self._event()

    @override
    async def seek(self, position: float) -> Event:
        self.position = position
        return self._event()

    @override
    async def stop(self) -> None:
        self.position = 0.0

    @override
    async def set_rate(self, rate: float) -> Event:
        return self._event()

    @override
    async def set_tracks(self, active: tuple[int, ...]) -> Event:
        return self._event()

    @override
    async def stats(self) -> PlayerStats:
        return PlayerStats(current_time=self.position)
