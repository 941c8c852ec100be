"""From the entry to the settings."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.torrent_cast.const import DOMAIN
from custom_components.torrent_cast.engine import EngineSettings
from custom_components.torrent_cast.settings import from_entry, needs_restart


def entry(**options: object) -> MockConfigEntry:
    return MockConfigEntry(domain=DOMAIN, data={"download_directory": "/films"}, options=options)


def test_an_entry_without_options_has_the_defaults() -> None:
    settings = from_entry(entry())
    assert settings.directory == Path("/films")
    assert settings.engine == EngineSettings(6881, 0, 500_000, dht=True, lsd=True, upnp=True)
    assert settings.keep == timedelta(hours=24)
    assert settings.metadata_timeout == 60
    assert settings.base_url is None


def test_the_users_numbers_come_as_floats_and_in_kilobytes() -> None:
    settings = from_entry(entry(download_limit=1250.0, upload_limit=0.0, port=7000.0, dht=False, keep_hours=0.0))
    assert settings.engine == EngineSettings(7000, 1_250_000, 0, dht=False, lsd=True, upnp=True)
    assert isinstance(settings.engine.listen_port, int)
    assert settings.keep == timedelta(0)


def test_only_directory_and_port_need_a_restart() -> None:
    old = from_entry(entry())
    assert not needs_restart(
        old, from_entry(entry(keep_hours=1, base_url="http://10.0.0.1", upload_limit=1, dht=False))
    )
    assert needs_restart(old, from_entry(entry(port=7000)))
    assert needs_restart(old, replace(old, directory=Path("/elsewhere")))
