"""What a playbook asks whoever launches it: its ``vars_prompt``, and ``PLAYBOOK.survey.yml`` beside it.

    # site.survey.yml
    - name: release
      label: Which release?
      type: choice            # text, password, int, bool, choice, multichoice
      choices: [stable, next]
      default: stable
      required: true
      help: what the packages come from

Pure: what was read goes in, fields and faults come out. Answers are data and are never rendered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from orchestrator.errors import ContentError
from orchestrator.projects.inventory_checks import VARIABLE
from orchestrator.refusals import Malformed
from orchestrator.template.types import Template

TYPES = ("text", "password", "int", "bool", "choice", "multichoice")
KEYS = ("name", "label", "type", "default", "required", "min", "max", "help", "choices")
MOST_FIELDS = 100
MOST_CHOICES = 500
LONGEST_ANSWER = 64 * 1024
LONGEST_TEXT = 1_000


class SurveyField(Struct, frozen=True):
    """``min`` and ``max``: of a number its value, of a text its length, of a multichoice how many."""

    name: str
    label: str = ""
    type: str = "text"
    default: Any = None
    required: bool = False
    min: int | None = None
    max: int | None = None
    help: str = ""
    choices: list[str] = field(default_factory=list)


def read_fields(document: Any, file: str) -> list[SurveyField]:
    """The fields of a survey file. Raises `ContentError` that names the field and what is wrong with it."""
    entries = document.get("fields") if isinstance(document, Mapping) else document
    if not isinstance(entries, list) or len(entries) > MOST_FIELDS:
        raise ContentError(f"{file} must be a list of {MOST_FIELDS} fields at most", code="survey")
    found: dict[str, SurveyField] = {}
    for number, entry in enumerate(entries, 1):
        one = _field(entry, f"{file}, field {number}")
        if one.name in found:
            raise ContentError(f"{file}, field {number}: there is a field {one.name!r} already", code="survey")
        found[one.name] = one
    return list(found.values())


def _field(entry: Any, where: str) -> SurveyField:
    if not isinstance(entry, Mapping):
        raise ContentError(f"{where}: must be a mapping with a name", code="survey")
    unknown = [str(key) for key in entry if key not in KEYS]
    if unknown:
        raise ContentError(f"{where}: unknown {unknown[0]!r}", code="survey", hint=f"it takes {', '.join(KEYS)}")
    values = {str(key): _plain(value, f"{where}: {key}") for key, value in entry.items() if value is not None}
    name = values.get("name")
    if not isinstance(name, str) or not VARIABLE.fullmatch(name):
        raise ContentError(f"{where}: name must be that of a variable", code="survey")
    kind = values.get("type", "text")
    if kind not in TYPES:
        raise ContentError(f"{where}: type is one of {', '.join(TYPES)}", code="survey")
    choices = values.get("choices", [])
    if kind in ("choice", "multichoice") and not (isinstance(choices, list) and 0 < len(choices) <= MOST_CHOICES):
        raise ContentError(f"{where}: needs 1 to {MOST_CHOICES} choices", code="survey")
    bounds = [values[bound] for bound in ("min", "max") if bound in values]
    if any(isinstance(bound, bool) or not isinstance(bound, int) for bound in bounds):
        raise ContentError(f"{where}: min and max are whole numbers", code="survey")
    made = SurveyField(
        name, str(values.get("label", name))[:LONGEST_TEXT], kind, values.get("default"),
        values.get("required") is True, values.get("min"), values.get("max"),
        help=str(values.get("help", ""))[:LONGEST_TEXT],
        choices=[str(one) for one in choices] if isinstance(choices, list) else [])
    if made.default is not None and (fault := fault_of(made, made.default)):
        raise ContentError(f"{where}: its default {fault}", code="survey")
    return made


def _plain(value: Any, where: str) -> Any:
    if isinstance(value, Template):
        raise ContentError(f"{where} holds a template: nothing is rendered before a run", code="survey")
    if isinstance(value, list):
        return [_plain(one, where) for one in value]
    return str(value) if isinstance(value, str) else value


def from_prompts(prompts: Iterable[Any]) -> list[SurveyField]:
    """Fields for entries of ``vars_prompt``; a prompt or default that is a template is shown as its source, or left."""
    found: dict[str, SurveyField] = {}
    for entry in prompts if isinstance(prompts, list) else ():
        if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
            continue
        if not VARIABLE.fullmatch(entry["name"]):
            continue
        name, default, label = str(entry["name"]), entry.get("default"), entry.get("prompt")
        hidden = entry.get("private") is not False
        found[name] = SurveyField(
            name, str(getattr(label, "source", label) or name)[:LONGEST_TEXT], "password" if hidden else "text",
            None if isinstance(default, Template) or default is None else _text(default))
    return list(found.values())


def merged(prompts: Iterable[SurveyField], survey: Iterable[SurveyField]) -> list[SurveyField]:
    """Fields of both; of one name the survey's counts, at the prompt's place."""
    fields = {one.name: one for one in prompts}
    fields.update({one.name: one for one in survey})
    return list(fields.values())


def _text(value: Any) -> str:
    return str(value) if not isinstance(value, bool) else str(value).lower()


def fault_of(one: SurveyField, value: Any) -> str | None:
    """What is wrong with an answer, in words that do not repeat it; None when it will do."""
    if one.type == "bool":
        return None if isinstance(value, bool) else "must be true or false"
    if one.type == "int":
        if isinstance(value, bool) or not isinstance(value, int):
            return "must be a whole number"
        return _out_of_bounds(one, value, "must be {} at {}")
    if one.type == "multichoice":
        if not isinstance(value, list) or any(item not in one.choices for item in value):
            return f"must be some of: {', '.join(one.choices)}"
        return _out_of_bounds(one, len(value), "must be {} choices at {}")
    if not isinstance(value, str):
        return "must be text"
    if one.type == "choice":
        return None if value in one.choices else f"must be one of: {', '.join(one.choices)}"
    if len(value) > LONGEST_ANSWER:
        return f"has {LONGEST_ANSWER} characters at most"
    return _out_of_bounds(one, len(value), "must have {} characters at {}")


def _out_of_bounds(one: SurveyField, number: int, words: str) -> str | None:
    if one.min is not None and number < one.min:
        return words.format(one.min, "least")
    if one.max is not None and number > one.max:
        return words.format(one.max, "most")
    return None


def answered(fields: Iterable[SurveyField], given: Mapping[str, Any], path: str = "extra_vars") -> dict[str, Any]:
    """The variables of a launch: what was given, with defaults behind it. Raises `Malformed` with every fault.

    Variables that the survey does not ask for pass as they are.
    """
    values, wrong = dict(given), []
    for one in fields:
        value = values.get(one.name)
        if value is None or (value == "" and one.type != "text"):
            values.pop(one.name, None)
            if one.default is not None:
                values[one.name] = one.default
            elif one.required:
                wrong.append((f"{path}.{one.name}", "is needed"))
        elif one.required and value == "":
            wrong.append((f"{path}.{one.name}", "is needed"))
        elif fault := fault_of(one, value):
            wrong.append((f"{path}.{one.name}", fault))
    if wrong:
        raise Malformed("the survey's answers are not as they should be", code="survey", fields=wrong)
    return values
