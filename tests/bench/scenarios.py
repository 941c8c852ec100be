"""The scenarios of the engine by name, and the sets in which they are run."""

from collections.abc import Awaitable, Callable
from typing import Final

from . import engine_hold, engine_outage, engine_seek, engine_start
from .compare import Options
from .results import Result

SCENARIOS: Final[dict[str, Callable[[Options], Awaitable[Result]]]] = {
    "engine-start": engine_start.start,
    "engine-start-far": engine_start.start_far,
    "engine-seek-saturated": engine_seek.saturated,
    "engine-seek-steady": engine_seek.steady,
    "engine-seek-steady-far": engine_seek.steady_far,
    "engine-hold": engine_hold.hold,
    "engine-outage": engine_outage.outage,
}

SETS: Final[dict[str, tuple[str, ...]]] = {
    "engine": tuple(SCENARIOS),
}
