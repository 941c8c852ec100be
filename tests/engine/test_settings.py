"""What libtorrent is told, and what it must not be told."""

from types import ModuleType, SimpleNamespace
from typing import cast

from custom_components.torrent_cast.engine.settings import EngineSettings, session_settings


def test_all_settings_are_libtorrents_own(libtorrent: ModuleType) -> None:
    assert session_settings(libtorrent, EngineSettings()).keys() <= libtorrent.default_settings().keys()


def test_what_protects_the_local_network_is_left_as_it_is(libtorrent: ModuleType) -> None:
    chosen = libtorrent.default_settings() | session_settings(libtorrent, EngineSettings())

    assert chosen["ssrf_mitigation"]
    assert chosen["validate_https_trackers"]


def test_a_libtorrent_with_webtorrent_asks_no_stun_server(libtorrent: ModuleType) -> None:
    """That is 2.1: the names, and that "" asks nobody, are its own; it cannot be run here."""
    defaults = {"webtorrent_stun_server": "stun.example.org:19302", "max_webtorrent_offers": 10}
    newer = SimpleNamespace(alert=libtorrent.alert, default_settings=lambda: libtorrent.default_settings() | defaults)

    chosen = session_settings(cast("ModuleType", newer), EngineSettings())

    assert (chosen["webtorrent_stun_server"], chosen["max_webtorrent_offers"]) == ("", 0)
