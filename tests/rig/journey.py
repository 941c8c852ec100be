"""What a person does in Home Assistant's own frontend: log in, add the integration, find a film, watch it."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from .devtools import Chromium, DevToolsError
from .hass import PASSWORD, USER, Hass

WIDTH: Final = 1200
HEIGHT: Final = 800
# The first page compiles megabytes of script on a machine that may be busy; s.
PATIENCE: Final = 120
# Finds what is on the screen through all shadow roots: the frontend is made of web components. Nothing tells when they
# have drawn, so that each picture on the screen is a moment to look.
FIND: Final = """
(() => {
  function* all(root) {
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot) yield* all(element.shadowRoot);
    }
  }
  const text = (element) => [element.innerText, element.label, element.title, element.ariaLabel].join(" ");
  const seen = (element) => element.getClientRects().length > 0 && !element.disabled;
  const find = (selector, words) => {
    for (const element of all(document))
      if (element.matches(selector) && seen(element) && (!words || text(element).includes(words))) return element;
  };
  const found = (selector, words, patience) => new Promise((resolve, reject) => {
    const end = performance.now() + patience * 1000;
    const look = () => {
      const element = find(selector, words);
      if (element) return resolve(element);
      if (performance.now() > end) return reject(new Error(`no ${selector} ${words ?? ""} on the page`));
      requestAnimationFrame(look);
    };
    look();
  });
  const texts = (selector) => [...all(document)].filter((one) => one.matches(selector) && seen(one)).map(
    (one) => (one.header || one.innerText).trim());
  window.journey = { found, texts };
})()
"""

# What Chromium says of a page that another one has taken the place of, and of one that is not there yet.
GONE: Final = ("navigated", "Not attached", "context", "journey is not defined")
# Until the next page is there; s.
BETWEEN_PAGES: Final = 0.1

# The integration's own in the media browser.
LIBRARY: Final = "app%2Cmedia-source%3A%2F%2Ftorrent_cast"
# A film that plays shows one picture after another.
FRAMES: Final = """
  const next = () => new Promise((resolve) => element.requestVideoFrameCallback(resolve));
  return next().then(next).then(next).then(() => element.getVideoPlaybackQuality().totalVideoFrames);
"""

TRACKS: Final = """
  const patience = performance.now() + %(patience)d * 1000;
  return new Promise((resolve, reject) => {
    const look = () => {
      const tracks = [...element.textTracks];
      if (tracks.length) return resolve(tracks.map((track) => [track.label, track.mode]));
      if (performance.now() > patience) return reject(new Error("no subtitles are offered"));
      requestAnimationFrame(look);
    };
    look();
  });
"""
# Waits for a line that is on the screen after the track has been chosen.
LINE: Final = """
  for (const track of element.textTracks) track.mode = track.label === %(label)s ? "showing" : "disabled";
  const chosen = [...element.textTracks].find((track) => track.mode === "showing");
  const patience = performance.now() + %(patience)d * 1000;
  return new Promise((resolve, reject) => {
    const look = () => {
      const cue = chosen.activeCues?.[0];
      if (cue && !element.seeking) return resolve([cue.text, element.currentTime]);
      if (performance.now() > patience) return reject(new Error("no line is shown"));
      requestAnimationFrame(look);
    };
    look();
  });
"""

MORE_INFO: Final = """
  element.dispatchEvent(new CustomEvent("hass-more-info", {detail: {entityId: %s}, bubbles: true, composed: true}));
