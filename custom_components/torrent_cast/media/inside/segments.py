"""Segments: fragments of MP4 between two of a file's own key frames, video copied, each made on its own.

Which segment a packet belongs to follows from the packet and the two cuts alone, so that segments fit whichever way
they are asked for: video is cut in decoding order, before the key frame; sound at the first packet that a reader who
began at the key frame would come by and that is still heard then.
"""

import base64
import contextlib
import itertools
from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING, Final

import av
from av.packet import Packet

from .boxes import Sample, Track, fragment, top_level
from .entering import entered
from .film import LATER, Cut, Film, base_of
from .payloads import audio_config
from .probing import NotMedia, opened
from .sound import Encoder, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

    from .film import AnyPacket
    from .sparse import SparseFile

    type Json = dict[str, object]

VIDEO_TIMESCALE: Final = 90_000
"""Ticks per second: what MPEG counts in; whole for the milliseconds of Matroska."""

JITTER: Final = 0.002
"""Seconds by which times of sound packets are off where the container counts milliseconds."""

FRAME_SIZES: Final = {"ac3": 1536, "eac3": 1536}
"""Samples of a packet (ETSI TS 102 366) where FFmpeg does not say."""

VIDEO_TAGS: Final = {"hevc": "hvc1"}
"""Names of sample entries that players insist on: parameter sets are in the header, not among the samples."""

CONVERTED: Final = {"format_whitelist": "nut", "protocol_whitelist": "none"}
"""What an encoder outside has written is opened so."""

INIT: Final = {
    "movflags": "empty_moov+delay_moov+default_base_moof+frag_custom",
    "use_editlist": "0",
    "video_track_timescale": str(VIDEO_TIMESCALE),
    "fflags": "+bitexact",
}


def beginning(file: SparseFile, params: Json) -> tuple[Json, bytes]:
    """Return the initialisation segment: `ftyp` and `moov`; `picture` is the video's own where it was converted."""
    with opened_at(file, params, None) as container, _picture(params) as picture:
        film = Film(container, file, params)
        first = _first_packets(film, container)
        if file.missing:
            return {}, b""
        video, packet = film.video, first.get(film.video.index)
        if picture is not None:
            video = picture.streams.video[0]
            packet = next(picture.demux([video]))
        out = BytesIO()
        with av.open(out, "w", format="mp4", options=dict(INIT)) as target:
            _mux(target, film, (video, packet), first)
    file.keep(kept(params))
    return {}, top_level(out.getvalue(), b"ftyp", b"moov")


def segment(file: SparseFile, params: Json) -> tuple[Json, bytes]:
    """Return one media segment: `moof` and `mdat`."""
    begin, end = cut_of(params["begin"]), cut_of(params["end"])
    number = params["number"]
    assert isinstance(number, int)
    with opened_at(file, params, begin) as container:
        film = Film(container, file, params)
        video, sound = _tracks(film, begin, end)
        if file.missing:
            return {}, b""
        tracks = [
            video_track([round(film.ticks(packet, VIDEO_TIMESCALE)) for packet in video], video, film.video_payload)
        ]
        if sound is not None and sound.samples:
            tracks.append(sound)
        data = fragment(number + 1, tracks)
    file.keep(kept(params))
    return {}, data


def opened_at(file: SparseFile, params: Json, begin: Cut | None) -> InputContainer:
    """Return the file, open; one without an index from a cut on, since nothing else leads there.

    Where there is a `limit`, it ends there.
    """
    if isinstance(limit := params.get("limit"), int):
        file.limit(limit)
    return entered(file, begin.offset if begin else 0) if "origin" in params else opened(file)


def _tracks(film: Film, begin: Cut | None, end: Cut | None) -> tuple[list[AnyPacket], Track | None]:
    """Return the video packets and the sound between two cuts; the sound means nothing where bytes are missing."""
    encoder = Encoder(film.audio) if film.audio and film.is_encoded else None
    video, audio = film.packets(begin, end, encoder.behind if encoder else 0.0)
    if film.audio is None or film.is_missing:
        return video, None
    return video, encode(encoder, film, audio, begin, end) if encoder else _audio_track(film, audio, begin, end)


def audio_track(film: Film, begin: Cut | None, end: Cut | None) -> Track | None:
    """Return the sound between two cuts, None where there is none."""
    return _tracks(film, begin, end)[1]


