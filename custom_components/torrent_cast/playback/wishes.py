"""What viewers want to hear and read: of one film, and by default."""

from dataclasses import dataclass, replace
from typing import Final

from ..media import Kind, Probe, Stream
from ..media.languages import language_of
from .errors import NoSuchTrack
from .subtitles import MAX_TRACKS, Given, Show, Subtitles, Track

# In place of a language.
OFF: Final = "off"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for with a play: languages as people write them, `subtitles` also a track's number or `off`."""

    audio_language: str | None = None
    subtitles: str | None = None
    given: Given | None = None
    is_firm: bool = True
    """Whether to fail where a film has none of that, as only who asks for this film wants."""

    def after(self, shown: Track | None) -> Wishes:
        """Return what is wanted of the film after one whose track `shown` is read: numbers are of one film alone."""
        is_number = self.subtitles is not None and self.subtitles.strip().isdecimal()
        language = shown.language if shown is not None else None
        return replace(self, subtitles=language if is_number else self.subtitles, given=None, is_firm=False)


@dataclass(frozen=True, slots=True)
class Habits:
    """What holds unasked; `audio_language` None: the film's own."""

    audio_language: str | None = None
    subtitle_language: str = "en"
    show: Show = Show.AUTO


def audio_of(probe: Probe, wishes: Wishes, habits: Habits) -> Stream | None:
    """Return the sound to play. Raises NoSuchTrack for a language that was asked for. Not for the event loop.

    Sound that nobody here decodes is none, where there is any other.
    """
    wanted = wishes.audio_language or habits.audio_language
    streams = [stream for stream in probe.streams if stream.kind is Kind.AUDIO and stream.codec is not None]
    first = probe.audio if probe.audio in streams or not streams else streams[0]
    if wanted is None or not streams:
        return first
    code = language_of(wanted)
    found = [stream for stream in streams if code is not None and language_of(stream.language) == code]
    if found:
        return first if first in found else found[0]
    if wishes.audio_language is not None and wishes.is_firm:
        languages = sorted({stream.language or "?" for stream in streams})
        raise NoSuchTrack("no_audio_language", wanted=wanted[:40], languages=", ".join(languages))
    return first


def track_of(subtitles: Subtitles, wishes: Wishes, habits: Habits, audio: Stream | None) -> Track | None:
    """Return the subtitles to begin with. Raises NoSuchTrack for some that were asked for. Not for the event loop."""
    if wishes.subtitles is not None:
        try:
            return find_track(subtitles, wishes.subtitles)
        except NoSuchTrack:
            if wishes.is_firm:
                raise
    spoken = language_of(audio.language) if audio is not None else None
    return subtitles.default(habits.show, language_of(habits.subtitle_language) or "en", spoken)


def find_track(subtitles: Subtitles, wanted: str) -> Track | None:
    """Return the track of that number or language, None for `off`. Raises NoSuchTrack. Not for the event loop."""
    wanted = wanted.strip()
    if wanted.lower() == OFF:
        return None
    by_number = (track for track in subtitles.tracks if str(track.id) == wanted)
    code = language_of(wanted)
    found = next(by_number, None) or (subtitles.find(code) if code is not None else None)
    if found is None:
        raise _no_such_track(subtitles, wanted[:40])
    return found


def _no_such_track(subtitles: Subtitles, wanted: str) -> NoSuchTrack:
    """Return the error that says what there is, and what there is that cannot be shown."""
    there = ", ".join(f"{track.id} {track.label}" for track in subtitles.tracks) or "-"
    if not subtitles.missing:
        return NoSuchTrack("no_subtitles", wanted=wanted, tracks=there)
    missing = ", ".join(one.label for one in subtitles.missing[:MAX_TRACKS])
    return NoSuchTrack("subtitles_not_shown", wanted=wanted, tracks=there, missing=missing)
