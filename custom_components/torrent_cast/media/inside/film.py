"""An open film: its two streams, and which of their packets lie between two cuts."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from .ordering import REORDERED, in_order
from .payloads import payload_of
from .probing import MICROSECONDS, NotMedia, delay_of, origin_of

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

    from .sparse import SparseFile

    type Json = dict[str, object]
    type AnyPacket = Packet[Stream]

LATER: Final = Fraction(1, 5)
"""Seconds by which all is shown later than in the file: then no frame is decoded after it is shown, up to four frames
of reordering at 20 per second; a film with more has negative offsets, which not every player reads."""

APART: Final = 2.0
"""Seconds by which sound may lie behind the video of the same moment in a file; muxers keep it within one."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A key frame: its time in s from the beginning, and its byte offset."""

    time: float
    offset: int


@dataclass(frozen=True, slots=True)
class Pictures:
    """Video packets, when each is shown, and from which time on and before which lie those of a segment: s."""

    packets: list[tuple[AnyPacket, Fraction]]
    first: Fraction | None
    last: Fraction | None


class Film:
    """An open file and the two streams that are taken from it."""

    def __init__(self, container: InputContainer, file: SparseFile, params: Json) -> None:
        self._container = container
        self._file = file
        streams = list(container.streams)
        video = streams[params["video"]] if isinstance(params["video"], int) else None
        audio = streams[params["audio"]] if isinstance(params["audio"], int) else None
        if not isinstance(video, VideoStream) or not isinstance(audio, AudioStream | None):
            raise NotMedia("other streams than the probe found")
        self.video = video
        self.audio = audio
        self.is_encoded = params["sound"] == "aac"
        start = params.get("origin")
        self._has_index = not isinstance(start, int)  # else the container was entered where it is to be read
        self.origin = Fraction(start, MICROSECONDS) if isinstance(start, int) else origin_of(container, self.video)
        self._is_untimed = "avi" in container.format.name
        self._by_position = not self._is_untimed and ("mov" not in container.format.name or not self._has_index)
        self._delay = delay_of(self.video) if self._has_index else 0
        begun = params.get("sound_start")
        assert isinstance(begun, int | None)  # the process outside sent it
        self.sound_start = begun if isinstance(begun, int) or audio is None else audio.start_time
        self.video_payload = payload_of(self.video)
        self.audio_payload = payload_of(self.audio)
        self._keys: dict[Cut, int] = {}  # where the key frames of the cuts themselves are, in bytes

    @property
    def is_missing(self) -> bool:
        """Tell whether bytes were wanted that are not here."""
        return self._file.missing is not None

    def stamp(self, cut: Cut) -> int:
        """Return the cut in the index's units: decoding time in MP4 and AVI, else the time shown."""
        return round((Fraction(cut.time) + self.origin) / base_of(self.video)) - self._delay

    def seek(self, cut: Cut | None) -> None:
        """Go to a key frame, or stay at the beginning."""
        if cut is not None and self._has_index:
            self._container.seek(self.stamp(cut), stream=self.video)

    def is_at(self, cut: Cut, packet: AnyPacket) -> bool:
        """Tell whether a video packet is the key frame of a cut, or one after it."""
        when = packet.pts if self._by_position else packet.dts
        is_there = packet.is_keyframe and when is not None and when >= self.stamp(cut)
        if is_there and packet.pos is not None:
            self._keys.setdefault(cut, packet.pos)
        return is_there

    def is_after(self, cut: Cut, packet: AnyPacket) -> bool:
        """Tell whether a reader who began at the cut comes by a sound packet.

        A cut's offset may be that of a cluster: FFmpeg skips what is before the key frame there, and earlier than it.
        """
        is_late = self.seconds(packet) >= self.stamp(cut) * base_of(self.video) - self.origin
        position = packet.opaque
        if not self._by_position or not isinstance(position, int):
            return is_late
        return position >= cut.offset and (is_late or position > self._keys.get(cut, position))

    def seconds(self, packet: AnyPacket) -> Fraction:
        """Return when a packet is shown or heard, in s from the beginning."""
        assert packet.pts is not None  # `packets` sees to it
        return self.seconds_of(packet.pts * base_of(packet.stream))

    def seconds_of(self, time: Fraction) -> Fraction:
        """Return the file's own time, in s, as one from the beginning."""
        return time - self.origin

    def ticks(self, packet: AnyPacket, timescale: int) -> Fraction:
        """Return when a packet is shown or heard in the segments, which is `LATER`."""
        return (self.seconds(packet) + LATER) * timescale

    def packets(self, begin: Cut | None, end: Cut | None, behind: float) -> tuple[list[AnyPacket], list[AnyPacket]]:
        """Return the video packets between two cuts, and the sound from the first one to `behind` s after the second.

        Sound that the file holds at all within `APART` of its place.
        """
        self.seek(begin)
        video: list[AnyPacket] = []
        audio: list[AnyPacket] = []
        streams = [stream for stream in (self.video, self.audio) if stream is not None]
        is_over = False
        place: int | None = None
        for packet in self._container.demux(streams):
            if packet.size == 0 or packet.pts is None:
                continue
            if packet.stream is not self.video:
                # Of several in one packet of a transport stream only the first has a position.
                packet.opaque = place = place if packet.pos is None else packet.pos
                audio.append(packet)
                if end and is_over and self.is_after(end, packet) and self.seconds(packet) >= end.time + behind:
                    break
                continue
            if not video and begin and not self.is_at(begin, packet):
                continue
            if not video and not self._has_index and not packet.is_keyframe:
                continue  # recorded from the middle of something: nothing shows it
            is_over = is_over or (end is not None and self.is_at(end, packet))
            if not is_over:
                video.append(packet)
            elif self.audio is None or (end and self.seconds(packet) > end.time + APART):
                break
        if self._file.missing is None and not video:
            raise NotMedia("no video in this segment")
        return in_order(self.video, video) if self._is_untimed else video, audio

    def pictures(self, begin: Cut | None, end: Cut | None) -> Pictures:
        """Return what is decoded for the pictures between two cuts, by when they are shown."""
        self.seek(begin)
        found: list[AnyPacket] = []
        after: list[AnyPacket] = []  # the key frame at the end, and those behind it that are shown before
        for packet in self._container.demux([self.video]):
            if packet.size == 0 or packet.pts is None:
                continue
            if not found and not (self.is_at(begin, packet) if begin else self._has_index or packet.is_keyframe):
                continue
            if after and packet.pts > (after[0].pts or 0):
                break
            (after if after or (end and self.is_at(end, packet)) else found).append(packet)
        if self._file.missing is None and not found:
            raise NotMedia("no video in this segment")
        times = self._times(found, after)
        return Pictures(
            [*zip([*found, *after], times, strict=True)],
            times[0] if begin and times else None,
            times[len(found)] if after else None,
        )

    def _times(self, found: list[AnyPacket], after: list[AnyPacket]) -> list[Fraction]:
        """Return when packets are shown, s; in AVI less what FFmpeg takes for the decoder's delay."""
        if not self._is_untimed:
            return [self.seconds(packet) for packet in (*found, *after)]
        if self.video.codec_context.name in REORDERED:
            del after[1:]
            return [self.seconds(packet) for packet in (*in_order(self.video, found), *in_order(self.video, after))]
        delay = (found[0].duration or 1) * base_of(self.video) if found and self.video.codec_context.has_b_frames else 0
        return [self.seconds(packet) - delay for packet in (*found, *after)]


def base_of(stream: Stream) -> Fraction:
    """Return the unit of a stream's times, s."""
    assert stream.time_base is not None  # every demuxer sets it
    return Fraction(stream.time_base.numerator, stream.time_base.denominator)
