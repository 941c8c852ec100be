"""The demo and its check: a magnet plays on a Cast receiver through a real Home Assistant, and a seek lands."""

import argparse
import asyncio
import contextlib
import json
import platform
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from .films import MOOV_FIRST, MOOV_LAST
from .hass import PASSWORD, USER, Hass, HassError
from .player import Frame
from .recorder import Verdict, verify
from .stage import NETWORK, WRONG_BYTES, Stage

PORT: Final = 8123
FILMS: Final = {"moov-first": MOOV_FIRST, "moov-last": MOOV_LAST}
MUTANTS: Final = ("seeders-off", "player-off", *WRONG_BYTES)
# What is played before the seek and after it, in s of film.
BEFORE_SEEK: Final = 3.0
AFTER_SEEK: Final = 3.0
# More of the file must not be there when the seek is sent, or it proves nothing.
MOST_AT_SEEK: Final = 0.30
# How far the picture, and Home Assistant's position, may be from where they should be; s.
TOLERANCE: Final = 1.0
# The stretch of film at a seek's target that must not be there; s.
NEAR: Final = 2.0
# The unit of `st_blocks`, whatever the file system; bytes.
BLOCK: Final = 512
# Far beyond what the benchmark allows: a hang, not a slow run. s
PATIENCE: Final = 60.0


class CheckError(Exception):
    """The demo did not do what it promises."""


@dataclass
class Report:
    """The JSON line; times in s."""

    played: bool = False
    seeked: bool = False
    times: dict[str, float] = field(default_factory=dict)
    pieces: dict[str, dict[str, int]] = field(default_factory=dict)
    decoded_frames: int = 0
    audio_bytes: int = 0
    clock: dict[str, float | None] = field(default_factory=dict)
    peers_from: dict[str, int] = field(default_factory=dict)
    bytes_checked: int = 0
    wrong_ranges: int = 0
    swarm: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    error: str | None = None


def expect(holds: bool, otherwise: str) -> None:  # reads as a sentence
    """Raise CheckError unless `holds`."""
    if not holds:
        raise CheckError(otherwise)


async def show(stage: Stage, report: Report) -> None:
    """Play from the magnet, seek to the middle, go on; fills `report` as it goes. Raises CheckError."""
    report.swarm = stage.swarm.note or "8 seeders in network namespaces behind tbf"
    middle = await _play(stage, report)
    await _seek(stage, report, middle)
    await stage.hass.service("torrent_cast.stop", entity_id=stage.entity_id)
    await stage.hass.until(stage.entity_id, lambda state: state["state"] in {"idle", "off"})
    _verify(stage, report)
    at = stage.film.stat().st_size * (middle + NEAR) / stage.recipe.seconds
    covered = any(exchange.start <= at < exchange.start + exchange.count for exchange in stage.recorder.exchanges)
    expect(covered, "what was sent does not reach the target of the seek")


async def _play(stage: Stage, report: Report) -> float:
    """Play from the magnet until the picture has moved for a while; return the middle of the film in s."""
    begin = time.monotonic()
    frames = asyncio.create_task(stage.player.frames_moving())
    try:
        await stage.hass.service("torrent_cast.play", entity_id=stage.entity_id, source=stage.swarm.magnet)
        report.times["play_call"] = round(time.monotonic() - begin, 3)
        first = await _within(frames, "no frame was decoded")
    finally:
        frames.cancel()
    report.times["first_frame"] = round(first.at - begin, 3)
    session = await _session(stage)
    report.pieces["first_frame"] = _pieces(session)
    await _until_clock(stage, BEFORE_SEEK)
    state = await stage.hass.state(stage.entity_id)
    expect(state["state"] == "playing", f"Home Assistant says {state['state']}, not playing")
    stats = await stage.player.stats()
    expect(stats.decoded_frames > 0 and stats.audio_bytes > 0, "nothing was decoded")
    report.played = True
    return float(session["duration"]) / 2


