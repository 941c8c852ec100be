"""Adding, changing and using providers, as a user does."""
# fixtures are asked for by name

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.media_source import async_resolve_media
from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from yarl import URL

from custom_components.torrent_cast import fetching
from custom_components.torrent_cast.playback import Playback
from custom_components.torrent_cast.providers import ProviderError
from custom_components.torrent_cast.providers.feed import Feed
from custom_components.torrent_cast.providing import PROVIDERS
from tests.conftest import Seed, soon, until
from tests.providers.conftest import KEY, Indexer, Names, indexer

__all__ = ["indexer"]

ROOT = "media-source://torrent_cast"


async def add(hass: HomeAssistant, entry: MockConfigEntry, kind: str, **fields: Any) -> Any:  # noqa: ANN401  # a flow
    """Go through the flow that adds a provider and return its result."""
    flows = hass.config_entries.subentries
    form = await flows.async_init((entry.entry_id, kind), context={"source": SOURCE_USER})
    assert form["type"] is FlowResultType.FORM
    result = await soon(flows.async_configure(form["flow_id"], fields))
    await hass.async_block_till_done()
    return result


async def test_a_folder_is_watched(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, allowed: Path, film: Seed
) -> None:
    (allowed / "film.torrent").write_bytes(film.torrent.metainfo)
    result = await add(hass, entry, "folder", name="Downloads", folder=str(allowed), add=True, words="")
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "Downloads")
    await until(lambda: playback.library.get(film.key))


@pytest.mark.parametrize(
    ("where", "error"),
    [("relative", "not_absolute"), ("/etc", "folder_not_allowed"), ("{folder}/none", "folder_unreadable")],
)
async def test_a_folder_that_cannot_be_read_is_said_so(
    hass: HomeAssistant, entry: MockConfigEntry, allowed: Path, where: str, error: str
) -> None:
    result = await add(hass, entry, "folder", name="Downloads", folder=where.format(folder=allowed))
    assert result["errors"] == {"base": error}
    assert entry.subentries == {}


@pytest.mark.parametrize(
    ("kind", "path", "fields", "error"),
    [
        ("feed", "/bad/html", {}, "provider_unreadable"),
        ("feed", "/bad/401", {}, "provider_unreachable"),
        ("torznab", "/torznab", {"api_key": "wrong"}, "provider_refused"),
        ("torznab", "/bad/text", {"api_key": KEY}, "provider_unreadable"),
    ],
)
async def test_an_address_that_does_not_answer_well_is_said_so(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    indexer: Indexer,
    kind: str,
    path: str,
    fields: dict[str, str],
    error: str,
) -> None:
    result = await add(hass, entry, kind, name="Indexer", url=indexer.url(path), **fields)
    assert result["errors"] == {"base": error}


async def test_nothing_is_added_by_itself_where_nothing_is_kept(
    hass: HomeAssistant, entry: MockConfigEntry, allowed: Path
) -> None:
    hass.config_entries.async_update_entry(entry, options={**entry.options, "keep_hours": 0})
    fields = {"name": "Downloads", "folder": str(allowed)}
    result = await add(hass, entry, "folder", **fields, add=True)
    assert result["errors"] == {"base": "nothing_kept"}
    result = await add(hass, entry, "folder", **fields, add=False)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_provider_has_a_name(hass: HomeAssistant, entry: MockConfigEntry, allowed: Path) -> None:
    result = await add(hass, entry, "folder", name=" ", folder=str(allowed))
    assert result["errors"] == {"base": "no_name"}
    result = await add(hass, entry, "folder", name=" Downloads ", folder=str(allowed))
    assert result["title"] == "Downloads"


async def test_why_an_address_does_not_answer_is_said_in_words(
    hass: HomeAssistant, entry: MockConfigEntry, indexer: Indexer
) -> None:
    url = indexer.url("/feed")
    await indexer.server.close()
    result = await add(hass, entry, "feed", name="Feed", url=url)
    assert result["errors"] == {"base": "provider_unreachable"}
    assert result["description_placeholders"] == {"error": os.strerror(errno.ECONNREFUSED), "provider": "Feed"}


@pytest.mark.parametrize("address", ["film", "ftp://x/", "http://", "http://[x/", "http://xn--/", "file:///etc/passwd"])
async def test_what_is_no_address_is_said_so(hass: HomeAssistant, entry: MockConfigEntry, address: str) -> None:
    result = await add(hass, entry, "feed", name="Feed", url=address)
    assert result["errors"] == {"base": "bad_address"}


async def test_a_provider_is_changed_and_removed(hass: HomeAssistant, entry: MockConfigEntry, indexer: Indexer) -> None:
    await add(hass, entry, "feed", name="Feed", url=indexer.url("/feed"))
    (subentry_id,) = entry.subentries
    flows = hass.config_entries.subentries
    form = await flows.async_init(
        (entry.entry_id, "feed"), context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry_id}
    )
    result = await soon(flows.async_configure(form["flow_id"], {"name": "Other", "url": indexer.url("/atom")}))
    await hass.async_block_till_done()
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert [provider.name for provider in hass.data[PROVIDERS].all] == ["Other"]
    hass.config_entries.async_remove_subentry(entry, subentry_id)
    await hass.async_block_till_done()
    assert hass.data[PROVIDERS].all == ()


