"""What the user decided about playback."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from ..engine import EngineSettings
from ..media import Extra
from .wishes import Habits


class Seeding(StrEnum):
    """How long a film is given to others."""

    NONE = "none"
    """Until it is complete."""
    WATCHING = "watching"
    """As long as somebody watches it."""
    RATIO = "ratio"
    """While it is kept, until as much was given as the share ratio says."""


@dataclass(frozen=True, slots=True)
class PlaybackSettings:
    """What the user decided; `metadata_timeout` in s, `seed_ratio` in bytes given per byte taken."""

    directory: Path
    engine: EngineSettings
    keep: timedelta
    metadata_timeout: float
    base_url: str | None = None
    whole_film: bool = False
    next_episode: bool = True
    seeding: Seeding = Seeding.WATCHING
    seed_ratio: float = 1.0
    ffmpeg: str | None = None  # the program that converts video which a device does not play; None: it is refused
    habits: Habits = field(default_factory=Habits)
    extras: Mapping[Extra, frozenset[str]] = field(default_factory=dict)  # the entities of devices that take more

    def extras_of(self, entity_id: str | None) -> frozenset[Extra]:
        """Return what the owner says a device takes beyond what its model tells."""
        return frozenset(extra for extra, devices in self.extras.items() if entity_id in devices)
