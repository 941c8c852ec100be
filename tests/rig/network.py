"""A private network: hosts in namespaces of their own on one bridge, each behind its own shaped link.

Networks are numbered; a number is held by binding an abstract socket, which the kernel frees however its process
ends. What is named after a number that nobody holds is therefore a leftover.
"""

import atexit
import os
import re
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NUMBERS: Final = range(100)  # networks at a time; two digits, as a link's name has 15 characters
SUBNET: Final = "10.77"  # private (RFC 1918), and rare
FIRST_HOST: Final = 10  # 10.77.x.1 is the bridge; the hosts count from here
# Bytes a link lets through at once: a few full frames. More would make the first piece faster than the link is.
BURST: Final = 16_000
UPLINK_BURST: Final = 4_000  # the same of a line of 1 Mbit/s, on which 16,000 bytes are an eighth of a second
QUEUE: Final = "100ms"  # what a link buffers before it drops, a modest home router
UPLINK_QUEUE: Final = "500ms"  # the same of an ADSL modem, whose line out is slow
# Linux's own; where another is the default (BBR) a queue is never filled. The sender's alone matters.
CONGESTION_CONTROL: Final = "cubic"
# A bridge is named by number and process, a namespace and its link by these and the host.
NAME: Final = re.compile(r"tc(?P<number>\d+)p(?P<process>\d+)(h\d+)?")


class NetworkUnavailableError(Exception):
    """Namespaces cannot be made here; says why."""


class Network:
    """A context manager: a bridge and one host per rate (bit/s; 0: not shaped). Blocks for some 10 ms per host.

    `uplink` is what this process sends at most (bit/s; 0: not shaped), as from behind a line of its own.
    """

    def __init__(self, rates: Sequence[int], uplink: int = 0) -> None:
        """Describe the network; nothing is made yet."""
        self._rates = tuple(rates)
        self._uplink = uplink
        self._claim: socket.socket | None = None
        self._number = 0

    @property
    def address(self) -> str:
        """Return the bridge's address, on which this process is a host too."""
        return f"{SUBNET}.{self._number}.1"

    @property
    def addresses(self) -> list[str]:
        """Return the hosts' addresses."""
        return [f"{SUBNET}.{self._number}.{FIRST_HOST + host}" for host in range(len(self._rates))]

    def command(self, host: int) -> tuple[str, ...]:
        """Return what to put before a command to run it on `host`."""
        return ("ip", "netns", "exec", self._name(host))

    def carried(self) -> int:
        """Return how many bytes the hosts have sent so far, headers and all."""
        counters = (Path("/sys/class/net", self._name(host), "statistics/rx_bytes") for host in range(len(self._rates)))
        return sum(int(counter.read_text()) for counter in counters)

    def __enter__(self) -> Self:
        """Make the network. Raises NetworkUnavailableError."""
        try:
            _remove_leftovers()
            self._number, self._claim = _claim_free()
            atexit.register(self.close)
            self._build()
        except (OSError, subprocess.CalledProcessError) as err:
            self.close()
            said = str(err.stderr if isinstance(err, subprocess.CalledProcessError) else err)
            reason = next(iter(said.splitlines()), type(err).__name__)
            raise NetworkUnavailableError(reason) from err
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the network."""
        self.close()

    def close(self) -> None:
        """Remove the network; whatever is left of it."""
        if self._claim is None:
            return
        _remove(self._number)
        self._claim.close()
        self._claim = None
        atexit.unregister(self.close)

    @property
    def _bridge(self) -> str:
        return f"tc{self._number}p{os.getpid()}"

    def _name(self, host: int) -> str:
        """Return the name of a host's namespace, and of the bridge's end of its link."""
        return f"{self._bridge}h{host}"

    def _build(self) -> None:
        _ip(
            f"link add {self._bridge} type bridge",
            f"addr add {self.address}/24 dev {self._bridge}",
            f"link set {self._bridge} up",
        )
        if self._uplink:
            shape = f"root tbf rate {self._uplink}bit burst {UPLINK_BURST} latency {UPLINK_QUEUE}"
            _run("tc", *f"qdisc add dev {self._bridge} {shape}".split())
            _ip(f"route change {SUBNET}.{self._number}.0/24 dev {self._bridge} congctl {CONGESTION_CONTROL}")
        for host, (address, rate) in enumerate(zip(self.addresses, self._rates, strict=True)):
            name = self._name(host)
            _ip(
                f"netns add {name}",
                f"link add {name} type veth peer name eth0 netns {name}",
                f"link set {name} master {self._bridge} up",
            )
            _ip("link set lo up", f"addr add {address}/24 dev eth0", "link set eth0 up", namespace=name)
            if rate:
                shape = f"qdisc add dev eth0 root tbf rate {rate}bit burst {BURST} latency {QUEUE}"
                _run("tc", "-n", name, *shape.split())


def remains() -> list[str]:
    """Return the names of all namespaces and links there are of any network."""
    return sorted({match[0] for match in _matches()})


def _matches() -> list[re.Match[str]]:
    spaces = [line.split()[0] for line in _run("ip", "netns", "list").splitlines() if line]
    links = re.findall(r"^\d+: ([^:@]+)", _run("ip", "-o", "link", "show"), re.MULTILINE)
    return [match for name in (*spaces, *links) if (match := NAME.fullmatch(name))]


def _remove(number: int) -> None:
    """Remove what has this number; the links by name, as those of a namespace go some time after it only."""
    for name in {match[0] for match in _matches() if int(match["number"]) == number}:
        for kind in ("link", "netns"):
            subprocess.run(["ip", kind, "del", name], check=False, capture_output=True)


def _remove_leftovers() -> None:
    """Remove what dead processes left behind: theirs are the numbers that can be had."""
    for number in {int(match["number"]) for match in _matches() if not _alive(int(match["process"]))}:
        with _claimed(number) as claim:
            if claim:
                _remove(number)


def _alive(process: int) -> bool:
    """Tell whether another process has this id; our own id in a leftover is that of a namesake."""
    return process != os.getpid() and Path(f"/proc/{process}").exists()


def _claim_free() -> tuple[int, socket.socket]:
    """Return a number that no other network has and no route of this machine uses, and its claim."""
    for number in NUMBERS:
        claim = _claim(number)
        if claim is None:
            continue
        if not _run("ip", "route", "show", "table", "all", "root", f"{SUBNET}.{number}.0/24"):
            return number, claim
        claim.close()
    raise NetworkUnavailableError("all networks are taken")


@contextmanager
def _claimed(number: int) -> Iterator[socket.socket | None]:
    claim = _claim(number)
    try:
        yield claim
    finally:
        if claim:
            claim.close()


def _claim(number: int) -> socket.socket | None:
    """Return the socket that holds `number`, None if another process holds it."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0torrent-cast-network-{number}")
    except OSError:
        claim.close()
        return None
    return claim


def _ip(*commands: str, namespace: str | None = None) -> None:
    """Run several commands of `ip` in one go, in `namespace` if given."""
    inside = ("-n", namespace) if namespace else ()
    _run("ip", *inside, "-batch", "-", stdin="\n".join(commands))


def _run(*command: str, stdin: str | None = None) -> str:
    """Return what `command` prints; raises CalledProcessError."""
    return subprocess.run(command, input=stdin, check=True, capture_output=True, text=True).stdout
