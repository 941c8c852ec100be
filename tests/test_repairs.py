"""Repairs and system health: faults are shown when they are seen, their flows mend them, and they go."""
# ruff: noqa: ARG001  # fixtures are asked for by name; a test may wait for its own disk

import errno
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.torrent_cast.const import CONF_BASE_URL, CONF_DIRECTORY, CONF_PORT, CONF_UPNP, DOMAIN
from custom_components.torrent_cast.engine import (
    BindingError,
    Engine,
    NotEnoughSpace,
    Ports,
    StorageError,
    TorrentCastError,
    binding,
)
from custom_components.torrent_cast.issues import Issue, async_mend, async_report, async_report_port, issue_of
from custom_components.torrent_cast.playback import Happening, LoadRefused, NoReachableUrl, Playback, State
from custom_components.torrent_cast.repairs import FLOWS
from custom_components.torrent_cast.system_health import async_register
from tests.conftest import Seed, settled, soon, until
from tests.rig.ports import free_port

type Step = Callable[..., Awaitable[dict[str, Any]]]


def state_of(entry: MockConfigEntry) -> ConfigEntryState:
    state: ConfigEntryState = entry.state
    return state


def shown(hass: HomeAssistant) -> set[str]:
    return {issue_id for domain, issue_id in ir.async_get(hass).issues if domain == DOMAIN}


@pytest.fixture
def fix(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> Step:
    """Return what begins the fix flow of an issue, or goes on with it, as the user interface does."""

    async def step(issue: str, flow: dict[str, Any] | None = None, **answer: Any) -> dict[str, Any]:  # noqa: ANN401  # fields of a form
        assert await async_setup_component(hass, "repairs", {})
        client = await hass_client()  # only now: its server takes no new views
        path = f"/{flow['flow_id']}" if flow else ""
        body = answer if flow else {"handler": DOMAIN, "issue_id": issue}
        response = await client.post(f"/api/repairs/issues/fix{path}", json=body)
        found: dict[str, Any] = await response.json()
        await hass.async_block_till_done()
        return found

    return step


# --- what is shown ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "issue"),
    [
        (NoReachableUrl("only_https"), Issue.ONLY_HTTPS),
        (NoReachableUrl("no_request", address="x"), Issue.NO_REACHABLE_URL),
        (NoReachableUrl("no_address"), Issue.NO_REACHABLE_URL),
        (NotEnoughSpace("not_enough_space", needed="1", free="0", reserve="0"), Issue.DISK_FULL),
        (StorageError("disk_error", error=os.strerror(errno.ENOSPC)), Issue.DISK_FULL),
        (StorageError("disk_error", error=os.strerror(errno.EIO)), None),
        (StorageError("not_writable", directory="/x", error="gone"), Issue.DIRECTORY_GONE),
        (BindingError("no_libtorrent", platform="x", python="y", libc="z"), Issue.NO_LIBTORRENT),
        (BindingError("damaged_libtorrent", wheel="x"), Issue.NO_LIBTORRENT),
        (LoadRefused("load_refused", detail="x"), None),
        (TimeoutError(), None),
        (None, None),
    ],
)
def test_only_what_a_user_has_to_mend_is_an_issue(error: Exception | None, issue: Issue | None) -> None:
    assert issue_of(error) is issue


def test_every_issue_has_a_flow() -> None:
    assert set(FLOWS) == set(Issue)


@pytest.mark.parametrize(
    ("error", "issue", "mended_by"),
    [
        (NoReachableUrl("only_https"), Issue.ONLY_HTTPS, Happening.STARTED),
        (NoReachableUrl("no_address"), Issue.NO_REACHABLE_URL, Happening.STARTED),
        (NotEnoughSpace("not_enough_space", needed="1", free="0", reserve="0"), Issue.DISK_FULL, Happening.READY),
    ],
)
async def test_a_failed_play_shows_its_issue_until_one_goes_well(
    hass: HomeAssistant, playback: Playback, film: Seed, error: TorrentCastError, issue: Issue, mended_by: Happening
) -> None:
    source = await playback.parse(film.magnet)
    for _ in range(2):
        playback.start_session(source, target="media_player.tv").end(State.FAILED, error)
    assert shown(hass) == {issue}
    playback.happenings.tell(playback.start_session(source, target="media_player.tv"), mended_by)
    assert shown(hass) == set()


