"""Serving: requests in, replies out.

Frames on file descriptor 0, a socket, both ways: two big-endian 32-bit lengths, a JSON header, a binary payload.
Request: `{"job", "size", "method", "params", "ranges": [[start, end], ...]}`, payload: the bytes of the ranges.
Reply, one of `{"missing": [start, end]}`, `{"error": reason, "detail": text}`, `{"ok": {...}}` with its payload.
"""

import contextlib
import gc
import importlib
import json
import pkgutil
import resource
import signal
import struct
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypedDict

import av
import av.error

from .captions import captions
from .picturing import cover, picture, still
from .probing import NotMedia, probe
from .scanning import scan
from .segments import beginning, segment
from .sparse import SparseFile
from .stretching import converted, sound, stretch
from .texts import texts

if TYPE_CHECKING:
    from collections.abc import Callable

    type Json = dict[str, object]

LENGTHS: Final = struct.Struct(">II")
"""Of the header and of the payload, in bytes."""

MEMORY: Final = 1 << 30
"""Address space in bytes: Python, PyAV and its libraries map 160 MB, the index of a 2-hour MP4 takes 60 more; the
rest is for held ranges and frames."""

MAX_JOB: Final = 64 << 20
"""Bytes of one file: the index of a 12-hour MP4 is about 30 MB, the fonts attached to a Matroska seldom 50."""

MAX_HELD: Final = 2 * MAX_JOB
"""Bytes of all files together: the oldest are forgotten first, and asked for again if need be."""

FIRST_TO_GO: Final = "1000"
"""Of all processes, where the machine runs out of memory (proc(5), oom_score_adj): a picture is no reason for Home
Assistant's end."""

ORPHAN_DEADLINE: Final = 60
"""Seconds of work after which the process ends itself; the parent's deadline is shorter, unless the parent is dead."""

DETAIL: Final = 200
"""Characters of an error text: it ends in a log line."""

UNUSED: Final = {"av.__main__", "av.datasets"}
"""Modules of PyAV: its command line, and a downloader, which imports half the standard library."""


class Request(TypedDict):
    """The header of a request."""

    job: str
    size: int
    method: str
    params: Json
    ranges: list[tuple[int, int]]


class Jobs:
    """The files being looked at, by job, the last used at the end."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, SparseFile] = OrderedDict()

    def file(self, job: str, size: int) -> SparseFile:
        """Return a job's file, rewound; a new one if it was forgotten."""
        file = self._files.setdefault(job, SparseFile(size))
        self._files.move_to_end(job)
        file.rewind()
        return file

    def trim(self, job: str) -> None:
        """Forget the oldest files beyond the bound; raises MemoryError, forgetting it, where this one is too big."""
        if self._files[job].held > MAX_JOB:
            del self._files[job]
            raise MemoryError("needs too many bytes at once")
        while sum(file.held for file in self._files.values()) > MAX_HELD:
            self._files.popitem(last=False)


METHODS: Final[dict[str, Callable[[SparseFile, Json], tuple[Json, bytes]]]] = {
    "probe": probe,
    "scan": scan,
    "picture": picture,
    "cover": cover,
    "still": still,
    "captions": captions,
    "beginning": beginning,
    "segment": segment,
    "stretch": stretch,
    "sound": sound,
    "converted": converted,
    "texts": texts,
}


def answer(jobs: Jobs, request: Request, payload: bytes) -> tuple[Json, bytes]:
    """Return the reply to one request."""
    file = jobs.file(request["job"], request["size"])
    at = 0
    for start, end in request["ranges"]:
        file.add(start, payload[at : at + end - start])
        at += end - start
    data = b""
    try:
        jobs.trim(request["job"])
        result, data = METHODS[request["method"]](file, request["params"])
    except Exception as err:  # noqa: BLE001  # whatever PyAV raises, this file made it
        reply: Json = {"error": _reason(err), "detail": f"{type(err).__name__}: {err}"[:DETAIL]}
    else:
        reply = {"ok": result}
    if file.missing:
        return {"missing": file.missing}, b""
    return reply, data


def _reason(err: Exception) -> str:
    match err:
        case MemoryError():
            return "too_big"
        case NotMedia() | av.error.FFmpegError():
            return "not_media"
        case _:
            return "crashed"


def receive(stream: BinaryIO) -> tuple[Request, bytes] | None:
    """Return the next request, None where the parent has gone."""
    lengths = stream.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    header_length, payload_length = LENGTHS.unpack(lengths)
    header = stream.read(header_length)
    payload = stream.read(payload_length)
    return (json.loads(header), payload) if len(payload) == payload_length else None


def send(stream: BinaryIO, reply: Json, payload: bytes = b"") -> None:
    """Send one reply."""
    header = json.dumps(reply).encode()
    stream.write(LENGTHS.pack(len(header), len(payload)) + header + payload)
    stream.flush()


def load() -> None:
    """Import all of PyAV, which else imports its parts as it needs them."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if module.name not in UNUSED:
            importlib.import_module(module.name)


def main() -> None:
    """Serve until the parent closes its end."""
    load()
    with contextlib.suppress(OSError):  # where there is none, or not for us
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # Whatever a file makes FFmpeg do: it opens no other file and no connection.
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    av.logging.set_level(None)
    gc.freeze()  # what is here by now stays
    jobs = Jobs()
    with open(0, "rb", closefd=False) as requests, open(0, "wb", closefd=False) as replies:
        send(replies, {"ok": {}})
        while request := receive(requests):
            signal.alarm(ORPHAN_DEADLINE)
            send(replies, *answer(jobs, *request))
            signal.alarm(0)
            gc.collect()  # PyAV's containers lie in cycles, and of what FFmpeg holds for them Python knows nothing
