"""A real swarm on this machine: a tracker and seeds, each with its own address behind its own slow link."""

import asyncio
import json
import os
import signal
import sys
import tempfile
import threading
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from tests.rig.network import Network, NetworkUnavailableError
from tests.rig.ports import free_port
from tests.rig.process import running, start, stop
from tests.rig.torrents import Torrent, import_directory
from tests.rig.tracker import Tracker, tracker

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from types import TracebackType

    from tests.rig.relay import Config as RelayConfig
    from tests.rig.seeder import Config

SEEDER: Final = Path(__file__).with_name("seeder.py")
RELAY: Final = Path(__file__).with_name("relay.py")
PORT: Final = 6881  # BitTorrent's customary one; each seed has its own address
HIDDEN_PORT: Final = 6882  # where a seed behind a relay listens
PEERS: Final = 8
RATE: Final = 4_200_000  # bit/s, a home's upstream; eight of them are 4 MiB/s
# Eight Pythons start on two cores in a second or two; a machine this late is not going to make it. s
STARTING: Final = 30.0


class Distance(NamedTuple):
    """What a relay in front of each seed adds: a round trip (s) and a chunk's chance to be sent again."""

    latency: float = 0.0
    loss: float = 0.0


class SwarmError(Exception):
    """A seed did not start or did not announce itself; carries its own words."""


