"""What a player of ours was asked to play: what is being started, what goes into the queue, what went wrong."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

from .errors import translate_errors, translated
from .events import async_fire_failure, reason
from .playback import Enqueue, Happening, Playback, Queue, Queued, Session, SessionEnded
from .playing import level_of, play_on
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
        self.error: str | None = None
        """Why the last play failed."""

    @property
    def queue(self) -> Queue:
        """Return what the device is to play next."""
        return self._entry.runtime_data.queue(self._target())

    @property
    def is_choosing(self) -> bool:
        """Tell whether it is being found out what is to be played: there is no session yet."""
        return self.queue.is_overtaken

    @property
    def is_busy(self) -> bool:
        """Tell whether something is on the device, or on its way there."""
        return self._entry.runtime_data.is_busy(self._target())

    @property
    def has_next(self) -> bool:
        """Tell whether there is something to go on with, ready or about to be."""
        return self._playing is not None and self.queue.is_ready_for(self._playing)

    @property
    def _playing(self) -> Session | None:
        sessions = self._entry.runtime_data.for_target(self._target())
        return next((session for session in reversed(sessions) if session.was_loaded), None)

    async def play(self, request: Request, where: Enqueue = Enqueue.PLAY) -> None:
        """Start to play, or queue. What goes wrong later than `ANSWER` after the start is an event and `error`."""
        await authorise(self._hass, request.context, [self._target()])
        if where.is_at_once:
            await self._start(self._choose_and_start(request, where), request.context)
            return
        item = await self._choose(request)
        if self.is_busy:
            self.queue.put([item], where)
            self._changed()
        else:
            await self._start(self._start_item(item), request.context)

    async def play_next(self, context: Context | None) -> None:
        """Start to play what is queued first, else the next episode."""
        await authorise(self._hass, context, [self._target()])
        await self._start(self._start_next(), context)

    async def _start(self, starting: Coroutine[Any, Any, Session | None], context: Context | None) -> None:
        """Play what `starting` returns. What goes wrong within `ANSWER` is raised."""
        self.cancel()
        self.error = None
        task = self._begin(starting, context)
        await asyncio.wait([task], timeout=ANSWER)
        if task.cancelled():
            raise translated(SessionEnded("session_ended"))
        if task.done():
            task.result()
        else:
            task.add_done_callback(_log)

    def cancel(self) -> None:
        """Give up what is being started."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    @callback
    def on_happening(self, session: Session, happening: Happening) -> None:
        """Take note of what went wrong, or no longer does."""
        if session.target != self._target():
            return
        if happening is Happening.STARTED:
            self.error = None
        elif happening is Happening.FAILED:
            self.error = reason(self._hass, session.error)
        self._changed()

    def _begin(self, starting: Coroutine[Any, Any, Session | None], context: Context | None) -> asyncio.Task[None]:
        self.queue.is_overtaken = True
        task = self._entry.async_create_background_task(
            self._hass, self._play(starting, context), "torrent_cast player"
        )
        self._task = task
        task.add_done_callback(self._on_done)
        self._changed()
        return task

    async def _play(self, starting: Coroutine[Any, Any, Session | None], context: Context | None) -> None:
        with translate_errors():
            session = await starting
        self.queue.is_overtaken = False
        self._changed()
        if session is not None:
            await play_on(self._hass, context, session)

    async def _choose_and_start(self, request: Request, where: Enqueue) -> Session:
        item = await self._choose(request)
        if not self.is_choosing:  # somebody has stopped it meanwhile
            raise SessionEnded("session_ended")
        if where is Enqueue.REPLACE:
            self.queue.clear()
        return await self._start_item(item)

    async def _start_item(self, item: Queued) -> Session:
        return self._entry.runtime_data.start_queued(item, target=self._target())

    async def _start_next(self) -> Session | None:
        return self._entry.runtime_data.start_next(self._target(), after=self._playing)

    async def _choose(self, request: Request) -> Queued:
        """Return what is asked for. What cannot be read is an event too."""
        playback = self._entry.runtime_data
        try:
            with translate_errors():
                choice = await choose_source(self._hass, playback, request.media_id)
        except HomeAssistantError as err:
            title = name_of_choice(self._hass, playback, request.media_id)
            async_fire_failure(self._hass, self._target(), title, err)
            raise
        return Queued(choice.source, choice.file, start_position=choice.start_position, context=request.context)

    @callback
    def _on_done(self, task: asyncio.Task[None]) -> None:
        if task is not self._task and self._task is not None:
            return  # another took its place
        self._task = None
        self.queue.is_overtaken = False
        if not task.cancelled() and (error := task.exception()) is not None:
            self.error = reason(self._hass, error if isinstance(error, Exception) else None)
        self._changed()


def _log(task: asyncio.Task[None]) -> None:
    """Say in the log what nobody waits for any more."""
    if not task.cancelled() and (error := task.exception()) is not None:
        known = isinstance(error, HomeAssistantError)
        _LOGGER.log(level_of(error), "Cannot play: %s", error, exc_info=None if known else error)
