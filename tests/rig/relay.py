"""Latency and loss before one seed, where the kernel has no `netem`: `relay.py CONFIG`, CONFIG as JSON.

Needs nothing but Python. Prints "listening", then passes TCP connections on, each direction late by half a round trip.
A lost segment holds up all behind it until it was sent again: so does a late chunk here. The kernel's own congestion
control sees neither, so rates do not fall.
"""

import asyncio
import json
import random
import socket
import sys
from contextlib import suppress
from typing import Final, TypedDict

# What is on its way at a time, in chunks: 1 MiB, more than any home's link holds.
CHUNK: Final = 16 * 1024
CHUNKS: Final = 64
# Unsent bytes the kernel keeps for a slow link; as much as such links have for themselves.
SEND_BUFFER: Final = 64 * 1024
# What Linux waits at least before it sends a segment again (RTO), s.
RESEND: Final = 0.2


class Config(TypedDict):
    """What one relay does."""

    listen: tuple[str, int]
    target: tuple[str, int]
    latency: float  # of a round trip, s
    loss: float  # the chance of a chunk to be late by a retransmission


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, config: Config) -> None:
    """Pass one direction of a connection on until it ends."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS)

    async def take() -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                late = RESEND + config["latency"] if random.random() < config["loss"] else 0.0
                await queue.put((loop.time() + config["latency"] / 2 + late, chunk))
        await queue.put((0.0, b""))

    taking = asyncio.create_task(take())
    try:
        with suppress(OSError):
            while (item := await queue.get())[1]:
                await asyncio.sleep(item[0] - loop.time())
                writer.write(item[1])
                await writer.drain()
    finally:
        taking.cancel()
        writer.close()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, config: Config) -> None:
    """Connect a client with the seed; the handshake of TCP takes a round trip too."""
    await asyncio.sleep(config["latency"])
    with suppress(OSError):
        seed_reader, seed_writer = await asyncio.open_connection(*config["target"])
        for end in (writer, seed_writer):
            end.transport.set_write_buffer_limits(CHUNK)
            end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        async with asyncio.TaskGroup() as both:
            both.create_task(pass_on(reader, seed_writer, config))
            both.create_task(pass_on(seed_reader, writer, config))


async def main(config: Config) -> None:
    """Relay until the process is ended."""
    serving: set[asyncio.Task[None]] = set()  # nobody else keeps one whose client has gone

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer, config))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(connected, *config["listen"])
    print("listening", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
