"""What repairs show: faults that only the user can mend, from when they are seen until they are gone."""

import errno
import os
from enum import StrEnum
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .engine import BindingError, NotEnoughSpace, StorageError
from .playback import Happening, NoReachableUrl, Playback, Session

LIBTORRENT_DOCS: Final = "https://github.com/torrent-cast/torrent-cast/blob/main/docs/wheels.md"


class Issue(StrEnum):
    """The faults, by the id and the texts of their issue."""

    NO_REACHABLE_URL = "no_reachable_url"
    ONLY_HTTPS = "only_https"
    DISK_FULL = "disk_full"
    DIRECTORY_GONE = "directory_gone"
    NO_LIBTORRENT = "no_libtorrent"
    PORT_TAKEN = "port_taken"
    PORT_CLOSED = "port_closed"


# What a happening shows to be in order again.
MENDED: Final = {
    Happening.READY: (Issue.DISK_FULL, Issue.DIRECTORY_GONE),
    Happening.STARTED: (Issue.NO_REACHABLE_URL, Issue.ONLY_HTTPS),
}


@callback
def async_listen(hass: HomeAssistant, playback: Playback) -> CALLBACK_TYPE:
    """Make and delete issues by what becomes of plays and of the port, until the returned function is called."""

    @callback
    def _on_happening(session: Session, happening: Happening) -> None:
        if happening is Happening.FAILED and (issue := issue_of(session.error)) is not None:
            async_report(hass, issue)
        for mended in MENDED.get(happening, ()):
            async_mend(hass, mended)

    @callback
    def _on_change() -> None:
        if (ports := playback.ports) is None or ports.listening is None:
            return
        if ports.is_taken:
            async_report_port(hass, Issue.PORT_TAKEN, port=str(ports.wanted), other=str(ports.listening))
        else:
            async_mend(hass, Issue.PORT_TAKEN)
        if ports.is_closed and playback.settings.engine.upnp:  # who opens it by hand does not ask the router
            async_report_port(hass, Issue.PORT_CLOSED, port=str(ports.listening), refusal=str(ports.refused))
        else:
            async_mend(hass, Issue.PORT_CLOSED)

    removals = (playback.happenings.add(_on_happening), playback.changes.add(_on_change))

    @callback
    def _remove() -> None:
        for remove in removals:
            remove()

    return _remove


def issue_of(error: Exception | None) -> Issue | None:
    """Return which issue an error is, None for one that goes by itself or is the caller's."""
    if isinstance(error, BindingError):
        return Issue.NO_LIBTORRENT
    if isinstance(error, NoReachableUrl):
        return Issue.ONLY_HTTPS if error.reason == "only_https" else Issue.NO_REACHABLE_URL
    if isinstance(error, NotEnoughSpace):
        return Issue.DISK_FULL
    if isinstance(error, StorageError):
        if error.details.get("error") == os.strerror(errno.ENOSPC):
            return Issue.DISK_FULL
        return Issue.DIRECTORY_GONE if error.reason == "not_writable" else None
    return None


@callback
def async_report(hass: HomeAssistant, issue: Issue, error: Exception | None = None) -> None:
    """Show an issue; twice is as good as once. Why there is no libtorrent has texts of its own."""
    why = error if isinstance(error, BindingError) else None
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue,
        is_fixable=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key=why.reason if why else issue,
        translation_placeholders=why.details if why else None,
        learn_more_url=LIBTORRENT_DOCS if issue is Issue.NO_LIBTORRENT else None,
    )


@callback
def async_report_port(hass: HomeAssistant, issue: Issue, **placeholders: str) -> None:
    """Show what is wrong with the port for peers. Films play all the same."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue,
        is_fixable=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key=issue,
        translation_placeholders=placeholders,
    )


@callback
def async_mend(hass: HomeAssistant, *issues: Issue) -> None:
    """Show issues no more."""
    for issue in issues:
        ir.async_delete_issue(hass, DOMAIN, issue)
