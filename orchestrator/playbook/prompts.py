"""``vars_prompt`` as `Prompt`s."""

from __future__ import annotations

from typing import Any

from orchestrator.errors import Origin
from orchestrator.model import Prompt
from orchestrator.playbook.compilation import Compilation
from orchestrator.playbook.faults import did_you_mean
from orchestrator.playbook.keywords import PROMPT
from orchestrator.playbook.values import Mistake, convert
from orchestrator.template.types import Map


def read_prompts(c: Compilation, entries: Any) -> tuple[Prompt, ...]:
    """One prompt per entry; what is wrong with one is a fault (recorded)."""
    found = []
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        place = entries.item_origin(number) if hasattr(entries, "item_origin") else None
        if not isinstance(entry, Map):
            c.faults.add("vars_prompt must be a list of mappings", place, "write “- name: variable”", code="prompt")
            continue
        prompt = _prompt(c, entry, place or entry.origin)
        if prompt:
            found.append(prompt)
    return tuple(found)


def _prompt(c: Compilation, entry: Map, origin: Origin | None) -> Prompt | None:
    values: dict[str, Any] = {}
    for name, raw in entry.items():
        if name not in PROMPT:
            c.faults.add(f"Invalid vars_prompt data structure, found unsupported key '{name}'", entry.origin_of(name),
                         did_you_mean(name, PROMPT, f"it takes: {', '.join(PROMPT)}"), code="prompt")
            continue
        try:
            values[name] = convert(PROMPT[name], raw, entry.value_origin(name))
        except Mistake as mistake:
            c.mistaken(name, raw, entry.value_origin(name), mistake)
    if not values.get("name"):
        c.faults.add("Invalid vars_prompt data structure, missing 'name' key", origin, "name the variable",
                     code="prompt")
        return None
    name = str(values["name"])
    c.check_variables(_named(name, entry))
    return Prompt(
        name=name, prompt=values.get("prompt") or name, default=values.get("default"),
        private=values.get("private") is not False, confirm=values.get("confirm") is True,
        encrypt=values.get("encrypt"), origin=origin or Origin("<prompt>"), unsafe=values.get("unsafe") is True,
    )


def _named(name: str, entry: Map) -> Map:
    one = Map({name: None}, origin=entry.origin)
    if "name" in entry.value_marks:
        one.key_marks[name] = entry.value_marks["name"]
    return one