async def _seek(stage: Stage, report: Report, target: float) -> None:
    """Seek to `target` s, which must not be there yet, and watch the picture go on from there."""
    session = await _session(stage)
    report.pieces["seek"] = pieces = _pieces(session)
    report.peers_from = (await stage.diagnostics())["torrents"][0]["peers_from"]
    expect(set(report.peers_from) == {"tracker"}, f"peers came from {report.peers_from}, not from the tracker only")
    expect(pieces["had"] < MOST_AT_SEEK * pieces["total"], "too much of the film was there for the seek to prove much")
    expect(not _holds(session, target), "the target of the seek was there already")
    await _check_disk(stage, session)
    begin = time.monotonic()
    frames = asyncio.create_task(stage.player.frames_moving(near=target))
    try:
        await stage.hass.service("media_player.media_seek", entity_id=stage.entity_id, seek_position=target)
        frame = await _within(frames, "no frame was decoded after the seek")
    finally:
        frames.cancel()
    report.times["seek"] = round(frame.at - begin, 3)
    report.clock = {"target": target, "picture": frame.clock}
    before = await stage.player.stats()
    expect(_near(frame.clock, target), f"the picture shows {frame.clock} s after a seek to {target} s")
    await _until_clock(stage, target + AFTER_SEEK)
    await _check_position(stage, report)
    after = await stage.player.stats()
    report.decoded_frames, report.audio_bytes = after.decoded_frames, after.audio_bytes
    expect(after.decoded_frames > before.decoded_frames, "no frames were decoded after the seek")
    expect(after.audio_bytes > before.audio_bytes, "no sound was decoded after the seek")
    report.seeked = True


async def _check_disk(stage: Stage, session: dict[str, Any]) -> None:
    """See by what is outside the integration that its word on the pieces can be true."""
    on_disk = await asyncio.to_thread(
        lambda: sum(path.stat().st_blocks for path in stage.downloads.rglob("*") if path.is_file()) * BLOCK
    )
    size = session["size"]
    expect(on_disk < MOST_AT_SEEK * size, "too much of the film was on disk for the seek to prove much")
    sent = sum(exchange.count for exchange in stage.recorder.exchanges)
    verified = sum(end - start for start, end in session["verified"])
    expect(verified > 0 and sent <= verified, f"{sent} bytes were sent, but only {verified} are said to be verified")
    expect("x.pe" not in stage.swarm.magnet, "the magnet names peers")


async def _check_position(stage: Stage, report: Report) -> None:
    """Compare the position in Home Assistant's REST API with the picture."""
    state = await stage.hass.state(stage.entity_id)
    clock = (await stage.player.stats()).clock
    expect(state["state"] == "playing", f"Home Assistant says {state['state']} after the seek, not playing")
    attributes = state["attributes"]
    age = datetime.now(UTC) - datetime.fromisoformat(attributes["media_position_updated_at"])
    position = attributes["media_position"] + age.total_seconds()
    report.clock |= {"home_assistant": round(position, 2), "picture_then": clock}
    expect(_near(clock, position), f"Home Assistant says {position:.1f} s, the picture {clock} s")


def _verify(stage: Stage, report: Report) -> None:
    """See that every byte was right, and that Home Assistant's log holds no secret and no blocking call."""
    verdict = _compare(stage, report)
    expect(bool(verdict), f"{len(verdict.wrong)} of {verdict.ranges} ranges differ from the film")
    log = stage.hass.log.read_text()
    expect("blocking call" not in log, "Home Assistant's log has a warning of a blocking call")
    errors = [line for line in log.splitlines() if " ERROR " in line and "torrent_cast" in line]
    expect(not errors, f"Home Assistant's log has errors: {errors[:1]}")
    secrets = {url.split("/")[5] for url in (exchange.url for exchange in stage.recorder.exchanges)}
    expect(not any(secret in log for secret in secrets), "a token stands in Home Assistant's log")
    expect(stage.swarm.info_hash not in log, "the magnet's info-hash stands in Home Assistant's log")


def _compare(stage: Stage, report: Report) -> Verdict:
    """Compare what the receiver was sent so far with the film."""
    verdict = verify(stage.recorder.exchanges, stage.film)
    report.bytes_checked, report.wrong_ranges = verdict.bytes, len(verdict.wrong)
    return verdict


async def _session(stage: Stage) -> dict[str, Any]:
    sessions: list[dict[str, Any]] = (await stage.diagnostics())["sessions"]
    expect(len(sessions) == 1, f"{len(sessions)} sessions instead of one")
    return sessions[0]


def _pieces(session: dict[str, Any]) -> dict[str, int]:
    return {"had": session["pieces_had"], "total": session["pieces_total"]}


def _holds(session: dict[str, Any], seconds: float) -> bool:
    """Tell whether any byte near `seconds` is there; of a constant bit rate the byte follows from the time."""
    first, last = (session["size"] * at / session["duration"] for at in (seconds, seconds + NEAR))
    return any(start < last and first < end for start, end in session["verified"])


def _near(clock: float | None, wanted: float) -> bool:
    return clock is not None and abs(clock - wanted) <= TOLERANCE


async def _until_clock(stage: Stage, seconds: float) -> None:
    """Wait until the picture shows at least `seconds`."""
    async with asyncio.timeout(PATIENCE):
        while ((await stage.player.next_frame()).clock or 0.0) < seconds:
            pass