class Swarm:
    """An async context manager: when entered, every seed seeds `torrent` and the tracker knows them all.

    `data_dir` is the folder that holds the content. Seed `i` uploads `rates[i]` (default: `rate` for all), bit/s; 0
    is as fast as it goes.
    As many `leechers` have nothing, want all, and take it from whoever comes to them; they count on after the seeds.
    `uplink` is what this process sends at most, bit/s.
    The seeds in `corrupt` serve zeros instead of the content. `distance` is that of each seed; it needs namespaces.
    """

    def __init__(  # noqa: PLR0913  # by name, and few at a time
        self,
        torrent: Torrent | bytes,
        data_dir: Path,
        *,
        peers: int = PEERS,
        rate: int = RATE,
        rates: Sequence[int] | None = None,
        leechers: int = 0,
        uplink: int = 0,
        corrupt: Collection[int] = (),
        distance: Distance | None = None,
        namespaces: bool = True,
    ) -> None:
        """Describe the swarm; nothing is started yet. `namespaces=False` is the fallback, on loopback."""
        self._given = torrent
        self._data_dir = data_dir
        seeds = tuple(rates) if rates is not None else (rate,) * peers
        self.seeds = range(len(seeds))
        self.leechers = range(len(seeds), len(seeds) + leechers)
        self._rates = seeds + (0,) * leechers
        self._uplink = uplink
        self._corrupt = frozenset(corrupt)
        self._distance = distance
        self._wanted = namespaces
        self._network: Network | None = None
        self._ports: dict[int, int] = {}  # of the seeds on loopback
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._stack = AsyncExitStack()
        self.host = "127.0.0.1"
        self.peers: list[str] = []
        self.note = ""

    @property
    def tracker_url(self) -> str:
        """Return the tracker's announce URL (HTTP)."""
        return self.tracker.url

    @property
    def torrent(self) -> bytes:
        """Return the .torrent file that names the swarm's tracker."""
        return self.metainfo.metainfo

    @property
    def magnet(self) -> str:
        """Return the magnet link that names the swarm's tracker and no peer."""
        return self.metainfo.magnet

    @property
    def info_hash(self) -> str:
        """Return the v1 info-hash, hex."""
        return self.metainfo.info_hash

    async def __aenter__(self) -> Self:
        """Start the tracker and the seeds."""
        async with AsyncExitStack() as stack:
            stack.enter_context(_sigterm_as_sigint())
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torrent-cast-swarm-")))
            await self._connect(stack)
            await self._open_tracker(stack)
            self._python_path = str(await asyncio.to_thread(import_directory))
            stack.push_async_callback(self.stop_seeders)
            await self._start_relays(stack)
            await self._start_seeders()
            known = await self.tracker.seeds(self.info_hash)
            if known != len(self.seeds):
                message = f"the tracker knows {known} of {len(self.seeds)} seeds"
                raise SwarmError(message)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every process and remove the network."""
        await self._stack.__aexit__(kind, error, trace)

    def carried(self) -> int:
        """Return how many bytes the seeds' links have carried so far; 0 on loopback, where nobody counts."""
        return self._network.carried() if self._network else 0

    async def start_seeder(self, seed: int) -> None:
        """Start seed `seed`, again if it runs, and wait until the tracker has answered it. Raises SwarmError."""
        await self.stop_seeder(seed)
        log = self._folder / f"seeder-{seed}.log"
        with log.open("wb") as errors:
            process = await start(
                *self._command(seed),
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "PYTHONPATH": self._python_path},
            )
        self._processes[seed] = process
        assert process.stdout is not None
        try:
            async with asyncio.timeout(STARTING):
                line = await process.stdout.readline()
        except TimeoutError:
            line = b""
        if line != b"announced\n":
            message = f"seed {seed} is not ready\n{log.read_text('utf-8', 'replace')}"
            raise SwarmError(message)

    async def _start_relays(self, stack: AsyncExitStack) -> None:
        if self._distance is None or self._network is None:
            return
        for seed, address in enumerate(self.peers):
            config: RelayConfig = {
                "listen": (address, PORT),
                "target": (address, HIDDEN_PORT),
                "latency": self._distance.latency,
                "loss": self._distance.loss,
            }
            command = (*self._network.command(seed), sys.executable, "-S", "-P", str(RELAY), json.dumps(config))
            relay = await stack.enter_async_context(running(*command, stdout=asyncio.subprocess.PIPE))
            assert relay.stdout is not None
            if await relay.stdout.readline() != b"listening\n":
                raise SwarmError(f"the relay of seed {seed} is not ready")

    async def _start_seeders(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                for seed in range(len(self._rates)):
                    tasks.create_task(self.start_seeder(seed))
        except ExceptionGroup as group:
            raise group.exceptions[0] from group

    async def stop_seeder(self, seed: int) -> None:
        """End seed `seed` without a word to the tracker, as a machine that loses power."""
        if process := self._processes.pop(seed, None):
            await stop(process)

    async def stop_seeders(self) -> None:
        """End all seeds."""
        await asyncio.gather(*(self.stop_seeder(seed) for seed in list(self._processes)))

    async def _connect(self, stack: AsyncExitStack) -> None:
        """Make the network, or settle for loopback and note why."""
        if not self._wanted:
            return self._fall_back("loopback was asked for")
        network = Network(self._rates, self._uplink)
        try:
            # Not in a thread: a cancelled wait would leave the network without its owner.
            self._network = stack.enter_context(network)
        except NetworkUnavailableError as err:
            return self._fall_back(str(err))
        self.host, self.peers = network.address, network.addresses
        return None

    def _fall_back(self, reason: str) -> None:
        self.note = f"no network namespaces ({reason}): the swarm is on loopback, limited by libtorrent"
        self.peers = [f"127.0.0.{10 + seed}" for seed in range(len(self._rates))]

    async def _open_tracker(self, stack: AsyncExitStack) -> None:
        given = self._given
        torrent = given if isinstance(given, Torrent) else await asyncio.to_thread(Torrent.parse, given)
        self.tracker: Tracker = await stack.enter_async_context(tracker(self.host, [torrent.info_hash]))
        self.metainfo: Torrent = await asyncio.to_thread(torrent.with_trackers, [self.tracker.url])
        (self._folder / "seed.torrent").write_bytes(self.metainfo.metainfo)

    def _command(self, seed: int) -> tuple[str, ...]:
        config: Config = {
            "torrent": str(self._folder / "seed.torrent"),
            "folder": str(self._content(seed)),
            "leeches": seed in self.leechers,
            "interface": f"{self.peers[seed]}:{self._port(seed)}",
            "announced": PORT if self._distance else 0,
            # Never both limits: libtorrent's own hands out its quota every half second.
            "upload": 0 if self._network else self._rates[seed] // 8,
        }
        inside = self._network.command(seed) if self._network else ()
        # -S and -P: nothing but libtorrent is imported, so that eight start within a second or two.
        return (*inside, sys.executable, "-S", "-P", str(SEEDER), json.dumps(config))

    def _content(self, seed: int) -> Path:
        """Return the folder of what a seed has; that of a leecher is empty whenever it starts."""
        if seed in self.leechers:
            return Path(tempfile.mkdtemp(dir=self._folder))
        return self._zeros() if seed in self._corrupt else self._data_dir

    def _port(self, seed: int) -> int:
        """Return the port of a seed, which stays the same when it comes back."""
        if self._network is not None:
            return HIDDEN_PORT if self._distance else PORT
        # On loopback another rig may have the same addresses: any free port will do.
        return self._ports.setdefault(seed, free_port(self.peers[seed]))

    def _zeros(self) -> Path:
        """Return a folder of files of the right names and sizes that hold nothing but zeros."""
        folder = self._folder / "zeros"
        for name, size in self.metainfo.files():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with (folder / name).open("ab") as file:
                file.truncate(size)
        return folder


@contextmanager
def _sigterm_as_sigint() -> Iterator[None]:
    """Let SIGTERM unwind the stack like Ctrl-C where it would end the process on the spot."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    interrupt = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGTERM, interrupt if callable(interrupt) else signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
