"""Home Assistant's rules for a custom integration's files, as hassfest checks them, in schemas.

hassfest is not in Home Assistant's package; the helpers these schemas are made of are.
"""

import re
import string
from typing import Any, Final

import voluptuous as vol
from awesomeversion import AwesomeVersion, AwesomeVersionException, AwesomeVersionStrategy
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import selector

KEY: Final = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
QUOTED_PLACEHOLDER: Final = re.compile(r"'{\w+}'")
# Of a host by name: by number it is an example, and nothing that could be followed.
ADDRESS: Final = re.compile(
    r"(?:(?:https?|ftps?|scp|mqtts?|socket|socks5)://|www\.)[a-z0-9.-]+\.[a-z]{2,5}", re.IGNORECASE
)
VERSIONS: Final = [
    AwesomeVersionStrategy.CALVER,
    AwesomeVersionStrategy.SEMVER,
    AwesomeVersionStrategy.SIMPLEVER,
    AwesomeVersionStrategy.BUILDVER,
    AwesomeVersionStrategy.PEP440,
]
IOT_CLASSES: Final = ["assumed_state", "calculated", "cloud_polling", "cloud_push", "local_polling", "local_push"]
TYPES: Final = ["device", "entity", "hardware", "helper", "hub", "service", "system"]
REQUIREMENT: Final = re.compile(r"[A-Za-z0-9][-_.A-Za-z0-9]*==[^\s;=]+")


def _key(value: str) -> str:
    if not KEY.fullmatch(value):
        raise vol.Invalid(f"{value!r} is not a key of translations")
    return value


def _version(value: str) -> str:
    try:
        AwesomeVersion(value, ensure_strategy=VERSIONS)
    except AwesomeVersionException as err:
        raise vol.Invalid(f"{value!r} is not a version") from err
    return value


def _requirement(value: str) -> str:
    if not REQUIREMENT.fullmatch(value):
        raise vol.Invalid(f"{value!r} is not pinned, or for some machines only")
    return value


def text(value: object) -> str:
    """Return a text that may be shown: no HTML, no web address, no space around it, placeholders with proper names."""
    found = str(cv.string_with_no_html(value))
    if found != found.strip() or not found:
        raise vol.Invalid("the text is empty, or has space around it")
    if QUOTED_PLACEHOLDER.search(found):
        raise vol.Invalid("a placeholder stands in single quotes")
    if ADDRESS.search(found):
        raise vol.Invalid("a web address belongs into a placeholder")
    if "[%key:" in found:
        raise vol.Invalid("references are Home Assistant's own")
    if not all(name.isidentifier() for _, name, _, _ in string.Formatter().parse(found) if name is not None):
        raise vol.Invalid("a placeholder is not an identifier")
    return found


def plain(value: object) -> str:
    """Return a text that has no placeholders."""
    found = text(value)
    if any(name is not None for _, name, _, _ in string.Formatter().parse(found)):
        raise vol.Invalid("placeholders are not filled here")
    return found


MANIFEST: Final = vol.Schema(
    {
        vol.Required("domain"): cv.slug,
        vol.Required("name"): str,
        vol.Required("integration_type"): vol.In(TYPES),
        vol.Required("config_flow"): bool,
        vol.Required("documentation"): vol.All(str, vol.Match("https://")),
        vol.Required("issue_tracker"): vol.All(str, vol.Match("https://")),
        vol.Required("codeowners"): [vol.All(str, vol.Match("@"))],
        vol.Required("iot_class"): vol.In(IOT_CLASSES),
        vol.Required("version"): vol.All(str, _version),
        vol.Optional("dependencies"): [cv.slug],
        vol.Optional("after_dependencies"): [cv.slug],
        vol.Optional("requirements"): [vol.All(str, _requirement)],
        vol.Optional("loggers"): [str],
        vol.Optional("single_config_entry"): bool,
    }
)

_TEXTS: Final = {_key: text}
_FORM: Final = {
    vol.Optional("data"): {str: text},
    vol.Optional("data_description"): {str: text},
    vol.Optional("description"): text,
}


def _described(form: dict[str, Any]) -> dict[str, Any]:
    """Return a form that describes no field it does not have."""
    for part in (form, *form.get("sections", {}).values()):
        if unknown := part.get("data_description", {}).keys() - part.get("data", {}).keys():
            raise vol.Invalid(f"no field is called {unknown}")
    return form


