"""Filters to and from text formats. What is read from text is data: nothing in it is ever a template."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Mapping
from typing import Any

import yaml

from orchestrator.errors import OrchError, TemplateError
from orchestrator.template.plain import to_plain
from orchestrator.template.types import TrustedText, VaultedText


def _plain(value: Any) -> Any:
    return to_plain(value, lambda raw: raw)


def _other(value: Any) -> Any:
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str(value)


def to_json(value: Any, **options: Any) -> str:
    """As JSON; options are those of ``json.dumps``."""
    for ours in ("vault_to_text", "preprocess_unsafe", "cls"):
        options.pop(ours, None)
    return json.dumps(_plain(value), default=_other, **options)


def to_nice_json(value: Any, indent: int | None = 4, sort_keys: bool = True, **options: Any) -> str:
    """As JSON for people: indented by 4, keys sorted."""
    options.setdefault("separators", (",", ": ") if indent is not None else (",", ":"))
    return to_json(value, indent=indent, sort_keys=sort_keys, **options)


def from_json(text: Any, **options: Any) -> Any:
    """The value that a JSON text holds."""
    if not isinstance(text, (str, bytes)):
        str(text)
        raise TemplateError(f"from_json needs text, this is of type {type(text).__name__}")
    try:
        return json.loads(text)
    except ValueError as error:
        raise TemplateError(f"from_json: {error}") from error


_BaseDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_BaseDumper):  # type: ignore[misc]
    """PyYAML's safe dumper, without anchors for values that occur twice when they are scalars."""


_Dumper.add_representer(TrustedText, lambda dumper, text: dumper.represent_str(str(text)))
_Dumper.add_representer(
    VaultedText, lambda dumper, text: dumper.represent_scalar("!vault", text.ciphertext, style="|"))


def to_yaml(value: Any, default_flow_style: bool | None = None, **options: Any) -> str:
    """As YAML; options are those of ``yaml.dump``."""
    for ours in ("vault_behavior", "dump_vault_tags"):
        options.pop(ours, None)
    options.setdefault("allow_unicode", True)
    text = str(yaml.dump(_plain(value), Dumper=_Dumper, default_flow_style=default_flow_style, **options))
    if options.get("explicit_end") or not text.endswith("\n...\n"):
        return text
    return text[:-4]


def to_nice_yaml(value: Any, indent: int = 4, default_flow_style: bool = False, **options: Any) -> str:
    """As YAML for people: blocks, indented by 4."""
    return to_yaml(value, default_flow_style=default_flow_style, indent=indent, **options)


def from_yaml(text: Any) -> Any:
    """The value that a YAML text holds; what is not text is passed on."""
    from orchestrator.template.untrusted import yaml_data

    if not isinstance(text, str):
        return text
    try:
        return yaml_data(text)
    except (OrchError, yaml.YAMLError) as error:
        raise TemplateError(f"from_yaml: {_first_line(error)}") from error


def from_yaml_all(text: Any) -> Any:
    """The values of a YAML text with several documents; what is not text is passed on."""
    from orchestrator.template.untrusted import yaml_all

    if text is None:
        return []
    if not isinstance(text, str):
        return text
    try:
        return yaml_all(text)
    except (OrchError, yaml.YAMLError) as error:
        raise TemplateError(f"from_yaml_all: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def from_ini(text: str) -> dict[str, dict[str, str]]:
    """Sections of an INI text as mappings."""
    import configparser

    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise TemplateError(f"from_ini: {_first_line(error)}") from error
    return {section: dict(parser.items(section)) for section in parser.sections()}


def to_ini(data: Any) -> str:
    """Mappings as sections of an INI text."""
    sections = []
    for section, entries in dict(data).items():
        lines = [f"[{section}]", *(f"{key} = {value}" for key, value in dict(entries).items())]
        sections.append("\n".join(lines) + "\n")
    return "\n".join(sections)


def from_csv(
    text: str, dialect: str = "excel", fieldnames: list[str] | None = None, **options: Any
) -> list[Mapping[Any, Any]]:
    """Rows of a CSV text as mappings."""
    known = {key: value for key, value in options.items() if key in ("delimiter", "skipinitialspace", "strict")}
    return [dict(row) for row in csv.DictReader(io.StringIO(text), fieldnames, dialect=dialect, **known)]
