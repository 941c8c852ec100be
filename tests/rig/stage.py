"""Everything between a magnet link and a picture: film, swarm, Home Assistant, receiver, browser."""

import asyncio
import contextlib
import math
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final, override

from .browser import BrowserPlayer
from .built import Built
from .films import MOOV_FIRST, Film, film
from .hass import COMPONENTS, KNOCK_INTERVAL, START_TIMEOUT, Hass, HassError
from .https_tracker import Authority
from .receiver import Receiver, own_host
from .recorder import Recorder
from .swarm import PEERS, Swarm
from .torrents import MIB, make_torrent

# Only the tracker may lead to peers, so that the magnet alone is what is tested.
NETWORK: Final = {
    "download_limit": 0,
    "upload_limit": 0,
    "port": 0,
    "dht": False,
    "lsd": False,
    "upnp": False,
}
# What a mutant serves in place of a chunk: nothing a player takes, and a wrong byte here and there.
WRONG_BYTES: Final = {"zeros": "bytes(len(chunk))", "flipped": "chunk[:-1] + bytes([chunk[-1] ^ 1])"}
OPTIONS: Final = {"keep_hours": 24, "metadata_timeout": 60}


class Stage(Built):
    """A whole set-up. `mutant` breaks one part of it: a check that still passes then checks nothing."""

    peers = PEERS
    """Seeds."""

    hears = False
    """Whether the speaker plays what it is given, and is not switched off behind its first answer."""

    models: tuple[str, ...] = ()
    """What the screens call themselves, as far as they do not say Chromecast."""

    def __init__(
        self,
        recipe: Film = MOOV_FIRST,
        *,
        piece_length: int = MIB,
        port: int = 0,
        mutant: str | None = None,
        screens: int = 1,
        speaker: bool = False,
        options: dict[str, Any] | None = None,
        tls: bool = False,
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self._piece_length = piece_length
        self._port = port
        self._mutant = mutant
        self._hosts = [own_host(number) for number in range(screens)]
        self._speaker = own_host(screens) if speaker else None
        self._options = options
        self._tls = tls
        self.recorder = Recorder()

    @override
    async def _build(self) -> None:
        enter = self._stack.enter_async_context
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="torrent-cast-stage-")))
        self.film = await self.content()
        torrent = make_torrent(self.film, self._piece_length)
        self.swarm = await enter(Swarm(torrent, self.film.parent, peers=self.peers))
        await enter(self.recorder)
        models = [*self.models, *["Chromecast"] * len(self._hosts)][: len(self._hosts)]
        self.players = [await enter(BrowserPlayer(self.recorder, model=model)) for model in models]
        self.receivers = [
            await enter(Receiver(host, f"Rig TV {number}", model, None if self._mutant == "player-off" else player))
            for number, (host, player, model) in enumerate(zip(self._hosts, self.players, models, strict=True), 1)
        ]
        certificate = Authority(self.folder / "authority").server_file() if self._tls else None
        self.hass = await enter(
            Hass(self.folder / "config", port=self._port, components=self._components(), certificate=certificate)
        )
        if self._speaker is not None:
            self.loudspeaker = await enter(BrowserPlayer(self.recorder)) if self.hears else None
            await enter(Receiver(self._speaker, "Rig speaker", "Google Home", self.loudspeaker, screen=False))
        self.entities = await self.hass.cast_entities(*self._hosts, *filter(None, [self._speaker]))
        self.downloads = self.folder / "downloads"
        data = {"download_directory": str(self.downloads), "network": NETWORK}
        self.entry_id = await self.hass.set_up("torrent_cast", data)
        await self._diagnosable()
        if self._options:
            await self.set_options(**self._options)
        if self._mutant == "seeders-off":
            await self.swarm.stop_seeders()

    async def content(self) -> Path:
        """Return what the torrent holds: a file or a folder."""
        return await film(self.recipe)

    async def set_options(self, **changes: Any) -> None:  # noqa: ANN401  # any JSON value
        """Set the integration's options; those that are not named are as on every stage."""
        await self.hass.set_options(self.entry_id, OPTIONS | NETWORK | changes)

    async def _diagnosable(self) -> None:
        """Wait until Home Assistant knows of the integration's diagnostics: it looks for them after its set-up."""
        async with asyncio.timeout(START_TIMEOUT):
            while True:
                with contextlib.suppress(HassError):
                    await self.hass.command("diagnostics/get", domain="torrent_cast")
                    return
                await asyncio.sleep(KNOCK_INTERVAL)

    def _components(self) -> Path:
        """Return the integration's parent directory; for a mutant that serves wrong bytes, a changed copy of it."""
        if (served := WRONG_BYTES.get(self._mutant or "")) is None:
            return COMPONENTS
        copy = self.folder / "components"
        shutil.copytree(COMPONENTS, copy)
        serving = copy / "torrent_cast" / "serving.py"
        text = serving.read_text()
        changed = text.replace("await response.write(chunk)", f"await response.write({served})")
        assert changed != text, "the mutant no longer finds its place"
        serving.write_text(changed)
        return copy

    @property
    def player(self) -> BrowserPlayer:
        """Return the first device's browser."""
        return self.players[0]

    @property
    def receiver(self) -> Receiver:
        """Return the first device."""
        return self.receivers[0]

    @property
    def screens(self) -> list[str]:
        """Return the entities of the devices with a screen."""
        return [entity_id for entity_id in self.entities if "speaker" not in entity_id]

    @property
    def speaker_id(self) -> str:
        """Return the speaker's entity."""
        (entity_id,) = set(self.entities) - set(self.screens)
        return entity_id

    @property
    def entity_id(self) -> str:
        """Return the first device's entity."""
        return self.screens[0]

    async def diagnostics(self) -> dict[str, Any]:
        """Return the integration's own diagnostics."""
        data: dict[str, Any] = (await self.hass.get(f"/api/diagnostics/config_entry/{self.entry_id}"))["data"]
        return data

    async def session(self, session_id: str | None = None) -> dict[str, Any]:
        """Return what the diagnostics tell of a session, without its id of the only one."""
        sessions = (await self.diagnostics())["sessions"]
        (session,) = [one for one in sessions if session_id in {None, one["session_id"]}]
        return dict(session)

    async def seekable(self, least: float, session_id: str | None = None) -> float:
        """Return up to which second what plays (as `session`) can be seeked in, once that is `least` s or all of it."""
        while True:
            session = await self.session(session_id)
            until = math.inf if session["seekable_seconds"] is None else session["seekable_seconds"]
            if until >= least:
                return until
            await asyncio.sleep(KNOCK_INTERVAL)
