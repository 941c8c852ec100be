"""The worker program: the only place that runs PyAV. Started by path, alone in its process, fed verified bytes only.

Frames on file descriptor 0, a socket, both ways: two big-endian 32-bit lengths, a JSON header, a binary payload.
Request: `{"job", "size", "method", "params", "ranges": [[start, end], ...]}`, payload: the bytes of the ranges.
Reply, one of `{"missing": [start, end]}`, `{"error": reason, "detail": text}`, `{"ok": {...}}` with its payload.
"""

import importlib
import json
import pkgutil
import resource
import signal
import struct
import sys
from array import array
from bisect import bisect_right
from collections import OrderedDict
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, Final, TypedDict

if __name__ == "__main__":
    # Behind the standard library, so that nothing there can stand in for a module of it.
    sys.path.extend(sys.argv[1:])

import av
import av.error

if TYPE_CHECKING:
    from collections.abc import Callable

    from av import Codec
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    type Json = dict[str, object]
    type MediaStream = AudioStream | VideoStream

LENGTHS: Final = struct.Struct(">II")
"""Of the header and of the payload, in bytes."""

MEMORY: Final = 1 << 30
"""Address space in bytes: Python, PyAV and its libraries map 160 MB, the index of a 2-hour MP4 takes 60 more; the
rest is for held ranges and frames."""

MAX_JOB: Final = 64 << 20
"""Bytes of one file: the index of a 12-hour MP4 is about 30 MB, the fonts attached to a Matroska seldom 50."""

MAX_HELD: Final = 2 * MAX_JOB
"""Bytes of all files together: the oldest are forgotten first, and asked for again if need be."""

ORPHAN_DEADLINE: Final = 60
"""Seconds of work after which the process ends itself; the parent's deadline is shorter, unless the parent is dead."""

ASK_AHEAD: Final = 256 << 10
"""Bytes to ask for at least: the smallest usual piece of a torrent; fewer would only cost round trips."""

GROWTH: Final = 4
"""Ask for a quarter more of a region already held: a 20 MB index takes some 15 rounds, over-asked by 25 % at most."""

TAIL: Final = 8 << 20
"""A jump into so many last bytes goes for an index that runs to the end of the file: ask for all of it at once."""

BLOCK: Final = 16 << 10
"""Bytes: the grain in which touched ranges are noted, that of BitTorrent's requests."""

SNIFF: Final = 64
"""First bytes that tell MP4, Matroska and WebM apart: `ftyp` is at 4, the EBML DocType within some 40."""

MAX_KEY_FRAMES: Final = 20_000
"""Of an index: every 0.4 s of a 2-hour film. Where every frame is a key frame, as in audio, they are thinned."""

MAX_CUT_FRAMES: Final = 1000
"""Frames an edit list may hide at the start: it cuts within one group of pictures, seldom more than 300."""

MICROSECONDS: Final = 1_000_000
"""FFmpeg's AV_TIME_BASE."""

UNKNOWN: Final = "unknown"
"""The codec of a stream that FFmpeg has no decoder for."""

DETAIL: Final = 200
"""Characters of an error text: it ends in a log line."""

FORMATS: Final = "mov,matroska,mpegts,avi,mp3,ogg,flac,wav,aac,ac3,eac3,aiff,asf,flv,mpeg"
"""What may be opened. Never playlists (hls, concat, dash): they name other files and addresses."""

UNUSED: Final = {"av.__main__", "av.datasets"}
"""Modules of PyAV: its command line, and a downloader, which imports half the standard library."""

SAFE: Final = {"format_whitelist": FORMATS, "protocol_whitelist": "none"}

INDEXED: Final = {"probesize": "32768", "ignore_chapters": "1", "use_odml": "0"}
"""For files whose header says all. 32 KiB: one packet. Chapters of MP4 and partial indexes of AVI lie in the middle."""

UNINDEXED: Final = {"probesize": str(1 << 20)}
"""For streams described only by their packets. 1 MiB is a second at 8 Mbit/s: most often a key frame."""

MP4_BOXES: Final = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"moof", b"sidx")
EBML: Final = b"\x1aE\xdf\xa3"
WEBM_DOCTYPE: Final = b"\x42\x82\x84webm"


class Request(TypedDict):
    """The header of a request."""

    job: str
    size: int
    method: str
    params: Json
    ranges: list[tuple[int, int]]


class NotMedia(Exception):
    """Nothing to play in there."""


