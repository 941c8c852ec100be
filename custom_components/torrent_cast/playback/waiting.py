"""How long until a film can play."""

from .hold import RESUME_SECONDS
from .session import START_SECONDS, Session
from .status import playable_seconds


def seconds_to_wait(session: Session) -> float | None:
    """Return in how many s a film can play if as much comes in for it as now: 0 when it can, None when nobody knows."""
    held = session.following is not None and session.following.hold.is_held
    if session.was_loaded and not held:
        return 0.0
    missing = _to_go_on(session) if session.was_loaded else _to_begin(session)
    if missing is None or session.torrent is None:
        return None
    if missing <= 0:
        return 0.0
    rate = session.torrent.rate_for(session.viewer)
    return missing / rate if rate else None


def _to_go_on(session: Session) -> float | None:
    """Return how many bytes are missing until a device that was paused to fill up goes on."""
    seconds = playable_seconds(session)
    rate = session.probe.bytes_per_second if session.probe else None
    return None if seconds is None or rate is None else (RESUME_SECONDS - seconds) * rate


def _to_begin(session: Session) -> float | None:
    """Return how many bytes of what a player reads first are missing; before the file was probed nobody knows."""
    torrent, file, probe = session.torrent, session.file, session.probe
    if torrent is None or file is None or probe is None:
        return None
    first = probe.byte_at(session.start_position).offset
    last = max(probe.byte_at(session.start_position + START_SECONDS).offset, first + 1)
    pieces = {piece for start, end in (*probe.index, (first, last)) for piece in torrent.pieces(file, start, end)}
    return float(sum(not torrent.has(piece) for piece in pieces) * torrent.piece_length)
