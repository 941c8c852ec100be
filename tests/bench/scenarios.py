"""The scenarios of the engine by name, and the sets in which they are run."""

from collections.abc import Awaitable, Callable
from typing import Final

from . import (
    engine_download,
    engine_growth,
    engine_hold,
    engine_idle,
    engine_lag,
    engine_memory,
    engine_outage,
    engine_seek,
    engine_serve,
    engine_start,
    engine_upload,
)
from .compare import Options
from .engine_start import FAR
from .results import Result

SCENARIOS: Final[dict[str, Callable[[Options], Awaitable[Result]]]] = {
    "engine-start": engine_start.start,
    "engine-start-far": engine_start.start_far,
    "engine-seek-saturated": engine_seek.saturated,
    "engine-seek-steady": engine_seek.steady,
    "engine-seek-steady-far": engine_seek.steady_far,
    "engine-hold": engine_hold.hold,
    "engine-hold-honest": engine_hold.hold_honest,
    "engine-outage": engine_outage.outage,
    "engine-upload": engine_upload.upload,
    "engine-serve": engine_serve.serve,
    "engine-download": engine_download.download,
    "engine-loop-lag": engine_lag.loop_lag,
    "engine-idle": engine_idle.idle,
    "engine-memory": engine_memory.memory,
    "engine-growth": engine_growth.growth,
}

# What nobody could beat, by figure: `runs` are what a scenario is about, the others its notes. The report takes it from
# here, so that what was measured before a limit was mended is held against the right one.
LIMITS: Final[dict[str, dict[str, float]]] = {
    "engine-start": engine_start.limits(None),
    "engine-start-far": engine_start.limits(FAR),
    "engine-seek-saturated": engine_seek.limits(None),
    "engine-seek-steady": engine_seek.limits(None),
    "engine-seek-steady-far": engine_seek.limits(FAR),
    "engine-hold": engine_hold.limits(),
    "engine-hold-honest": engine_hold.limits(),
    "engine-outage": engine_outage.limits(),
    "engine-upload": engine_upload.limits(),
    "engine-loop-lag": engine_lag.limits(),
}
# The figures that one round brings, where that is more than one.
PER_ROUND: Final[dict[str, int]] = dict.fromkeys(
    ("engine-seek-saturated", "engine-seek-steady", "engine-seek-steady-far"), engine_seek.SEEKS
)

SETS: Final[dict[str, tuple[str, ...]]] = {
    "engine": tuple(SCENARIOS),
    # Against other players, and ours alone
    "engine-compare": ("engine-start", "engine-seek-saturated", "engine-seek-steady"),
    "engine-cost": (
        "engine-serve",
        "engine-download",
        "engine-loop-lag",
        "engine-idle",
        "engine-memory",
        "engine-growth",
    ),
}
