"""What a device is to play next: what was queued, and what is ready."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

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
    """A film that waits for its turn."""

    source: Source
    wanted: int | str | None = None
    title: str | None = None
    start_position: float | None = 0.0
    wishes: Wishes | None = None


class Queue:
    """The queue of one device; `ready` is the session that comes next, once somebody has begun to prepare it."""

    def __init__(self) -> None:
        self.items: tuple[Queued, ...] = ()
        self.ready: Session | None = None

    def put(self, items: Iterable[Queued], where: Enqueue) -> None:
        """Take films in; what was made ready gives way to what now comes before it."""
        items = tuple(items)
        if where is Enqueue.REPLACE:
            self.items = items
        elif where is Enqueue.ADD:
            self.items = (*self.items, *items)
        else:
            self.items = (*items, *self.items)
        self._drop()

    def pop(self) -> Queued | None:
        """Take the next film out."""
        if not self.items:
            return None
        first, *rest = self.items
        self.items = tuple(rest)
        return first

    def take_ready(self) -> Session | None:
        """Return the session that was made ready, which is the caller's from now on; None if it has ended."""
        session, self.ready = self.ready, None
        return session if session is not None and not session.is_over else None

    def clear(self) -> None:
        """Forget all."""
        self.items = ()
        self._drop()

    def _drop(self) -> None:
        if self.ready is not None:
            self.ready.end()
            self.ready = None
