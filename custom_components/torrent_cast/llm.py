"""Tools for language models: search, play, status, stop."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Final, override

import voluptuous as vol
from homeassistant.components.homeassistant import async_should_expose
from homeassistant.components.llm import LLMTools
from homeassistant.components.media_player import DOMAIN as MEDIA_PLAYER
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import intent
from homeassistant.helpers.llm import (
    LLM_API_ASSIST,
    LLMContext,
    Tool,
    ToolAnnotations,
    ToolInput,
    ToolResult,
    async_get_match_preferences,
)
from homeassistant.util.json import JsonObjectType

from . import spoken
from .const import DOMAIN
from .runtime import playback_of
from .spoken import Where
from .targets import cast_behind

# As many as a model can choose from without losing its thread.
MAX_RESULTS: Final = 10

DEVICE: Final[dict[vol.Marker, Any]] = {
    vol.Optional("device", description="The name of the TV or speaker"): cv.string,
    vol.Optional("area", description="The area it is in"): cv.string,
}


@callback
def async_get_tools(hass: HomeAssistant, llm_context: LLMContext, api_id: str) -> LLMTools | None:
    """Return the tools, for Assist and as long as it sees a device that can play."""
    if api_id != LLM_API_ASSIST or not llm_context.assistant or playback_of(hass) is None:
        return None
    for state in hass.states.async_all(MEDIA_PLAYER):
        is_seen = async_should_expose(hass, llm_context.assistant, state.entity_id)
        if is_seen and cast_behind(hass, state.entity_id) is not None:
            return LLMTools(tools=[SearchTool(), PlayTool(), StatusTool(), StopTool()])
    return None


class _Tool(Tool, ABC):
    """One of ours; blank arguments, which models like to send, count as left out."""

    integration = DOMAIN
    fields: ClassVar[dict[vol.Marker, Any]]

    def __init__(self) -> None:
        self.parameters = vol.Schema(self.fields)

    @override
    async def async_call(self, hass: HomeAssistant, tool_input: ToolInput, llm_context: LLMContext) -> ToolResult:
        given = {name: value for name, value in tool_input.tool_args.items() if not intent.is_blank_slot_value(value)}
        fields = self.parameters(given)
        where = Where(
            name=fields.get("device"),
            area=fields.get("area"),
            assistant=llm_context.assistant,
            preferences=async_get_match_preferences(hass, llm_context),
        )
        return ToolResult(data=await self.answer(hass, llm_context, where, fields))

    @abstractmethod
    async def answer(
        self, hass: HomeAssistant, llm_context: LLMContext, where: Where, fields: dict[str, Any]
    ) -> JsonObjectType:
        """Do what the tool is for."""


class SearchTool(_Tool):
    """Finds what can be played."""

    name = f"{DOMAIN}__search"
    title = "Search torrents"
    description = (
        "Searches the user's torrents, and the places where the user looks for torrents, for a film, show or episode. "
        "The best result comes first. Then play one by its media_id."
    )
    fields: ClassVar[dict[vol.Marker, Any]] = {
        vol.Required("query", description='A title, with season and episode if meant: "show s01e03"'): cv.string
    }
    annotations = ToolAnnotations(read_only=True, destructive=False, idempotent=True)

    @override
    async def answer(
        self, hass: HomeAssistant, llm_context: LLMContext, where: Where, fields: dict[str, Any]
    ) -> JsonObjectType:
        found = await spoken.search(hass, fields["query"])
        return {"results": [{"title": one.title, "media_id": one.media_content_id} for one in found[:MAX_RESULTS]]}


class PlayTool(_Tool):
    """Starts a play."""

    name = f"{DOMAIN}__play"
    title = "Play a torrent"
    description = (
        "Starts to play a film on a TV while it downloads. It returns at once; "
        "ask for the status to see whether it plays."
    )
    fields: ClassVar[dict[vol.Marker, Any]] = {
        vol.Required(
            "media_id", description='Of a search result; or a magnet link, or "last" for what was watched last'
        ): cv.string,
        **DEVICE,
    }

    @override
    async def answer(
        self, hass: HomeAssistant, llm_context: LLMContext, where: Where, fields: dict[str, Any]
    ) -> JsonObjectType:
        target = spoken.device(hass, where)
        await spoken.play(hass, llm_context.context, target, fields["media_id"])
        return {"starting": True}


class StatusTool(_Tool):
    """Says what plays."""

    name = f"{DOMAIN}__status"
    title = "What torrents play"
    description = (
        "Tells what plays or gets ready: device, title, state, position, and in how many seconds it can play. "
        "All devices if none is named."
    )
    fields: ClassVar[dict[vol.Marker, Any]] = DEVICE
    annotations = ToolAnnotations(read_only=True, destructive=False, idempotent=True, open_world=False)

    @override
    async def answer(
        self, hass: HomeAssistant, llm_context: LLMContext, where: Where, fields: dict[str, Any]
    ) -> JsonObjectType:
        return {"playing": [spoken.described(hass, session) for session in spoken.playing(hass, where)]}


class StopTool(_Tool):
    """Stops a play."""

    name = f"{DOMAIN}__stop"
    title = "Stop a torrent"
    description = "Stops what plays or gets ready on a TV."
    fields: ClassVar[dict[vol.Marker, Any]] = DEVICE
    annotations = ToolAnnotations(idempotent=True, open_world=False)

    @override
    async def answer(
        self, hass: HomeAssistant, llm_context: LLMContext, where: Where, fields: dict[str, Any]
    ) -> JsonObjectType:
        targets = sorted({session.target for session in spoken.playing(hass, where) if session.target})
        if targets:
            await spoken.stop(hass, llm_context.context, targets)
        return {"stopped": len(targets)}
