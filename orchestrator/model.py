"""What a playbook means, once read: plays, blocks, tasks, roles; each knows where it stands.

A value that may hold a template keeps it (`Template`), since most can be rendered only for a host. Keywords that
children inherit (``become``, ``when``, ``tags``, ``environment`` …) are folded into the tasks when the tree is built,
so that whoever executes a task reads the task alone.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from orchestrator.errors import OrchError, Origin
from orchestrator.template.types import Map, Template

Value = Any
"""Plain data, a `Template`, or `Map`/`Seq` that hold templates."""

ALL_TAGS = frozenset({"all"})


class Condition(Struct, frozen=True):
    """One ``when``/``until``/``changed_when``/``failed_when`` entry: Jinja expression source, or a literal boolean."""

    expression: str | bool
    origin: Origin | None = None


class Become(Struct, frozen=True):
    """Inherited privilege keywords; ``None`` means not set anywhere in the playbook (variables may still set it)."""

    become: Value = None
    user: Value = None
    method: Value = None
    flags: Value = None
    exe: Value = None


class LoopControl(Struct, frozen=True):
    loop_var: Value = "item"
    index_var: Value = None
    label: Value = None
    pause: Value = None
    extended: Value = False
    extended_allitems: Value = True
    break_when: tuple[Condition, ...] = ()


class Loop(Struct, frozen=True):
    """``kind`` is ``loop`` or the lookup's name of a ``with_*`` (``items``, ``dict``, ``first_found`` …)."""

    kind: str
    value: Value
    control: LoopControl
    origin: Origin | None = None


class Role(Struct, eq=False):
    """A role as used at one place in a play. The same role used twice is two objects with one ``path``."""

    name: str
    path: str
    origin: Origin
    defaults: Map
    vars: Map
    params: Map
    parents: tuple[Role, ...] = ()
    """The roles this one was pulled in by, outermost first (meta dependencies and include_role/import_role)."""
    dependencies: tuple[Role, ...] = ()
    allow_duplicates: bool = False
    argument_specs: Map | None = None
    collection: str | None = None
    public: bool = True
    """False for include_role without ``public``: its defaults and vars are seen by its own tasks alone."""
    exported: Map | None = None
    """Its vars as the play's other tasks see them, where that is less: without what was given where it is used."""
    identity: str = ""
    """Equal for two uses that count as the same role: same files, parameters, vars, conditions and tags. A host that
    has run one passes over the other, unless ``allow_duplicates``."""
    from_include: bool = False
    """Brought in by import_role or include_role, not by ``roles:`` or a dependency."""

    @property
    def fqcn(self) -> str:
        return f"{self.collection}.{self.name}" if self.collection else self.name


class Block(Struct, eq=False):
    """``tasks`` with ``rescue`` and ``always``; also the container of an import, a role or an include's result."""

    id: str
    origin: Origin
    name: Value = None
    tasks: list[Task | Block] = field(default_factory=list)
    rescue: list[Task | Block] = field(default_factory=list)
    always: list[Task | Block] = field(default_factory=list)
    role: Role | None = None
    role_start: bool = False
    """True on the block that holds all tasks of a role: it is skipped when the role has run on that host already."""
    any_errors_fatal: Value = None


