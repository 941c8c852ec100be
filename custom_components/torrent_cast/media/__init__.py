"""What is inside a file: works on verified byte ranges, knows neither torrents nor Home Assistant."""

from .errors import Reason, Unplayable
from .picture import picture
from .probe import BytePosition, Container, KeyFrames, Probe, content_type, probe
from .worker import ByteSource, Worker

__all__ = [
    "BytePosition",
    "ByteSource",
    "Container",
    "KeyFrames",
    "Probe",
    "Reason",
    "Unplayable",
    "Worker",
    "content_type",
    "picture",
    "probe",
]
