"""Home Assistant at rest: `python -m tests.bench.programs.idle FILM`; prints what each state costs, as JSON.

To be run in a network namespace of its own, where loopback is all there is and its counter sees every packet.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from custom_components.torrent_cast.const import CONF_DIRECTORY, DOMAIN
from custom_components.torrent_cast.playback.ondemand import ENGINE_REST
from tests.bench.players.base import cpu_of
from tests.rig.hass import Hass
from tests.rig.stage import NETWORK
from tests.rig.swarm import Swarm
from tests.rig.torrents import make_torrent

# Home Assistant writes its first states and looks for updates; s.
SETTLES: Final = 30.0
# What is counted; s.
WATCHED: Final = 60.0
POLL: Final = 0.5
# A download of 64 MiB from this machine that takes so long does not end; s.
COMPLETE: Final = 120.0
# The engine ends with its rest; s
ENDED: Final = ENGINE_REST + 60.0

type Cost = dict[str, float]


async def main(film: Path) -> None:
    """Measure the states one after the other."""
    with tempfile.TemporaryDirectory(prefix="torrent-cast-bench-") as folder:
        torrent = make_torrent(film, 1 << 20)
        async with Swarm(torrent, film.parent, rates=(0,), namespaces=False) as swarm, Hass(Path(folder)) as hass:
            steps: dict[str, Callable[[], Awaitable[object]]] = {
                "without the integration": _nothing,
                "set up, nothing played yet": lambda: _set_up(hass, Path(folder)),
                "a film complete": lambda: _add(hass, swarm.magnet),
                "the engine ended": lambda: _end(hass),
            }
            found = {}
            for name, step in steps.items():
                await step()
                await asyncio.sleep(SETTLES)
                found[name] = await _watch(hass)
    print(json.dumps(found), flush=True)


async def _nothing() -> None:
    pass


async def _set_up(hass: Hass, folder: Path) -> None:
    await hass.set_up(DOMAIN, {CONF_DIRECTORY: str(folder / "films"), "network": NETWORK})


async def _add(hass: Hass, magnet: str) -> None:
    await hass.service(f"{DOMAIN}.add", source=magnet)
    async with asyncio.timeout(COMPLETE):
        while not await _is_complete(hass):  # noqa: ASYNC110  # the action tells of no end
            await asyncio.sleep(POLL)


async def _end(hass: Hass) -> None:
    (entry,) = await hass.get(f"/api/config/config_entries/entry?domain={DOMAIN}")
    async with asyncio.timeout(ENDED):
        while (await _diagnostics(hass, entry["entry_id"]))["port"] is not None:  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(POLL)


async def _diagnostics(hass: Hass, entry_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await hass.get(f"/api/diagnostics/config_entry/{entry_id}"))["data"]
    return found


async def _is_complete(hass: Hass) -> bool:
    (torrent,) = (await hass.service(f"{DOMAIN}.list", answer=True))["torrents"]
    return not torrent["sessions"]  # the download's own ends with it; one that fails is not listed any more


async def _watch(hass: Hass) -> Cost:
    cpu, packets = cpu_of(hass.pid), _packets()
    await asyncio.sleep(WATCHED)
    return {"cpu": cpu_of(hass.pid) - cpu, "packets": _packets() - packets}


def _packets() -> int:
    return int(Path("/sys/class/net/lo/statistics/tx_packets").read_text())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
