"""Free ports for servers that take a while to start."""

import random
import socket
from typing import Final

# Below Linux's default range for ports the kernel hands out (32768 to 60999, `ip_local_port_range`): in the seconds a
# server needs to start, nobody's outgoing connection or port 0 can take its port.
PORTS: Final = range(20_000, 32_768)

# What holds the ports handed out here until this process ends: another test process might draw the same one before the
# server listens on it.
_claims: Final[list[socket.socket]] = []


def free_port(address: str = "127.0.0.1") -> int:
    """Return a port that is free for TCP and UDP on `address` now; no other test process gets it."""
    while True:
        port = random.choice(PORTS)
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0torrent-cast-port-{port}")
            with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
                tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tcp.bind((address, port))
                udp.bind((address, port))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return port