class Task(Struct, eq=False):
    """One task with everything it inherited. Conditions and vars run from the outermost block to the task itself."""

    id: str
    """Stable over runs of the same content: play index and path in the tree; what a resume matches on."""
    origin: Origin
    action: str
    """Canonical module or action name (``copy`` for ``ansible.builtin.copy``); ``include_tasks`` … are actions too."""
    action_written: str
    args: Map
    """Arguments as written; ``_raw_params`` holds free-form text. Values may be templates, and so may the whole
    (``args: "{{ dict }}"``): then it is under the key ``_args_template``."""
    name: Value = None
    when: tuple[Condition, ...] = ()
    tags: tuple[Value, ...] = ()
    vars: tuple[Map, ...] = ()
    """Variable layers: enclosing blocks' vars, outermost first, then the task's own."""
    include_params: tuple[Map, ...] = ()
    """Vars given on include_tasks/import_tasks/import_playbook entries that led here, outermost first."""
    environment: tuple[Value, ...] = ()
    module_defaults: tuple[Map, ...] = ()
    collections: tuple[str, ...] = ()
    become: Become = Become()
    loop: Loop | None = None
    register: str | None = None
    until: tuple[Condition, ...] = ()
    retries: Value = None
    delay: Value = None
    changed_when: tuple[Condition, ...] | None = None
    failed_when: tuple[Condition, ...] | None = None
    ignore_errors: Value = None
    ignore_unreachable: Value = None
    any_errors_fatal: Value = None
    notify: tuple[Value, ...] = ()
    listen: tuple[Value, ...] = ()
    """Handlers only: further names this handler answers to."""
    delegate_to: Value = None
    delegate_facts: Value = None
    run_once: Value = None
    check_mode: Value = None
    diff: Value = None
    no_log: Value = None
    throttle: Value = None
    timeout: Value = None
    async_s: Value = None
    poll: Value = None
    connection: Value = None
    remote_user: Value = None
    port: Value = None
    retry_safe: Value = None
    role: Role | None = None
    handler: bool = False
    implicit: bool = False
    """Made by orch itself (gathering facts, handler flushes): tags never leave it out by accident."""
    fault: OrchError | None = None
    """A fault that its author expects (``ignore_errors: true``): the task fails with it instead of ending the run."""
    trail: tuple[str, ...] = ()
    """How this task came in, outermost first: ``include_tasks at site.yml:12:7``; shown with errors."""
    bridged: Any = None
    """Where a module that is none of orch's comes from (`orchestrator.bridge.found.Found`); opaque to others."""
    inherited: Any = None
    """Of include_tasks and include_role: what the loader hands down to the tasks that come in. Opaque to others."""


class Prompt(Struct, eq=False):
    name: str
    prompt: Value
    default: Value
    private: bool
    confirm: bool
    encrypt: str | None
    origin: Origin
    unsafe: bool = False


class Play(Struct, eq=False):
    id: str
    index: int
    origin: Origin
    name: Value
    hosts: Value
    sections: list[list[Block | Task]]
    """pre_tasks, roles, tasks, post_tasks; handlers are flushed after each."""
    handlers: list[Task | Block]
    """Role handlers first, in the order of the roles, then the play's own; later wins when names are equal."""
    roles: list[Role]
    """Every role of ``roles:`` and their dependencies, in order of execution."""
    vars: Map
    vars_files: tuple[Value, ...] = ()
    vars_prompt: tuple[Prompt, ...] = ()
    gather_facts: Value = None
    gather_subset: Value = None
    gather_timeout: Value = None
    fact_path: Value = None
    gather_task: Task | None = None
    """The implicit ``setup`` task, with the play's own keywords folded in; whether it runs is the engine's choice."""
    strategy: Value = None
    serial: Value = None
    order: Value = None
    any_errors_fatal: Value = None
    max_fail_percentage: Value = None
    force_handlers: Value = None
    throttle: Value = None
    connection: Value = None
    remote_user: Value = None
    port: Value = None
    become: Become = Become()
    environment: tuple[Value, ...] = ()
    tags: tuple[Value, ...] = ()
    ignore_unreachable: Value = None
    check_mode: Value = None
    diff: Value = None
    no_log: Value = None
    include_params: tuple[Map, ...] = ()
    """``vars`` of the import_playbook entries that led here."""


class Playbook(Struct, eq=False):
    paths: tuple[str, ...]
    plays: list[Play]
    digest: str
    """SHA-256 over the bytes of every file read, in order of reading: tells a resume whether the content changed."""


class IncludedRole(Struct, eq=False):
    """What include_role brings in: the tasks, and the handlers to add to the play for the rest of it."""

    role: Role
    blocks: list[Task | Block]
    handlers: list[Task | Block]


__all__ = [
    "ALL_TAGS", "Become", "Block", "Condition", "IncludedRole", "Loop", "LoopControl", "Map", "Play", "Playbook",
    "Prompt", "Role", "Task", "Template", "Value",
]
