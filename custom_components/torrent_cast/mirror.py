"""What a player of ours shows of its Cast entity, and of the sessions there. Pure functions."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from homeassistant.components.media_player import MediaPlayerEntityFeature, MediaPlayerState
from homeassistant.const import ATTR_SUPPORTED_FEATURES

from .playback import Session

# Attributes of the Cast entity's state; the entity's own go by the same names.
MIRRORED: Final = (
    "app_id",
    "app_name",
    "is_volume_muted",
    "media_album_artist",
    "media_album_name",
    "media_artist",
    "media_content_id",
    "media_content_type",
    "media_duration",
    "media_episode",
    "media_position",
    "media_position_updated_at",
    "media_season",
    "media_series_title",
    "media_title",
    "media_track",
    "volume_level",
)
PASSED_ON: Final = (
    MediaPlayerEntityFeature.PAUSE
    | MediaPlayerEntityFeature.PLAY
    | MediaPlayerEntityFeature.STOP
    | MediaPlayerEntityFeature.SEEK
    | MediaPlayerEntityFeature.PREVIOUS_TRACK
    | MediaPlayerEntityFeature.NEXT_TRACK
    | MediaPlayerEntityFeature.VOLUME_SET
    | MediaPlayerEntityFeature.VOLUME_STEP
    | MediaPlayerEntityFeature.VOLUME_MUTE
    | MediaPlayerEntityFeature.TURN_ON
    | MediaPlayerEntityFeature.TURN_OFF
)
OWN: Final = (
    MediaPlayerEntityFeature.BROWSE_MEDIA
    | MediaPlayerEntityFeature.MEDIA_ENQUEUE
    | MediaPlayerEntityFeature.PLAY_MEDIA
    | MediaPlayerEntityFeature.SEARCH_MEDIA
    | MediaPlayerEntityFeature.SELECT_SOURCE
)
# A film that gets ready is not on the screen yet.
OF_THE_SCREEN: Final = tuple(name for name in MIRRORED if name.startswith("media_"))


def mirrored(attributes: Mapping[str, Any], sessions: Collection[Session]) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of what the Cast entity says; of a film that gets ready what is known of it."""
    fresh = next((session for session in sessions if not session.was_loaded), None)
    for name in MIRRORED:
        yield name, None if fresh is not None and name in OF_THE_SCREEN else attributes.get(name)
    if fresh is not None:
        yield "media_title", fresh.title
        yield "media_duration", fresh.probe.duration if fresh.probe else None


def state_of(shown: str, sessions: Collection[Session], *, is_starting: bool) -> MediaPlayerState | None:
    """Return the state: buffering while a film gets ready, or was paused by us to fill up; else the Cast entity's."""
    if is_starting or any(not session.was_loaded or _is_held(session) for session in sessions):
        return MediaPlayerState.BUFFERING
    return MediaPlayerState(shown) if shown in set(MediaPlayerState) else None


def _is_held(session: Session) -> bool:
    return session.following is not None and session.following.hold.is_held


def features(
    attributes: Mapping[str, Any], *, is_busy: bool, is_queued: bool, has_next: bool
) -> MediaPlayerEntityFeature:
    """Return what can be done: what the Cast entity can, and what is ours."""
    found = OWN | (MediaPlayerEntityFeature(attributes.get(ATTR_SUPPORTED_FEATURES, 0)) & PASSED_ON)
    if is_busy:  # also while nothing is on the screen yet
        found |= MediaPlayerEntityFeature.STOP
    if is_queued:
        found |= MediaPlayerEntityFeature.CLEAR_PLAYLIST
    if is_queued or has_next:
        found |= MediaPlayerEntityFeature.NEXT_TRACK
    return found