async def test_the_issues_go_with_the_entry(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    async_report(hass, Issue.NO_REACHABLE_URL)
    await hass.config_entries.async_remove(entry.entry_id)
    assert shown(hass) == set()


# --- how they are mended ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("issue", [Issue.NO_REACHABLE_URL, Issue.ONLY_HTTPS])
async def test_an_address_is_asked_for_and_stored(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, fix: Step, issue: Issue
) -> None:
    async_report(hass, issue)
    form = await fix(issue)
    for bad in ("", "not an address", "http://192.168.1.10/path"):
        form = await fix(issue, form, base_url=bad)
        assert form["errors"] == {CONF_BASE_URL: "bad_base_url"}
    done = await fix(issue, form, base_url="http://192.168.1.10:8123")
    assert done["type"] == "create_entry"
    assert playback.settings.base_url == "http://192.168.1.10:8123"
    assert shown(hass) == set()


async def test_a_directory_that_is_gone_is_asked_for_again(
    hass: HomeAssistant, new_entry: MockConfigEntry, rig_sockets: None, fix: Step, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    hass.config_entries.async_update_entry(new_entry, data={CONF_DIRECTORY: str(tmp_path / "file" / "downloads")})
    assert not await hass.config_entries.async_setup(new_entry.entry_id)
    assert state_of(new_entry) is ConfigEntryState.SETUP_RETRY
    assert shown(hass) == {Issue.DIRECTORY_GONE}
    form = await fix(Issue.DIRECTORY_GONE)
    form = await fix(Issue.DIRECTORY_GONE, form, download_directory="relative")
    assert form["errors"] == {CONF_DIRECTORY: "not_absolute"}
    done = await fix(Issue.DIRECTORY_GONE, form, download_directory=str(tmp_path / "other"))
    assert done["type"] == "create_entry"
    assert state_of(new_entry) is ConfigEntryState.LOADED
    assert shown(hass) == set()


@pytest.mark.parametrize("name", ["downloads", "other"])
async def test_a_directory_that_went_while_loaded_is_started_with_once(
    hass: HomeAssistant, entry: MockConfigEntry, fix: Step, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up: list[str] = []
    real = hass.config_entries.async_reload

    async def reload(entry_id: str) -> bool:
        set_up.append(entry_id)
        return await real(entry_id)

    monkeypatch.setattr(hass.config_entries, "async_reload", reload)
    async_report(hass, Issue.DIRECTORY_GONE)
    form = await fix(Issue.DIRECTORY_GONE)
    done = await fix(Issue.DIRECTORY_GONE, form, download_directory=str(tmp_path / name))
    assert done["type"] == "create_entry"
    assert set_up == [entry.entry_id]
    assert entry.runtime_data.settings.directory == tmp_path / name
    assert shown(hass) == set()


async def test_a_full_disk_is_mended_by_deleting_what_nobody_watches(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed, noise: Seed, fix: Step, downloads: Path
) -> None:
    for seed in (film, noise):
        session = playback.start_session(await playback.parse(seed.magnet))
        await soon(session.resolve())
        if seed is film:
            session.end()
    await settled(playback)
    async_report(hass, Issue.DISK_FULL)
    form = await fix(Issue.DISK_FULL)
    assert form["description_placeholders"] == {"films": "1"}
    assert (downloads / film.key).exists()
    assert (await fix(Issue.DISK_FULL, form))["type"] == "create_entry"
    assert not (downloads / film.key).exists()
    assert [kept.key for kept in playback.library.kept] == [noise.key]
    assert len(playback.sessions) == 1
    assert shown(hass) == set()


async def test_without_an_entry_no_room_can_be_made(hass: HomeAssistant, entry: MockConfigEntry, fix: Step) -> None:
    async_report(hass, Issue.DISK_FULL)
    await hass.config_entries.async_unload(entry.entry_id)
    assert (await fix(Issue.DISK_FULL))["reason"] == "not_loaded"


@pytest.mark.parametrize(
    ("issue", "answer"),
    [
        (Issue.NO_REACHABLE_URL, {"base_url": "http://192.168.1.10:8123"}),
        (Issue.ONLY_HTTPS, {"base_url": "http://192.168.1.10:8123"}),
        (Issue.DIRECTORY_GONE, {"download_directory": "/tmp"}),  # noqa: S108  # it is there
        (Issue.NO_LIBTORRENT, {}),
        (Issue.PORT_TAKEN, {"port": 0}),
        (Issue.PORT_CLOSED, {"port": 0, "upnp": False}),
    ],
)
async def test_a_form_whose_entry_went_ends_in_words(
    hass: HomeAssistant, entry: MockConfigEntry, fix: Step, issue: Issue, answer: dict[str, Any]
) -> None:
    async_report(hass, issue, BindingError("damaged_libtorrent", wheel="x"))
    form = await fix(issue)
    assert form["type"] == "form"
    assert await hass.config_entries.async_remove(entry.entry_id)
    done = await fix(issue, form, **answer)
    assert (done["type"], done["reason"]) == ("abort", "gone")


@pytest.mark.parametrize("issue", [Issue.PORT_TAKEN, Issue.PORT_CLOSED])
async def test_the_form_of_a_port_that_is_right_by_now_ends_in_words(
    hass: HomeAssistant, entry: MockConfigEntry, fix: Step, issue: Issue
) -> None:
    async_report_port(hass, issue, port="6881", other="6882", refusal="not authorised")
    form = await fix(issue)
    async_mend(hass, issue)
    done = await fix(issue, form, port=0)
    assert (done["type"], done["reason"]) == ("abort", "gone")


async def test_a_missing_libtorrent_is_looked_for_again(
    hass: HomeAssistant, new_entry: MockConfigEntry, rig_sockets: None, fix: Step
) -> None:
    def none(_cache: Path) -> None:
        raise BindingError("no_libtorrent", platform="linux-riscv64", python="cp314", libc="glibc")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(binding, "load", none)
        assert not await hass.config_entries.async_setup(new_entry.entry_id)
        assert shown(hass) == {Issue.NO_LIBTORRENT}
        form = await fix(Issue.NO_LIBTORRENT)
        form = await fix(Issue.NO_LIBTORRENT, form)
        assert form["errors"] == {"base": "unchanged"}
        assert form["description_placeholders"]["platform"] == "linux-riscv64"
    assert (await fix(Issue.NO_LIBTORRENT, form))["type"] == "create_entry"
    assert state_of(new_entry) is ConfigEntryState.LOADED
    assert shown(hass) == set()


async def test_a_libtorrent_that_is_wrong_in_another_way_is_another_issue(
    hass: HomeAssistant, entry: MockConfigEntry, fix: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_cache: Path) -> None:
        raise BindingError("damaged_libtorrent", wheel="libtorrent.whl")

    async_report(hass, Issue.NO_LIBTORRENT, BindingError("no_libtorrent", platform="x", python="y", libc="z"))
    form = await fix(Issue.NO_LIBTORRENT)
    monkeypatch.setattr(binding, "load", damaged)
    done = await fix(Issue.NO_LIBTORRENT, form)
    assert (done["type"], done["reason"]) == ("abort", "changed")
    issue = ir.async_get(hass).async_get_issue(DOMAIN, Issue.NO_LIBTORRENT)
    assert issue is not None
    assert (issue.translation_key, issue.translation_placeholders) == (
        "damaged_libtorrent",
        {"wheel": "libtorrent.whl"},
    )


@pytest.fixture
def taken(hass: HomeAssistant, entry: MockConfigEntry) -> Iterator[socket.socket]:
    """Have the entry choose a port at which another program listens, and return that one's socket."""
    with socket.create_server(("", 0)) as other:
        hass.config_entries.async_update_entry(entry, options=dict(entry.options) | {CONF_PORT: port_of(other)})
        yield other


def port_of(server: socket.socket) -> int:
    port: int = server.getsockname()[1]
    return port


async def started(hass: HomeAssistant, entry: MockConfigEntry, seed: Seed) -> Ports:
    """Have the engine of the entry listen, and return what it told."""
    await hass.async_block_till_done()
    playback: Playback = entry.runtime_data
    await soon(playback.start_session(await playback.parse(seed.magnet)).resolve())
    await until(lambda: playback.ports and playback.ports.listening)
    assert playback.ports is not None
    return playback.ports


async def test_a_port_of_another_program_is_shown_and_mended_with_another_port(
    hass: HomeAssistant, entry: MockConfigEntry, film: Seed, fix: Step, taken: socket.socket
) -> None:
    ports = await started(hass, entry, film)
    await until(lambda: shown(hass) == {Issue.PORT_TAKEN})
    form = await fix(Issue.PORT_TAKEN)
    assert form["description_placeholders"] == {"port": str(port_of(taken)), "other": str(ports.listening)}
    with socket.create_server(("", 0)) as third:
        form = await fix(Issue.PORT_TAKEN, form, port=port_of(third))
        assert form["errors"] == {"base": "port_taken"}
        assert form["description_placeholders"]["tried"] == str(port_of(third))
    done = await fix(Issue.PORT_TAKEN, form, port=(free := free_port()))
    assert done["type"] == "create_entry"
    assert (await started(hass, entry, film)).listening == free
    assert shown(hass) == set()


async def test_a_port_that_became_free_is_taken_again(
    hass: HomeAssistant, entry: MockConfigEntry, film: Seed, fix: Step, taken: socket.socket
) -> None:
    await started(hass, entry, film)
    await until(lambda: shown(hass) == {Issue.PORT_TAKEN})
    form = await fix(Issue.PORT_TAKEN)
    port = port_of(taken)
    taken.close()
    assert (await fix(Issue.PORT_TAKEN, form, port=port))["type"] == "create_entry"
    ports = await started(hass, entry, film)
    assert (ports.listening, ports.is_taken) == (port, False)
    assert shown(hass) == set()


async def test_the_issue_goes_when_the_engine_has_its_port(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed
) -> None:
    ports = await started(hass, entry, film)
    async_report_port(hass, Issue.PORT_TAKEN, port=str(ports.wanted), other=str(ports.listening))
    playback.changes.beat()
    await until(lambda: shown(hass) == set())


async def refused(hass: HomeAssistant, entry: MockConfigEntry, seed: Seed) -> Ports:
    """Have a router refuse to open the port of the engine."""
    ports = await started(hass, entry, seed)
    with pytest.MonkeyPatch.context() as patched:  # no router is to hear of a test
        patched.setattr(Engine, "apply", lambda _engine, _settings: None)
        hass.config_entries.async_update_entry(entry, options=dict(entry.options) | {CONF_UPNP: True})
        await hass.async_block_till_done()
    ports.refused = "not authorised"
    entry.runtime_data.changes.beat()
    await until(lambda: shown(hass) == {Issue.PORT_CLOSED})
    return ports


async def test_a_port_that_the_router_keeps_closed_is_shown_until_somebody_comes(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed
) -> None:
    ports = await refused(hass, entry, film)
    ports.was_reached = True
    playback.changes.beat()
    await until(lambda: shown(hass) == set())


async def test_a_port_that_the_router_keeps_closed_is_mended_by_another_or_by_asking_no_more(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed, fix: Step
) -> None:
    ports = await refused(hass, entry, film)
    form = await fix(Issue.PORT_CLOSED)
    said = {"port": str(ports.listening), "refusal": "not authorised"}
    assert form["description_placeholders"] == said
    with socket.create_server(("", 0)) as other:
        form = await fix(Issue.PORT_CLOSED, form, port=port_of(other), upnp=True)
        assert form["errors"] == {"base": "port_taken"}
        assert form["description_placeholders"].items() >= said.items()
    assert {field["name"] for field in form["data_schema"]} == {CONF_PORT, CONF_UPNP}
    done = await fix(Issue.PORT_CLOSED, form, port=0, upnp=False)
    assert done["type"] == "create_entry"
    assert entry.runtime_data is playback  # what plays goes on
    playback.changes.beat()
    await hass.async_block_till_done()
    assert shown(hass) == set()


# --- system health ---------------------------------------------------------------------------------------------------


async def health(hass: HomeAssistant) -> dict[str, Any]:
    """Return what system health is told."""
    found: list[Callable[[HomeAssistant], Awaitable[dict[str, Any]]]] = []

    class Registration:
        @staticmethod
        def async_register_info(callback: Callable[[HomeAssistant], Awaitable[dict[str, Any]]]) -> None:
            found.append(callback)

    async_register(hass, Registration)  # type: ignore[arg-type]  # what is used of it
    return await found[0](hass)


async def test_system_health_tells_what_is_there(
    hass: HomeAssistant, entry: MockConfigEntry, playback: Playback, film: Seed
) -> None:
    assert (await health(hass))["engine_running"] is False
    await soon(playback.start_session(await playback.parse(film.magnet)).resolve())
    found = await health(hass)
    assert found.pop("disk_free").endswith(" GB")
    assert found.pop("port") > 0
    assert found == {
        "loaded": True,
        "opened_by_router": None,
        "was_reached": False,
        "libtorrent": playback.libtorrent_version,
        "engine_running": True,
        "sessions": 1,
        "torrents": 1,
        "kept": 1,
    }
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert await health(hass) == {"loaded": False}
