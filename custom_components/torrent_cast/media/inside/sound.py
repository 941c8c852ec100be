"""Sound that a device does not take, as AAC in stereo, cut so that it goes on over the border of two segments.

The blocks of an encoder overlap: what a block sounds like is in its own packet and the one before. So a segment's
encoder is given one block more than the segment has, and the border lies on a grid of blocks that counts from the
beginning of the film. So the packets on both sides of a border belong to the same samples, whoever made them.
"""

import math
from array import array
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av
import av.error
from av.audio.frame import AudioFrame
from av.codec.context import Flags2
from av.filter import Graph

from .boxes import Sample, Track
from .film import LATER, Cut, Film, base_of

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.stream import AudioStream
    from av.container import OutputContainer

    from .film import AnyPacket

BLOCK: Final = 1024
"""Samples of an AAC packet (ISO/IEC 14496-3)."""

LOOKAHEAD: Final = 2
"""Blocks the encoder wants beyond the last: the one that overlaps, and one to judge it by."""

LEAD_IN: Final = 4
"""Blocks before the first, mirrored: out of silence the encoder would begin with short windows, which fit none."""

RATES: Final = {44_100, 48_000}
"""Samples per second that every device plays; others become the last."""

BITRATE: Final = 192_000
"""bit/s: more than enough for stereo."""

CODER: Final = {"aac_coder": "fast"}
"""FFmpeg's documentation of its AAC encoder calls it better at higher bitrates than the default, `twoloop`, and much
faster: a minute of stereo took 1.0 s of CPU time, and 2.4 s by the default."""

WARM_UP: Final = {"ac3": 256, "eac3": 256, "dca": 1024, "mp3": 2304, "opus": 960, "vorbis": 2048}
"""Samples after which a decoder that begins anywhere is right: what its blocks overlap by, and MP3's reservoir."""

SYNCED: Final = {"truehd", "mlp"}
"""Sound that a decoder begins with at a major sync only."""

SYNC_INTERVAL: Final = 128
"""Access units from one major sync to the next, at most (FFmpeg, mlpenc.c)."""

UNIT: Final = 40
"""Samples of an access unit at 44.1 and 48 kHz; at twice the rate it has twice as many."""

BEHIND: Final = 0.4
"""Seconds of sound to read beyond a cut: the warm-up, the blocks looked ahead, and a packet or two."""

SNAP: Final = 0.002
"""Seconds by which packets are off the grid of their own length where the container counts milliseconds."""

HOLE: Final = 0.05
"""Seconds from which a step in the times of sound is a hole, or an overlap, and not their rounding."""

SILENCE: Final = 30
"""Seconds of silence for one hole, at most."""

FLOAT: Final = 4
"""Bytes of a sample."""


class Encoder:
    """From what a stream holds to AAC in stereo."""

    behind = BEHIND

    def __init__(self, stream: AudioStream) -> None:
        self.stream = stream
        self.rate_in = stream.codec_context.sample_rate
        self.rate = self.rate_in if self.rate_in in RATES else max(RATES)
        # By its own count FFmpeg would take what an edit list hides off the beginning of each segment.
        stream.codec_context.flags2 |= Flags2.skip_manual
        self.warm_up = Fraction(_warm_up(stream.codec_context.name, self.rate_in), self.rate_in)

    def describe(self, target: OutputContainer) -> None:
        """Add what `packets` returns as a stream to a file, with a first packet of it."""
        stream = target.add_stream("aac", rate=self.rate, layout="stereo", bit_rate=BITRATE)
        packet = next(iter(_encoded(stream.codec_context, self.rate, [bytes(BLOCK * FLOAT)] * 2, LOOKAHEAD)))
        packet.stream = stream
        packet.pts = packet.dts = 0
        target.mux_one(packet)

    def packets(self, planes: list[bytes], blocks: int) -> list[bytes]:
        """Return `blocks` packets for two channels of float32 samples, `LOOKAHEAD` blocks longer than that."""
        context: AudioCodecContext = av.CodecContext.create("aac", "w")
        context.sample_rate, context.layout, context.format = self.rate, "stereo", "fltp"
        context.bit_rate, context.options = BITRATE, CODER
        context.time_base = Fraction(1, self.rate)
        led = [_mirrored(plane[: LEAD_IN * BLOCK * FLOAT]) + plane for plane in planes]
        encoded = _encoded(context, self.rate, led, LEAD_IN + blocks + LOOKAHEAD)
        # The packet of a block is the one that it begins in: its other half is in the packet before.
        return [bytes(packet) for packet in encoded[LEAD_IN + 1 : LEAD_IN + 1 + blocks]]


