"""A real Home Assistant process with an owner, a token and this repository's integration."""

import asyncio
import contextlib
import json
import os
import shlex
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self

import aiohttp

from custom_components.torrent_cast.config_flow import SECTIONS, WEBTORRENT_FIELDS

from . import process
from .ports import free_port

# The program to run and its arguments: the one beside this Python, unless scripts/test next names another.
PROGRAM: Final = shlex.split(os.environ.get("TORRENT_CAST_HASS", "")) or [str(Path(sys.executable).with_name("hass"))]
COMPONENTS: Final = Path(__file__).parents[2] / "custom_components"
USER: Final = "owner"
PASSWORD: Final = "owner-password"  # noqa: S105  # of a throw-away instance on loopback
# The first start on a slow machine compiles and migrates; s.
START_TIMEOUT: Final = 180.0
# Between two knocks at a port that nobody serves yet; s.
KNOCK_INTERVAL: Final = 0.1
# Cast asks its known hosts every 30 s; on a busy machine the first answers may come too late for it. s
DISCOVERY_TIMEOUT: Final = 75.0
# Home Assistant's own limit for a tidy end is 100 s; ours is what a user would bear.
STOP_TIMEOUT: Final = 60.0

type Json = Any


class HassError(Exception):
    """Home Assistant refused a call; the message is its own."""


def sectioned(options: Mapping[str, Json]) -> Json:
    """Return options as the form of the integration's options sends them; the bundled libtorrent has no WebTorrent."""
    return {
        section: {name: options[name] for name in fields if name in options and name not in WEBTORRENT_FIELDS}
        for section, fields in SECTIONS.items()
    }