async def _within(frames: asyncio.Task[Frame], otherwise: str) -> Frame:
    try:
        return await asyncio.wait_for(frames, PATIENCE)
    except TimeoutError as err:
        raise CheckError(otherwise) from err


async def check(arguments: argparse.Namespace) -> int:
    """Run the demo once and print one JSON line; return the exit code."""
    report = Report()
    try:
        options = {"metadata_timeout": 10} if arguments.mutant == "seeders-off" else None
        async with Stage(FILMS[arguments.film], mutant=arguments.mutant, options=options) as stage:
            report.versions = await _versions(stage)
            try:
                await show(stage, report)
            finally:
                _compare(stage, report)
    except Exception as err:  # noqa: BLE001  # whatever went wrong belongs in the one line
        report.error = f"{type(err).__name__}: {err}"
    print(json.dumps(report.__dict__))
    return 0 if report.error is None and report.played and report.seeked else 1


async def _versions(stage: Stage) -> dict[str, str]:
    return {
        "homeassistant": (await stage.hass.get("/api/config"))["version"],
        "libtorrent": (await stage.diagnostics())["libtorrent"],
        "browser": stage.player.version,
        "python": platform.python_version(),
    }


async def demo(arguments: argparse.Namespace) -> int:
    """Show it all, then leave Home Assistant running until Ctrl-C."""
    report = Report()
    say("Making the film, the swarm, the receiver and Home Assistant ...")
    async with Stage(FILMS[arguments.film], port=arguments.port) as stage:
        say(stage.swarm.note or "The swarm: 8 seeders, each in a network namespace behind 4.2 Mbit/s.")
        say(f"Playing {stage.swarm.magnet}")
        await show(stage, report)
        say(
            f"First frame after {report.times['first_frame']} s, with {report.pieces['first_frame']['had']} of "
            f"{report.pieces['first_frame']['total']} pieces."
        )
        say(f"Seek to {report.clock['target']} s: the picture moves again after {report.times['seek']} s.")
        say(f"{report.bytes_checked} bytes were sent to the receiver, all as they are in the film.")
        _invite(stage.hass)
        say(f"Play this on {stage.entity_id} with torrent_cast.play: {stage.swarm.magnet}")
        await _until_interrupted()
    return 0


async def cast(arguments: argparse.Namespace) -> int:
    """Play a magnet on a real device, through a Home Assistant made for it."""
    with tempfile.TemporaryDirectory(prefix="torrent-cast-demo-") as folder:
        async with Hass(Path(folder), port=arguments.port, address="0.0.0.0") as hass:  # noqa: S104  # the device has to reach it
            (entity_id,) = await hass.cast_entities(arguments.target)
            network = NETWORK if arguments.tracker_only else NETWORK | {"dht": True, "lsd": True, "upnp": True}
            await hass.set_up("torrent_cast", {"download_directory": f"{folder}/downloads", "network": network})
            say(f"Playing on {entity_id} ...")
            answer = await hass.service("torrent_cast.play", answer=True, entity_id=entity_id, source=arguments.magnet)
            say(f"Plays: {answer['sessions'][0]['title']}")
            _invite(hass)
            await _until_interrupted()
    return 0


def _invite(hass: Hass) -> None:
    say(f"Home Assistant runs at {hass.url} (user {USER}, password {PASSWORD}) until Ctrl-C.")


async def _until_interrupted() -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Read the command line and run what it asks for."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("magnet", nargs="?", help="play this on a real device instead of the made film on the made one")
    parser.add_argument("--target", metavar="HOST", help="the device's address")
    parser.add_argument(
        "--check", action="store_true", help="run once, print one JSON line, exit 0 only if all is well"
    )
    parser.add_argument("--film", choices=FILMS, default="moov-first")
    parser.add_argument("--port", type=int, default=PORT, help="Home Assistant's port (default %(default)s)")
    parser.add_argument("--tracker-only", action="store_true", help="with a magnet: no DHT, no local peers, no UPnP")
    parser.add_argument("--mutant", choices=MUTANTS, help="break a part on purpose: --check has to fail then")
    arguments = parser.parse_args()
    if (arguments.magnet is None) != (arguments.target is None):
        parser.error("a magnet link and --target HOST go together")
    # Python leaves SIGINT ignored where it was, as in a shell's background job: Ctrl-C or its like must end this.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run = check if arguments.check else cast if arguments.magnet else demo
    try:
        return asyncio.run(run(arguments))
    except KeyboardInterrupt:
        return 0
    except (CheckError, HassError, TimeoutError) as err:
        say(f"scripts/demo: {str(err) or 'no answer in time'}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
