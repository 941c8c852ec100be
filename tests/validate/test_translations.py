"""Every text the code names exists, every text that exists is named, and the placeholders fit."""

import ast
import re
import string
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

import pytest
from homeassistant.util.yaml import load_yaml_dict

from custom_components.torrent_cast import config_flow
from custom_components.torrent_cast import services as module
from custom_components.torrent_cast.condition import CONDITIONS
from custom_components.torrent_cast.const import PLAYER
from custom_components.torrent_cast.engine import TorrentCastError
from custom_components.torrent_cast.engine.binding import _environment
from custom_components.torrent_cast.issues import Issue
from custom_components.torrent_cast.media import Reason, Refusal
from custom_components.torrent_cast.playback import Activity, Happening
from custom_components.torrent_cast.provider_flow import FeedFlow, FolderFlow, ProviderFlow, TorznabFlow
from custom_components.torrent_cast.sensor import PLAYABLE, SENSORS
from custom_components.torrent_cast.subentry_flow import GONE
from custom_components.torrent_cast.trigger import TRIGGERS

from .files import OURS, modules, read

# The classes are found by their subclasses: each module that has one has been imported by the integration.
EN: Final = read(OURS / "translations" / "en.json")
# Shown in the config flow's form.
BINDING: Final = {"no_libtorrent", "unloadable_libtorrent", "damaged_libtorrent", "unpack_failed"}
FORM: Final = BINDING | {"not_writable", "not_absolute", "port_taken"}
# Given to `reason` parameters or by Home Assistant itself, as no call site here says which.
MADE_BY_HOME_ASSISTANT: Final = {"single_instance_allowed", "reconfigure_successful"}


def trees() -> Iterator[ast.Module]:
    return (module for _, module in modules())


def subclasses(kind: type[Exception]) -> set[str]:
    return {kind.__name__} | set(chain.from_iterable(map(subclasses, kind.__subclasses__())))


