"""Turns the library's errors into Home Assistant's translated ones."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.translation import async_get_cached_translations, async_get_translations

from .const import DOMAIN
from .engine import NoPlayableFile, SourceError, TorrentCastError
from .media import Refused, Unplayable
from .playback import BadPosition, NoSuchTrack

# What the caller gave is at fault, not the world.
CALLERS_FAULT = (SourceError, NoPlayableFile, BadPosition, NoSuchTrack)


def translation(error: TorrentCastError | Unplayable) -> dict[str, Any]:
    """Return what Home Assistant's errors take to find the text of `error`."""
    details = error.details if isinstance(error, TorrentCastError | Refused) else {}
    return {
        "translation_domain": DOMAIN,
        "translation_key": str(error.reason),
        "translation_placeholders": details or None,
    }


def translated(error: TorrentCastError | Unplayable) -> HomeAssistantError:
    """Return `error` as Home Assistant shows it."""
    kind = ServiceValidationError if isinstance(error, CALLERS_FAULT) else HomeAssistantError
    return kind(**translation(error))


async def in_language(hass: HomeAssistant, error: HomeAssistantError, language: str) -> str:
    """Return the text of an error in a language: its own is always in English."""
    if error.translation_domain is None:
        return str(error)
    return _text(error, await async_get_translations(hass, language, "exceptions", [error.translation_domain]))


@callback
def in_own_language(hass: HomeAssistant, error: HomeAssistantError) -> str:
    """Return the text of an error in Home Assistant's language, without its last full stop, as errors say theirs."""
    texts = async_get_cached_translations(hass, hass.config.language, "exceptions", error.translation_domain)
    return _text(error, texts).rstrip(".")


def _text(error: HomeAssistantError, texts: Mapping[str, str]) -> str:
    text = texts.get(f"component.{error.translation_domain}.exceptions.{error.translation_key}.message")
    if not text:
        return str(error)
    with contextlib.suppress(KeyError):  # others may leave out what their text names, as Home Assistant allows
        text = text.format(**(error.translation_placeholders or {}))
    return text


@contextlib.contextmanager
def translate_errors() -> Iterator[None]:
    """Raise the library's errors as Home Assistant's."""
    try:
        yield
    except (TorrentCastError, Unplayable) as err:
        raise translated(err) from err
