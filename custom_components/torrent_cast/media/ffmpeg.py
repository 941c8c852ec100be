"""The ffmpeg outside: run on bytes, one at a time, bounded, and ended with whoever waits for it."""

import asyncio
import contextlib
import logging
import os
import resource
from collections.abc import Sequence
from typing import Final

from .conversion import ENCODERS, Conversion, Encoder, arguments, trial
from .errors import Reason, Refusal, Refused, Unplayable

_LOGGER = logging.getLogger(__name__)

MAX_OUTPUT: Final = 48 << 20
"""Bytes of one conversion: no segment is larger."""

MEMORY: Final = 3 << 30
"""Bytes of its own: pictures of 8K with all that an encoder looks ahead; drivers map much, which does not count."""

NICENESS: Final = 10
"""Home Assistant goes first."""

TRIAL: Final = 10.0
"""Seconds for an encoder to show that it works: drivers may take some to load."""

PASSED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "LIBVA_DRIVER_NAME", "LIBVA_DRIVERS_PATH")
"""What of the environment, which may hold secrets, a program and its drivers need to be found."""

CHUNK: Final = 1 << 16


class Ffmpeg:
    """Runs a program called `binary`."""

    def __init__(self, binary: str) -> None:
        self.binary = binary
        self._running = asyncio.Lock()
        self._trying = asyncio.Lock()
        self._usable: tuple[Encoder, ...] | None = None

    async def encoders(self) -> tuple[Encoder, ...]:
        """Return those that work here, the best first; tried once. Raises Refused where there is none."""
        async with self._trying:
            if self._usable is None:
                self._usable = tuple([encoder for encoder in ENCODERS if await self._works(encoder)])
                _LOGGER.debug("Encoders of %s: %s", self.binary, [encoder.name for encoder in self._usable])
        if not self._usable:
            raise Refused(Refusal.NO_ENCODER, binary=self.binary)
        return self._usable

    async def _works(self, encoder: Encoder) -> bool:
        try:
            await self._run(trial(encoder), b"", TRIAL)
        except Unplayable as err:
            _LOGGER.debug("%s: %s", encoder.name, err)
            return False
        return True

    async def convert(
        self, data: bytes, span: tuple[int | None, int | None], encoder: Encoder, how: Conversion, deadline: float
    ) -> bytes:
        """Return a stretch of video as H.264; `deadline` in s. Raises Unplayable."""
        async with self._running:
            return await self._run(arguments(encoder, how, *span), data, deadline)

    async def _run(self, given: Sequence[str], data: bytes, deadline: float) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                self.binary,
                *given,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
                cwd="/",
                start_new_session=True,
            )
        except OSError as err:
            raise Unplayable(Reason.UNAVAILABLE, f"{self.binary} does not start: {err!r}") from err
        try:
            _bound(process.pid)
            async with asyncio.timeout(deadline):
                written, _ = await asyncio.gather(_read(process), _feed(process, data))
                code = await process.wait()
        except TimeoutError as err:
            raise Unplayable(Reason.TIMEOUT, f"not converted within {deadline:.1f} s") from err
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if code:
            raise Unplayable(Reason.NOT_MEDIA, f"{self.binary} ends with {code}")
        return written


def _bound(pid: int) -> None:
    """Bound what a process may take; before it has read anything."""
    with contextlib.suppress(ProcessLookupError):  # it is over already
        # What has less already may not be given more.
        os.setpriority(os.PRIO_PROCESS, pid, max(NICENESS, os.getpriority(os.PRIO_PROCESS, pid)))
        limits = (limit for limit in resource.prlimit(pid, resource.RLIMIT_DATA) if limit != resource.RLIM_INFINITY)
        memory = min([MEMORY, *limits])
        resource.prlimit(pid, resource.RLIMIT_DATA, (memory, memory))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, 0))  # it writes no file


async def _feed(process: asyncio.subprocess.Process, data: bytes) -> None:
    assert process.stdin is not None  # for the type checker: a pipe was asked for
    with contextlib.suppress(ConnectionError):  # it wanted no more: its exit code tells
        for at in range(0, len(data), CHUNK):
            process.stdin.write(data[at : at + CHUNK])
            await process.stdin.drain()
    process.stdin.close()


async def _read(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None  # for the type checker: a pipe was asked for
    found = bytearray()
    while chunk := await process.stdout.read(CHUNK):
        found += chunk
        if len(found) > MAX_OUTPUT:
            raise Unplayable(Reason.TOO_BIG, "more than a segment")
    return bytes(found)