class SparseFile:
    """A file of `size` bytes of which some are here; reading others ends in `missing`, the range to fetch.

    A read never raises: FFmpeg turns exceptions of its callbacks into errors of its own, or into success. Whoever
    used the file looks at `missing` before believing anything else.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._starts: list[int] = []
        self._chunks: list[bytearray] = []
        self.rewind()

    def rewind(self) -> None:
        """Begin a new pass over what is here."""
        self.missing: tuple[int, int] | None = None
        self.cut = False
        self._position = 0
        self._floor = -1
        self._blocks: set[int] = set()

    def add(self, start: int, data: bytes) -> None:
        """Put bytes in."""
        at = bisect_right(self._starts, start)
        if at and self._end(at - 1) >= start:
            self._chunks[at - 1] += data[self._end(at - 1) - start :]
            return
        self._starts.insert(at, start)
        self._chunks.insert(at, bytearray(data))

    @property
    def held(self) -> int:
        """Return how many bytes are here."""
        return sum(map(len, self._chunks))

    def index_only(self) -> None:
        """From here on the file ends, in `cut`, where bytes that follow its head would be missing."""
        self._floor = self._end(0) if self._starts and self._starts[0] == 0 else 0

    def head(self) -> bytes:
        """Return the bytes held from the first on."""
        return bytes(self._chunks[0]) if self._starts and self._starts[0] == 0 else b""

    def touched(self) -> list[tuple[int, int]]:
        """Return what was read in this pass, as [start, end) in bytes, in whole blocks."""
        ranges: list[tuple[int, int]] = []
        for block in sorted(self._blocks):
            start, end = block * BLOCK, min((block + 1) * BLOCK, self.size)
            if ranges and ranges[-1][1] == start:
                start = ranges.pop()[0]
            ranges.append((start, end))
        return ranges

    def read(self, count: int) -> bytes:
        """Return up to `count` bytes, none at the end and where bytes are missing."""
        count = min(count, self.size - self._position)
        if count <= 0 or self.missing:
            return b""
        at = bisect_right(self._starts, self._position) - 1
        if at < 0 or self._position >= self._end(at):
            self._miss(at, count)
            return b""
        offset = self._position - self._starts[at]
        data = bytes(memoryview(self._chunks[at])[offset : offset + count])
        end = self._position + len(data)
        self._blocks.update(range(self._position // BLOCK, (end - 1) // BLOCK + 1))
        self._position = end
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a byte position, as files do."""
        base = (0, self._position, self.size)[whence]
        if base + offset < 0:
            raise ValueError("before the first byte")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Return the byte position."""
        return self._position

    def _end(self, at: int) -> int:
        return self._starts[at] + len(self._chunks[at])

    def _miss(self, at: int, count: int) -> None:
        start = self._position
        if start <= self._floor:
            self.cut = True
            return
        goes_on = at >= 0 and self._end(at) == start
        ahead = max(count, ASK_AHEAD, len(self._chunks[at]) // GROWTH if goes_on else 0)
        if start and not goes_on and self.size - start <= TAIL:
            ahead = TAIL
        limit = self._starts[at + 1] if at + 1 < len(self._starts) else self.size
        self.missing = start, min(start + ahead, limit)


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


def probe(file: SparseFile, _params: Json) -> tuple[Json, bytes]:
    """Return what the file is; the payload holds its key frames: all times (s, float64), then all offsets (int64)."""
    sniffed = file.read(SNIFF)
    file.seek(0)
    with av.open(file, "r", options=_options(sniffed)) as container:
        video, audio = _streams(container)
        stream = video or audio
        if stream is None:
            raise NotMedia("neither audio nor video")
        names = container.format.name.split(",")
        duration = container.duration / MICROSECONDS if container.duration else None
        # A fragmented MP4 knows only its first fragment, unless a segment index comes first.
        fragmented = "mov" in names and b"mvex" in file.head()
        if fragmented and b"sidx" not in file.head():
            duration = None
        indexed = not fragmented and _has_index(container, stream, file)
        times, offsets = _key_frames(stream, file.size) if indexed else (array("d"), array("q"))
        found: Json = {
            "formats": names,
            "webm": WEBM_DOCTYPE in sniffed,
            "duration": duration,
            "video": _codec(video),
            "audio": _codec(audio),
            "width": getattr(video and video.codec_context, "width", 0),
            "height": getattr(video and video.codec_context, "height", 0),
            "channels": getattr(audio and audio.codec_context, "channels", 0),
            "touched": file.touched(),
        }
    return found, times.tobytes() + offsets.tobytes()


def picture(file: SparseFile, params: Json) -> tuple[Json, bytes]:
    """Return the key frame at `seconds`, `width` pixels wide at most, as a JPEG in the payload."""
    seconds, width = float(str(params["seconds"])), int(str(params["width"]))
    sniffed = file.read(SNIFF)
    file.seek(0)
    with av.open(file, "r", options=_options(sniffed)) as container:
        video, _ = _streams(container)
        if video is None:
            raise NotMedia("no video")
        video.codec_context.skip_frame = "NONKEY"
        if seconds:
            container.seek(int(seconds * MICROSECONDS))
        frame = next(container.decode(video), None)
        if frame is None:
            raise NotMedia("no picture")
        return {}, _jpeg(frame, width)


def _jpeg(frame: VideoFrame, width: int) -> bytes:
    """Return a frame as a JPEG, in even numbers of pixels as its colours want."""
    width = min(width, frame.width) // 2 * 2
    height = max(2, frame.height * width // max(frame.width, 1) // 2 * 2)
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, "yuvj420p", Fraction(1, 1)
    small = frame.reformat(width, height, "yuvj420p")
    small.pts, small.time_base = 0, encoder.time_base
    return b"".join(bytes(packet) for packet in (*encoder.encode(small), *encoder.encode(None)))


METHODS: Final[dict[str, Callable[[SparseFile, Json], tuple[Json, bytes]]]] = {"probe": probe, "picture": picture}


def _options(sniffed: bytes) -> dict[str, str]:
    if sniffed[4:8] in MP4_BOXES:
        # ignidx ends the reading at the first fragment: the others are all over the file.
        return SAFE | INDEXED | {"fflags": "+ignidx"}
    return SAFE | (INDEXED if sniffed.startswith((EBML, b"RIFF")) else UNINDEXED)


def _streams(container: InputContainer) -> tuple[VideoStream | None, AudioStream | None]:
    """Return the first video that is not a cover, and the first audio."""
    cover = av.stream.Disposition.attached_pic
    videos = (stream for stream in container.streams.video if not stream.disposition & cover)
    return next(videos, None), next(iter(container.streams.audio), None)


def _has_index(container: InputContainer, stream: MediaStream, file: SparseFile) -> bool:
    """Return whether the index entries are the file's own; those of other formats are of packets seen so far."""
    if "matroska" not in container.format.name:
        return container.format.name.startswith(("mov", "avi"))
    # Matroska's Cues are put off to the first seek, which without Cues would search the clusters.
    file.index_only()
    try:
        container.seek(0, stream=stream)
    except av.error.FFmpegError:
        return False
    return not file.cut and container.duration is not None


