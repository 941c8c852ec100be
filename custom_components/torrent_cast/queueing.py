"""One film after another on a Cast device: what was queued, else the next episode or song of the torrent."""

import logging
import math
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary, WeakSet

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

from . import tree
from .engine import StorageError, TorrentCastError, TorrentFile
from .media import Unplayable
from .playback import (
    Enqueue,
    Happening,
    NoReachableUrl,
    Playback,
    Queue,
    Queued,
    Session,
    SessionEnded,
    State,
    TargetUnavailable,
    Wishes,
)
from .playing import play_on
from .titles import titles_of
from .views import token_in

_LOGGER = logging.getLogger(__name__)

# Head and index of the next film are fetched this long before the end of the one that plays, at the latest; s.
AHEAD: Final = 60.0
# In hand of the film that plays before anything of its torrent goes to the next one: what that takes, a few MB, comes
# within seconds, and a pause of ours waits for no more than 10 s. s
TO_SPARE: Final = 30.0
# With less in hand the next film gives way; well above where a device is paused. s
TOO_LITTLE: Final = 15.0
# Why no other film would fare better.
NOT_THE_FILM: Final = (TargetUnavailable, NoReachableUrl, SessionEnded, StorageError)
# More than anybody goes back; each is there by two names.
MAX_PAST: Final = 2 * 50
CUT_SHORT: Final = frozenset({Happening.STOPPED, Happening.FAILED})
ENDED: Final = CUT_SHORT | {Happening.FINISHED}

type Start = Callable[[Coroutine[Any, Any, None], str], object]
"""Starts a task that ends with the config entry; takes its name too."""


class _Mark(NamedTuple):
    """What making the next film ready depends on: with another one of these it is looked at anew."""

    turn: int  # of the queue
    loads: int  # after each the device's own queue is empty
    goes_on: bool  # with the next episode
    is_near: bool  # to the end
    is_there: bool  # the device: else nothing can be put into its queue
    wishes: Wishes  # of who watches