def raised() -> dict[str, list[set[str]]]:
    """Return the reasons of the library's errors, and the details given at each place that makes one."""
    kinds = subclasses(TorrentCastError)
    found: dict[str, list[set[str]]] = defaultdict(list)
    for call in (node for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if not (isinstance(call.func, ast.Name) and call.func.id in kinds):
            continue
        match call.args:
            case [ast.Constant(str(reason))]:
                found[reason].append({keyword.arg or "**" for keyword in call.keywords})
    return found


def translation_keys() -> set[str]:
    """Return the keys that Home Assistant's errors are made with."""
    nodes = [node for tree in trees() for node in ast.walk(tree)]
    keywords = {
        node.value.value
        for call in nodes
        if isinstance(call, ast.Call) and any(keyword.arg == "translation_domain" for keyword in call.keywords)
        for node in call.keywords
        if node.arg == "translation_key" and isinstance(node.value, ast.Constant)
    }
    entries = {
        value.value
        for node in nodes
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "translation_key" and isinstance(value, ast.Constant)
    }
    helped = {
        node.args[0].value
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"_invalid", "parsed"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    return {str(key) for key in keywords | entries | helped}


def reasons_of_urls() -> set[str]:
    """Return what `fetching.parsed` is told to raise."""
    return {
        str(node.args[1].value)
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "parsed"
        and isinstance(node.args[1], ast.Constant)
    }


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("path", sorted((OURS / "translations").glob("*.json")), ids=lambda path: path.stem)
def test_every_language_has_all_texts_and_the_same_placeholders(path: Path) -> None:
    def texts(node: dict[str, Any], at: str = "") -> Iterator[tuple[str, str]]:
        for key, value in node.items():
            if isinstance(value, str):
                yield f"{at}{key}", value
            else:
                yield from texts(value, f"{at}{key}/")

    english, other = dict(texts(EN)), dict(texts(read(path)))
    assert list(other) == list(english)
    assert {
        key for key, text in other.items() if not text.strip() or placeholders(text) != placeholders(english[key])
    } == set()


def test_there_is_more_than_one_language() -> None:
    assert {path.stem for path in (OURS / "translations").glob("*.json")} >= {"en", "de"}


def test_the_walk_finds_the_reasons() -> None:
    """The walk below would pass on nothing."""
    assert {"not_a_magnet", "no_match", "not_enough_space", "torrent_gone", "beyond_end", "only_https"} <= set(raised())


def test_every_reason_has_a_text_and_every_text_a_reason() -> None:
    used = set(raised()) | translation_keys() | reasons_of_urls() | {str(reason) for reason in (*Reason, *Refusal)}
    assert used - {"not_absolute"} == set(EN["exceptions"])


def test_every_placeholder_of_an_error_is_supplied_wherever_it_is_made() -> None:
    wrong = {
        reason: needed - given
        for reason, places in raised().items()
        for given in places
        if reason in EN["exceptions"]
        and not (needed := placeholders(EN["exceptions"][reason]["message"])) <= given
        and "**" not in given
    }
    assert wrong == {}


def test_no_libtorrent_supplies_its_placeholders() -> None:
    assert placeholders(EN["exceptions"]["no_libtorrent"]["message"]) == _environment().keys()


def test_every_reason_for_no_libtorrent_has_an_issue_of_the_same_placeholders() -> None:
    for reason in BINDING:
        confirm = EN["issues"][reason]["fix_flow"]["step"]["confirm"]
        assert placeholders(confirm["description"]) == placeholders(EN["exceptions"][reason]["message"])


def test_errors_of_pyav_have_no_placeholders() -> None:
    assert {key for key in Reason if placeholders(EN["exceptions"][key]["message"])} == set()


def test_refusals_of_films_have_the_details_that_their_texts_name() -> None:
    wrong = {}
    for call in (node for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Call)):
        match call:
            case ast.Call(func=ast.Name("Refused"), args=[ast.Attribute(attr=reason)]):
                needed = placeholders(EN["exceptions"][reason.lower()]["message"])
                wrong[reason] = needed - {keyword.arg or "" for keyword in call.keywords}
    assert wrong == {reason.name: set() for reason in Refusal}


def test_no_text_shown_in_the_log_has_a_path_or_a_source_in_it() -> None:
    texts = {key: placeholders(text["message"]) for key, text in EN["exceptions"].items()}
    assert {key for key, names in texts.items() if names & {"path", "source", "url", "magnet", "token"}} == set()
    assert {key for key, names in texts.items() if "directory" in names} <= {"unpack_failed"}  # Home Assistant's own


def test_the_flow_has_its_texts() -> None:
    config, options = EN["config"], EN["options"]
    assert set(config["error"]) == FORM
    assert set(options["error"]) == {"bad_base_url", "bad_stun_server", "needed_for_adding", "port_taken"}
    assert set(config["abort"]) == MADE_BY_HOME_ASSISTANT | {GONE}
    assert set(options["abort"]) == {GONE}
    for key in FORM - {"not_absolute", "port_taken"}:
        assert placeholders(config["error"][key]) >= placeholders(EN["exceptions"][key]["message"])
        for given in raised()[key]:
            assert placeholders(config["error"][key]) <= given or "**" in given


def test_every_field_of_the_forms_has_a_name_and_a_description() -> None:
    options = EN["options"]["step"]["init"]["sections"]
    assert set(options) == set(config_flow.SECTIONS)
    network = EN["config"]["step"]["user"]["sections"]["network"]
    forms = [(options[name], fields) for name, fields in config_flow.SECTIONS.items()]
    for form, fields in [*forms, (network, config_flow.NETWORK_FIELDS)]:
        assert set(form["data"]) == set(form["data_description"]) == set(fields)
    for step in ("user", "reconfigure"):
        form = EN["config"]["step"][step]
        assert set(form["data"]) == set(form["data_description"]) == {"download_directory"}


@pytest.mark.parametrize("flow", [FolderFlow, FeedFlow, TorznabFlow])
def test_every_field_of_a_provider_has_a_name_and_a_description(flow: type[ProviderFlow]) -> None:
    texts = EN["config_subentries"][flow.kind]
    assert set(texts["step"]) == {"user", "reconfigure"}
    for form in texts["step"].values():
        assert set(form["data"]) == set(form["data_description"]) == {"name", *flow.needed, *flow.optional}
    assert set(texts["abort"]) == {"reconfigure_successful", GONE}
    for key, text in texts["error"].items():
        assert placeholders(text) <= {"error", "provider"}
        assert key in EN["exceptions"] or key in {"bad_address", "no_name", "not_absolute", "folder_not_allowed"}


def test_the_media_browser_has_its_texts_and_assistants_have_theirs() -> None:
    called = {
        node.args[1].value
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"own_text", "_say"}
        and len(node.args) >= 2
        and isinstance(node.args[1], ast.Constant)
    }
    logged = {f"log_{happening}" for happening in Happening}
    assert called | logged | {"say_playing", "say_second", "say_seconds", "say_waiting"} == set(EN["common"])


