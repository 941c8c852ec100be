"""quality_scale.yaml: every rule has its status, and an exemption its reason."""

from pathlib import Path

import homeassistant
from homeassistant.util.yaml import load_yaml_dict

from .files import OURS

# Any integration of Home Assistant's own: each names all rules there are.
ANOTHER = Path(homeassistant.__file__).parent / "components" / "immich"


def test_every_rule_is_done_or_exempt_with_a_reason() -> None:
    rules = load_yaml_dict(str(OURS / "quality_scale.yaml"))["rules"]
    assert set(rules) == set(load_yaml_dict(str(ANOTHER / "quality_scale.yaml"))["rules"])
    for name, rule in rules.items():
        status = rule if isinstance(rule, str) else rule["status"]
        assert status in {"done", "exempt"}, name
        assert status == "done" or len(rule["comment"]) > 20, name


def test_the_types_are_for_others_too() -> None:
    assert (OURS / "py.typed").is_file()
