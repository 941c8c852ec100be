"""A player of our own: what it shows, passes on and offers."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.components.media_player import MediaPlayerState
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser, async_capture_events
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from custom_components.torrent_cast.events import EVENT
from custom_components.torrent_cast.playback import Look, Playback
from tests.conftest import Seed, kept, settled, soon, until
from tests.player.conftest import CAST, PLAYER, FakeCast, ask, play, shown
from tests.services.conftest import NOBODY

pytestmark = pytest.mark.usefixtures("subentry")


# --- what it shows ---------------------------------------------------------------------------------------------------


async def test_it_shows_what_the_cast_entity_shows(hass: HomeAssistant, cast: FakeCast) -> None:
    assert shown(hass).state == "off"
    for state in (MediaPlayerState.PLAYING, MediaPlayerState.BUFFERING, MediaPlayerState.PAUSED, MediaPlayerState.IDLE):
        cast.show(state, media_title="A song", media_duration=180, media_position=7, app_name="Music", volume_level=0.3)
        await hass.async_block_till_done()
        assert shown(hass).state == state
        for name in ("media_title", "media_duration", "media_position", "app_name", "volume_level"):
            assert shown(hass).attributes[name] == hass.states.get(CAST).attributes[name]  # type: ignore[union-attr]  # it is there
    cast.show(MediaPlayerState.PLAYING, media_image_url="http://x.example/y.png", media_image_remotely_accessible=True)
    await hass.async_block_till_done()
    assert shown(hass).attributes["entity_picture"] == "http://x.example/y.png"


async def test_it_is_away_while_the_cast_entity_is(hass: HomeAssistant, cast: FakeCast) -> None:
    cast.show(MediaPlayerState.OFF, available=False)
    await hass.async_block_till_done()
    assert shown(hass).state == "unavailable"
    cast.show(MediaPlayerState.OFF, available=True)
    await hass.async_block_till_done()
    assert shown(hass).state == "off"


async def test_a_film_that_gets_ready_is_buffering_and_can_be_stopped(
    hass: HomeAssistant, cast: FakeCast, playback: Playback
) -> None:
    starting = asyncio.create_task(play(hass, NOBODY))
    await until(lambda: shown(hass).state == "buffering" and playback.sessions)
    (session,) = playback.sessions
    assert shown(hass).attributes["media_title"] == session.title
    await ask(hass, "media_stop")
    with pytest.raises(HomeAssistantError) as caught:
        await starting
    assert caught.value.translation_key == "session_ended"
    await until(lambda: shown(hass).state == "off")
    assert session.is_over
    assert [what for what, *_ in cast.asked] == ["play_media"]  # nothing was on its screen


async def test_it_shows_what_a_torrent_has(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed, hass_client: ClientSessionGenerator
) -> None:
    await play(hass, film.magnet)
    (session,) = playback.sessions
    assert session.torrent is not None
    assert session.file is not None
    await soon(session.torrent.wait_for_range(session.file, 0, session.file.size))
    await playback.picture(film.key, 0)
    playback.changes.beat()
    await until(lambda: "cache=" in shown(hass).attributes.get("entity_picture", ""))
    attributes = shown(hass).attributes
    assert shown(hass).state == "playing"
    assert attributes["playable_seconds"] == 12
    assert attributes["peers"] == session.torrent.statistics.peers
    assert attributes["download_rate"] >= 0
    assert attributes["error"] is None
    picture = await (await hass_client()).get(attributes["entity_picture"])
    assert picture.content_type == "image/jpeg"
    assert (await picture.read()).startswith(b"\xff\xd8")
    playback.pictures._known[film.key, 0] = Look.ART  # as of a cover that has come meanwhile
    playback.changes.beat()
    await until(lambda: shown(hass).attributes["entity_picture"] != attributes["entity_picture"])


async def test_a_pause_of_ours_is_shown_as_buffering(hass: HomeAssistant, cast: FakeCast, playback: Playback) -> None:
    class Held:
        is_held = True

    class Following:
        hold = Held()

        def close(self) -> None:
            """Do nothing."""

    session = playback.start_session(await playback.parse(NOBODY), target=CAST)
    session.was_loaded = True
    session.following = Following()  # type: ignore[assignment]  # all that is looked at
    cast.show(MediaPlayerState.PAUSED)
    await hass.async_block_till_done()
    assert shown(hass).state == "buffering"
    session.end()
    await until(lambda: shown(hass).state == "paused")


# --- what it passes on -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "fields", "asked"),
    [
        ("media_play", {}, ("media_play",)),
        ("media_pause", {}, ("media_pause",)),
        ("media_play_pause", {}, ("media_pause",)),
        ("media_stop", {}, ("media_stop",)),
        ("media_seek", {"seek_position": 42}, ("media_seek", 42)),
        ("volume_set", {"volume_level": 0.25}, ("volume_set", 0.25)),
        ("volume_up", {}, ("volume_set", 0.6)),
        ("volume_down", {}, ("volume_set", 0.4)),
        ("volume_mute", {"is_volume_muted": True}, ("volume_mute", True)),
        ("turn_on", {}, ("turn_on",)),
        ("turn_off", {}, ("turn_off",)),
    ],
)
@pytest.mark.parametrize("by", ["entity", "area", "all", "list"])
async def test_what_is_asked_reaches_the_device_once(
    hass: HomeAssistant, cast: FakeCast, service: str, fields: dict[str, Any], asked: tuple[Any, ...], by: str
) -> None:
    cast.show(MediaPlayerState.PLAYING)
    await hass.async_block_till_done()
    context = Context()
    target: dict[str, Any] = {
        "entity": {"entity_id": PLAYER},
        "area": {"area_id": "living_room"},
        "all": {"entity_id": "all"},
        "list": {"entity_id": f"{CAST}, {PLAYER.upper()}"},
    }[by]
    await hass.services.async_call("media_player", service, {**target, **fields}, blocking=True, context=context)
    assert cast.asked == [asked]
    assert cast.contexts == [context]


async def test_a_film_for_an_area_is_played_once(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    data = {"area_id": "living_room", "media_content_id": film.magnet, "media_content_type": "video"}
    await hass.services.async_call("media_player", "play_media", data, blocking=True)
    assert cast.asked == [("play_media", film.magnet)]
    assert playback.sessions == ()


async def test_who_may_not_control_the_device_may_not_by_the_player(
    hass: HomeAssistant, cast: FakeCast, film: Seed, playback: Playback
) -> None:
    user = MockUser(groups=[]).add_to_hass(hass)
    user.mock_policy({"entities": {"entity_ids": {PLAYER: {POLICY_CONTROL: True}}}})
    context = Context(user_id=user.id)
    cast.show(MediaPlayerState.PLAYING)
    await hass.async_block_till_done()
    for service, fields in (
        ("media_pause", {}),
        ("media_stop", {}),
        ("turn_off", {}),
        ("play_media", {"media_content_id": film.magnet, "media_content_type": "video"}),
        ("play_media", {"media_content_id": "http://x.example/y.mp4", "media_content_type": "video/mp4"}),
    ):
        with pytest.raises(Unauthorized):
            await ask(hass, service, context=context, **fields)
    assert cast.asked == []
    assert playback.sessions == ()


async def test_what_is_not_ours_is_the_cast_entity_s(hass: HomeAssistant, cast: FakeCast) -> None:
    await play(hass, "http://x.example/film.mp4")
    assert cast.asked == [("play_media", "http://x.example/film.mp4")]


@pytest.mark.parametrize(
    ("media_id", "why"),
    [
        ("", "empty_source"),
        (" ", "empty_source"),
        ("last", "nothing_watched"),
        ("/nowhere/film.torrent", "path_not_allowed"),
    ],
)
async def test_what_only_we_can_read_is_not_handed_over(
    hass: HomeAssistant, cast: FakeCast, media_id: str, why: str
) -> None:
    failures = async_capture_events(hass, EVENT)
    with pytest.raises(ServiceValidationError) as refused:
        await play(hass, media_id)
    assert refused.value.translation_key == why
    assert cast.asked == []
    await hass.async_block_till_done()
    assert [event.data["title"] for event in failures] == ["film" if "film" in media_id else "Torrent Cast"]


# --- its sources -----------------------------------------------------------------------------------------------------


async def test_its_sources_are_the_files_of_what_plays_and_then_the_library(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed, tmp_path: Path, seeder: Callable[[Path], Seed]
) -> None:
    folder = tmp_path / "seeder" / "Some Show"
    folder.mkdir(parents=True)
    for number in (2, 1):
        (folder / f"Some.Show.S01E0{number}.mp4").write_bytes(film.content.read_bytes())
    show = seeder(folder)
    await kept(playback, film)
    await play(hass, show.magnet)
    sources = ["Some Show S01E01", "Some Show S01E02", "The film (2026)"]
    await until(lambda: shown(hass).attributes.get("source_list") == sources)
    assert shown(hass).attributes["source"] in sources[:2]
    await ask(hass, "select_source", source="Some Show S01E02")
    await until(lambda: shown(hass).attributes["source"] == "Some Show S01E02")
    assert len(playback.sessions) == 1
    with pytest.raises(ServiceValidationError, match="Another is not among"):
        await ask(hass, "select_source", source="Another")
    playback.sessions[0].end()
    await settled(playback)
    await until(lambda: shown(hass).attributes["source_list"] == ["Some Show", "The film (2026)"])


async def test_it_is_browsed_and_searched(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed, hass_ws_client: WebSocketGenerator
) -> None:
    await kept(playback, film)
    client = await hass_ws_client(hass)

    async def answer(command: str, **fields: str) -> Any:  # noqa: ANN401  # JSON
        await client.send_json_auto_id({"type": f"media_player/{command}", "entity_id": PLAYER, **fields})
        return (await soon(client.receive_json()))["result"]

    (torrent,) = (await answer("browse_media"))["children"]
    where = {"media_content_id": torrent["media_content_id"], "media_content_type": "video"}
    assert len((await answer("browse_media", **where))["children"]) == 1
    for scope in ({}, where):
        (found,) = (await answer("search_media", search_query="the film", **scope))["result"]
        assert found["media_content_id"] == f"media-source://torrent_cast/{film.key}/0"
    assert (await answer("search_media", search_query=NOBODY))["result"][0]["can_play"]


# --- as long as its device -------------------------------------------------------------------------------------------


async def test_unloading_ends_what_is_being_started(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, entry: MockConfigEntry
) -> None:
    starting = asyncio.create_task(play(hass, NOBODY))
    await until(lambda: playback.sessions)
    assert await hass.config_entries.async_unload(entry.entry_id)
    with pytest.raises(HomeAssistantError):
        await starting
    assert shown(hass).state == "unavailable"
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert shown(hass).state == "off"
    assert er.async_get(hass).async_get(PLAYER) is not None


async def test_what_plays_on_its_device_goes_on_elsewhere(
    hass: HomeAssistant, cast: FakeCast, playback: Playback, film: Seed
) -> None:
    await play(hass, film.magnet)
    data = {"entity_id": CAST, "from": PLAYER}
    with pytest.raises(ServiceValidationError) as caught:
        await hass.services.async_call("torrent_cast", "transfer", data, blocking=True)
    assert caught.value.translation_key == "same_device"
