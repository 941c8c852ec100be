"""From the library's errors to Home Assistant's."""

import pytest
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from custom_components.torrent_cast.engine import MetadataTimeout, NoPlayableFile, SourceError, TorrentCastError
from custom_components.torrent_cast.errors import translate_errors, translated
from custom_components.torrent_cast.media import Reason, Unplayable
from custom_components.torrent_cast.playback import BadPosition, NoData


@pytest.mark.parametrize("kind", [SourceError, NoPlayableFile, BadPosition])
def test_what_the_caller_gave_is_his_fault(kind: type[TorrentCastError]) -> None:
    assert isinstance(translated(kind("some_reason")), ServiceValidationError)


@pytest.mark.parametrize("error", [MetadataTimeout("no_metadata"), NoData("no_data"), Unplayable(Reason.CRASHED)])
def test_the_world_is_not(error: TorrentCastError | Unplayable) -> None:
    assert type(translated(error)) is HomeAssistantError


def test_reason_and_details_become_key_and_placeholders() -> None:
    with pytest.raises(HomeAssistantError) as caught, translate_errors():
        raise NoData("no_data", seconds=60, peers=0)
    error = caught.value
    assert (error.translation_domain, error.translation_key) == ("torrent_cast", "no_data")
    assert error.translation_placeholders == {"seconds": "60", "peers": "0"}
    assert isinstance(error.__cause__, NoData)


def test_the_detail_of_a_hostile_file_is_not_shown() -> None:
    error = translated(Unplayable(Reason.NOT_MEDIA, "<script>"))
    assert (error.translation_key, error.translation_placeholders) == ("not_media", None)


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), translate_errors():
        raise KeyError