def video_track(shown: list[int], packets: list[AnyPacket], payload: Callable[[bytes], bytes]) -> Track:
    """Return video by when each packet is shown, decoded `LATER` before the times at which any is, in their order."""
    decoded = [max(0, when - round(LATER * VIDEO_TIMESCALE)) for when in sorted(shown)]
    steps = [after - before for before, after in itertools.pairwise(decoded)]
    steps.append(steps[-1] if steps else VIDEO_TIMESCALE // 25)
    samples = [
        Sample(payload(bytes(packet)), step, when - at, packet.is_keyframe)
        for packet, step, when, at in zip(packets, steps, shown, decoded, strict=True)
    ]
    return Track(1, decoded[0], samples)


def _audio_track(film: Film, packets: list[AnyPacket], begin: Cut | None, end: Cut | None) -> Track:
    """Return the sound as it is in the file."""
    assert film.audio is not None
    rate = film.audio.codec_context.sample_rate
    size = film.audio.codec_context.frame_size or FRAME_SIZES.get(film.audio.codec_context.name, 0)

    def is_heard(cut: Cut, packet: AnyPacket) -> bool:
        length = Fraction(size, rate) if size else (packet.duration or 0) * base_of(packet.stream)
        return film.is_after(cut, packet) and film.seconds(packet) + length > cut.time

    chosen = [
        packet
        for packet in packets
        if (begin is None or is_heard(begin, packet)) and not (end and is_heard(end, packet))
    ]
    if begin is None:
        chosen = [packet for packet in chosen if film.seconds(packet) >= 0]
    times = [film.ticks(packet, rate) for packet in chosen]
    steps = [after - before for before, after in itertools.pairwise(times)]
    steps.append(steps[-1] if steps and not size else Fraction(size))
    samples = [
        Sample(film.audio_payload(bytes(packet)), _duration(step, size, rate), 0, is_key=True)
        for packet, step in zip(chosen, steps, strict=False)
    ]
    return Track(2, round(times[0]) if times else 0, samples)


def _duration(step: Fraction, size: int, rate: int) -> int:
    """Return the duration of a sound packet, in samples: its own size unless there is a hole after it."""
    is_regular = size > 0 and abs(step - size) < JITTER * rate
    return size if is_regular else max(1, round(step))


def _first_packets(film: Film, container: InputContainer) -> dict[int, AnyPacket]:
    """Return the first packet of each stream that is taken."""
    wanted = [stream for stream in (film.video, film.audio) if stream is not None]
    first: dict[int, AnyPacket] = {}
    for packet in container.demux(wanted):
        if packet.size:
            first.setdefault(packet.stream.index, packet)
        if len(first) == len(wanted):
            break
    return first


@contextlib.contextmanager
def _picture(params: Json) -> Iterator[InputContainer | None]:
    """Open the beginning of converted video, if there is one."""
    if not isinstance(picture := params.get("picture"), str):
        yield None
        return
    with av.open(BytesIO(base64.b64decode(picture)), "r", format="nut", options=dict(CONVERTED)) as container:
        if not container.streams.video:
            raise NotMedia("no video")
        yield container


def _mux(
    target: av.container.OutputContainer,
    film: Film,
    shown: tuple[VideoStream, AnyPacket | None],
    first: dict[int, AnyPacket],
) -> None:
    """Write as much of a file as makes FFmpeg describe its tracks."""
    # As it is: by a name of its own PyAV would look for an encoder, which AV1's decoder has none of.
    video = target.add_stream_from_template(shown[0], opaque=True)
    if (tag := VIDEO_TAGS.get(shown[0].codec_context.name)) is not None:
        video.codec_context.codec_tag = tag
    packets: list[tuple[Stream, AnyPacket]] = []
    if (packet := shown[1]) is not None:
        packets.append((video, packet))
    if film.audio is not None and film.is_encoded:
        Encoder(film.audio).describe(target)
    elif film.audio is not None and (packet := first.get(film.audio.index)) is not None:
        audio = target.add_stream_from_template(film.audio)
        if (config := audio_config(bytes(packet))) is not None:
            audio.codec_context.extradata = config
        packets.append((audio, Packet(film.audio_payload(bytes(packet)))))
    for stream, packet in packets:
        packet.stream = stream
        packet.pts = packet.dts = 0
        target.mux_one(packet)


def cut_of(value: object) -> Cut | None:
    """Return the cut that a request names, None at either end of the film."""
    if not isinstance(value, list):
        return None
    return Cut(float(value[0]), int(value[1]))


def kept(params: Json) -> list[tuple[int, int]]:
    """Return what stays here for the next segment: head and index."""
    value = params["keep"]
    return [(int(start), int(end)) for start, end in value] if isinstance(value, list) else []
