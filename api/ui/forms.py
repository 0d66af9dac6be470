"""Forms of the page: what was typed, and what is wrong with it, beside each other, so that nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from api.operator.conventions import AnyRequest
from orchestrator.errors import OrchError

MOST_YAML = 256 * 1024


class Wrong(Exception):
    """The form cannot be used as it is; its ``errors`` say why."""


class Form:
    """``values``: each field's texts. ``errors``: a sentence for each that is wrong; ``""`` is the whole form's."""

    def __init__(self, values: Mapping[str, Any] | None = None, prefix: str = "") -> None:
        """``prefix``: of its elements' ids, where a view has several forms."""
        self.prefix = prefix
        self.values: dict[str, list[str]] = {
            name: [str(one) for one in value] if isinstance(value, list | tuple) else [] if value is None
            else [str(value)] for name, value in (values or {}).items()}
        self.errors: dict[str, str] = {}

    def text(self, name: str, default: str = "") -> str:
        found = self.values.get(name)
        return found[-1].strip() if found else default

    def raw(self, name: str) -> str:
        """As it was typed: for passwords and keys."""
        found = self.values.get(name)
        return found[-1].replace("\r\n", "\n") if found else ""

    def many(self, name: str) -> list[str]:
        return [one for one in self.values.get(name, []) if one]

    def words(self, name: str) -> list[str]:
        """Names between commas, spaces or line ends."""
        return [word for text in self.many(name) for word in text.replace(",", " ").split()]

    def has(self, name: str) -> bool:
        return bool(self.many(name))

    def number(self, name: str, default: int = 0, least: int = 0, most: int = 10**9) -> int:
        """Sets an error for what is no whole number between the two."""
        text = self.text(name)
        if not text:
            return default
        try:
            found = int(text)
        except ValueError:
            found = least - 1
        if not least <= found <= most:
            self.errors[name] = f"a whole number from {least} to {most}"
            return default
        return found

    def mapping(self, name: str) -> dict[str, Any]:
        """Variables written as YAML; an error with the line when they are none. Data: nothing in it is rendered."""
        text = self.raw(name)
        if not text.strip():
            return {}
        if len(text) > MOST_YAML:
            self.errors[name] = f"{MOST_YAML // 1024} KiB at most"
            return {}
        try:
            found = yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            place = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
            self.errors[name] = f"{place}{error.problem or 'this is no YAML'}"
            return {}
        except (yaml.YAMLError, RecursionError, ValueError):
            self.errors[name] = "this is no YAML"
            return {}
        if found is None:
            return {}
        if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
            self.errors[name] = "variables are lines of NAME: VALUE"
            return {}
        return found

    def require(self, *names: str) -> None:
        for name in names:
            if not self.has(name):
                self.errors.setdefault(name, "this is needed")

    def refuse_wrong(self) -> None:
        """Raises `Wrong` when something is."""
        if self.errors:
            raise Wrong

    def refused(self, error: OrchError, names: Mapping[str, str] | None = None, known: Iterable[str] = ()) -> None:
        """Put what a service refused beside its fields; ``names`` maps its words to the form's.

        What belongs to no field of the form (those it was sent with, and ``known``) is said above it.
        """
        fields: Sequence[tuple[str, str]] = getattr(error, "fields", ()) or ()
        present = {*self.values, *known, *(names or {}).values()}
        rest = []
        for path, message in fields:
            name = _named(path, names or {}, present)
            if name is None:
                rest.append(f"{path}: {message}")
            else:
                self.errors.setdefault(name, message or error.message)
        if rest or not fields:
            words = rest or [error.message]
            self.errors[""] = "; ".join([*words, *([error.hint] if error.hint else [])])


def _named(path: str, names: Mapping[str, str], present: Iterable[str]) -> str | None:
    parts = path.replace("[", ".").split(".")
    for candidate in (path, parts[0], parts[-1]):
        name = names.get(candidate, candidate)
        if name in present:
            return name
    return None


async def sent_form(request: AnyRequest) -> Form:
    """What a browser has sent."""
    sent = await request.form()
    return Form({name: [one for one in sent.getall(name) if isinstance(one, str)] for name in dict(sent)})


def as_yaml(value: Mapping[str, Any]) -> str:
    """Variables as a person writes them; nothing for none."""
    return yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True, default_flow_style=False) if value else ""
