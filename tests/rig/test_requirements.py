"""What the rig's Home Assistant needs is installed: it would fetch the rest in the middle of a test."""

import pytest
from homeassistant import bootstrap, requirements
from homeassistant.auth.mfa_modules import totp
from homeassistant.core import HomeAssistant
from homeassistant.util import package

# What it starts by itself, what its configuration names, and what tests set up.
DOMAINS = sorted(
    {
        *bootstrap.CORE_INTEGRATIONS,
        *bootstrap.DEFAULT_INTEGRATIONS,
        *("cast", "config", "diagnostics", "frontend", "media_source", "onboarding", "stream", "torrent_cast"),
    }
)


async def test_home_assistant_finds_all_it_asks_for(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    missing: list[str] = []

    def note(requirement: str, **_: object) -> bool:
        missing.append(requirement)
        return True

    monkeypatch.setattr(package, "install_package", note)
    hass.config.skip_pip = False
    for domain in DOMAINS:
        await requirements.async_get_integration_with_requirements(hass, domain)
    await requirements.async_process_requirements(hass, "totp", totp.REQUIREMENTS)
    assert missing == []
