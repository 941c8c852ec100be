"""What is wrong is said in words; each of these as a process of its own would import Home Assistant first."""

import sys
import tempfile
from pathlib import Path

import pytest

from custom_components.torrent_cast.cli import main

LONELY = f"magnet:?xt=urn:btih:{'0123456789' * 4}&dn=Nobody+has+this"


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["/"], 1, "Is a directory"),
        (["/dev/null"], 1, "not a valid torrent file"),
        (["magnet:?xt=urn:btih:nonsense"], 1, "The magnet link is not valid"),
        ([LONELY, "--port", "65536"], 2, "not a port"),
        ([LONELY, "--directory", "/dev/null/films"], 1, "cannot be written to"),
        ([], 2, "MAGNET-or-FILE"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    arguments: list[str],
    code: int,
    text: str,
    tmp_path: Path,
    rig_sockets: None,  # noqa: ARG001  # it listens before it looks
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(sys, "argv", ["engine", "--tracker-only", *arguments])
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    with pytest.raises(SystemExit) as ended:
        sys.exit(main())

    said = capsys.readouterr().err
    assert ended.value.code == code
    assert text in said
    assert "Traceback" not in said
    assert list(temporary.iterdir()) == []
