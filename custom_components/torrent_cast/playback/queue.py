"""What a device is to play next: what was queued, and what is ready."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from homeassistant.core import Context

from ..engine import Source
from .session import Session
from .wishes import Wishes


class Enqueue(StrEnum):
    """Where something goes that is to be played; the values are Home Assistant's."""

    PLAY = "play"
    """At once; what is queued comes after it."""
    NEXT = "next"
    """After what plays."""
    ADD = "add"
    """At the end."""
    REPLACE = "replace"
    """At once, and in place of all that is queued."""

    @property
    def is_at_once(self) -> bool:
        """Tell whether it does not wait for what plays."""
        return self in {Enqueue.PLAY, Enqueue.REPLACE}


@dataclass(frozen=True, slots=True)
class Queued:
    """A film that waits for its turn; `context` says in whose name it is to be played, None: in nobody's."""

    source: Source
    wanted: int | str | None = None
    title: str | None = None
    start_position: float | None = 0.0
    wishes: Wishes | None = None
    context: Context | None = None


class Queue:
    """The queue of one device; `ready` is the session that comes next, once somebody has begun to prepare it."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """Begin empty; `changed` is called when other films wait."""
        self._changed = changed
        self.items: tuple[Queued, ...] = ()
        self.ready: Session | None = None
        self._ready_of: Queued | Session | None = None
        self.turn = 0
        """How often what comes next has changed, whatever plays."""
        self.is_overtaken = False
        """Whether it is being found out what is to be played at once, before what is queued: it has no session yet."""

    @property
    def head(self) -> Queued | None:
        """Return the film that was queued to come next."""
        return self.items[0] if self.items else None

    def put(self, items: Iterable[Queued], where: Enqueue) -> None:
        """Take films in; what was made ready gives way to what now comes before it."""
        items, before = tuple(items), self.head
        if where is Enqueue.REPLACE:
            self.items = items
        elif where is Enqueue.ADD:
            self.items = (*self.items, *items)
        else:
            self.items = (*items, *self.items)
        if self.head is not before:
            self.turn += 1
            self._drop()
        self._changed()

    def pop(self) -> Queued | None:
        """Take the next film out."""
        if not self.items:
            return None
        first, *rest = self.items
        self.items = tuple(rest)
        self._changed()
        return first

    def make_ready(self, session: Session, of: Queued | Session) -> None:
        """Keep what somebody begins to prepare: the session of a queued film, or what follows one that plays."""
        self._drop()
        self.ready, self._ready_of = session, of

    def take_ready(self, of: Queued | Session | None) -> Session | None:
        """Return what was made ready of that, which is the caller's from now on; else end it. None if it has ended."""
        if self.ready is None or self._ready_of is not of or self.ready.is_over:
            self._drop()
            return None
        session, self.ready, self._ready_of = self.ready, None, None
        return session

    def is_ready_for(self, session: Session) -> bool:
        """Tell whether what comes after a session is ready, or is being made so."""
        return self.ready is not None and not self.ready.is_over and self._ready_of is (self.head or session)

    def has_ready(self, session: Session) -> bool:
        """Tell whether that session is the one that comes next."""
        return self.ready is session

    def begin_ready(self) -> Queued | None:
        """Take note that the device has begun with what was ready, by itself; return what it was queued as."""
        ready_of, self.ready, self._ready_of = self._ready_of, None, None
        return self.pop() if self.items and self.items[0] is ready_of else None

    def clear(self) -> None:
        """Forget all."""
        self.items = ()
        self.turn += 1
        self._drop()
        self._changed()

    def forget(self, key: str) -> None:
        """Forget what is of a torrent that is removed."""
        left, before = tuple(item for item in self.items if item.source.key != key), self.head
        if left == self.items:
            return
        self.items = left
        if self.head is not before:
            self.turn += 1
            self._drop()
        self._changed()

    def drop_ready(self) -> None:
        """Make nothing ready: nothing is to come."""
        self._drop()

    def give_up(self) -> None:
        """Forget all, and what is being found out to be played at once."""
        self.is_overtaken = False
        self.clear()

    def _drop(self) -> None:
        if self.ready is not None:
            self.ready.end()
            self.ready = self._ready_of = None
