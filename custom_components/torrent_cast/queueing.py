"""One film after another on a Cast device: what was queued, else the next episode or song of the torrent."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, Final
from weakref import WeakSet

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

from . import tree
from .engine import StorageError, TorrentCastError, TorrentFile
from .media import Unplayable
from .playback import Happening, NoReachableUrl, Playback, Queued, Session, SessionEnded, State, TargetUnavailable
from .playing import play_on
from .titles import plain, titles_of

_LOGGER = logging.getLogger(__name__)

# Head and index of the next film are fetched this long before the end of the one that plays; s.
AHEAD: Final = 60.0
# Why no other film would fare better.
NOT_THE_FILM: Final = (TargetUnavailable, NoReachableUrl, SessionEnded, StorageError)
# More than anybody goes back.
MAX_PAST: Final = 50
CUT_SHORT: Final = frozenset({Happening.STOPPED, Happening.FAILED})

type Start = Callable[[Coroutine[Any, Any, None], str], object]
"""Starts a task that ends with the config entry; takes its name too."""


class Succession:
    """Goes on with the next film wherever one comes to its end."""

    def __init__(self, hass: HomeAssistant, playback: Playback, start: Start) -> None:
        self._hass = hass
        self._playback = playback
        self._start = start
        self._seen_to: WeakSet[Session] = WeakSet()  # those whose successor is ready, or there is none
        self._past: OrderedDict[str, Queued] = OrderedDict()  # what a device can go back to, by what it calls that
        self._going_on: WeakSet[Session] = WeakSet()  # those that follow another one and do not play yet

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
        if happening in CUT_SHORT and (past := self._past.get(session.replaced_by or "")) is not None:
            self._start(self._go_back(past, target), "torrent_cast previous film")
        elif happening is Happening.FINISHED:
            self._start(self._go_on(session, target), "torrent_cast next film")
        elif session in self._going_on and _is_its_own_fault(session):
            return  # what follows it has its turn
        elif happening in CUT_SHORT and self._is_free(target, session):
            self._playback.queue(target).clear()

    def _is_free(self, target: str, after: Session) -> bool:
        """Tell whether nothing takes a session's place on a device yet."""
        others = (one for one in self._playback.for_target(target) if one is not after and not one.is_over)
        return not self._playback.queue(target).is_overtaken and next(others, None) is None

    def _on_change(self) -> None:
        for session in self._playback.sessions:
            if session not in self._seen_to and _is_near_its_end(session):
                self._seen_to.add(session)
                self._start(self._make_ready(session), "torrent_cast prepare next film")

    async def _make_ready(self, session: Session) -> None:
        """Fetch head and index of what comes next; what goes wrong is said when its turn comes."""
        assert session.target is not None  # it plays
        queue = self._playback.queue(session.target)
        if queue.ready is not None:  # what plays was loaded anew, and the device's own queue with it
            await self._hand_over(session, queue.ready)
            return
        item = None if queue.items else await self._next_in_torrent(session)
        queued = queue.items[0] if queue.items else None
        if (coming := queued or item) is None or session.is_over or queue.ready is not None:
            return
        following = self._playback.start_queued(coming)
        queue.make_ready(following, of=queued or session)
        following.profile = session.profile
        try:
            await following.prepare()
        except (TorrentCastError, Unplayable) as err:
            _LOGGER.debug("The next film is not ready: %s", err.reason)
            return
        if queue.has_ready(following):
            await self._hand_over(session, following)

    async def _hand_over(self, session: Session, following: Session) -> None:
        """Put what comes next into the device's own queue; where that fails it is played once the film is over."""
        if session.following is None or session.is_over or following.is_over or following.playhead is None:
            return
        try:
            await session.following.queue(following, partial(self._on_begun, session, following))
        except TorrentCastError as err:
            _LOGGER.debug("The next film is not in the device's queue: %s", err.reason)

    async def _go_back(self, past: Queued, target: str) -> None:
        """Play again what a device has gone back to in its own queue: the address that it has is revoked."""
        try:
            await play_on(self._hass, past.context, self._playback.start_queued(past, target=target))
        except (TorrentCastError, HomeAssistantError) as err:
            _LOGGER.error("Cannot go back on %s: %s", target, err)  # noqa: TRY400  # its text says it all

    def _on_begun(self, before: Session, following: Session) -> None:
        """Take note that a device has gone on by itself, out of its own queue."""
        if before.target is not None:
            queue = self._playback.queue(before.target)
            if queue.has_ready(following):
                queue.begin_ready()
            self._playback.claim(following, before.target)
        if before.file is not None:
            wishes = replace(before.wishes, is_firm=False)
            self._past[before.content_id] = Queued(before.source, before.file.index, before.given_title, wishes=wishes)
            while len(self._past) > MAX_PAST:
                self._past.popitem(last=False)

    async def _go_on(self, session: Session, target: str) -> None:
        """Play what follows a session, or what follows that where it cannot be played."""
        queue, last = self._playback.queue(target), session
        if queue.ready is not None and queue.ready.following is not None and await queue.ready.following.joined():
            return
        while self._is_free(target, last):
            following = await self._play_next(last, target)
            if following is None or not _is_its_own_fault(following) or not queue.items:
                return
            last = following

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
        wishes = replace(session.wishes, given=None, is_firm=False)
        return Queued(source, following.index, wishes=wishes)

    async def _following(self, files: list[TorrentFile], file: TorrentFile) -> TorrentFile | None:
        songs = tree.is_audio(file)
        same = [one for one in tree.playable(files) if tree.is_audio(one) is songs and not one.is_extra]
        if file not in same or len(same) == 1:
            return None
        paths = [one.path for one in same]
        titles = {path: plain(path) for path in paths} if songs else await titles_of(self._hass, paths)
        ordered = [one for one in tree.in_order(same, titles) if songs or titles[one.path].episodes]
        after = ordered[ordered.index(file) + 1 :] if file in ordered else []
        return after[0] if after else None


def _is_its_own_fault(session: Session) -> bool:
    """Tell whether a session has failed, and for a reason that another film may not have."""
    return session.state is State.FAILED and not isinstance(session.error, NOT_THE_FILM)


def _is_near_its_end(session: Session) -> bool:
    if session.target is None or not session.was_loaded or session.playhead is None or session.probe is None:
        return False
    duration = session.probe.duration
    return duration is not None and duration - session.playhead.seconds < AHEAD