def test_the_flow_of_a_player_has_its_texts() -> None:
    steps = EN["config_subentries"][PLAYER]["step"]
    fields = {"user": {"entity", "voice"}, "reconfigure": {"voice"}}
    assert {step: set(form["data"]) for step, form in steps.items()} == fields
    assert {step: set(form["data_description"]) for step, form in steps.items()} == fields
    assert set(EN["config_subentries"][PLAYER]["error"]) == {"not_free"}
    assert set(EN["config_subentries"][PLAYER]["abort"]) == {
        "no_cast_device",
        "already_configured",
        "reconfigure_successful",
        GONE,
    }


def test_the_services_have_their_texts() -> None:
    services = load_yaml_dict(str(OURS / "services.yaml"))
    assert set(services) == set(EN["services"])
    for name, service in services.items():
        assert set(service.get("fields", {})) == set(EN["services"][name].get("fields", {}))


def test_every_entity_has_its_name_and_its_icon() -> None:
    icons = read(OURS / "icons.json")["entity"]
    assert {platform: set(texts) for platform, texts in EN["entity"].items()} == {
        platform: set(found) for platform, found in icons.items()
    }
    assert set(EN["entity"]["sensor"]) == {one.translation_key for one in SENSORS} | {PLAYABLE}
    assert set(EN["entity"]["sensor"]["activity"]["state"]) == set(Activity)


def test_triggers_and_conditions_have_their_texts_and_icons() -> None:
    icons = read(OURS / "icons.json")
    for kind, code in (("triggers", set(TRIGGERS)), ("conditions", set(CONDITIONS))):
        yaml = {name: found for name, found in load_yaml_dict(str(OURS / f"{kind}.yaml")).items() if name[0] != "."}
        assert code == set(yaml) == set(EN[kind]) == set(icons[kind])
        assert all(
            set(found.get("fields", {})) == set(EN[kind][name].get("fields", {})) for name, found in yaml.items()
        )


def test_every_issue_has_its_texts() -> None:
    assert set(EN["issues"]) == set(Issue) | BINDING
    assert all({"title", "fix_flow"} == set(texts) for texts in EN["issues"].values())
    assert all({"title", "description"} <= set(texts["fix_flow"]["step"]["confirm"]) for texts in EN["issues"].values())
    assert set(EN["issues"]["directory_gone"]["fix_flow"]["error"]) == FORM - {"port_taken"}
    aborts = {name: set(texts["fix_flow"]["abort"]) for name, texts in EN["issues"].items()}
    assert aborts == (
        {name: {GONE} for name in Issue if name is not Issue.NO_LIBTORRENT}
        | {Issue.DISK_FULL: {"not_loaded"}}
        | {name: {GONE, "changed"} for name in BINDING}
    )


def test_the_services_yaml_names_the_fields_of_the_schema() -> None:
    fields = load_yaml_dict(str(OURS / "services.yaml"))["play"]["fields"]
    names = {value for name, value in vars(module).items() if re.fullmatch("ATTR_[A-Z_]+", name)}
    assert set(fields) == names & set(fields)
    assert {"source", "file", "title", "start_position", "enqueue", "audio_language", "subtitles", "wait"} == set(
        fields
    )
