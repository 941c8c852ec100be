"""The repository installs by HACS and by Home Assistant's Marketplace: their rules, as read in their sources.

HACS: `utils/validate.py` and `repositories/integration.py`. Marketplace: `const.py`, `repositories/base.py` and
`repositories/integration.py` of Home Assistant 2026.11. Order of the manifest's keys: Home Assistant's hassfest.
"""

import os
import struct
import tomllib
from pathlib import Path
from typing import Final

import pytest
from awesomeversion import AwesomeVersion
from homeassistant.const import __version__ as running
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_integration

from .files import OURS, ROOT, read

# Of a download, packed and unpacked, and how many files it may have.
MAX_DOWNLOAD_SIZE: Final = 100 << 20
MAX_ARCHIVE_MEMBERS: Final = 50_000


def in_the_repository() -> list[Path]:
    """Return its files: all but what git ignores."""
    ignored = {".git", *(ROOT / ".gitignore").read_text("utf-8").replace("/\n", "\n").split()}
    files: list[Path] = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in ignored]
        files += [Path(folder, name) for name in names if name not in ignored]
    return files


def test_it_holds_one_integration() -> None:
    folders = {path.name for path in OURS.parent.iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders == {read(OURS / "manifest.json")["domain"]}


def test_the_manifest_has_what_hacs_asks_for_in_home_assistant_s_order() -> None:
    manifest = read(OURS / "manifest.json")
    assert {"domain", "name", "codeowners", "documentation", "issue_tracker", "version"} <= manifest.keys()
    assert list(manifest) == ["domain", "name", *sorted(manifest.keys() - {"domain", "name"})]
    for key in ("documentation", "issue_tracker"):
        assert manifest[key].startswith("https://")


async def test_home_assistant_would_load_it(hass: HomeAssistant) -> None:
    integration = await async_get_integration(hass, "torrent_cast")  # raises where it dislikes the version
    assert integration.has_branding
    assert str(integration.version) == tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def test_hacs_json_says_no_more_than_hacs_knows() -> None:
    hacs = read(ROOT / "hacs.json")
    # Neither content_in_root nor zip_release: what is installed is the repository's own folder.
    assert hacs.keys() == {"name", "homeassistant"}
    assert hacs["name"] == read(OURS / "manifest.json")["name"]
    assert AwesomeVersion(hacs["homeassistant"]) <= AwesomeVersion(running)


@pytest.mark.parametrize(("name", "pixels"), [("icon.png", 256), ("icon@2x.png", 512)])
def test_its_icons_are_beside_it_in_the_sizes_of_brands(name: str, pixels: int) -> None:
    assert struct.unpack(">8s8xII", (OURS / "brand" / name).read_bytes()[:24]) == (b"\x89PNG\r\n\x1a\n", pixels, pixels)


def test_the_whole_repository_is_within_the_marketplace_s_limits() -> None:
    files = in_the_repository()
    assert OURS / "manifest.json" in files
    assert sum(path.stat().st_size for path in files) < MAX_DOWNLOAD_SIZE
    assert len(files) < MAX_ARCHIVE_MEMBERS


def test_what_is_installed_is_all_in_its_own_folder() -> None:
    """A link would lead out of it, and not be one on every disk."""
    assert not [path for path in OURS.rglob("*") if path.is_symlink()]
