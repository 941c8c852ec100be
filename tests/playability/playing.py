"""Films played: from a swarm, by Home Assistant, on Cast receivers that are real browsers, while they download."""

import asyncio
import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, override

from custom_components.torrent_cast.media import Refusal
from tests.rig.hass import HassError
from tests.rig.stage import Stage

from .choice import LINE, SECONDS, Choice, make

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from tests.rig.browser import BrowserPlayer

MODELS: Final = ("Chromecast", "Chromecast Ultra", "Google TV Streamer")
CONVERTING: Final = "Chromecast, video converted"
DEVICES: Final = (*MODELS, CONVERTING)

PEERS: Final = 1
"""Seeds with a home's upstream each: a film is there after some 18 s."""

SEEKS: Final = (40.0, 10.0)
"""Seconds that are jumped to one after the other: on, and back."""

GROWN_SEEKS: Final = (20.0, 5.0)
"""The same where the playlist grows, each once the device can seek so far."""

TRACK: Final = "1"
"""The subtitles that a film has of its own, by the number of their track: nobody has said their language."""

PRECISE: Final = 1.0
"""Seconds that the picture may be off where the device was sent."""

PATIENCE: Final = 40.0
"""Seconds for a picture to come, at most: a jump into a film that is converted takes as long as a segment does."""

CHROMIUM: Final = {"H.264", "VP9", "AV1"}
"""Video that the browser decodes; devices decode more."""


READING: Final = 20.0
"""Seconds for a line of subtitles to be seen, at most: it is there from the first second on."""

REFUSALS: Final = frozenset(str(reason) for reason in Refusal)
"""Why a device is not told to play a film. What keeps it from that else is wrong."""