def _warm_up(codec: str, rate: int) -> int:
    """Return after how many samples a decoder that begins anywhere is right."""
    if codec in SYNCED:
        return SYNC_INTERVAL * UNIT * max(1, rate // min(RATES))
    return WARM_UP.get(codec, 0)


def encode(encoder: Encoder, film: Film, packets: list[AnyPacket], begin: Cut | None, end: Cut | None) -> Track:
    """Return the sound between two cuts; `packets` go on for `BEHIND` s after the second."""
    visible = [packet for packet in packets if begin is None or film.is_after(begin, packet)]
    if not visible:
        return Track(2, 0, [])
    if begin is None:
        first = math.ceil(max(Fraction(0), film.seconds(visible[0])) * encoder.rate / BLOCK)
    else:
        first = _border(encoder, film, visible[0], begin)
    after = None if end is None else next((packet for packet in packets if film.is_after(end, packet)), None)
    timeline = Timeline(encoder, film)
    for packet in visible:
        timeline.add(packet)
    last = timeline.blocks if after is None or end is None else _border(encoder, film, after, end)
    blocks = max(0, last - first)
    planes = timeline.planes(first * BLOCK, (blocks + LOOKAHEAD) * BLOCK)
    samples = [Sample(data, BLOCK, 0, is_key=True) for data in encoder.packets(planes, blocks)]
    return Track(2, first * BLOCK + round(LATER * encoder.rate), samples)


def _border(encoder: Encoder, film: Film, packet: AnyPacket, cut: Cut) -> int:
    """Return the first block of the segment that begins at a cut; `packet` is the first of its sound in the file.

    As near to the cut as a decoder lets us that begins with that packet.
    """
    ready = film.seconds(packet) + encoder.warm_up
    return math.ceil(max(ready, Fraction(cut.time) - Fraction(BLOCK, encoder.rate)) * encoder.rate / BLOCK)


class Timeline:
    """Decoded sound in stereo, without holes."""

    def __init__(self, encoder: Encoder, film: Film) -> None:
        self._encoder = encoder
        self._film = film
        self._planes = [bytearray(), bytearray()]
        self._begin: int | None = None
        self._mixer: Mixer | None = None

    @property
    def blocks(self) -> int:
        """Return the block that the sound ends before, the last one filled up."""
        return math.ceil(self._end / BLOCK)

    @property
    def _end(self) -> int:
        return (self._begin or 0) + len(self._planes[0]) // FLOAT

    def add(self, packet: AnyPacket) -> None:
        """Decode a packet; one that cannot be decoded leaves a hole, which the next one fills with silence."""
        try:
            frames = self._encoder.stream.codec_context.decode(packet)
        except av.error.FFmpegError:
            return
        when = self._film.seconds(packet)
        for frame in frames:
            at = self._position(when, frame.samples)
            when += Fraction(frame.samples, frame.sample_rate)
            self._append(at, self._mixed(frame))

    def planes(self, begin: int, count: int) -> list[bytes]:
        """Return `count` samples of both channels from `begin` on, silence where there is none."""
        if self._begin is None:
            return [bytes(count * FLOAT)] * 2
        skip = begin - self._begin
        before = bytes(max(0, -skip) * FLOAT)
        cut = [before + plane[max(0, skip) * FLOAT :] for plane in self._planes]
        return [bytes(plane[: count * FLOAT]).ljust(count * FLOAT, b"\0") for plane in cut]

    def _position(self, when: Fraction, samples: int) -> int:
        """Return the sample at which a frame begins, in the rate it is encoded in.

        A film's sound counts from its first packet in whole packets: that is exact where times are rounded.
        """
        stream, rate = self._encoder.stream, self._encoder.rate_in
        raw = when * rate
        if samples and self._film.sound_start is not None:
            first = self._film.seconds_of(self._film.sound_start * base_of(stream)) * rate
            snapped = first + round((raw - first) / samples) * samples
            raw = snapped if abs(snapped - raw) <= SNAP * rate else raw
        return round(raw * self._encoder.rate / rate)

    def _mixed(self, frame: AudioFrame) -> list[AudioFrame]:
        """Return what comes out for a frame: a little before it, too, where it is of another form than the last."""
        before: list[AudioFrame] = []
        if self._mixer is None or not self._mixer.takes(frame):
            before = self._mixer.drained() if self._mixer else []
            self._mixer = Mixer(self._encoder.rate, frame)
        return before + self._mixer.mixed(frame)

    def _append(self, at: int, frames: list[AudioFrame]) -> None:
        rate = self._encoder.rate
        if self._begin is None:
            self._begin = at
        step = at - self._end
        drop = 0
        if abs(step) > HOLE * rate:
            silence = bytes(min(max(0, step), SILENCE * rate) * FLOAT)
            drop = max(0, -step) * FLOAT
            for plane in self._planes:
                plane.extend(silence)
        for frame in frames:
            length = frame.samples * FLOAT
            for plane, source in zip(self._planes, frame.planes, strict=True):
                plane.extend(bytes(source)[min(drop, length) : length])
            drop -= min(drop, length)


class Mixer:
    """Turns frames of one form into stereo, no louder than they are.

    A film's sound may take another form on its way, as broadcasts do from a film in 5.1 to an advertisement in stereo.
    """

    def __init__(self, rate: int, frame: AudioFrame) -> None:
        """Take frames like `frame`, and return `rate` samples for a second."""
        self._form = _form_of(frame)
        self._graph = Graph()
        self._source = self._graph.add_abuffer(
            sample_rate=frame.sample_rate,
            format=frame.format,
            layout=frame.layout,
            time_base=Fraction(1, frame.sample_rate),
        )
        mix = self._graph.add("aresample", f"{rate}:out_chlayout=stereo:out_sample_fmt=fltp:rematrix_maxval=1")
        sink = self._graph.add("abuffersink")
        self._source.link_to(mix)
        mix.link_to(sink)
        self._graph.configure()

    def takes(self, frame: AudioFrame) -> bool:
        """Tell whether a frame is like the one it was made for."""
        return _form_of(frame) == self._form

    def mixed(self, frame: AudioFrame) -> list[AudioFrame]:
        """Return what comes out for a frame."""
        frame.pts = None
        self._source.push(frame)
        return self._pulled()

    def drained(self) -> list[AudioFrame]:
        """Return what it still holds, where rates differ; it takes no more."""
        self._source.push(None)
        return self._pulled()

    def _pulled(self) -> list[AudioFrame]:
        pulled: list[AudioFrame] = []
        while True:
            try:
                frame = self._graph.pull()
            except av.error.BlockingIOError, av.error.EOFError:
                return pulled
            assert isinstance(frame, AudioFrame)  # it mixes sound
            pulled.append(frame)


def _form_of(frame: AudioFrame) -> tuple[int, str, str]:
    return frame.sample_rate, frame.format.name, frame.layout.name


def _mirrored(plane: bytes) -> bytes:
    """Return samples last to first, `LEAD_IN` blocks of them."""
    samples = array("f", plane)
    samples.reverse()
    return samples.tobytes().rjust(LEAD_IN * BLOCK * FLOAT, b"\0")


def _encoded(context: AudioCodecContext, rate: int, planes: list[bytes], blocks: int) -> list[AnyPacket]:
    """Return the packets of an encoder; its delay is one block, which the first of them holds."""
    packets: list[AnyPacket] = []
    for block in range(blocks):
        frame = AudioFrame(format="fltp", layout="stereo", samples=BLOCK)
        frame.sample_rate, frame.pts, frame.time_base = rate, block * BLOCK, Fraction(1, rate)
        for target, plane in zip(frame.planes, planes, strict=True):
            target.update(plane[block * BLOCK * FLOAT : (block + 1) * BLOCK * FLOAT].ljust(BLOCK * FLOAT, b"\0"))
        packets += context.encode(frame)
    return packets + context.encode(None)
