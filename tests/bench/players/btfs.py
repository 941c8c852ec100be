"""Debian's btfs: libtorrent behind FUSE."""

import asyncio
import contextlib
from pathlib import Path
from typing import override

from tests.rig.process import start, stop

from .base import STARTING, FileStream, Hung, Player, Unavailable
from .install import debian, output


class Btfs(Player):
    """The film as a file of a mounted torrent. It is given the torrent when it starts, so both are counted together."""

    name = "btfs"
    process_before = False

    @classmethod
    @override
    async def install(cls) -> str:
        return ", ".join((await output(await debian("btfs", "btfs"), "--version")).splitlines()[:2])

    @override
    async def launch(self) -> None:
        """Measure what its process takes to do nothing: it cannot wait for a torrent."""
        await output("btfs", "--version")

    @override
    async def give(self) -> None:
        mount = self.folder / "mount"
        mount.mkdir()
        data = self.folder / "data"
        data.mkdir()
        with (self.arena.folder / f"{self.folder.name}.log").open("wb") as log:
            command = ("btfs", "-f", f"--data-directory={data}", str(self.arena.torrent), str(mount))
            self.process = await start(*command, stdout=log, stderr=log)
        try:
            async with asyncio.timeout(STARTING):
                while not await asyncio.to_thread(self._file.exists):  # noqa: ASYNC110  # btfs tells nobody
                    await asyncio.sleep(0.005)
        except TimeoutError as err:
            raise Hung("hung") from err

    @property
    def _file(self) -> Path:
        return self.folder / "mount" / self.arena.content.path.name

    @override
    def stream(self, position: int) -> FileStream:
        return FileStream(self._file, position)

    @override
    async def close(self) -> None:
        # The process first: what hangs in its file system ends with it, and umount would hang there too.
        if self.process is not None:
            await stop(self.process)
            self.process = None
        with contextlib.suppress(Unavailable):
            await output("umount", "--lazy", str(self.folder / "mount"))
        await super().close()
