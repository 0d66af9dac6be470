"""Which of a task's keys names its action, in all the ways one may write it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from modules import collection_names
from orchestrator.errors import Origin
from orchestrator.playbook.compilation import Compilation
from orchestrator.playbook.context import Context
from orchestrator.playbook.faults import nearest
from orchestrator.playbook.keywords import FORMER, allowed
from orchestrator.playbook.modules import meant
from orchestrator.playbook.values import kind_name
from orchestrator.template.types import Map, Template

STATIC = frozenset({"import_tasks", "import_role"})
DYNAMIC = frozenset({"include_tasks", "include_role"})
LATER = "action"
"""The action of a task whose module is named by a template; these are its arguments: the name, and text to split."""
NAMED, NAMED_TEXT = "_module", "_module_text"

_LISTED = frozenset({"ansible.builtin", "ansible.legacy", "ansible.posix", "community.general",
                     *collection_names.ELSEWHERE})
"""Collections whose modules are known by name: what is not among them is misspelt."""


class Action(Struct, frozen=True):
    """``name`` is canonical; ``value`` is what stands behind the name: text, a mapping, a template or nothing."""

    name: str
    written: str
    value: Any
    origin: Origin | None
    value_origin: Origin | None
    keys: frozenset[str]
    """The keys of the task mapping that are used up."""
    local: bool = False
    own_module: bool = False
    """It is none of orch's, or not known yet: its arguments are not known here."""
    bridged: Any = None
    """Where the bridge has it from; None for orch's own."""


def find_action(c: Compilation, node: Map, context: Context) -> Action | None:
    """The action of a task. None, several, or an unknown one: a fault (recorded), and None is returned."""
    keywords = allowed("handler" if context.handler else "task") | allowed("block")
    others = [key for key in node if key not in keywords and not is_loop_key(key)]
    named = [key for key in others if meant(c, key, context)]
    spelled = [key for key in ("action", "local_action") if key in node]
    if len(named) + len(spelled) > 1:
        both = [*spelled, *named]
        c.faults.add(
            f"conflicting action statements: {', '.join(both)}", node.origin_of(both[1]),
            "a task has one module; begin a new task with “- ”", code="action",
        )
        return None
    if spelled:
        return _spelled_out(c, node, spelled[0], context)
    if named:
        return _make(c, node, named[0], named[0], node[named[0]], context)
    suspect = _suspect(c, others, keywords)
    if context.role is not None and suspect is not None and _may_be_elsewhere(c, suspect):
        return _absent(c, node, suspect)
    _explain_missing(c, node, others, keywords, suspect)
    return None


def _may_be_elsewhere(c: Compilation, written: str) -> bool:
    """Whether nobody can say that the module is nowhere: with the operator's Ansible here, it has been asked, and
    would refuse the role."""
    return (c.bridge is None or c.bridge.version is None) and _of_an_absent_collection(c, written)


def _of_an_absent_collection(c: Compilation, written: str) -> bool:
    """Whether it is surely a module, and no misspelt name of one that is here."""
    collection, _, bare = written.rpartition(".")
    home = collection_names.home(bare)
    if home != collection_names.OWN:
        return c.registry.canonical(bare) is None and (not collection or collection_names.holds(collection, bare))
    return collection.count(".") == 1 and collection not in _LISTED


def _absent(c: Compilation, node: Map, written: str) -> Action:
    """A role's task for another system (`snap`, `zypper`) must not forbid the role: it fails if it is ever reached."""
    origin = node.origin_of(written)
    c.faults.warn("late_fault", f"this task fails if it is reached: unknown module {written}", origin,
                  _hint_for(c, written))
    return Action(LATER, written, Map({NAMED: written}, origin=origin), origin, node.value_origin(written),
                  frozenset({written}), own_module=True)


def is_loop_key(key: object) -> bool:
    return isinstance(key, str) and key.startswith("with_") and len(key) > 5


def _make(c: Compilation, node: Map, key: str, written: str, value: Any, context: Context, *,
          local: bool = False) -> Action:
    module = meant(c, written, context)
    assert module is not None
    return Action(module.name, written, value, node.origin_of(key), node.value_origin(key), frozenset({key}), local,
                  own_module=module.bridged is not None, bridged=module.bridged)


def _spelled_out(c: Compilation, node: Map, key: str, context: Context) -> Action | None:
    """``action: copy src=a`` and ``action: {module: copy, src: a}``; the same for ``local_action``."""
    value, place = node[key], node.value_origin(key)
    if isinstance(value, dict):
        written, rest = _of_mapping(value, place)
    elif isinstance(value, (str, Template)):
        source = value if isinstance(value, str) else value.source
        written, _, text = source.strip().partition(" ")
        rest = _like(value, text.strip())
    else:
        c.faults.add(f"{key} must be a text or a mapping, not {kind_name(value)}", place, code="action")
        return None
    if isinstance(written, Template) or (isinstance(value, Template) and _templated(value)):
        return _named_later(value, written, rest, node, key)
    if not isinstance(written, str) or not written:
        c.faults.add(f"{key} names no module", place, "write “module: name” in it", code="action")
        return None
    if meant(c, written, context) is None:
        unknown_module(c, written, place)
        return None
    if key == "local_action" and "delegate_to" in node:
        c.faults.add("delegate_to cannot stand beside local_action", node.origin_of("delegate_to"),
                     "local_action means delegate_to: localhost", code="action")
    return _make(c, node, key, written, rest or None, context, local=key == "local_action")


