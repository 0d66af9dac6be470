"""What a task inherits from everything around it, folded step by step on the way down. Immutable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from orchestrator.model import Become, Condition, Play, Role, Task, Value
from orchestrator.playbook.keywords import BECOME, NEAREST
from orchestrator.template.types import Map


class PlayState(Struct):
    """What becomes of a play while it is read: roles and handlers come in from several places."""

    id: str
    index: int
    base_dir: str
    """The folder of the playbook file, as it was written."""
    vars: Map
    roles: list[Role] = field(default_factory=list)
    handlers: list[Any] = field(default_factory=list)
    """Brought in by static imports of roles; they come behind the play's own."""
    prompted: frozenset[str] = frozenset()
    """Variables that are known only once a person has answered."""


class Context(Struct, frozen=True):
    """Keywords in force at one place in the tree; `folded` adds those of one more level."""

    play: PlayState
    folders: tuple[str, ...] = ()
    """The folders of the task files that led here, innermost last; where further files are looked for."""
    files: tuple[str, ...] = ()
    """The files being read, innermost last: a static import of one of them would have no end."""
    role: Role | None = None
    handler: bool = False
    trail: tuple[str, ...] = ()
    when: tuple[Condition, ...] = ()
    tags: tuple[Value, ...] = ()
    vars: tuple[Map, ...] = ()
    include_params: tuple[Map, ...] = ()
    environment: tuple[Value, ...] = ()
    module_defaults: tuple[Map, ...] = ()
    collections: tuple[str, ...] = ()
    notify: tuple[Value, ...] = ()
    become: Become = Become()
    nearest: Mapping[str, Value] = field(default_factory=dict)

    def folded(self, values: Mapping[str, Any]) -> Context:
        """With the keywords of one more level: conditions and layers appended, tags joined, the rest overridden."""
        if not values:
            return self
        return replace(
            self,
            when=self.when + (values.get("when") or ()),
            tags=tuple(dict.fromkeys(self.tags + (values.get("tags") or ()))),
            vars=self.vars + ((values["vars"],) if values.get("vars") else ()),
            environment=self.environment + (values.get("environment") or ()),
            module_defaults=self.module_defaults + (values.get("module_defaults") or ()),
            collections=tuple(values.get("collections") or self.collections),
            notify=self.notify + (values.get("notify") or ()),
            become=_become(self.become, values),
            nearest=_nearest(self.nearest, values),
        )

    def in_folder(self, folder: str, file: str) -> Context:
        return replace(self, folders=(*self.folders, folder), files=(*self.files, file))

    def came_by(self, step: str) -> Context:
        return replace(self, trail=(*self.trail, step))


def _become(inherited: Become, values: Mapping[str, Any]) -> Become:
    given = {(name.partition("_")[2] or name): values[name] for name in BECOME if values.get(name) is not None}
    return replace(inherited, **given) if given else inherited


def _nearest(inherited: Mapping[str, Value], values: Mapping[str, Any]) -> Mapping[str, Value]:
    given = {name: values[name] for name in NEAREST if values.get(name) is not None}
    return {**inherited, **given} if given else inherited


def inherited_fields(context: Context) -> dict[str, Any]:
    """The fields of a `Task` that come from its context, the task's own keywords folded in."""
    names = ("any_errors_fatal", "check_mode", "connection", "delegate_facts", "delegate_to", "diff", "ignore_errors",
             "ignore_unreachable", "no_log", "port", "remote_user", "retry_safe", "run_once", "throttle", "timeout")
    fields: dict[str, Any] = {name: context.nearest.get(name) for name in names}
    fields.update(
        when=context.when, tags=context.tags, vars=context.vars, include_params=context.include_params,
        environment=context.environment, module_defaults=context.module_defaults, collections=context.collections,
        become=context.become, notify=context.notify, role=context.role, handler=context.handler, trail=context.trail,
    )
    return fields


class Inherited(Struct, frozen=True):
    """What a dynamic include hands to the tasks it brings in: the context around it, and its own variables.

    Its other keywords (``when``, ``tags``, ``become`` …) are for the include alone, as in Ansible.
    """

    context: Context
    vars: Map


def context_for(task: Task, play: Play, base_dir: str) -> Inherited:
    """The context of an include task; one made by hand (a test, an ad hoc run) inherits from its play alone."""
    if isinstance(task.inherited, Inherited):
        return task.inherited
    state = PlayState(play.id, play.index, base_dir, play.vars, roles=play.roles)
    own = task.vars[-1] if task.vars else Map()
    return Inherited(Context(state, role=task.role, tags=play.tags, become=play.become), own)
