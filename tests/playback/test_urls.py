"""The address a device is given."""

from unittest.mock import Mock

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from custom_components.torrent_cast.playback import NoReachableUrl, urls
from custom_components.torrent_cast.playback.urls import base_url

DEVICE = "192.168.1.50"


async def plain_port(_address: str) -> int:
    return 8125


@pytest.fixture(autouse=True)
def api(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Have Home Assistant serve http on port 8124 of a machine with one address."""

    async def source_ip(_hass: HomeAssistant, target: str) -> str:
        asked.append(target)
        return "192.168.1.2"

    asked: list[str] = []
    monkeypatch.setattr(urls, "async_get_source_ip", source_ip)
    hass.config.api = Mock(local_ip="192.168.1.2", port=8124, use_ssl=False, asked=asked)
    return hass.config.api


async def test_the_option_wins(hass: HomeAssistant) -> None:
    hass.config.internal_url = "http://192.168.1.3:8123"
    assert str(await base_url(hass, "https://cast.example.org", DEVICE, plain_port)) == "https://cast.example.org"


async def test_an_internal_url_with_an_ip_address_is_used(hass: HomeAssistant) -> None:
    hass.config.internal_url = "http://192.168.1.3:8123"
    assert str(await base_url(hass, None, DEVICE, plain_port)) == "http://192.168.1.3:8123"


@pytest.mark.parametrize(
    "internal", ["http://homeassistant.local:8123", "https://192.168.1.3:8123", "http://127.0.0.1:8123", None]
)
async def test_any_other_internal_url_is_not(hass: HomeAssistant, api: Mock, internal: str | None) -> None:
    """A device resolves names at a public server, refuses certificates, and has a loopback of its own."""
    hass.config.internal_url = internal
    assert str(await base_url(hass, None, DEVICE, plain_port)) == "http://192.168.1.2:8124"
    assert api.asked == [DEVICE]


async def test_a_receiver_on_this_machine_gets_loopback(hass: HomeAssistant) -> None:
    assert str(await base_url(hass, None, "127.0.0.3", plain_port)) == "http://127.0.0.1:8124"
    hass.config.internal_url = "http://127.0.0.1:8123"
    assert str(await base_url(hass, None, "127.0.0.3", plain_port)) == "http://127.0.0.1:8123"


@pytest.mark.parametrize("device", [None, "", "living-room.local", "0.0.0.0"])  # noqa: S104  # no bind
async def test_without_the_devices_address_the_local_network_is_asked(
    hass: HomeAssistant, api: Mock, device: str | None
) -> None:
    assert str(await base_url(hass, None, device, plain_port)) == "http://192.168.1.2:8124"
    assert api.asked == ["224.0.0.251"]


async def test_beside_https_there_is_a_port_without(hass: HomeAssistant, api: Mock) -> None:
    api.use_ssl = True
    assert str(await base_url(hass, None, DEVICE, plain_port)) == "http://192.168.1.2:8125"
    assert str(await base_url(hass, None, "127.0.0.3", plain_port)) == "http://127.0.0.1:8125"


async def test_https_alone_does_not_do(hass: HomeAssistant, api: Mock) -> None:
    async def none(_address: str) -> int:
        raise OSError

    api.use_ssl = True
    with pytest.raises(NoReachableUrl) as caught:
        await base_url(hass, None, DEVICE, none)
    assert caught.value.reason == "only_https"


async def test_https_with_a_plain_internal_url_does(hass: HomeAssistant, api: Mock) -> None:
    api.use_ssl = True
    hass.config.internal_url = "http://192.168.1.3:8123"
    assert str(await base_url(hass, None, DEVICE, plain_port)) == "http://192.168.1.3:8123"


async def test_without_an_http_server_there_is_no_address(hass: HomeAssistant) -> None:
    hass.config.api = None
    with pytest.raises(NoReachableUrl):
        await base_url(hass, None, DEVICE, plain_port)


async def test_without_a_network_there_is_no_address(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(*_: object) -> str:
        raise HomeAssistantError("no adapters")

    monkeypatch.setattr(urls, "async_get_source_ip", none)
    with pytest.raises(NoReachableUrl) as caught:
        await base_url(hass, None, DEVICE, plain_port)
    assert caught.value.reason == "no_address"