def _of_mapping(value: dict[Any, Any], place: Origin | None) -> tuple[Any, Any]:
    """The module's name and the arguments of ``action: {module: "copy src=a", dest: b, args: {mode: c}}``.

    As in Ansible ``args`` wins over the text behind the name, and that over what stands beside it.
    """
    from orchestrator.playbook.arguments import FREE_TEXT, WHOLE, text_arguments

    written, inner = value.get("module"), value.get("args")
    rest: Any = Map({k: v for k, v in value.items() if k not in ("module", "args")}, origin=place)
    if isinstance(value, Map):
        rest.key_marks, rest.value_marks = dict(value.key_marks), dict(value.value_marks)
    if isinstance(written, (str, Template)):
        source = (written.source if isinstance(written, Template) else written).strip()
        name, _, text = source.partition(" ")
        if text and not source.startswith(("{{", "{%")):
            rest.update(text_arguments(_like(written, text), place, free_text=name in FREE_TEXT))
            written = name
    if isinstance(inner, Template):
        rest[WHOLE] = inner
    elif isinstance(inner, dict):
        rest.update(inner)
    elif inner is not None:
        rest["args"] = inner
    return written, rest


def _templated(value: Template) -> bool:
    """Whether the module's name itself, the first word of the text, is a template."""
    return value.source.lstrip().startswith(("{{", "{%"))


def _named_later(value: Any, written: Any, rest: Any, node: Map, key: str) -> Action:
    """``action: "{{ ansible_pkg_mgr }} name=vim"``: which module it is, each host says when its turn comes."""
    place = node.value_origin(key)
    if isinstance(value, Template):
        end = value.source.index("}}") + 2 if "}}" in value.source else len(value.source)
        written, text = Template(value.source[:end].strip(), value.origin), value.source[end:].strip()
        rest = Map({NAMED_TEXT: _like(value, text)} if text else {}, origin=place)
    rest[NAMED] = written
    return Action(LATER, written.source, rest, node.origin_of(key), place, frozenset({key}),
                  local=key == "local_action", own_module=True)


def _like(value: str | Template, text: str) -> str | Template:
    """A part of a text: a template when it still holds one."""
    if isinstance(value, Template) and any(mark in text for mark in ("{{", "{%", "{#")):
        return Template(text, value.origin)
    return text


def unknown_module(c: Compilation, written: str, origin: Origin | None) -> None:
    c.faults.add(f"unknown module {written}", origin, _hint_for(c, written), code="module")


def _hint_for(c: Compilation, written: str) -> str:
    """What to do about a module that is not known."""
    near = c.registry.nearest(written)
    collection, _, bare = written.rpartition(".")
    home = collection_names.home(bare)
    if home == collection_names.OWN and _of_an_absent_collection(c, written):
        home = collection
    if home != collection_names.OWN and c.registry.canonical(bare) is None:
        return f"a module of {home} that is not here; `orch doc` lists those that are, and the bridge runs it " \
               "where its collection is installed"
    return f"did you mean {near}?" if near else "`orch doc` lists the modules; a library/ folder may hold more"


def _explain_missing(c: Compilation, node: Map, others: list[Any], keywords: frozenset[str],
                     suspect: str | None) -> None:
    """Nothing in the task is a known module: say which key was probably meant as one, and what the others are."""
    if suspect == "include":
        c.faults.add("include is gone", node.origin_of("include"), "use include_tasks, or import_tasks", code="module")
    elif suspect is not None:
        unknown_module(c, suspect, node.origin_of(suspect))
    else:
        c.faults.add("no module in this task", node.origin, "a task needs a module: debug, copy, command …",
                     code="action")
    for key in others:
        if key != suspect:
            c.unknown_keyword(node, key, "task", "a Task")


def _suspect(c: Compilation, others: list[Any], keywords: frozenset[str]) -> str | None:
    """The key that was probably meant as the module: one that Ansible has, a full name, one that is like a module."""
    names = [key for key in others if isinstance(key, str)]
    for name in names:
        if name == "include" or "." in name or collection_names.home(name) != collection_names.OWN:
            return name
    names = [name for name in names if name not in FORMER]
    like_module = [name for name in names if c.registry.nearest(name)]
    unlike_keyword = [name for name in names if nearest(name, keywords) is None]
    return next(iter([*like_module, *unlike_keyword]), None)
