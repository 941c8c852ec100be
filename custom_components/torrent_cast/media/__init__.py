"""What is inside a file: works on verified byte ranges, knows neither torrents nor Home Assistant."""

from .delivery import Delivery, Direct, Remux, deliver
from .errors import Reason, Refusal, Refused, Unplayable
from .picture import cover, picture, still
from .probe import BytePosition, Container, KeyFrames, Probe, content_type, probe
from .profiles import BROWSER, Extra, Profile, profile_of
from .streams import Chapter, Kind, Stream
from .worker import ByteSource, Worker

__all__ = [
    "BROWSER",
    "BytePosition",
    "ByteSource",
    "Chapter",
    "Container",
    "Delivery",
    "Direct",
    "Extra",
    "KeyFrames",
    "Kind",
    "Probe",
    "Profile",
    "Reason",
    "Refusal",
    "Refused",
    "Remux",
    "Stream",
    "Unplayable",
    "Worker",
    "content_type",
    "cover",
    "deliver",
    "picture",
    "probe",
    "profile_of",
    "still",
]