FIRST_FRAMES: Final = 25
"""Pictures within which the clock can be read: the first ones may be empty."""


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a film on a device: `how` in words, what is `wrong`, how far off jumps landed at most, s."""

    how: str
    off: float = 0.0
    wrong: str = ""
    is_delivered: bool = True


class Ended(Exception):
    """What became of a film is known."""

    def __init__(self, played: Played) -> None:
        super().__init__(played.how)
        self.played = played


class Shelf(Stage):
    """A stage whose torrent holds many films, with a device of each model."""

    peers = PEERS
    models = MODELS

    def __init__(self, films: Path) -> None:
        super().__init__(piece_length=1 << 18, screens=len(MODELS))
        self._films = films

    @override
    async def content(self) -> Path:
        return self._films


type Found = dict[tuple[str, str], Played]
"""What became of films, by device and name."""


async def play_all(folder: Path, choices: Sequence[Choice], clips: Sequence[Path]) -> AsyncGenerator[Found]:
    """Make films in a folder, those of real ones of `clips`, and play them on all devices; yield what became of them.

    All of one container are played together.
    """
    for container in dict.fromkeys(choice.container for choice in choices):
        films, made = await make(folder, [choice for choice in choices if choice.container == container], clips)
        async with Shelf(films) as stage:
            yield await _play(stage, made)
        await asyncio.to_thread(shutil.rmtree, films)


async def _play(stage: Stage, choices: Sequence[Choice]) -> Found:
    """Play films on all devices at once, and on the first with its video converted what that does not play else."""
    found: Found = {}
    for choice in choices:
        played = await asyncio.gather(*(_played(stage, number, choice) for number in range(len(MODELS))))
        found |= {(device, choice.name): one for device, one in zip(MODELS, played, strict=True)}
        await _forget(stage)
    await stage.set_options(convert_video=True)
    for choice in choices:
        if choice.is_converted and not found[MODELS[0], choice.name].is_delivered:
            found[CONVERTING, choice.name] = await _played(stage, 0, choice, is_converted=True)
            await _forget(stage)
    return found


async def _forget(stage: Stage) -> None:
    with suppress(HassError):
        await stage.hass.service("torrent_cast.remove", torrent=stage.swarm.magnet)


async def _played(stage: Stage, number: int, choice: Choice, *, is_converted: bool = False) -> Played:
    """Play a film on one device, and jump twice."""
    try:
        async with asyncio.timeout(PATIENCE * (1 + len(SEEKS))):
            return await _watched(stage, number, choice, can_be_seen=is_converted or choice.video in CHROMIUM)
    except Ended as err:
        return err.played
    except TimeoutError:
        return Played("", wrong="no picture")
    except (HassError, ValueError) as err:  # the session is gone, say: the other films are played all the same
        return Played("", wrong=str(err))
    finally:
        with suppress(HassError):
            await stage.hass.service("torrent_cast.stop", entity_id=stage.screens[number])


async def _watched(stage: Stage, number: int, choice: Choice, *, can_be_seen: bool) -> Played:
    """Return what is seen and heard of a film. Raises Ended, TimeoutError."""
    player = stage.players[number]
    how, session_id = await _load(stage, number, choice, can_be_seen=can_be_seen)
    await _begin(stage, number, how, session_id if not choice.clip else None)
    if choice.text:
        await _read(player, how)
    stats = await player.stats()
    grows = stats.duration is None
    off = 0.0
    for second in GROWN_SEEKS if grows else SEEKS:
        await stage.seekable(second, session_id)
        off = max(off, await _jump(stage, number, second, has_clock=not choice.clip))
    if off > PRECISE:
        raise Ended(Played(how, off, wrong=f"landed {off:.1f} s off"))
    if choice.audio != "none" and not (await player.stats()).audio_bytes:
        raise Ended(Played(how, off, wrong="no sound"))
    return Played(f"growing {how}" if grows else how, off)


async def _load(stage: Stage, number: int, choice: Choice, *, can_be_seen: bool) -> tuple[str, str]:
    """Have a device play a film; return how it gets it, and the session's id.

    Raises Ended where it does not, or shows nothing of it.
    """
    loads = stage.receivers[number].loads
    before = len(loads)
    asked = {"source": stage.swarm.magnet, "file": choice.file, "entity_id": stage.screens[number]}
    asked |= {"subtitles": TRACK} if choice.text else {}
    reason = session_id = ""
    try:
        answer = await stage.hass.command(
            "call_service", domain="torrent_cast", service="play", service_data=asked, return_response=True
        )
        session_id = answer["response"]["sessions"][0]["session_id"]
    except HassError as err:
        reason = str(json.loads(str(err)).get("translation_key"))
    if len(loads) == before and reason in REFUSALS:
        raise Ended(Played(f"refused: {reason}", is_delivered=False))
    if len(loads) == before:
        raise Ended(Played("", wrong=f"not played: {reason}"))
    how = "HLS" if "mpegurl" in loads[-1]["media"]["contentType"] else "as it is"
    if stage.players[number].beyond:
        raise Ended(Played(how, wrong=stage.players[number].beyond.pop()))
    if not can_be_seen:
        raise Ended(Played(f"{how}, not seen"))
    if reason:
        raise Ended(Played(how, wrong=f"error: {reason}"))
    return how, session_id


async def _begin(stage: Stage, number: int, how: str, clocked: str | None) -> None:
    """Wait for pictures: of the session of a film with a clock for that, while it comes in. Raises Ended."""
    player = stage.players[number]
    if clocked is None:  # some of these are so small that they are there at once
        await player.frames_moving()
        return
    for _ in range(FIRST_FRAMES):
        if (await player.frames_moving()).clock is not None:
            break
    else:
        raise Ended(Played(how, wrong="no clock in the picture"))
    session = await stage.session(clocked)
    if session["pieces_had"] >= session["pieces_total"]:
        raise Ended(Played(how, wrong="was complete before it played"))


async def _read(player: BrowserPlayer, how: str) -> None:
    """Wait until a line of the film's own subtitles is seen. Raises Ended."""
    try:
        await asyncio.wait_for(player.line(LINE), READING)
    except TimeoutError:
        raise Ended(Played(how, wrong="no subtitles")) from None


async def _jump(stage: Stage, number: int, second: float, *, has_clock: bool) -> float:
    """Return how far from a second the picture is after a jump to it, s: by itself, or by what the player says."""
    frames = asyncio.create_task(stage.players[number].frames_moving(near=second))
    try:
        await stage.hass.service("media_player.media_seek", entity_id=stage.screens[number], seek_position=second)
        frame = await asyncio.wait_for(frames, PATIENCE)
    finally:
        frames.cancel()
    clock = frame.clock if has_clock else frame.media_time
    return SECONDS if clock is None else abs(clock - second)
