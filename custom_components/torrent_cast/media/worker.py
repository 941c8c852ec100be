"""The one process in which PyAV runs: started on demand, killable, bounded, fed verified bytes only."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, Self

from .errors import Reason, Unplayable

if TYPE_CHECKING:
    from collections.abc import Sequence

type Json = dict[str, object]

_LOGGER = logging.getLogger(__name__)

PROGRAM: Final = Path(__file__).parent / "inside" / "__main__.py"

DEADLINE: Final = 8.0
"""Seconds of work one call may take, waiting for bytes apart: with start-up, a hostile file is an error within 10 s."""

START_DEADLINE: Final = 30.0
"""Seconds for Python and PyAV to load: 0.2 s from memory, many times that from a tired SD card."""

IDLE: Final = 60.0
"""Seconds without a call after which the process ends: it holds 35-90 MB."""

MAX_ROUNDS: Final = 256
"""Ranges one call may ask for: at 256 KiB the least, all that the worker holds of one file."""

MAX_MISSING: Final = 32 << 20
"""Bytes of one range asked for: twice the most that an honest worker asks."""

MAX_HEADER: Final = 1 << 20
"""Bytes of a reply's header: an honest one has a few hundred."""

MAX_PAYLOAD: Final = 64 << 20
"""Bytes of a reply's payload: more than a segment of video, or an index."""

MAX_DETAIL: Final = 300
"""Characters of an error's text: one line of a log."""

_LENGTHS: Final = struct.Struct(">II")


class ByteSource(Protocol):
    """A file whose bytes may take long to come."""

    @property
    def size(self) -> int:
        """Return its length in bytes."""

    async def read_range(self, start: int, end: int) -> bytes:
        """Return exactly the bytes [start, end), verified, as soon as they are here."""


@dataclass(frozen=True, slots=True)
class HeldBytes:
    """A file whose bytes are here."""

    data: bytes

    @property
    def size(self) -> int:
        """Return its length in bytes."""
        return len(self.data)

    async def read_range(self, start: int, end: int) -> bytes:
        """Return the bytes [start, end)."""
        return self.data[start:end]


@dataclass(frozen=True, slots=True)
class _Request:
    """What stays the same while a call fetches the bytes it needs."""

    job: str
    size: int
    method: str
    params: Json


@dataclass(frozen=True, slots=True)
class Answer:
    """What a method found; as trustworthy as the file it looked at."""

    result: Json
    payload: bytes


