"""The files that are judged."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from homeassistant.util.yaml import load_yaml_dict

import custom_components.torrent_cast

OURS: Final = Path(custom_components.torrent_cast.__file__).parent
ROOT: Final = OURS.parent.parent


def read(path: Path) -> dict[str, Any]:
    """Return what a file of JSON holds."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def described(kind: str) -> dict[str, Any]:
    """Return what services.yaml, triggers.yaml or conditions.yaml holds, templates aside."""
    found: dict[str, Any] = dict(load_yaml_dict(str(OURS / f"{kind}.yaml")))
    return {name: value for name, value in found.items() if not name.startswith(".")}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Give each module by its path in the integration, and what it says."""
    for path in sorted(OURS.rglob("*.py")):
        yield path.relative_to(OURS), ast.parse(path.read_text("utf-8"))