class Hass:
    """Home Assistant on loopback, from start to stop."""

    def __init__(
        self,
        config: Path,
        *,
        port: int = 0,
        address: str = "127.0.0.1",
        allowed: tuple[Path, ...] = (),
        components: Path = COMPONENTS,
        domains: tuple[str, ...] = (),
        certificate: Path | None = None,
    ) -> None:
        """Set up `domains` by configuration. With a `certificate`, a file that also has its key, serve https only."""
        self.config = config
        self.port = port or free_port()
        self._address = address
        self._certificate = certificate
        self.url = f"{'http' if certificate is None else 'https'}://127.0.0.1:{self.port}"
        self._allowed = allowed
        self._components = components
        self._domains = domains
        self.tokens: Json = {}
        """What Home Assistant's frontend keeps in its browser."""
        self._token = ""
        self._stack = contextlib.AsyncExitStack()
        self._process: asyncio.subprocess.Process | None = None
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def log(self) -> Path:
        """Return the file with everything the process printed."""
        return self.config / "hass.log"

    @property
    def pid(self) -> int:
        """Return the process's id."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start the process and wait until it runs; an owner is made at the first start."""
        self._configure()
        self._http = await self._stack.enter_async_context(
            aiohttp.ClientSession(
                self.url,
                timeout=aiohttp.ClientTimeout(total=300),
                connector=aiohttp.TCPConnector(ssl=self._certificate is None),  # nobody vouches for the rig's own
            )
        )
        with self.log.open("ab") as log:
            self._process = await process.start(*PROGRAM, "-c", str(self.config), stdout=log, stderr=log)
        async with asyncio.timeout(START_TIMEOUT):
            await self._answering()
            await self._log_in()
            while (await self.get("/api/config"))["state"] != "RUNNING":  # noqa: ASYNC110  # nothing to await over HTTP
                await asyncio.sleep(KNOCK_INTERVAL)

    async def stop(self) -> float:
        """Stop the process as a user's service manager does and return how long that took, in s."""
        begin = time.monotonic()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT)
            await process.stop(self._process)
            self._process = None
        await self._stack.aclose()
        return time.monotonic() - begin

    async def kill(self) -> None:
        """End the process as a power cut does."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()
        self._process = None
        await self._stack.aclose()

    # --- calls -----------------------------------------------------------------------------------------------------

    async def get(self, path: str) -> Json:
        """GET a JSON answer."""
        return await self._call("GET", path)

    async def post(self, path: str, data: Json = None) -> Json:
        """POST JSON and return the JSON answer."""
        return await self._call("POST", path, json=data or {})

    async def service(self, name: str, *, answer: bool = False, **data: Json) -> Json:
        """Call the service action `domain.name`; with `answer` return its response."""
        suffix = "?return_response" if answer else ""
        result = await self.post(f"/api/services/{name.replace('.', '/')}{suffix}", data)
        return result["service_response"] if answer else result

    async def state(self, entity_id: str) -> Json:
        """Return an entity's state object."""
        return await self.get(f"/api/states/{entity_id}")

    async def set_up(self, domain: str, data: Json = None, options: Json = None) -> str:
        """Walk a config flow's first form, then its options' with `options`; return the entry's id."""
        flow = await self.post("/api/config/config_entries/flow", {"handler": domain, "show_advanced_options": True})
        if flow["type"] == "form":
            flow = await self.post(f"/api/config/config_entries/flow/{flow['flow_id']}", data)
        if flow["type"] != "create_entry":
            raise HassError(json.dumps(flow))
        entry_id: str = flow["result"]["entry_id"]
        if options is not None:
            await self.set_options(entry_id, options)
        return entry_id

    async def add_subentry(self, entry_id: str, kind: str, data: Json) -> None:
        """Walk the one form that adds a subentry of that type."""
        flow = await self.post("/api/config/config_entries/subentries/flow", {"handler": [entry_id, kind]})
        done = await self.post(f"/api/config/config_entries/subentries/flow/{flow['flow_id']}", data)
        if done["type"] != "create_entry":
            raise HassError(json.dumps(done))

    async def entities_of(self, platform: str) -> list[Json]:
        """Return what the entity registry holds of an integration."""
        return [one for one in await self.command("config/entity_registry/list") if one["platform"] == platform]

    async def set_options(self, entry_id: str, options: Json) -> None:
        """Walk the options flow's form; the rest is as it is at first."""
        flow = await self.post("/api/config/config_entries/options/flow", {"handler": entry_id})
        done = await self.post(f"/api/config/config_entries/options/flow/{flow['flow_id']}", sectioned(options))
        if done["type"] != "create_entry":
            raise HassError(json.dumps(done))

    async def command(self, kind: str, **fields: Json) -> Json:
        """Send one command over the websocket API and return its result."""
        async with self._socket() as ws:
            await ws.send_json({"id": 1, "type": kind, **fields})
            reply = await ws.receive_json()
        if not reply["success"]:
            raise HassError(json.dumps(reply["error"]))
        return reply["result"]

    async def until(self, entity_id: str, wanted: Callable[[Json], bool], timeout: float = 60.0) -> Json:  # noqa: ASYNC109  # of the whole wait
        """Wait until `wanted` holds for the state object of an entity, and return it; raises TimeoutError."""
        async with asyncio.timeout(timeout), self.events("state_changed") as changes:
            with contextlib.suppress(HassError):
                if wanted(state := await self.state(entity_id)):
                    return state
            while True:
                data = await changes()
                if data["entity_id"] == entity_id and (state := data["new_state"]) is not None and wanted(state):
                    return state

    @contextlib.asynccontextmanager
    async def events(self, kind: str) -> AsyncIterator[Callable[[], Awaitable[Json]]]:
        """Listen to the event bus: give what waits for the next event of that type and returns its data."""
        async with self._socket() as ws:
            await ws.send_json({"id": 1, "type": "subscribe_events", "event_type": kind})
            await ws.receive_json()

            async def following() -> Json:
                return (await ws.receive_json())["event"]["data"]

            yield following

    async def cast_entities(self, *hosts: str) -> list[str]:
        """Add the Cast integration with `hosts` as known hosts; return its entities once that many are available."""
        await self.set_up("cast", {"known_hosts": list(hosts)})
        return await self._media_players(len(hosts))

    async def _media_players(self, count: int) -> list[str]:
        """Return the media players once so many are available. Raises TimeoutError."""
        found: set[str] = set()
        async with asyncio.timeout(DISCOVERY_TIMEOUT), self._socket() as ws:
            await ws.send_json({"id": 1, "type": "subscribe_entities"})
            while len(found) < count:
                event = (await ws.receive_json()).get("event", {})
                for entity_id in event.get("a", {}) | event.get("c", {}):
                    if entity_id.startswith("media_player.") and await self._is_available(entity_id):
                        found.add(entity_id)
        return sorted(found)

    async def _is_available(self, entity_id: str) -> bool:
        return bool((await self.state(entity_id))["state"] != "unavailable")

    # --- inside ----------------------------------------------------------------------------------------------------

    def _configure(self) -> None:
        self.config.mkdir(parents=True, exist_ok=True)
        link = self.config / "custom_components"
        if not link.exists():
            link.symlink_to(self._components)
        configuration = self.config / "configuration.yaml"
        if configuration.exists():
            return
        allowed = json.dumps([str(path) for path in self._allowed])
        configuration.write_text(
            f"homeassistant:\n  allowlist_external_dirs: {allowed}\n"
            "frontend:\nconfig:\nmedia_source:\ndiagnostics:\n"
            f"{''.join(f'{domain}:\n' for domain in self._domains)}"
            f"logger:\n  default: warning\n  logs:\n    custom_components.torrent_cast: debug\n"
        )
        self._store("http", 2, self._http_settings(), minor_version=2)
        # Home Assistant adds Radio Browser, Met.no and Google Translate in this step: no business of ours.
        self._store("onboarding", 4, {"done": ["core_config"]})

    def _store(self, key: str, version: int, data: Json, minor_version: int = 1) -> None:
        path = self.config / ".storage" / key
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"version": version, "minor_version": minor_version, "key": key, "data": data}))

    def _http_settings(self) -> Json:
        """Return address and port as Home Assistant keeps them: `http:` in the configuration is a trial only."""
        stable = {
            "server_host": [self._address],
            "server_port": self.port,
            "cors_allowed_origins": [],
            "login_attempts_threshold": -1,
            "ip_ban_enabled": False,
            "ssl_profile": "modern",
            "use_x_frame_options": True,
            "created_at": "2026-01-01T00:00:00+00:00",
            "error": None,
            "error_message": None,
        }
        if self._certificate is not None:
            stable |= {"ssl_certificate": str(self._certificate), "ssl_key": str(self._certificate)}
        return {"stable": stable, "pending": None, "yaml_migration_done": True}

    async def _answering(self) -> None:
        """Wait until the port answers."""
        assert self._process is not None
        while self._process.returncode is None:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                async with self._client.get("/api/"):
                    return
            await asyncio.sleep(KNOCK_INTERVAL)
        raise HassError(f"hass ended with {self._process.returncode}: {self.log.read_text()[-2000:]}")

    async def _log_in(self) -> None:
        try:
            steps = {step["step"]: step["done"] for step in await self.get("/api/onboarding")}
        except HassError:
            steps = {"user": True}  # the address is gone once onboarding is over
        code = await (self._known_user() if steps["user"] else self._new_user())
        grant = {"grant_type": "authorization_code", "client_id": f"{self.url}/", "code": code}
        self.tokens = await self._call("POST", "/auth/token", data=grant)
        self.tokens |= {"hassUrl": self.url, "clientId": f"{self.url}/", "expires": int((time.time() + 1800) * 1000)}
        self._token = self.tokens["access_token"]
        for step in ("analytics", "integration"):
            if not steps.get(step, True):
                body = {"client_id": f"{self.url}/", "redirect_uri": f"{self.url}/"} if step == "integration" else {}
                await self.post(f"/api/onboarding/{step}", body)
        # The first one is good for half an hour; some stages last longer. Its name has to be new after each start.
        self._token = await self.command(
            "auth/long_lived_access_token", client_name=f"rig {time.time_ns()}", lifespan=1
        )

    async def _new_user(self) -> str:
        user = {"client_id": f"{self.url}/", "name": "Owner", "username": USER, "password": PASSWORD, "language": "en"}
        code: str = (await self.post("/api/onboarding/users", user))["auth_code"]
        return code

    async def _known_user(self) -> str:
        handler = {"client_id": f"{self.url}/", "handler": ["homeassistant", None], "redirect_uri": f"{self.url}/"}
        flow = await self.post("/auth/login_flow", handler)
        login = {"client_id": f"{self.url}/", "username": USER, "password": PASSWORD}
        code: str = (await self.post(f"/auth/login_flow/{flow['flow_id']}", login))["result"]
        return code

    @property
    def _client(self) -> aiohttp.ClientSession:
        assert self._http is not None
        return self._http

    async def _call(self, method: str, path: str, **body: Json) -> Json:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        async with self._client.request(method, path, headers=headers, **body) as response:
            text = await response.text()
        if response.status >= 400:
            raise HassError(f"{method} {path.partition('?')[0]}: {response.status} {text}")
        return json.loads(text)

    @contextlib.asynccontextmanager
    async def _socket(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        async with self._client.ws_connect("/api/websocket", max_msg_size=0) as ws:
            await ws.receive_json()
            await ws.send_json({"type": "auth", "access_token": self._token})
            await ws.receive_json()
            yield ws
