"""A real BitTorrent tracker, Debian's opentracker, over HTTP and UDP."""

import asyncio
import os
import re
import secrets
import tempfile
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.rig.ports import free_port
from tests.rig.process import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterator

# A loaded machine may take a second to start a process; longer means it does not start at all. s
STARTING: Final = 10.0
RETRY: Final = 0.01  # s between two tries to reach a tracker that is starting
# opentracker keeps peers per address and port; this probe says "stopped", so that it is never one of them.
PROBE_PORT: Final = 1


class TrackerError(Exception):
    """The tracker did not start, or refused."""


@dataclass(frozen=True, slots=True)
class Tracker:
    """A running tracker."""

    address: str
    port: int

    @property
    def url(self) -> str:
        """Return the announce URL over HTTP."""
        return f"http://{self.address}:{self.port}/announce"

    @property
    def udp_url(self) -> str:
        """Return the announce URL over UDP (BEP 15)."""
        return f"udp://{self.address}:{self.port}/announce"

    async def seeds(self, info_hash: str) -> int:
        """Return how many complete peers the tracker knows of `info_hash` (hex), by a scrape."""
        answer = await self._get(f"/scrape?info_hash={_quoted(info_hash)}")
        found = re.search(rb"8:completei(\d+)e", answer)
        return int(found[1]) if found else 0

    async def probe(self, info_hash: str) -> None:
        """Announce once without joining; raises TrackerError if refused, OSError if not reached."""
        query = f"info_hash={_quoted(info_hash)}&peer_id={_quoted(secrets.token_hex(20))}"
        state = f"port={PROBE_PORT}&uploaded=0&downloaded=0&left=1&compact=1&event=stopped"
        answer = await self._get(f"/announce?{query}&{state}")
        if b"8:interval" not in answer:
            raise TrackerError(answer.decode(errors="replace"))

    async def _get(self, path: str) -> bytes:
        """Return the body of the answer; by hand, as a client library would encode the info-hash again."""
        reader, writer = await asyncio.open_connection(self.address, self.port)
        try:
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {self.address}\r\n\r\n".encode())
            answer = await reader.read(-1)
        finally:
            writer.close()
        return answer.partition(b"\r\n\r\n")[2]


@asynccontextmanager
async def tracker(address: str, info_hashes: Collection[str], port: int = 0) -> AsyncIterator[Tracker]:
    """Run a tracker of `info_hashes` (hex) on `address`; ready to answer when entered. `port` 0: a free one."""
    with _root(info_hashes) as root, tempfile.TemporaryFile() as log:
        found = Tracker(address, port or free_port(address))
        async with running(*_command(found, root), stdout=log, stderr=log) as process:
            try:
                await _ready(found, process, next(iter(info_hashes)))
            except TrackerError as err:
                log.seek(0)
                err.add_note(log.read().decode(errors="replace"))
                raise
            yield found


@contextmanager
def _root(info_hashes: Collection[str]) -> Iterator[Path]:
    """Make the directory that is all opentracker sees; the user nobody can read it."""
    with tempfile.TemporaryDirectory(prefix="torrent-cast-tracker-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        (root / "whitelist").write_text("".join(f"{info_hash}\n" for info_hash in info_hashes), "ascii")
        yield root


def _command(found: Tracker, root: Path) -> tuple[str, ...]:
    # setpriv changes the user instead of opentracker: the kernel forgets to end a child that changes it itself.
    nobody = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--pdeathsig=KILL", "--")
    port = str(found.port)
    return (
        *(nobody if os.geteuid() == 0 else ()),
        *("opentracker", "-i", found.address, "-p", port, "-P", port, "-d", str(root), "-w", "whitelist"),
    )


async def _ready(found: Tracker, process: asyncio.subprocess.Process, info_hash: str) -> None:
    """Wait until an announce is answered: opentracker reads its whitelist after it listens, and tells nobody."""
    failure: Exception | None = None
    try:
        async with asyncio.timeout(STARTING):
            while process.returncode is None:
                try:
                    return await found.probe(info_hash)
                except (OSError, TrackerError) as err:
                    failure = err
                await asyncio.sleep(RETRY)
    except TimeoutError:
        pass
    message = f"opentracker on {found.address}:{found.port} is not ready: {failure}"
    raise TrackerError(message)


def _quoted(digest: str) -> str:
    """Return a hex digest percent-encoded byte by byte."""
    return "".join(f"%{byte:02x}" for byte in bytes.fromhex(digest))
