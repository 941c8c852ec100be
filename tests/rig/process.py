"""Child processes that never outlive the rig."""

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

type Output = int | IO[bytes] | None

# Time a process has to end after SIGTERM before it is killed, s: ours end at once, a loaded machine is slow.
PATIENCE: Final = 5.0


async def start(
    *command: str,
    stdin: Output = asyncio.subprocess.DEVNULL,
    stdout: Output = None,
    stderr: Output = None,
    env: Mapping[str, str] | None = None,
) -> asyncio.subprocess.Process:
    """Start `command`; the kernel kills it when the thread that called this ends, however it ends."""
    return await asyncio.create_subprocess_exec(
        "setpriv",
        "--pdeathsig=KILL",
        "--",
        *command,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=env,
    )


async def stop(process: asyncio.subprocess.Process) -> None:
    """End `process`, politely first, and wait until it is gone."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@asynccontextmanager
async def running(
    *command: str, stdout: Output = None, stderr: Output = None, env: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `command` for as long as the block runs."""
    process = await start(*command, stdout=stdout, stderr=stderr, env=env)
    try:
        yield process
    finally:
        await stop(process)
