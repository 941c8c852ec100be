"""Each file is as hassfest wants it, and each rule refuses what breaks it."""

import ast
import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import hass_frontend
import homeassistant.components
import pytest
import voluptuous as vol
from homeassistant.const import Platform
from homeassistant.helpers.condition import _CONDITIONS_DESCRIPTION_SCHEMA
from homeassistant.helpers.service import _SERVICES_SCHEMA
from homeassistant.helpers.trigger.descriptions import _TRIGGERS_DESCRIPTION_SCHEMA
from homeassistant.util.yaml import load_yaml_dict

from custom_components.torrent_cast import PLATFORMS
from custom_components.torrent_cast.const import DOMAIN

from .files import OURS, ROOT, described, modules, read
from .rules import DESCRIPTIONS, MANIFEST, TRANSLATIONS, icons, text

HOME_ASSISTANT: Final = Path(homeassistant.components.__file__).parent
LANGUAGES: Final = sorted(path.stem for path in (OURS / "translations").glob("*.json"))
# What Home Assistant itself reads them with.
READERS: Final = {
    "services": _SERVICES_SCHEMA,
    "triggers": _TRIGGERS_DESCRIPTION_SCHEMA,
    "conditions": _CONDITIONS_DESCRIPTION_SCHEMA,
}
# What hassfest lets an integration import undeclared: it is always there, or needs nothing.
ALWAYS_THERE: Final = {*Platform, "homeassistant", "media_source", "system_health", "websocket_api"}


def mdi() -> set[str]:
    """Return the names of the frontend's icons."""
    found = json.loads((hass_frontend.where() / "static" / "mdi" / "iconList.json").read_text("utf-8"))
    return {icon["name"] for icon in found}


def imported() -> Iterator[tuple[Path, str]]:
    """Give which of Home Assistant's integrations each module imports."""
    for path, module in modules():
        for node in ast.walk(module):
            match node:
                case ast.ImportFrom(module="homeassistant.components", names=names):
                    yield from ((path, name.name) for name in names)
                case ast.ImportFrom(module=str(name)) if name.startswith("homeassistant.components."):
                    yield path, name.split(".")[2]


def test_the_manifest() -> None:
    manifest = read(OURS / "manifest.json")
    MANIFEST(manifest)
    assert manifest["domain"] == OURS.name == DOMAIN
    assert not (HOME_ASSISTANT / DOMAIN).exists(), "Home Assistant has one of that name"


def test_what_it_depends_on_is_there() -> None:
    manifest = read(OURS / "manifest.json")
    needed, wanted = set(manifest["dependencies"]), set(manifest["after_dependencies"])
    assert needed & wanted == set()
    assert {name for name in needed | wanted if not (HOME_ASSISTANT / name / "manifest.json").is_file()} == set()


def test_every_integration_it_imports_is_declared() -> None:
    manifest = read(OURS / "manifest.json")
    declared = {*manifest["dependencies"], *manifest["after_dependencies"], *ALWAYS_THERE}
    found = list(imported())
    assert {"http", "media_player", "repairs"} <= {name for _, name in found}, "the walk finds them"
    # A platform of another integration is only imported by that one.
    assert [(path, name) for path, name in found if name not in declared and path.parts[0] != f"{name}.py"] == []


def test_requirements_are_the_tested_ones() -> None:
    tested = (ROOT / "requirements" / "test.in").read_text("utf-8").split()
    assert set(read(OURS / "manifest.json")["requirements"]) <= set(tested)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_texts(language: str) -> None:
    TRANSLATIONS(read(OURS / "translations" / f"{language}.json"))


