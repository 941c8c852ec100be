"""What a device shows of a film beside its pictures: title, season and episode, year, album, a picture."""

import re
from pathlib import PurePosixPath
from typing import Any, Final

from homeassistant.core import HomeAssistant
from yarl import URL

from . import tree
from .playback import Playback, Session
from .titles import Title, plain, titles_of
from .views import art_path

# Cast's metadataType.
GENERIC, MOVIE, EPISODE, SONG = 0, 1, 2, 3
TRACK: Final = re.compile(r"[0-9]{1,3}(?=[ ._-])")


async def describe(hass: HomeAssistant, playback: Playback, session: Session, base: URL) -> dict[str, Any]:
    """Return the metadata of LOAD for a resolved session, and give it a name to be called by if it has none."""
    assert session.file is not None  # it is resolved
    path = session.file.path
    if tree.is_audio(session.file):
        found, label = song(path), plain(path).name
    else:
        title = (await titles_of(hass, [path]))[path]
        found, label = film(title), title.label
    session.label = label
    if playback.has_picture(session):
        found["images"] = [{"url": str(base.with_path(art_path(session)))}]
    return found


def film(title: Title) -> dict[str, Any]:
    """Return the metadata of a film or episode, named as chrome.cast.media.TvShowMediaMetadata has them."""
    if not title.episodes:
        return {"metadataType": MOVIE} | ({"releaseDate": str(title.year)} if title.year else {})
    found = {"metadataType": EPISODE, "seriesTitle": title.name, "episode": title.episodes[0]}
    return (
        found
        | ({"season": title.season} if title.season is not None else {})
        | ({"originalAirdate": str(title.year)} if title.year else {})
    )


def song(path: str) -> dict[str, Any]:
    """Return the metadata of a song: its folder is its album."""
    pure = PurePosixPath(path)
    track = TRACK.match(pure.name)
    return (
        {"metadataType": SONG}
        | ({"albumName": pure.parent.name} if pure.parent.name else {})
        | ({"trackNumber": int(track[0])} if track else {})
    )
