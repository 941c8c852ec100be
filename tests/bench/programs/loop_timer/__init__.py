"""A custom component for the benchmark: a timer in Home Assistant's event loop that notes how late it is."""

import asyncio
import time
from typing import TYPE_CHECKING, Final

from homeassistant.components.http import HomeAssistantView

if TYPE_CHECKING:
    from aiohttp import web
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.typing import ConfigType

DOMAIN: Final = "loop_timer"
# The timer whose lateness is the loop's lag; s
TICK: Final = 0.005


async def async_setup(hass: HomeAssistant, _: ConfigType) -> bool:
    """Start the timer, and have its figures asked for."""
    timer = Timer()
    hass.async_create_background_task(timer.watch(), DOMAIN)
    hass.http.register_view(LatenessView(timer))
    return True


class Timer:
    """A timer, and how late it was each time since it was last asked."""

    def __init__(self) -> None:
        self._late: list[float] = []

    async def watch(self) -> None:
        """Note how late the timer is, for ever."""
        while True:
            due = time.monotonic() + TICK
            await asyncio.sleep(TICK)
            self._late.append(time.monotonic() - due)

    def take(self) -> list[float]:
        """Return how late it was, s, and begin anew."""
        late, self._late = self._late, []
        return late


class LatenessView(HomeAssistantView):
    """Tells how late the timer was since it was last asked."""

    url = f"/api/{DOMAIN}"
    name = f"api:{DOMAIN}"

    def __init__(self, timer: Timer) -> None:
        self._timer = timer

    async def get(self, _: web.Request) -> web.Response:
        """Answer with a list of s; percentiles are for who asks, in another process."""
        return self.json(self._timer.take())
