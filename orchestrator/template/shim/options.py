"""The options of a lookup plugin, as its DOCUMENTATION declares them: given, from variables, environment or default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import yaml

from orchestrator.template.shim.errors import AnsibleError, AnsibleOptionsError, AnsibleRequiredOptionError
from orchestrator.template.shim.texts import boolean

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def declared(namespace: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """``options`` of a plugin file's DOCUMENTATION; of a YAML file beside it when there is none."""
    text = namespace.get("DOCUMENTATION") or _beside(str(namespace.get("__file__", "")))
    try:
        document = yaml.load(text, Loader=_Loader) if isinstance(text, str) else text
    except yaml.YAMLError as error:
        raise AnsibleError(f"the plugin's DOCUMENTATION is malformed: {error}") from None
    if isinstance(document, Mapping) and "DOCUMENTATION" in document:
        document = document["DOCUMENTATION"]
    options = document.get("options") if isinstance(document, Mapping) else None
    return dict(options) if isinstance(options, Mapping) else {}


def _beside(path: str) -> str | None:
    stem = path[:-3] if path.endswith(".py") else path
    for name in (f"{stem}.yml", f"{stem}.yaml"):
        if stem and os.path.isfile(name):
            with open(name, encoding="utf-8") as file:
                return file.read()
    return None


def values(options: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any], variables: Any) -> dict[str, Any]:
    """Every option's value. Raises the error of a required one that is missing, or of a wrong type."""
    found = dict(given)
    for name, about in options.items():
        if name.startswith("_") and name not in given:
            continue
        key = next((one for one in (name, *(about.get("aliases") or ())) if one in given), None)
        value = given[key] if key is not None else _from_outside(about, variables)
        if value is None and about.get("required"):
            raise AnsibleRequiredOptionError(f"Required config {name!r} for the lookup plugin not provided.")
        found[name] = _typed(name, value, about)
    return found


def _from_outside(about: Mapping[str, Any], variables: Any) -> Any:
    for entry in about.get("vars") or ():
        if variables is not None and entry.get("name") in variables:
            return variables[entry["name"]]
    for entry in about.get("env") or ():
        if entry.get("name") in os.environ:
            return os.environ[entry["name"]]
    return about.get("default")


def _typed(name: str, value: Any, about: Mapping[str, Any]) -> Any:
    if value is None:
        return None
    kind = str(about.get("type", "")).lower()
    try:
        made = _TYPES[kind](value) if kind in _TYPES else value
    except (TypeError, ValueError):
        raise AnsibleOptionsError(f"the option {name!r} has an invalid value: it is no {kind}") from None
    choices = about.get("choices")
    if choices and made not in choices and not isinstance(made, list):
        raise AnsibleOptionsError(f"the option {name!r} is one of {', '.join(map(str, choices))}, not {made!r}")
    return made


def _listed(value: Any) -> list[Any]:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else list(value)


def _path(value: Any) -> str:
    return os.path.abspath(os.path.expanduser(os.path.expandvars(str(value))))


_TYPES: Mapping[str, Any] = {
    "bool": boolean, "boolean": boolean, "int": int, "integer": int, "float": float, "str": str, "string": str,
    "list": _listed, "dict": dict, "dictionary": dict, "path": _path,
}
