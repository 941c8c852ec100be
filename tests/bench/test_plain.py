"""libtorrent used plainly, as others use it."""

from pathlib import Path

import pytest

from tests.bench.programs.plain import Plain


@pytest.mark.usefixtures("libtorrent", "rig_sockets")
async def test_no_process_has_the_port_that_the_last_one_had(tmp_path: Path) -> None:
    """Seeds that still have a killed one's uTP connections would take it for a duplicate."""
    plain = Plain(tmp_path, sequential=True)

    interfaces = plain._session.get_settings()["listen_interfaces"].split(",")

    assert {interface.rpartition(":")[2] for interface in interfaces} == {"0"}
