"""The demo's check, run as a user does."""

import asyncio
import json
import sys
from typing import Any


async def run_check(*arguments: str) -> tuple[int | None, dict[str, Any]]:
    """Return the exit code and the JSON line of the demo's check."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.rig.demo", "--check", *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return process.returncode, json.loads(output)
