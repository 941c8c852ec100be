"""What a player of ours was asked to play: what is being started, what comes next, and what went wrong."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

from .errors import translate_errors, translated
from .events import async_fire_failure, reason
from .playback import Happening, Playback, Session, SessionEnded
from .playing import play_on
from .references import choose_source, name_of_choice
from .targets import authorise

_LOGGER = logging.getLogger(__name__)

# What fails at once is said at once; for what takes longer nobody who speaks to a voice assistant waits. s
ANSWER: Final = 1.0


@dataclass(frozen=True, slots=True)
class Request:
    """A media id that is ours, and in whose name it is to be played."""

    media_id: str
    context: Context | None


class Program:
    """One device's; `target` returns its Cast entity, `changed` is called when there is something new to show."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry[Playback], target: Callable[[], str], changed: Callable[[], None]
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._target = target
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        self.is_choosing = False
        """Whether it is being found out what is to be played: there is no session yet."""
        self.upcoming: list[Request] = []
        self.error: str | None = None
        """Why the last play failed."""

    async def play(self, request: Request) -> None:
        """Start to play. What goes wrong within `ANSWER` is raised, what goes wrong later is an event and `error`."""
        await authorise(self._hass, request.context, [self._target()])
        self.cancel()
        self.error = None
        task = self._begin(request)
        await asyncio.wait([task], timeout=ANSWER)
        if task.cancelled():
            raise translated(SessionEnded("session_ended"))
        if task.done():
            task.result()
        else:
            task.add_done_callback(_log)

    def enqueue(self, request: Request, *, first: bool) -> None:
        """Play `request` when what plays now is over; before all others if `first`."""
        self.upcoming.insert(0 if first else len(self.upcoming), request)
        self._changed()

    def clear(self) -> None:
        """Play nothing afterwards."""
        self.upcoming.clear()
        self._changed()

    def cancel(self) -> None:
        """Give up what is being started."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    @callback
    def on_happening(self, session: Session, happening: Happening) -> None:
        """Go on after a film's end; not after somebody has stopped it or taken the device."""
        if session.target != self._target():
            return
        if happening is Happening.STARTED:
            self.error = None
        elif happening is Happening.FAILED:
            self.error = reason(session.error)
        elif happening is Happening.FINISHED and self.upcoming:
            self.cancel()
            self._begin(self.upcoming.pop(0)).add_done_callback(_log)
        elif happening is Happening.STOPPED and not self._is_replaced(session):
            self.upcoming.clear()
        self._changed()

    def _is_replaced(self, session: Session) -> bool:
        """Tell whether a session ended because another of ours takes its place."""
        others = self._entry.runtime_data.for_target(self._target())
        return self.is_choosing or any(other is not session for other in others)

    def _begin(self, request: Request) -> asyncio.Task[None]:
        self.is_choosing = True
        task = self._entry.async_create_background_task(self._hass, self._play(request), "torrent_cast player")
        self._task = task
        task.add_done_callback(self._on_done)
        self._changed()
        return task

    async def _play(self, request: Request) -> None:
        playback, target = self._entry.runtime_data, self._target()
        try:
            with translate_errors():
                choice = await choose_source(self._hass, playback, request.media_id)
                session = playback.start_session(choice.source, wanted=choice.file, start_position=choice.start_position, target=target)
        except HomeAssistantError as err:
            title = name_of_choice(self._hass, playback, request.media_id)
            async_fire_failure(self._hass, target, title, err)
            raise
        self.is_choosing = False
        self._changed()
        await play_on(self._hass, request.context, session)

    @callback
    def _on_done(self, task: asyncio.Task[None]) -> None:
        if task is not self._task and self._task is not None:
            return  # another took its place
        self._task = None
        self.is_choosing = False
        if not task.cancelled() and (error := task.exception()) is not None:
            self.error = reason(error if isinstance(error, Exception) else None)
        self._changed()


def _log(task: asyncio.Task[None]) -> None:
    """Say in the log what nobody waits for any more."""
    if not task.cancelled() and (error := task.exception()) is not None:
        known = isinstance(error, HomeAssistantError)
        _LOGGER.error("Cannot play: %s", error, exc_info=None if known else error)
