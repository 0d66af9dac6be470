"""One reading of playbooks or of an include: what every part of the compiler shares."""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, field

from orchestrator.errors import ContentError, OrchError, Origin
from orchestrator.playbook.context import Context
from orchestrator.playbook.faults import Collector, did_you_mean
from orchestrator.playbook.keywords import BY_NAME, FORMER, allowed
from orchestrator.playbook.values import Mistake, convert, holds_template, kind_name
from orchestrator.template.types import Map, Seq

if TYPE_CHECKING:
    from orchestrator.content.loader import ContentLoader
    from orchestrator.playbook.role_search import RoleSearch

Render = Callable[[Any, Mapping[str, Any]], Any]


class SyntaxChecker(Protocol):
    """What is needed of the template engine to find faults before anything is rendered."""

    lookups: Any

    def check(self, value: Any) -> list[Any]: ...

    def check_condition(self, expression: str | bool, origin: Origin | None = None) -> list[Any]: ...

    def add_plugin_dir(self, folder: str) -> None: ...


class ModuleFinder(Protocol):
    """What is needed of the bridge: modules that orch has not, as opaque data with a ``name``; None: not there.

    ``version`` is that of the operator's ansible-core, None where there is none to ask.
    """

    @property
    def version(self) -> str | None: ...

    def own(self, written: str, folders: Sequence[str]) -> Any: ...

    def other(self, written: str, folders: Sequence[str], collections: Sequence[str]) -> Any: ...


class Compilation(Struct):
    content: ContentLoader
    registry: Any
    roles: RoleSearch
    render: Render
    syntax: SyntaxChecker
    extra_vars: Mapping[str, Any]
    top_dir: str
    """The folder of the playbook that was asked for; imports may lie elsewhere."""
    faults: Collector = field(default_factory=Collector)
    bridge: ModuleFinder | None = None
    private_roles: bool | None = None
    """Ansible's ``private_role_vars``: whether the vars of a role are its own tasks' alone where nothing is said.
    Unset, those of an include_role are."""

    # Keywords

    def keywords(self, mapping: Map, scope: str, *, owner: str, ignore: frozenset[str] = frozenset()) -> dict[str, Any]:
        """The keywords of a mapping, typed. What is unknown here or of a wrong type is a fault, and left out."""
        values: dict[str, Any] = {}
        known = allowed(scope)
        for name, raw in mapping.items():
            if name in ignore:
                continue
            if name not in known:
                self.unknown_keyword(mapping, name, scope, owner)
                continue
            try:
                value = convert(BY_NAME[name].kind, raw, mapping.value_origin(name))
            except Mistake as mistake:
                self.mistaken(name, raw, mapping.value_origin(name), mistake)
                continue
            if value is not None:
                values[name] = value
        self.check_keywords(values, mapping)
        return values

    def mistaken(self, name: str, raw: Any, origin: Origin | None, mistake: Mistake) -> None:
        if mistake.index is not None and isinstance(raw, Seq):
            origin = raw.item_origin(mistake.index)
        self.faults.add(f"{name} {mistake}", origin, mistake.hint, code="keyword_value")

    def unknown_keyword(self, mapping: Map, name: Any, scope: str, owner: str) -> None:
        former = FORMER.get(name) if isinstance(name, str) else None
        if former and scope != "include":
            hint: str | None = f"in its place there is {former}"
        elif name in BY_NAME and scope == "include":
            hint = f"to give the tasks that come in a {name}, write it below apply:"
        elif name in BY_NAME:
            hint = f"it may stand at: {', '.join(sorted(BY_NAME[name].scopes - {'include'}))}"
        else:
            hint = did_you_mean(name, allowed(scope), "arguments of a module are indented below it")
        self.faults.add(f"'{name}' is not a valid attribute for {owner}", mapping.origin_of(name), hint, code="keyword")

    def check_keywords(self, values: Mapping[str, Any], mapping: Map) -> None:
        """Jinja syntax in keyword values, conditions, and the names of variables."""
        for name, value in values.items():
            kind = BY_NAME[name].kind
            if kind == "conditions":
                self.check_conditions(name, value)
            elif kind not in ("tasks", "any") and name not in ("roles", "vars_prompt"):
                self.check_templates(list(value) if isinstance(value, tuple) else value)
        if values.get("vars"):
            self.check_variables(values["vars"])
        if "debugger" in values:
            self.faults.warn("no_effect", "debugger has no effect", mapping.origin_of("debugger"))

    def check_conditions(self, name: str, conditions: Any) -> None:
        for condition in conditions:
            if isinstance(condition.expression, str) and "{{" in condition.expression and name != "break_when":
                self.faults.warn(
                    "delimiters", f"{name} should not have {{{{ }}}} in it: {condition.expression}", condition.origin,
                    "a condition is an expression already: write the name alone",
                )
            for error in self.syntax.check_condition(condition.expression, condition.origin):
                self.faults.take(error)

    def check_templates(self, value: Any) -> None:
        for error in self.syntax.check(value):
            self.faults.take(error)

    def check_variables(self, variables: Map) -> None:
        for name in variables:
            if not isinstance(name, str) or not name.isidentifier():
                self.faults.add(
                    f"'{name}' is not a valid variable name", variables.origin_of(name),
                    "names have letters, digits and underscores, and do not begin with a digit", code="variable_name",
                )

    # Static templating

    def static(self, value: Any, context: Context, what: str, origin: Origin | None, hint: str) -> Any:
        """``value`` rendered without a host: from extra vars, play vars and what stands around. Raises ContentError."""
        if not holds_template(value):
            return value
        try:
            return self.render(value, self.static_names(context))
        except OrchError as error:
            raise ContentError(
                f"{what} must be known before any host is asked: {error.message}", origin=error.origin or origin,
                hint=hint,
            ) from error

    def static_names(self, context: Context) -> Mapping[str, Any]:
        layers: list[Mapping[str, Any]] = [self.extra_vars, *reversed(context.include_params), *reversed(context.vars)]
        role = context.role
        if role is not None:
            layers += [role.params, {"role_name": role.name, "role_path": role.path}]
            layers += [one.vars for one in (role, *reversed(role.parents))]
        layers.append(context.play.vars)
        if role is not None:
            layers += [one.defaults for one in (role, *reversed(role.parents))]
        layers += [one.vars if one.exported is None else one.exported for one in reversed(context.play.roles)]
        layers += [one.defaults for one in reversed(context.play.roles)]
        layers.append({"playbook_dir": os.path.abspath(self.top_dir)})
        return ChainMap(*(dict(layer) for layer in layers))

    # Files

    def read(self, path: str) -> Any:
        """A document; a fault (recorded) gives None."""
        try:
            return self.content.read(path)
        except OrchError as error:
            self.faults.take(error)
            return None

    def read_tasks(self, path: str) -> list[Any]:
        """A file of tasks: a list, perhaps empty. Anything else is a fault (recorded) and gives an empty list."""
        document = self.read(path)
        if document is None or document == "":
            return Seq(origin=Origin(path))
        if not isinstance(document, list):
            self.faults.add(
                f"a file of tasks must hold a list, this holds {kind_name(document)}",
                getattr(document, "origin", None) or Origin(path, 1, 1), "begin each task with “- ”",
            )
            return Seq(origin=Origin(path))
        return document
