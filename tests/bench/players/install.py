"""Programs to measure against, fetched when they are first needed: Debian's by apt, npm's below the cache."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Final

from tests.rig import rig_cache

from .base import Unavailable

# Versions that run on Debian's or the Node project's Node 18 to 22; webtorrent 2 needs a build of its own.
NPM: Final = {"peerflix": "0.39.0", "webtorrent": "1.9.7"}


async def output(*command: str, cwd: Path | None = None) -> str:
    """Return what `command` prints. Raises Unavailable."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    except OSError as err:
        raise Unavailable(f"{command[0]}: {err.strerror}") from err
    out, errors = await process.communicate()
    if process.returncode:
        words = errors.decode(errors="replace").strip().splitlines() or [f"ended with {process.returncode}"]
        raise Unavailable(f"{command[0]}: {words[-1]}")
    return out.decode() + errors.decode()


async def debian(program: str, package: str) -> str:
    """Return the path of Debian's `program`, installing `package` if needed. Raises Unavailable."""
    if (found := shutil.which(program)) is None:
        root = () if os.geteuid() == 0 else ("sudo", "-n")
        await output(*root, "apt-get", "install", "-y", "--no-install-recommends", package)
        found = shutil.which(program)
    if found is None:
        raise Unavailable(f"{package} has no {program}")
    return found


async def unpacked(program: str, package: str) -> Path:
    """Return `program` of Debian's `package`, only unpacked: installed, it would start a service."""
    folder = rig_cache() / "bench" / package
    if not (folder / program).exists():
        folder.mkdir(parents=True, exist_ok=True)
        await output("apt-get", "download", package, cwd=folder)
        await output("dpkg", "-x", str(next(folder.glob(f"{package}_*.deb"))), str(folder))
    return folder / program


def node_modules() -> Path:
    """Return the folder that holds npm's packages."""
    return rig_cache() / "bench" / "npm" / "node_modules"


async def npm(package: str) -> Path:
    """Return the folder that holds `package` and what it needs. Raises Unavailable."""
    modules = node_modules()
    if not (modules / package).exists():
        wanted = [f"{name}@{version}" for name, version in NPM.items()]
        prefix = str(modules.parent)
        await output("npm", "install", "--prefix", prefix, "--no-audit", "--no-fund", "--ignore-scripts", *wanted)
    return modules