def _key_frames(stream: MediaStream, size: int) -> tuple[array[float], array[int]]:
    """Return presentation times in s, ascending, and byte offsets; too many are thinned evenly."""
    times, offsets = array("d"), array("q")
    entries = stream.index_entries
    if not len(entries):
        return times, offsets
    first, last = entries[0].timestamp, entries[-1].timestamp
    delay, base = _delay(stream), float(stream.time_base)
    step = max(1, (last - first) // MAX_KEY_FRAMES + 1)
    before, at = -1, entries.search_timestamp(first, backward=False)
    while before < at and len(times) <= MAX_KEY_FRAMES:
        entry = entries[at]
        if 0 <= entry.pos < size:
            times.append((entry.timestamp + delay) * base)
            offsets.append(entry.pos)
        before, at = at, entries.search_timestamp(entry.timestamp + step, backward=False)
    return times, offsets


def _delay(stream: MediaStream) -> int:
    """Return by how much later than in the index, which in MP4 has decoding times, frames are shown (time base)."""
    entries = islice(stream.index_entries, MAX_CUT_FRAMES)
    shown = next((entry.timestamp for entry in entries if not entry.is_discard), None)
    if shown is None or stream.start_time is None:
        return 0
    return max(0, stream.start_time - shown)


def _codec(stream: MediaStream | None) -> str | None:
    """Return a codec's name; a stream whose codec this FFmpeg cannot decode has no context."""
    if stream is None:
        return None
    codec: Codec | None = getattr(stream.codec_context, "codec", None)
    return codec.canonical_name if codec else UNKNOWN


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
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # Whatever a file makes FFmpeg do: it opens no other file and no connection.
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    av.logging.set_level(None)
    jobs = Jobs()
    with open(0, "rb", closefd=False) as requests, open(0, "wb", closefd=False) as replies:
        send(replies, {"ok": {}})
        while request := receive(requests):
            signal.alarm(ORPHAN_DEADLINE)
            send(replies, *answer(jobs, *request))
            signal.alarm(0)


if __name__ == "__main__":
    main()
