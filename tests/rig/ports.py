"""Free ports for servers that take a while to start."""

import random
import socket
from typing import Final

# Below Linux's default range for ports the kernel hands out (32768 to 60999, `ip_local_port_range`): in the seconds a
# server needs to start, nobody's outgoing connection or port 0 can take its port.
PORTS: Final = range(20_000, 32_768)


def free_port(address: str = "127.0.0.1") -> int:
    """Return a port that is free for TCP and UDP on `address` now."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tcp.bind((address, port))
                udp.bind((address, port))
            except OSError:
                continue
            return port