@dataclass(frozen=True, slots=True)
class Missing:
    """The bytes [start, end) that a method needs before it can answer."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Link:
    """A running worker process and the socket to it."""

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, program: Path) -> Self:
        """Start the program; raises OSError where that fails."""
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_unix_connection(sock=ours)
            try:
                process = await _spawn(program, theirs)
            except BaseException:
                writer.transport.abort()
                raise
        return cls(process, reader, writer)

    @property
    def alive(self) -> bool:
        """Return whether a request can be sent."""
        return self.process.returncode is None and not self.reader.at_eof() and not self.writer.is_closing()

    async def send(self, header: Json, payloads: Sequence[bytes]) -> None:
        """Send one request."""
        encoded = json.dumps(header).encode()
        self.writer.write(_LENGTHS.pack(len(encoded), sum(map(len, payloads))) + encoded)
        self.writer.writelines(payloads)
        await self.writer.drain()

    async def receive(self) -> tuple[Json, bytes]:
        """Return one reply; raises EOFError, OSError, and ValueError for what is none."""
        header_length, payload_length = _LENGTHS.unpack(await self.reader.readexactly(_LENGTHS.size))
        if header_length > MAX_HEADER or payload_length > MAX_PAYLOAD:
            raise ValueError("reply too long")
        encoded = await self.reader.readexactly(header_length)
        payload = await self.reader.readexactly(payload_length)
        try:
            header = json.loads(encoded)
        except RecursionError as err:
            raise ValueError("reply too deep") from err
        if not isinstance(header, dict):
            raise ValueError("reply is no object")  # noqa: TRY004  # malformed data, as all of it
        return header, payload

    def kill(self) -> None:
        """End the process at once."""
        self.writer.transport.abort()
        if self.process.returncode is None:
            self.process.kill()

    async def wait(self) -> None:
        """Return when the process is gone."""
        await self.process.wait()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


class Worker:
    """Calls methods of the worker program, one at a time."""

    def __init__(self, program: Path = PROGRAM, *, deadline: float = DEADLINE, idle: float = IDLE) -> None:
        self._program = program
        self._deadline = deadline
        self._idle = idle
        self._lock = asyncio.Lock()
        self._link: _Link | None = None
        self._retirement: asyncio.TimerHandle | None = None
        self._stopped = False

    async def __aenter__(self) -> Self:
        """Return itself; the process starts on demand."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Start the process ahead of the first call; raises Unplayable."""
        async with self._lock:
            await self._ready()
            self._rest()

    async def stop(self) -> None:
        """End the process and every call; later calls raise Unplayable."""
        self._stopped = True
        self._kill()
        async with self._lock:
            self._kill()
            if self._link:
                await self._link.wait()
                self._link = None

    async def call(
        self,
        job: str,
        source: ByteSource,
        method: str,
        params: Json | None = None,
        given: Sequence[tuple[int, bytes]] = (),
    ) -> Answer:
        """Call a method on a file, fetching the bytes it needs beyond those `given`; raises Unplayable.

        Calls with the same job share the bytes that the process holds already.
        """
        request = _Request(job, source.size, method, params or {})
        ranges = list(given)
        left = self._deadline
        for _ in range(MAX_ROUNDS):
            reply, spent = await self._round(request, ranges, left)
            left -= spent
            if isinstance(reply, Answer):
                return reply
            _LOGGER.debug("Job %s needs bytes %d-%d of %d", job, reply.start, reply.end, source.size)
            ranges = [(reply.start, await source.read_range(reply.start, reply.end))]
        raise Unplayable(Reason.TOO_BIG, "asks for too many ranges")

    async def _round(
        self, request: _Request, ranges: list[tuple[int, bytes]], deadline: float
    ) -> tuple[Answer | Missing, float]:
        """Exchange one request and its reply; return that and the seconds it took."""
        header = asdict(request) | {"ranges": [(start, start + len(data)) for start, data in ranges]}
        async with self._lock:
            link = await self._ready()
            clock = asyncio.get_running_loop().time
            started = clock()
            try:
                async with asyncio.timeout(deadline):
                    await link.send(header, [data for _, data in ranges])
                    reply = _parse(*await link.receive(), request.size)
            except TimeoutError as err:
                link.kill()
                raise Unplayable(Reason.TIMEOUT, f"no answer within {self._deadline:g} s of work") from err
            except (OSError, EOFError, ValueError) as err:
                link.kill()
                raise Unplayable(Reason.STOPPED if self._stopped else Reason.CRASHED, repr(err)) from err
            except asyncio.CancelledError:
                link.kill()
                raise
            finally:
                self._rest()
            return reply, clock() - started

    async def _ready(self) -> _Link:
        """Return a process that waits for a request; the caller holds the lock."""
        if self._retirement:
            self._retirement.cancel()
        if self._link and not self._link.alive:
            self._link.kill()
            await self._link.wait()
            self._link = None
        if self._stopped:
            raise Unplayable(Reason.STOPPED)
        return self._link or await self._open()

    async def _open(self) -> _Link:
        """Start the process and await its greeting."""
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            self._link = link = await _Link.open(self._program)
            if self._stopped:
                self._kill()
            async with asyncio.timeout(START_DEADLINE):
                await link.receive()
        except (OSError, EOFError, ValueError) as err:
            self._kill()
            reason = Reason.STOPPED if self._stopped else Reason.UNAVAILABLE
            raise Unplayable(reason, f"the worker does not start: {err!r}") from err
        except asyncio.CancelledError:
            self._kill()
            raise
        _LOGGER.debug("Worker started in %.2f s", clock() - started)
        return link

    def _rest(self) -> None:
        """End the process after a while without calls."""
        self._retirement = asyncio.get_running_loop().call_later(self._idle, self._kill)

    def _kill(self) -> None:
        """End the process, if there is one."""
        if self._retirement:
            self._retirement.cancel()
        if self._link:
            self._link.kill()


async def _spawn(program: Path, connection: socket.socket) -> asyncio.subprocess.Process:
    """Start the program with a socket on descriptor 0, this process's module path, and nothing else of it.

    Isolated, so that neither the directory of the program nor the environment adds modules, and without the
    environment, which may hold secrets.
    """
    path = [entry for entry in sys.path if Path(entry).is_absolute()]
    environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-S", str(program), *path),
        stdin=connection.fileno(),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
        cwd="/",
        start_new_session=True,
    )


def _parse(header: Json, payload: bytes, size: int) -> Answer | Missing:
    """Return what a reply says; raises Unplayable for an error, ValueError for nonsense."""
    match header:
        case {"ok": dict(result)}:
            return Answer(result, payload)
        case {"missing": [int(start), int(end)]} if 0 <= start < end <= min(size, start + MAX_MISSING):
            return Missing(start, end)
        case {"error": str(reason), "detail": str(detail)}:
            # A hostile file may have written it: no line breaks into the log.
            raise Unplayable(Reason(reason), ascii(detail[:MAX_DETAIL]))
        case _:
            raise ValueError("reply makes no sense")
