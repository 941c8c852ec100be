"""What libtorrent is told, and what it must not be told."""

from types import ModuleType, SimpleNamespace
from typing import cast

import pytest

from custom_components.torrent_cast.engine.settings import (
    EngineSettings,
    has_webtorrent,
    live_settings,
    session_settings,
)

WEBTORRENT = EngineSettings(webtorrent=True, stun_server="stun.example.org:3478")


@pytest.fixture
def newer(libtorrent: ModuleType) -> ModuleType:
    """Return what there is of a libtorrent that knows WebTorrent; `test_webtorrent` has a real one."""
    defaults = {"webtorrent_stun_server": "stun.l.google.com:19302", "max_webtorrent_offers": 10}  # 2.1.1
    known = libtorrent.default_settings() | defaults
    return cast("ModuleType", SimpleNamespace(alert=libtorrent.alert, default_settings=lambda: known))


@pytest.mark.parametrize("settings", [EngineSettings(), WEBTORRENT])
def test_all_settings_are_libtorrents_own(libtorrent: ModuleType, settings: EngineSettings) -> None:
    assert session_settings(libtorrent, settings).keys() <= libtorrent.default_settings().keys()


def test_what_protects_the_local_network_is_left_as_it_is(libtorrent: ModuleType) -> None:
    chosen = libtorrent.default_settings() | session_settings(libtorrent, EngineSettings())

    assert chosen["ssrf_mitigation"]
    assert chosen["validate_https_trackers"]


def test_the_bundled_libtorrent_knows_no_webtorrent(libtorrent: ModuleType, newer: ModuleType) -> None:
    assert not has_webtorrent(libtorrent)
    assert has_webtorrent(newer)


def of_webtorrent(settings: dict[str, object]) -> tuple[object, object]:
    return settings["webtorrent_stun_server"], settings["max_webtorrent_offers"]


def test_webtorrent_is_quiet_unless_it_is_wanted(newer: ModuleType) -> None:
    off = EngineSettings(stun_server="stun.example.org:3478")

    assert of_webtorrent(session_settings(newer, EngineSettings())) == ("", 0)
    assert of_webtorrent(session_settings(newer, off)) == ("", 0)


def test_webtorrent_asks_no_stun_server_but_the_users(newer: ModuleType) -> None:
    alone = EngineSettings(webtorrent=True)

    assert of_webtorrent(session_settings(newer, alone)) == ("", 10)
    assert of_webtorrent(session_settings(newer, WEBTORRENT)) == ("stun:stun.example.org:3478", 10)


def test_webtorrent_is_switched_while_running(newer: ModuleType) -> None:
    assert of_webtorrent(live_settings(newer, WEBTORRENT)) == ("stun:stun.example.org:3478", 10)
    assert of_webtorrent(live_settings(newer, EngineSettings())) == ("", 0)