_STEP: Final = vol.All(
    vol.Schema(
        {
            **_FORM,
            vol.Optional("title"): text,
            vol.Optional("submit"): text,
            vol.Optional("menu_options"): _TEXTS,
            vol.Optional("menu_option_descriptions"): _TEXTS,
            vol.Optional("sections"): {_key: {**_FORM, vol.Optional("name"): text}},
        }
    ),
    _described,
)
_FLOW: Final = {
    vol.Required("step"): {_key: _STEP},
    vol.Optional("error"): _TEXTS,
    vol.Optional("abort"): _TEXTS,
    vol.Optional("progress"): _TEXTS,
    vol.Optional("create_entry"): _TEXTS,
}
_SUBENTRY: Final = {
    **_FLOW,
    vol.Required("entry_type"): text,
    vol.Required("initiate_flow"): {vol.Required("user"): text, vol.Optional("reconfigure"): text},
}
_NAMED: Final[dict[object, object]] = {vol.Required("name"): text, vol.Required("description"): text}
_ACTIONS: Final[dict[object, object]] = {_key: {**_NAMED, vol.Optional("fields"): {_key: _NAMED}}}
_ENTITY: Final = {
    vol.Optional("name"): text,
    vol.Optional("state"): {_key: plain},
    vol.Optional("state_attributes"): {
        _key: {vol.Optional("name"): plain, vol.Optional("state"): {_key: plain}},
    },
    vol.Optional("unit_of_measurement"): plain,
}
_ISSUE: Final = vol.All(
    vol.Schema(
        {
            vol.Required("title"): text,
            vol.Exclusive("description", "fixable"): text,
            vol.Exclusive("fix_flow", "fixable"): _FLOW,
        }
    ),
    cv.has_at_least_one_key("description", "fix_flow"),
)

TRANSLATIONS: Final = vol.Schema(
    {
        vol.Optional("title"): text,
        vol.Optional("config"): _FLOW,
        vol.Optional("config_subentries"): {cv.slug: _SUBENTRY},
        vol.Optional("options"): _FLOW,
        vol.Optional("selector"): {cv.slug: {vol.Optional("options"): _TEXTS}},
        vol.Optional("system_health"): {vol.Optional("info"): _TEXTS},
        vol.Optional("issues"): {cv.slug: _ISSUE},
        vol.Optional("device"): {_key: {vol.Optional("name"): text}},
        vol.Optional("entity"): {cv.slug: {_key: _ENTITY}},
        vol.Optional("exceptions"): {cv.slug: {vol.Required("message"): text}},
        vol.Optional("services"): _ACTIONS,
        vol.Optional("conditions"): _ACTIONS,
        vol.Optional("triggers"): _ACTIONS,
        vol.Optional("common"): {cv.slug: text},
    }
)

_FIELD: Final = {
    vol.Optional("example"): vol.Any(str, int, float),
    vol.Optional("default"): vol.Any(str, int, float, bool),
    vol.Optional("required"): bool,
    vol.Required("selector"): selector.validate_selector,
}

DESCRIPTIONS: Final = vol.Schema(
    {
        cv.slug: {
            vol.Optional("target"): selector.TargetSelector.CONFIG_SCHEMA,
            vol.Optional("fields"): {cv.slug: _FIELD},
        }
    }
)


def icons(known: set[str]) -> vol.Schema:
    """Return the schema of icons.json, where icons are those of Material Design Icons that are `known`, by name."""

    def icon(value: object) -> str:
        found = str(value)
        if found.removeprefix("mdi:") not in known or not found.startswith("mdi:"):
            raise vol.Invalid(f"{found!r} is no icon of the frontend")
        return found

    def differing(entity: dict[str, Any]) -> dict[str, Any]:
        if same := {state for state, found in entity.get("state", {}).items() if found == entity.get("default")}:
            raise vol.Invalid(f"the icons of {same} are the default")
        return entity

    entity = vol.All(vol.Schema({vol.Optional("default"): icon, vol.Optional("state"): {_key: icon}}), differing)
    return vol.Schema(
        {
            vol.Optional("entity"): {cv.slug: {_key: entity}},
            vol.Optional("services"): {_key: {vol.Required("service"): icon}},
            vol.Optional("triggers"): {_key: {vol.Required("trigger"): icon}},
            vol.Optional("conditions"): {_key: {vol.Required("condition"): icon}},
        }
    )
