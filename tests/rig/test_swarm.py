"""The swarm is a real one: found by its tracker alone, shaped, and gone without a trace."""

import asyncio
import filecmp
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_socket

from tests.rig.films import SHORT, film
from tests.rig.network import SUBNET, Network, NetworkUnavailableError, remains
from tests.rig.process import running
from tests.rig.seeder import Alerts
from tests.rig.swarm import PORT, Distance, Swarm, SwarmError
from tests.rig.torrents import Torrent, import_directory, libtorrent, make_torrent

pytestmark = pytest.mark.usefixtures("rig_sockets")

PIECE = 64 << 10
DEADLINE = 30.0  # s, only so that a broken swarm fails instead of hanging
SEEDS = 3
FAST = 40_000_000  # bit/s, so that these tests are short


@pytest.fixture
def rig_sockets(socket_enabled: None) -> None:  # noqa: ARG001  # pytest undoes both at the test's end
    """Open the swarm's addresses to this process."""
    pytest_socket.socket_allow_hosts(["127.0.0.0/8", f"{SUBNET}.0.0/16"], allow_unix_socket=True)


@pytest.fixture(params=["namespaces", "loopback"])
def kind(request: pytest.FixtureRequest) -> str:
    """Run a test on both kinds of swarm, where namespaces are allowed."""
    if request.param == "namespaces":
        _need_namespaces()
    return str(request.param)


@pytest.fixture
async def content() -> Path:
    """Return a short film."""
    return await film(SHORT)


@pytest.fixture
async def torrent(content: Path) -> Torrent:
    """Return its torrent, without a tracker."""
    return await asyncio.to_thread(make_torrent, content, PIECE)


def _need_namespaces() -> None:
    try:
        with Network([FAST]):
            return
    except NetworkUnavailableError as err:
        pytest.skip(f"no network namespaces here: {err}")


@dataclass
class Client:
    """A libtorrent of its own that knows nothing but a magnet link."""

    host: str
    folder: Path

    def __post_init__(self) -> None:
        """Start its session."""
        self.lt = libtorrent()
        category = self.lt.alert.category_t
        self.session = self.lt.session(
            {
                "listen_interfaces": f"{self.host}:0",
                "enable_dht": False,
                "enable_lsd": False,
                "enable_upnp": False,
                "enable_natpmp": False,
                "allow_multiple_connections_per_ip": True,
                "tick_interval": 100,
                "enable_outgoing_utp": False,  # a session with uTP peers takes 3 s to end
                "alert_mask": category.status_notification
                | category.block_progress_notification
                | category.upload_notification,
                "alert_queue_size": 10_000,  # every block of a film is an alert
            }
        )
        self.alerts = Alerts(self.session)

    def add(self, magnet: str) -> None:
        """Start to download; what there is to know is in the link."""
        params = self.lt.parse_magnet_uri(magnet)
        params.save_path = str(self.folder)
        params.flags |= self.lt.torrent_flags.disable_pex
        # libtorrent's own queue would start the torrent some seconds later.
        params.flags &= ~(self.lt.torrent_flags.auto_managed | self.lt.torrent_flags.paused)
        self.session.add_torrent(params)

    def until(self, last: str) -> list[str]:
        """Return the alerts up to the first `last`, of a block who sent it. Blocks; raises TimeoutError."""
        seen: list[str] = []
        end = time.monotonic() + DEADLINE
        while (left := end - time.monotonic()) > 0:
            for alert in self.alerts.next(left):
                name = type(alert).__name__
                # An alert lives until the next pop only: its peer is kept, not itself.
                seen.append(alert.endpoint[0] if name == "block_finished_alert" else name)
                if name == last:
                    return seen
        message = f"no {last} in {seen}"
        raise TimeoutError(message)


async def _downloaded(swarm: Swarm, folder: Path) -> set[str]:
    """Download all of the swarm's torrent by its magnet link; return the addresses it came from."""

    def download() -> set[str]:
        client = Client(swarm.host, folder)
        client.add(swarm.magnet)
        return {entry for entry in client.until("torrent_finished_alert") if entry[0].isdigit()}

    return await asyncio.to_thread(download)


async def test_a_client_finds_and_downloads_the_film_by_its_magnet_link(
    content: Path, torrent: Torrent, tmp_path: Path, kind: str
) -> None:
    async with Swarm(
        torrent.metainfo, content.parent, peers=SEEDS, rate=FAST, namespaces=kind == "namespaces"
    ) as swarm:
        sources = await _downloaded(swarm, tmp_path)

        assert filecmp.cmp(tmp_path / content.name, content, shallow=False)
        assert sources
        assert sources <= set(swarm.peers)
        assert bool(swarm.note) is (kind == "loopback")
    assert not _own(os.getpid())


async def test_leechers_take_from_who_comes_to_them_over_its_own_line_and_give_nothing(
    content: Path, torrent: Torrent, tmp_path: Path
) -> None:
    _need_namespaces()
    async with Swarm(torrent, content.parent, peers=SEEDS, rate=FAST, leechers=1, uplink=FAST) as swarm:

        def give() -> set[str]:
            client = Client(swarm.host, tmp_path)
            client.add(swarm.magnet)
            return {entry for entry in client.until("block_uploaded_alert") if entry[0].isdigit()}

        sources = await asyncio.to_thread(give)

        assert sources <= {swarm.peers[seed] for seed in swarm.seeds}


