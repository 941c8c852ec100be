"""Who wants to hear: at once, or now and then."""

import asyncio
import logging
from collections.abc import Callable

_LOGGER = logging.getLogger(__name__)


class Listeners[**P]:
    """Callbacks; one that raises is logged, and neither the others nor the teller notice."""

    def __init__(self) -> None:
        self._listeners: dict[object, Callable[P, None]] = {}

    def add(self, listener: Callable[P, None]) -> Callable[[], None]:
        """Have `listener` called until the returned function is."""
        key = object()
        self._listeners[key] = listener

        def remove() -> None:
            self._listeners.pop(key, None)

        return remove

    def tell(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call all."""
        for listener in tuple(self._listeners.values()):
            try:
                listener(*args, **kwargs)
            except Exception:
                _LOGGER.exception("A listener failed")


class Pulse(Listeners[[]]):
    """Tells that something may have changed, and no more often than every `interval` s."""

    def __init__(self, interval: float) -> None:
        super().__init__()
        self._interval = interval
        self._last = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    def beat(self) -> None:
        """Have the listeners told: at once if they have not been for a while, else as soon as that is so."""
        if self._timer is None and not self._is_closed:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._last + self._interval), self._tell_now)

    def close(self) -> None:
        """Tell nobody any more."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell_now(self) -> None:
        self._timer = None
        self._last = asyncio.get_running_loop().time()
        self.tell()
