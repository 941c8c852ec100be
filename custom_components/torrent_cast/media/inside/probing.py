"""Probing: what a file is, from its head and its index."""

import math
from array import array
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, Final

import av
import av.error

from .describing import chapters, streams
from .sparse import SparseFile

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

    type Json = dict[str, object]
    type MediaStream = AudioStream | VideoStream

SNIFF: Final = 64
"""First bytes that tell MP4, Matroska and WebM apart: `ftyp` is at 4, the EBML DocType within some 40."""

MAX_KEY_FRAMES: Final = 20_000
"""Of an index: every 0.4 s of a 2-hour film. Where every frame is a key frame, as in audio, they are thinned."""

MAX_CUT_FRAMES: Final = 1000
"""Frames an edit list may hide at the start: it cuts within one group of pictures, seldom more than 300."""

NEARLY_ALL: Final = 0.9
"""Of an AVI's frames: headers count some that are not there."""

MICROSECONDS: Final = 1_000_000
"""FFmpeg's AV_TIME_BASE."""

FORMATS: Final = "mov,matroska,mpegts,avi,mp3,ogg,flac,wav,aac,ac3,eac3,aiff,asf,flv,mpeg"
"""What may be opened. Never playlists (hls, concat, dash): they name other files and addresses."""

SAFE: Final = {"format_whitelist": FORMATS, "protocol_whitelist": "none"}

INDEXED: Final = {"probesize": "32768", "ignore_chapters": "1"}
"""For files whose header says all. 32 KiB: one packet. Chapters of MP4 lie in the middle."""

UNINDEXED: Final = {"probesize": str(1 << 20)}
"""For streams described only by their packets. 1 MiB is a second at 8 Mbit/s: most often a key frame."""

MP4_BOXES: Final = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"moof", b"sidx")
EBML: Final = b"\x1aE\xdf\xa3"
WEBM_DOCTYPE: Final = b"\x42\x82\x84webm"


class NotMedia(Exception):
    """Nothing to play in there."""


def probe(file: SparseFile, _params: Json) -> tuple[Json, bytes]:
    """Return what the file is; the payload holds its key frames: all times (s, float64), then all offsets (int64)."""
    with opened(file) as container:
        video, audio = first_streams(container)
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
        times, offsets = _key_frames(container, stream, file.size) if indexed else (array("d"), array("q"))
        found: Json = {
            "formats": names,
            "webm": WEBM_DOCTYPE in file.head()[:SNIFF],
            "duration": duration,
            "video": None if video is None else video.index,
            "audio": None if audio is None else audio.index,
            "streams": streams(container),
            "chapters": chapters(container),
            "touched": file.touched(),
            "start": container.start_time or 0,
        }
    return found, times.tobytes() + offsets.tobytes()


def opened(file: SparseFile) -> InputContainer:
    """Return the file, open; raises av.error.FFmpegError for what is no media."""
    sniffed = file.read(SNIFF)
    file.seek(0)
    return av.open(file, "r", options=options_of(sniffed))


def options_of(sniffed: bytes) -> dict[str, str]:
    """Return how FFmpeg is to open a file that begins so."""
    if sniffed[4:8] in MP4_BOXES:
        # ignidx ends the reading at the first fragment: the others are all over the file.
        return SAFE | INDEXED | {"fflags": "+ignidx"}
    return SAFE | (INDEXED if sniffed.startswith((EBML, b"RIFF")) else UNINDEXED)


def first_streams(container: InputContainer) -> tuple[VideoStream | None, AudioStream | None]:
    """Return the first video that is not a cover, and the first audio."""
    cover = av.stream.Disposition.attached_pic
    videos = (stream for stream in container.streams.video if not stream.disposition & cover)
    return next(videos, None), next(iter(container.streams.audio), None)


def _has_index(container: InputContainer, stream: MediaStream, file: SparseFile) -> bool:
    """Return whether the index entries are the file's own; those of other formats are of packets seen so far."""
    if "avi" in container.format.name:
        return _reaches_end(stream)
    if "matroska" not in container.format.name:
        return container.format.name.startswith("mov")
    # Matroska's Cues are put off to the first seek, which without Cues would search the clusters.
    file.index_only()
    try:
        container.seek(0, stream=stream)
    except av.error.FFmpegError:
        return False
    return not file.cut and container.duration is not None and _leads_on(stream, file)


def _reaches_end(stream: MediaStream) -> bool:
    """Tell whether index entries go as far as the header says that there are frames: else they are of packets seen."""
    entries = stream.index_entries
    return len(entries) > 0 and entries[-1].timestamp >= (stream.duration or math.inf) * NEARLY_ALL


def _leads_on(stream: MediaStream, file: SparseFile) -> bool:
    """Tell whether index entries lead beyond the file's head: else they are of packets seen.

    Of a film that is hardly larger than its head either will do: all of it is there in a moment.
    """
    entries = stream.index_entries
    return file.size <= 2 * file.head_size or (len(entries) > 0 and entries[-1].pos >= file.head_size)


def _key_frames(container: InputContainer, stream: MediaStream, size: int) -> tuple[array[float], array[int]]:
    """Return presentation times in s, ascending, and byte offsets; too many are thinned evenly."""
    times, offsets = array("d"), array("q")
    entries = stream.index_entries
    if not len(entries):
        return times, offsets
    first, last = entries[0].timestamp, entries[-1].timestamp
    delay, base = delay_of(stream), stream.time_base
    origin = origin_of(container, stream)
    step = max(1, (last - first) // MAX_KEY_FRAMES + 1)
    before, at = -1, entries.search_timestamp(first, backward=False)
    while before < at and len(times) <= MAX_KEY_FRAMES:
        entry = entries[at]
        if 0 <= entry.pos < size:
            times.append(float((entry.timestamp + delay) * base - origin))
            offsets.append(entry.pos)
        before, at = at, entries.search_timestamp(entry.timestamp + step, backward=False)
    return times, offsets


def delay_of(stream: MediaStream) -> int:
    """Return by how much later than in the index, which in MP4 has decoding times, frames are shown (time base)."""
    entries = islice(stream.index_entries, MAX_CUT_FRAMES)
    shown = next((entry.timestamp for entry in entries if not entry.is_discard), None)
    if shown is None or stream.start_time is None:
        return 0
    return max(0, stream.start_time - shown)


def origin_of(container: InputContainer, stream: MediaStream) -> Fraction:
    """Return the file's own time, in s, at its beginning: that of the first frame shown, or cut by an edit list."""
    start = Fraction(container.start_time or 0, MICROSECONDS)
    entries = stream.index_entries
    if not len(entries) or not entries[0].is_discard or stream.time_base is None:
        return start
    return min(start, (entries[0].timestamp + delay_of(stream)) * stream.time_base)