async def test_a_distant_swarm_answers_later_and_with_the_same_bytes(
    content: Path, torrent: Torrent, tmp_path: Path
) -> None:
    _need_namespaces()
    distance = Distance(latency=0.1, loss=0.02)
    async with Swarm(torrent, content.parent, peers=SEEDS, rate=FAST, distance=distance) as swarm:
        begin = time.monotonic()
        reader, writer = await asyncio.open_connection(swarm.peers[0], PORT)
        writer.write(b"\x13BitTorrent protocol" + bytes(8) + bytes.fromhex(swarm.info_hash) + os.urandom(20))  # BEP 3
        await reader.readexactly(68)
        writer.close()

        assert time.monotonic() - begin >= 2 * distance.latency
        assert await _downloaded(swarm, tmp_path) <= set(swarm.peers)
        assert filecmp.cmp(tmp_path / content.name, content, shallow=False)


async def test_a_folder_is_a_torrent_too(tmp_path: Path) -> None:
    folder = tmp_path / "Series"
    (folder / "Season 1").mkdir(parents=True)
    for number in range(3):
        (folder / "Season 1" / f"{number}.bin").write_bytes(os.urandom(100_000))
    torrent = await asyncio.to_thread(make_torrent, folder, PIECE)

    async with Swarm(torrent, tmp_path, peers=1, rate=FAST) as swarm:
        await _downloaded(swarm, tmp_path / "got")

    for file, size in torrent.files():
        assert size == 100_000
        assert filecmp.cmp(tmp_path / "got" / file, tmp_path / file, shallow=False)


async def test_the_magnet_link_names_the_tracker_and_no_peer(content: Path, torrent: Torrent) -> None:
    async with Swarm(torrent, content.parent, peers=1, rate=FAST) as swarm:
        parts = swarm.magnet.removeprefix("magnet:?").split("&")
        named = await asyncio.to_thread(Torrent.parse, swarm.torrent)

        assert [part.split("=")[0] for part in parts] == ["xt", "dn", "tr"]
        assert named.info_hash == swarm.info_hash == torrent.info_hash
        assert named.trackers == (swarm.tracker_url,)
        assert named.magnet == swarm.magnet


async def test_a_stopped_seed_is_gone_and_another_can_be_started(
    content: Path, torrent: Torrent, tmp_path: Path, kind: str
) -> None:
    async with Swarm(torrent, content.parent, peers=2, rate=FAST, namespaces=kind == "namespaces") as swarm:
        await swarm.stop_seeders()
        for address in swarm.peers:
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(address, PORT)

        await swarm.start_seeder(1)

        assert await _downloaded(swarm, tmp_path) == {swarm.peers[1]}


async def test_a_corrupt_seed_is_noticed_by_the_client(content: Path, torrent: Torrent, tmp_path: Path) -> None:
    async with Swarm(torrent, content.parent, peers=1, rate=FAST, corrupt=[0]) as swarm:

        def fails() -> list[str]:
            client = Client(swarm.host, tmp_path)
            client.add(swarm.magnet)
            return client.until("hash_failed_alert")

        assert "piece_finished_alert" not in await asyncio.to_thread(fails)


async def test_everything_is_removed_after_an_error(content: Path, torrent: Torrent) -> None:
    _need_namespaces()
    swarm = Swarm(torrent, content.parent, peers=2, rate=FAST)

    async def fail() -> None:
        async with swarm:
            assert len(_own(os.getpid())) == 3
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert not _own(os.getpid())


async def test_a_seed_that_does_not_start_says_why(
    content: Path, torrent: Torrent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.rig.swarm.SEEDER", Path("/nonexistent.py"))

    with pytest.raises(SwarmError, match=r"nonexistent\.py"):
        await Swarm(torrent, content.parent, peers=2).__aenter__()

    assert not _own(os.getpid())


SCRIPT = """
import asyncio, signal, sys
from pathlib import Path
import libtorrent
from tests.rig.swarm import Swarm

async def main():
    content = Path(sys.argv[1])
    async with Swarm(Path(sys.argv[2]).read_bytes(), content.parent, peers=2):
        print("up", flush=True)
        await asyncio.Event().wait()

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background job
asyncio.run(main())
"""


def _own(process: int) -> list[str]:
    return [name for name in remains() if name.partition("p")[2].partition("h")[0] == str(process)]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_nothing_is_left_of_a_rig_that_is_ended(
    ending: signal.Signals, content: Path, torrent: Torrent, tmp_path: Path
) -> None:
    _need_namespaces()
    (tmp_path / "film.torrent").write_bytes(torrent.metainfo)
    command = (sys.executable, "-c", SCRIPT, str(content), str(tmp_path / "film.torrent"))
    env = {**os.environ, "PYTHONPATH": f"{Path(__file__).parents[2]}:{import_directory()}"}
    async with running(*command, stdout=asyncio.subprocess.PIPE, env=env) as rig:
        assert rig.stdout is not None
        assert await rig.stdout.readline() == b"up\n"
        assert len(_own(rig.pid)) == 3

        rig.send_signal(ending)
        await asyncio.wait_for(rig.wait(), DEADLINE)

    if ending is signal.SIGKILL:  # nobody can clean up then: the next rig does
        with Network([FAST]):
            pass
    assert not _own(rig.pid)


def test_two_networks_stand_side_by_side() -> None:
    _need_namespaces()
    with Network([FAST]) as one, Network([FAST]) as other:
        assert one.address != other.address
        assert len(_own(os.getpid())) == 4
