"""What the integration costs while nobody watches: CPU time and packets a minute of a Home Assistant process."""

import asyncio
import json
import sys
from typing import Final

from .compare import Options
from .content import noise
from .results import Result

FILM: Final = 64  # MiB
# Loopback as the only link: /sys has to be that of the namespace, too.
ALONE: Final = ("unshare", "--net", "--mount", "sh", "-c", 'mount -t sysfs none /sys && ip link set lo up && exec "$@"')


async def idle(options: Options) -> Result:
    """Measure a minute of each state. Raises RuntimeError where that cannot be done."""
    film = (await noise(FILM)).path
    command = (*ALONE, "sh", sys.executable, "-m", "tests.bench.programs.idle", str(film))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the measurement ended with {process.returncode}")
    result = Result("CPU s per minute")
    for name, cost in json.loads(output).items():
        series = result.of(name)
        series.runs.append(cost["cpu"])
        series.see("packets", cost["packets"])
        options.say(f"  {name}: {cost['cpu']:.2f} s, {cost['packets']} packets")
    return result