class Succession:
    """Goes on with the next film wherever one comes to its end."""

    def __init__(self, hass: HomeAssistant, playback: Playback, start: Start) -> None:
        self._hass = hass
        self._playback = playback
        self._start = start
        self._marks: WeakKeyDictionary[Session, _Mark] = WeakKeyDictionary()  # of what plays: what was seen to last
        # What a device has in its own queue, and in which: of which session, and how often that was loaded.
        self._handed: WeakKeyDictionary[Session, tuple[str, int]] = WeakKeyDictionary()
        self._past: OrderedDict[str, Queued] = OrderedDict()  # what a device can go back to, by what it calls that
        self._going_on: WeakSet[Session] = WeakSet()  # those that follow another one and do not play yet
        self._begun: WeakSet[Session] = WeakSet()  # likewise, those that a device has begun with by itself
        self._queued_as: WeakKeyDictionary[Session, Queued] = WeakKeyDictionary()  # of those what was in our queue

    @callback
    def async_listen(self) -> CALLBACK_TYPE:
        """Begin; the returned function ends it."""
        removals = (self._playback.happenings.add(self._on_happening), self._playback.changes.add(self._on_change))

        @callback
        def _remove() -> None:
            for remove in removals:
                remove()

        return _remove

    def _on_happening(self, session: Session, happening: Happening) -> None:
        if (target := session.target) is None or session.downloads:
            return
        if happening in ENDED and (past := self._past_of(session.replaced_by)) is not None:
            self._start(self._go_back(past, session, target), "torrent_cast previous film")
        elif happening is Happening.FINISHED:
            self._start(self._go_on(session, target), "torrent_cast next film")
        elif session in self._going_on and _is_its_own_fault(session):
            return  # what follows it has its turn
        elif session in self._begun and _is_its_own_fault(session) and self._playback.queue(target).items:
            self._start(self._go_on(session, target), "torrent_cast next film")
        elif happening in CUT_SHORT and self._is_free(target, session):
            self._playback.queue(target).clear()
        elif happening is Happening.STARTED:
            self._begun.discard(session)

    def _past_of(self, name: str | None) -> Queued | None:
        """Return what a device means that has gone back in its own queue."""
        return self._past.get(token_in(name) or name) if name is not None else None

    def _is_free(self, target: str, after: Session) -> bool:
        """Tell whether nothing takes a session's place on a device yet."""
        others = (one for one in self._playback.for_target(target) if one is not after and not one.is_over)
        return not self._playback.queue(target).is_overtaken and next(others, None) is None

    def _on_change(self) -> None:
        for session in self._playback.sessions:
            if session.target is None:
                continue
            queue = self._playback.queue(session.target)
            if self._is_overtaken(session, queue):
                self._drop(session, queue)
                continue
            mark = self._mark(session, queue)
            if mark is not None and self._marks.get(session) != mark:
                self._marks[session] = mark
                self._start(self._make_ready(session, queue, mark), "torrent_cast prepare next film")
            elif mark is None and _has_too_little(session):
                self._give_way(session, queue)

    def _is_overtaken(self, session: Session, queue: Queue) -> bool:
        """Tell whether something else is on its way to the device of a film that plays, before what comes next."""
        others = self._playback.for_target(session.target) if session.target is not None and session.was_loaded else ()
        return queue.is_overtaken or any(one is not session and not one.was_loaded for one in others)

    def _drop(self, session: Session, queue: Queue) -> None:
        """Have nothing ready to come next; it is made so anew where something is to come all the same."""
        queue.drop_ready()
        self._marks.pop(session, None)

    def _mark(self, session: Session, queue: Queue) -> _Mark | None:
        """Return what there is to see to now, None while the film that plays has nothing to spare."""
        is_near = _is_near_its_end(session) and not _has_too_little(session)
        if not is_near and not _can_spare(session, queue.head):
            return None
        loads = session.following.loads if session.following is not None else 0
        is_there = session.disconnected_since is None
        return _Mark(queue.turn, loads, self._playback.settings.next_episode, is_near, is_there, session.wishes)

    def _give_way(self, session: Session, queue: Queue) -> None:
        """Have what comes next take nothing from a film that plays; what is not ready yet begins anew later."""
        if (ready := queue.ready) is None or ready.is_over or ready.rests:
            return
        if ready.following is not None and ready.source.key == session.source.key:
            ready.rest()
            self._marks.pop(session, None)
        else:
            self._drop(session, queue)

    async def _make_ready(self, session: Session, queue: Queue, mark: _Mark) -> None:
        """Fetch head and index of what comes next; what goes wrong is said when its turn comes.

        Before the end is near the film that plays is to miss nothing: of the same torrent the next one then wants no
        more. One without an index would have to come in from its beginning; it waits until the end is near.
        """
        following = await self._following_session(session, queue, mark)
        if following is None:
            return
        try:
            await following.prepare()
        except (TorrentCastError, Unplayable) as err:
            _LOGGER.debug("The next film is not ready: %s", err.reason)
            return
        if not queue.has_ready(following):  # its turn has come by now
            return
        if _is_near_its_end(session) or following.source.key != session.source.key:
            following.wake()
        elif following.growing is None:
            following.rest()
        else:
            following.end()
        await self._hand_over(session, following)

    async def _following_session(self, session: Session, queue: Queue, mark: _Mark) -> Session | None:
        """Return the session of what comes next, made now unless there is one; None where nothing does."""
        goes_on = queue.head is not None or (mark.goes_on and _is_as_wished(queue.ready, session))
        if goes_on and queue.is_ready_for(session):
            return queue.ready
        item = queue.head or await self._next_in_torrent(session)
        if session.is_over or self._marks.get(session) != mark:  # whoever saw that it is another one sees to it
            return None
        if item is None:
            queue.drop_ready()
            return None
        following = self._playback.start_queued(item)
        following.profile = session.profile
        following.waits = True
        queue.make_ready(following, of=queue.head or session)
        return following

    async def _hand_over(self, session: Session, following: Session) -> None:
        """Put what comes next into the device's own queue; where that fails it is played once the film is over."""
        if session.following is None or session.is_over or following.is_over or following.playhead is None:
            return
        if self._is_handed(session, following) or session.disconnected_since is not None:
            return
        self._handed[following] = session.id, session.following.loads
        try:
            await session.following.queue(following, partial(self._on_begun, session, following))
        except TorrentCastError as err:
            _LOGGER.debug("The next film is not in the device's queue: %s", err.reason)
            self._handed.pop(following, None)

    def _is_handed(self, session: Session, following: Session) -> bool:
        """Tell whether the device that plays a session was given the next one into the queue that it has now."""
        return session.following is not None and self._handed.get(following) == (session.id, session.following.loads)

    async def _go_back(self, past: Queued, after: Session, target: str) -> None:
        """Play again what a device has gone back to in its own queue: the address that it has is revoked."""
        if (item := self._queued_as.get(after)) is not None:  # it comes after that once more
            self._playback.queue(target).put([item], Enqueue.NEXT)
        try:
            await play_on(self._hass, past.context, self._playback.start_queued(past, target=target))
        except (TorrentCastError, HomeAssistantError) as err:
            _LOGGER.error("Cannot go back on %s: %s", target, err)  # noqa: TRY400  # its text says it all

    def _on_begun(self, before: Session, following: Session) -> None:
        """Take note that a device has gone on by itself, out of its own queue."""
        if before.target is not None:
            queue = self._playback.queue(before.target)
            if queue.has_ready(following) and (item := queue.begin_ready()) is not None:
                self._queued_as[following] = item
            self._begun.add(following)
            self._playback.put_on(following, before.target)  # what is on its way there stays so
        if before.file is not None:
            wishes = replace(before.wishes, is_firm=False)
            past = Queued(before.source, before.file.index, before.given_title, wishes=wishes)
            self._past |= {before.content_id: past, before.token: past}
            while len(self._past) > MAX_PAST:
                self._past.popitem(last=False)

    async def _go_on(self, session: Session, target: str) -> None:
        """Play what follows a session, or what follows that where it cannot be played."""
        queue, last = self._playback.queue(target), session
        turn = queue.turn
        if await self._has_gone_on(session, queue) or queue.turn != turn:  # or somebody has stopped it meanwhile
            return
        while self._is_free(target, last):
            following = await self._play_next(last, target)
            if following is None or not _is_its_own_fault(following) or not queue.items:
                return
            last = following

    async def _has_gone_on(self, session: Session, queue: Queue) -> bool:
        """Wait for a device that has what comes next in its queue; tell whether it has begun with that."""
        ready = queue.ready
        if ready is None or ready.following is None or not self._is_handed(session, ready):
            return False
        return await ready.following.joined()

    async def _play_next(self, session: Session, target: str) -> Session | None:
        """Play what follows a session and return it, played or not; None where nothing follows."""
        queue = self._playback.queue(target)
        context = queue.items[0].context if queue.items else None
        following = None
        try:
            following = self._playback.start_next(target, after=session)
            if following is None and (item := await self._next_in_torrent(session)) is not None:
                following = self._playback.start_queued(item, target=target)
            if following is not None:
                self._going_on.add(following)
                await play_on(self._hass, context, following)
        except (TorrentCastError, HomeAssistantError) as err:
            _LOGGER.error("Cannot go on with the next film on %s: %s", target, err)  # noqa: TRY400  # its text says it all
        if following is not None:
            self._going_on.discard(following)
        return following

    async def _next_in_torrent(self, session: Session) -> Queued | None:
        """Return the episode or song after the one that plays, None where there is none or nobody wants it."""
        torrent, file = session.torrent, session.file
        if not self._playback.settings.next_episode or torrent is None or file is None:
            return None
        following = await self._following(list(torrent.files), file)
        if following is None:
            return None
        source = await self._playback.kept_source(session.source.key)
        return Queued(source, following.index, wishes=_wishes_after(session))

    async def _following(self, files: list[TorrentFile], file: TorrentFile) -> TorrentFile | None:
        same = tree.alike(file, tree.playable(files))
        if file not in same or len(same) == 1:
            return None
        titles = {} if tree.is_audio(file) else await titles_of(self._hass, [one.path for one in same])
        return tree.following(file, same, titles)


