"""One stage for a module's tests, in one event loop."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import pytest_socket

from tests.rig.films import MOOV_FIRST
from tests.rig.stage import Stage


@pytest.fixture(autouse=True)
def auto_enable_custom_integrations() -> None:
    """Leave Home Assistant's loader alone: it runs in a process of its own here."""


@pytest.fixture(autouse=True)
def verify_cleanup() -> None:
    """Let the stage's tasks live on between the tests of a module; its own end is checked by what it leaves."""


def open_all_sockets() -> None:
    """Let this process talk to the processes and namespaces it made."""
    pytest_socket.enable_socket()
    pytest_socket._remove_restrictions()


@pytest.fixture(autouse=True)
def open_sockets() -> None:
    """Do so before each test: the plugin closes them again."""
    open_all_sockets()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_stage() -> AsyncIterator[Stage]:
    """Return a stage with two devices and a speaker that lasts for a module."""
    open_all_sockets()
    async with Stage(MOOV_FIRST, screens=2, speaker=True) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="module")
async def stage(shared_stage: Stage) -> AsyncIterator[Stage]:
    """Return the module's stage with nothing playing, and see that nothing is left playing."""
    yield shared_stage
    for entity_id in shared_stage.entities:
        await shared_stage.hass.service("torrent_cast.stop", entity_id=entity_id)
    assert (await shared_stage.diagnostics())["sessions"] == []