@pytest.mark.parametrize("kind", READERS)
def test_what_can_be_called_has_a_schema_texts_and_an_icon(kind: str) -> None:
    found = described(kind)
    READERS[kind](load_yaml_dict(str(OURS / f"{kind}.yaml")))
    DESCRIPTIONS(copy.deepcopy(found))
    texts, shown = read(OURS / "translations" / "en.json"), read(OURS / "icons.json")[kind]
    assert found.keys() == texts[kind].keys() == shown.keys()
    for name, one in found.items():
        assert one.get("fields", {}).keys() == texts[kind][name].get("fields", {}).keys(), name
        for field in one.get("fields", {}).values():
            keys = [options.get("translation_key") for options in field["selector"].values() if options]
            assert {key for key in keys if key} <= texts["selector"].keys()


def test_the_icons() -> None:
    icons(mdi())(read(OURS / "icons.json"))


def test_every_file_of_json_can_be_read() -> None:
    assert [read(path) for path in OURS.rglob("*.json")]


def test_it_takes_no_yaml_and_says_so() -> None:
    """An integration with `async_setup` says what it takes from configuration.yaml."""
    names = {
        target.id
        for path, module in modules()
        if path == Path("__init__.py")
        for node in module.body
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    assert "CONFIG_SCHEMA" in names


def test_every_platform_says_how_many_updates_run_at_once() -> None:
    missing = [
        platform for platform in PLATFORMS if "\nPARALLEL_UPDATES" not in (OURS / f"{platform}.py").read_text("utf-8")
    ]
    assert missing == []


def broken(path: Path, change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Return what a file would hold after a change."""
    found = read(path)
    change(found)
    return found


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.update(version="new"),
        lambda found: found.update(iot_class="local"),
        lambda found: found.update(documentation="ftp://example.org"),
        lambda found: found.update(requirements=["guessit>=4"]),
        lambda found: found.update(requirements=["guessit==4.4.0; python_version < '3.15'"]),
        lambda found: found.update(quality="platinum"),
        lambda found: found.pop("codeowners"),
    ],
)
def test_a_broken_manifest_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(vol.Invalid):
        MANIFEST(broken(OURS / "manifest.json", change))


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found["services"]["play"].pop("description"),
        lambda found: found["exceptions"].update(Bad={"message": "Text"}),
        lambda found: found["options"]["step"]["init"].update(data_description={"nothing": "Text"}),
        lambda found: found["issues"]["disk_full"].update(description="Beside a fix flow"),
        lambda found: found["config_subentries"]["player"].pop("entry_type"),
        lambda found: found["entity"]["sensor"]["activity"]["state"].update(idle="{name} is idle"),
        lambda found: found.update(unknown={}),
    ],
)
def test_broken_texts_are_refused(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(vol.Invalid):
        TRANSLATIONS(broken(OURS / "translations" / "en.json", change))


@pytest.mark.parametrize(
    "wrong",
    ["<b>bold</b>", "see https://example.org", "www.example.org", "'{name}'", "{0}", " a", "", "[%key:common::a%]"],
)
def test_a_text_that_cannot_be_shown_is_refused(wrong: str) -> None:
    with pytest.raises(vol.Invalid):
        text(wrong)


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found["services"]["play"].update(service="mdi:no-such-icon"),
        lambda found: found["services"]["play"].update(service="hass:cast"),
        lambda found: found["entity"]["switch"]["alternative_limits"]["state"].update(on="mdi:speedometer"),
    ],
)
def test_broken_icons_are_refused(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(vol.Invalid):
        icons(mdi())(broken(OURS / "icons.json", change))


def test_a_field_without_a_selector_is_refused() -> None:
    with pytest.raises(vol.Invalid):
        DESCRIPTIONS({"play": {"fields": {"source": {"example": "magnet"}}}})


def test_the_workflows_name_what_they_use_by_version() -> None:
    files = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    used = [found for path in files for found in re.findall(r"uses: (\S+)", path.read_text("utf-8"))]
    assert used
    assert [
        name for name in used if not re.fullmatch(r"[\w./-]+@(v\d+(\.\d+)*|\d+\.\d+\.\d+|[0-9a-f]{40})", name)
    ] == []