def _wishes_after(session: Session) -> Wishes:
    """Return what who watches wants to hear and read of the next episode."""
    return session.wishes.after(session.shown_track)


def _is_as_wished(ready: Session | None, session: Session) -> bool:
    """Tell whether the next episode, as it was made ready, is what who watches wants by now."""
    return ready is not None and ready.wishes == _wishes_after(session)


def _is_its_own_fault(session: Session) -> bool:
    """Tell whether a session has failed, and for a reason that another film may not have."""
    return session.state is State.FAILED and not isinstance(session.error, NOT_THE_FILM)


def _is_near_its_end(session: Session) -> bool:
    if not session.was_loaded or session.playhead is None or session.probe is None:
        return False
    duration = session.probe.duration
    return duration is not None and duration - session.playhead.seconds < AHEAD


def _can_spare(session: Session, queued: Queued | None) -> bool:
    """Tell whether a film that plays does not miss what is fetched of the next one meanwhile.

    What comes of another torrent goes on coming, so that all of this film has to be there before. One that is converted
    is made as it plays: what is in hand of it says nothing. A torrent that somebody has paused stays so.
    """
    following = session.following
    if following is None or not session.was_loaded or session.is_converted:
        return False
    if session.torrent is None or session.torrent.is_halted:
        return False
    if session.state not in {State.PLAYING, State.PAUSED} or following.hold.is_held:
        return False
    health = following.health
    if health is None or health.stall_in is not None:
        return False
    is_of_another = queued is not None and queued.source.key != session.source.key
    return health.seconds >= (math.inf if is_of_another else TO_SPARE)


def _has_too_little(session: Session) -> bool:
    """Tell whether a film needs all that comes in."""
    health = session.following.health if session.following is not None else None
    return health is not None and health.seconds < TOO_LITTLE
