"""docs/architecture.md names every room."""

from collections import Counter
from pathlib import Path

import custom_components.torrent_cast

OURS = Path(custom_components.torrent_cast.__file__).parent
MAP = (OURS.parents[1] / "docs" / "architecture.md").read_text("utf-8")
TREE = Counter(word.strip(",") for word in MAP.split("```")[1].split())


def test_every_module_is_on_the_map_as_often_as_there_are_modules_of_its_name() -> None:
    modules = Counter(path.name for path in OURS.rglob("*.py") if path.name != "__init__.py")
    assert modules - TREE == Counter()


def test_every_folder_is_on_the_map() -> None:
    folders = Counter(f"{path.parent.name}/" for path in OURS.rglob("__init__.py") if path.parent != OURS)
    assert folders - TREE == Counter()