"""

type Shoot = Callable[[str], Awaitable[None]]


class PageGone(Exception):
    """The page that was asked is no longer shown."""


class Frontend:
    """The frontend of one Home Assistant in a browser."""

    def __init__(self, chromium: Chromium, hass: Hass) -> None:
        self._chromium = chromium
        self._hass = hass

    async def prepare(self) -> None:
        """Have a window of a fixed size, and what finds things in every page."""
        await self._chromium.call("Page.enable")
        await self._chromium.call("Runtime.enable")
        await self._chromium.call(
            "Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=1, mobile=False
        )
        await self._chromium.call("Page.addScriptToEvaluateOnNewDocument", source=FIND)

    async def open(self, path: str) -> None:
        """Show a page of the frontend."""
        await self._chromium.open(f"{self._hass.url}{path}")

    async def evaluate(self, expression: str) -> Any:  # noqa: ANN401  # any JSON value
        """Return what JavaScript gives. Raises PageGone when another page has taken the place of the one asked."""
        try:
            return await self._chromium.evaluate(expression)
        except DevToolsError as err:
            if any(words in str(err) for words in GONE):
                raise PageGone from err
            raise

    async def wait(self, selector: str, words: str | None = None) -> None:
        """Wait until something is on the page."""
        await self.on(selector, words, "")

    async def on(self, selector: str, words: str | None, does: str) -> Any:  # noqa: ANN401  # any JSON value
        """Wait for something and return what the statement `does` with `element` returns."""
        asked = ", ".join(json.dumps(one) for one in (selector, words, PATIENCE))
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(PageGone):
                    return await self.evaluate(f"journey.found({asked}).then((element) => {{ {does} }})")
                await asyncio.sleep(BETWEEN_PAGES)

    async def click(self, selector: str, words: str | None = None) -> None:
        """Click on something as soon as it is there."""
        await self.on(selector, words, "element.click()")

    async def type(self, selector: str, text: str, words: str | None = None) -> None:
        """Put text into a field as soon as it is there."""
        await self.on(selector, words, "element.focus(); element.select?.()")
        await self._chromium.call("Input.insertText", text=text)

    async def press_enter(self) -> None:
        """Press the key."""
        for kind in ("keyDown", "keyUp"):
            await self._chromium.call(
                "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r"
            )

    # --- the journey -----------------------------------------------------------------------------------------------

    async def log_in(self) -> None:
        """Log in by name and password."""
        await self.open("/")
        await self.type("input[name=username]", USER)
        await self.type("input[name=password]", PASSWORD)
        await self.press_enter()
        await self.wait("home-assistant-main")

    async def add_integration(self, shoot: Shoot) -> None:
        """Go through the config flow, with what it suggests."""
        await self.open("/config/integrations/dashboard/add?domain=torrent_cast")
        await self.click("ha-button", "OK")
        await self.wait("ha-button", "Submit")
        await shoot("config-flow")
        await self.click("ha-button", "Submit")
        await self.click("ha-button", "Skip and finish")

    async def paste(self, magnet: str, shoot: Shoot) -> None:
        """Paste a magnet link into the search of the media browser."""
        await self.open(f"/media-browser/browser/{LIBRARY}")
        await self._search(magnet)
        await self.click("ha-button", "Search")
        await self.wait("ha-card")
        await shoot("search")

    async def _search(self, text: str) -> None:
        """Type into the search field until it holds the text: what comes before the field is ready goes nowhere."""
        field = "ha-input-search"
        async with asyncio.timeout(PATIENCE):
            while await self.on(field, None, "return element.value ?? ''") != text:
                await self.on(field, None, "element.value = ''; element.focus(); element.click()")
                await self._chromium.call("Input.insertText", text=text)
                await asyncio.sleep(BETWEEN_PAGES)

    async def watch(self, title: str, shoot: Shoot) -> int:
        """Play a result in the browser; return how many frames were decoded once some have moved."""
        await self.click("ha-card", title)
        frames = await self.on("video", None, FRAMES)
        await shoot("browser")
        return int(frames)

    async def subtitles(self) -> list[tuple[str, str]]:
        """Return the subtitles that the film in the browser is offered with: label and mode."""
        return [tuple(one) for one in await self.on("video", None, TRACKS % {"patience": PATIENCE})]

    async def line(self, label: str, *, at: float | None = None) -> tuple[str, float]:
        """Choose subtitles, and jump to `at` s; return the first line that is shown, and at which second that is."""
        if at is not None:
            await self.on("video", None, f"element.currentTime = {at}")
        words, second = await self.on("video", None, LINE % {"label": json.dumps(label), "patience": PATIENCE})
        return str(words), float(second)

    async def library(self, title: str, shoot: Shoot) -> None:
        """Look at the library, which has the film now."""
        await self.open(f"/media-browser/browser/{LIBRARY}")
        await self.wait("ha-card", title)
        await shoot("library")

    async def player(self, entity_id: str, shoot: Shoot) -> None:
        """Open the dialogue of a player, as a click on it does anywhere in the dashboard."""
        await self.open("/")
        await self.wait("home-assistant-main")
        await self.on("home-assistant", None, MORE_INFO % json.dumps(entity_id))
        await self.wait("ha-icon-button", "Source")
        await shoot("player")

    async def pick_source(self, title: str) -> None:
        """Pick one of the sources in a player's dialogue."""
        await self.click("ha-icon-button", "Source")
        await self.click("ha-dropdown-item, ha-list-item", title)

    async def device(self, device_id: str, cards: tuple[str, ...], shoot: Shoot) -> None:
        """Open the page of a device, which has these cards."""
        await self.open(f"/config/devices/device/{device_id}")
        for card in cards:
            await self.wait("h1", card)
        await shoot("device")

    async def options(self, shoot: Shoot) -> list[str]:
        """Open the options of the integration; return the names of their sections."""
        await self.open("/config/integrations/integration/torrent_cast")
        await self.click("ha-icon-button", "Configure")
        await self.wait("ha-expansion-panel")
        await shoot("options")
        return list(await self.evaluate("journey.texts('ha-expansion-panel')"))