@pytest.mark.parametrize("is_outside", [False, True])
async def test_where_a_provider_was_when_it_was_set_up_is_remembered(
    hass: HomeAssistant, entry: MockConfigEntry, indexer: Indexer, monkeypatch: pytest.MonkeyPatch, is_outside: bool
) -> None:
    Names(monkeypatch, feed=["127.0.0.1"])
    real = fetching.is_public
    monkeypatch.setattr(fetching, "is_public", lambda _address: is_outside)  # there is no internet here
    url = URL(indexer.url("/feed")).with_host("feed.example" if is_outside else "127.0.0.1")
    await add(hass, entry, "feed", name="Feed", url=str(url))
    (subentry,) = entry.subentries.values()
    assert subentry.data["outside"] is is_outside
    (feed,) = hass.data[PROVIDERS].all
    monkeypatch.setattr(fetching, "is_public", real)  # which has the name lead home
    assert isinstance(feed, Feed)
    feed._last = ()
    if is_outside:
        with pytest.raises(ProviderError, match="provider_unreachable"):
            await soon(feed.latest())
    else:
        assert await soon(feed.latest())


async def test_what_is_stopped_makes_no_provider_anew(
    hass: HomeAssistant, entry: MockConfigEntry, allowed: Path
) -> None:
    await add(hass, entry, "folder", name="Downloads", folder=str(allowed), add=True, words="")
    providers = hass.data[PROVIDERS]
    await soon(asyncio.gather(providers.stop(), providers.update()))
    assert providers.all == ()
    assert providers._tasks == {}


async def test_key_and_words_can_be_emptied_again(
    hass: HomeAssistant, entry: MockConfigEntry, indexer: Indexer
) -> None:
    await add(hass, entry, "torznab", name="Indexer", url=indexer.url("/torznab"), api_key=KEY, words="film")
    (subentry_id,) = entry.subentries
    flows = hass.config_entries.subentries
    form = await flows.async_init(
        (entry.entry_id, "torznab"), context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry_id}
    )
    assert form["data_schema"] is not None
    suggested = {str(key): key.description["suggested_value"] for key in form["data_schema"].schema}
    assert (suggested["api_key"], suggested["words"]) == (KEY, "film")
    # The frontend leaves out what was emptied.
    fields = {"name": "Indexer", "url": indexer.url("/feed")}
    result = await soon(flows.async_configure(form["flow_id"], fields))
    assert result["reason"] == "reconfigure_successful"
    data = entry.subentries[subentry_id].data
    assert (data["api_key"], data["words"]) == ("", "")


async def test_what_a_provider_has_is_browsed_searched_and_played(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    playback: Playback,
    indexer: Indexer,
    film: Seed,
    hass_ws_client: WebSocketGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await add(hass, entry, "torznab", name="Indexer", url=indexer.url("/torznab"), api_key=KEY)
    await add(hass, entry, "feed", name="Broken", url=indexer.url("/feed"))
    hass.data[PROVIDERS].all[1]._url = indexer.url("/bad/401")  # type: ignore[attr-defined]  # it breaks later
    client = await hass_ws_client(hass)

    async def ask(command: str, where: str, **fields: str) -> Any:  # noqa: ANN401  # JSON
        await client.send_json_auto_id({"type": f"media_source/{command}", "media_content_id": where, **fields})
        answer = await soon(client.receive_json())
        return answer["result"] if answer["success"] else answer["error"]

    (node, broken) = (await ask("browse_media", ROOT))["children"]
    assert [child["title"] for child in (await ask("browse_media", node["media_content_id"]))["children"]] == [
        "The Film (2026) [The.Film.2026.1080p] — 2 MB",
        "Some Show S01E03 [Some.Show.S01E03.720p] — 2 MB",
    ]
    found = await ask("search_media", ROOT, search_query="some show s01e03")
    assert [item["title"] for item in found["result"]] == ["Some Show S01E03 [Some.Show.S01E03.720p] — 2 MB"]
    item = found["result"][0]["media_content_id"]
    assert KEY not in str(found)
    assert (await async_resolve_media(hass, item, "media_player.dlna")).mime_type == "video/mp4"
    assert [session.source.key for session in playback.sessions] == [film.key]
    hass.data[PROVIDERS].all[1]._items_at = float("-inf")  # type: ignore[attr-defined]  # what it knows is old
    assert "HTTP 401" in (await ask("browse_media", broken["media_content_id"]))["message"]
    assert "no longer known" in (await ask("resolve_media", f"{node['media_content_id']}/y"))["message"]
    assert "was removed" in (await ask("browse_media", f"{ROOT}/provider/x"))["message"]
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("custom_components")]
    assert [line for line in ours if KEY in line] == []
