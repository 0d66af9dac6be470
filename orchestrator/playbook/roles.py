"""A role as used at one place: its dependencies first, then its own tasks; its handlers beside them."""

from __future__ import annotations

import os
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from orchestrator.errors import ContentError, Origin
from orchestrator.model import Block, Role, Task
from orchestrator.playbook.compilation import Compilation
from orchestrator.playbook.context import Context, inherited_fields
from orchestrator.playbook.role_files import Metadata, read_metadata, read_variables, required_file
from orchestrator.playbook.tasks import compile_tasks
from orchestrator.playbook.values import merged
from orchestrator.template.types import Map

Node = Task | Block


class RoleUse(Struct, frozen=True):
    """How a role is asked for. ``context`` holds the keywords given with it; ``files`` the ``*_from`` names."""

    name: str
    id: str
    origin: Origin
    context: Context
    params: Map = field(default_factory=Map)
    vars: Map = field(default_factory=Map)
    files: dict[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ("()", "()")
    """Its own ``when`` and ``tags`` as text: two uses that differ in them are two roles."""
    validate: bool = True
    public: bool = True
    allow_duplicates: bool | None = None
    from_include: bool = False
    chain: tuple[str, ...] = ()
    """Paths of the roles whose dependencies led here."""

    def file(self, kind: str) -> str:
        return self.files.get(kind) or "main"


class CompiledRole(Struct):
    role: Role
    blocks: list[Node]
    """Of the dependencies first, each with ``role_start``; the role's own last."""
    handlers: list[Node]
    roles: list[Role]
    """The role and everything it depends on, in order of execution."""


def compile_role(c: Compilation, use: RoleUse) -> CompiledRole | None:
    """Read a role and what it depends on. Faults are recorded; None when the role cannot be found or never ends."""
    place = _find(c, use)
    if place is None:
        return None
    path, collection, name = place
    c.syntax.add_plugin_dir(path)
    metadata = read_metadata(c, path)
    role = _make_role(c, use, name, path, collection, metadata)
    context = replace(use.context, role=role, collections=_collections(use, metadata, collection))
    below = _dependencies(c, use, context, metadata, path)
    role.dependencies = tuple(one.role for one in below)
    result = CompiledRole(role, [], [], [])
    for one in below:
        result.blocks += one.blocks
        result.handlers += one.handlers
        result.roles += one.roles
    result.roles.append(role)
    result.blocks.append(Block(use.id, use.origin, role.name, _tasks(c, use, context, path, metadata), role=role,
                               role_start=True, any_errors_fatal=context.nearest.get("any_errors_fatal")))
    result.handlers += _handlers(c, use, context, path)
    return result


def _find(c: Compilation, use: RoleUse) -> tuple[str, str | None, str] | None:
    asking = use.context.role
    base_dirs = (use.context.play.base_dir, c.top_dir)
    try:
        place = c.roles.find(use.name, base_dirs=base_dirs, collections=use.context.collections,
                             beside=asking.path if asking else None, origin=use.origin)
    except ContentError as error:
        c.faults.take(error)
        return None
    if os.path.abspath(place.path) in use.chain:
        names = " → ".join(os.path.basename(path) for path in (*use.chain, place.path))
        c.faults.add(f"a recursion loop was detected with the roles specified: {names}", use.origin,
                     "a role cannot depend on itself, not by way of others either", code="role_recursion")
        return None
    return place.path, place.collection, place.name


def _make_role(c: Compilation, use: RoleUse, name: str, path: str, collection: str | None, metadata: Metadata) -> Role:
    asking = use.context.role
    own = read_variables(c, path, "vars", use.file("vars"), use.origin)
    role = Role(
        name=name, path=os.path.abspath(path), origin=use.origin,
        defaults=read_variables(c, path, "defaults", use.file("defaults"), use.origin),
        vars=merged(own, use.vars) if use.vars else own, params=use.params,
        parents=(*asking.parents, asking) if asking else (),
        allow_duplicates=metadata.allow_duplicates if use.allow_duplicates is None else use.allow_duplicates,
        argument_specs=metadata.argument_specs, collection=collection, public=use.public, from_include=use.from_include,
        exported=own if use.vars else None,
    )
    others = {kind: name for kind, name in use.files.items() if name != "main"}
    role.identity = repr((role.fqcn, role.path, _sorted(use.params), _sorted(use.vars), _sorted(others), use.words,
                          use.from_include))
    return role


def _sorted(mapping: dict[Any, Any]) -> list[tuple[str, str]]:
    return sorted((str(key), repr(value)) for key, value in mapping.items())


def _collections(use: RoleUse, metadata: Metadata, collection: str | None) -> tuple[str, ...]:
    own = (collection,) if collection else ()
    return tuple(dict.fromkeys((*own, *metadata.collections, *use.context.collections)))


def _dependencies(c: Compilation, use: RoleUse, context: Context, metadata: Metadata, path: str) -> list[CompiledRole]:
    from orchestrator.playbook.role_entries import role_use

    found = []
    chain = (*use.chain, os.path.abspath(path))
    for number, entry in enumerate(metadata.dependencies):
        asked = role_use(c, entry, metadata.dependencies, number, context, f"{use.id}.d{number}")
        compiled = compile_role(c, replace(asked, chain=chain, public=use.public)) if asked else None
        if compiled:
            found.append(compiled)
    return found


def _tasks(c: Compilation, use: RoleUse, context: Context, path: str, metadata: Metadata) -> list[Node]:
    nodes: list[Node] = []
    spec = _validation(use, context, metadata)
    if spec is not None:
        nodes.append(spec)
    file = required_file(c, path, "tasks", use.file("tasks"), use.origin)
    if file is None:
        return nodes
    if file in context.files:
        c.faults.add(f"the role {use.name} imports itself without end", use.origin,
                     "use include_role with a condition", code="import_recursion")
        return nodes
    inner = context.in_folder(os.path.dirname(file), file)
    return nodes + compile_tasks(c, c.read_tasks(file), inner, f"{use.id}.t")


def _handlers(c: Compilation, use: RoleUse, context: Context, path: str) -> list[Node]:
    file = required_file(c, path, "handlers", use.file("handlers"), use.origin)
    if file is None:
        return []
    inner = replace(context, handler=True, folders=(os.path.dirname(file),), files=(file,))
    return compile_tasks(c, c.read_tasks(file), inner, f"{use.id}.h")


def _validation(use: RoleUse, context: Context, metadata: Metadata) -> Task | None:
    """The task that checks the role's parameters, when it declares what it takes at this entry point."""
    entry = use.file("tasks")
    for ending in (".yml", ".yaml", ".json"):
        entry = entry.removesuffix(ending)
    spec = (metadata.argument_specs or Map()).get(entry)
    if not use.validate or not isinstance(spec, Map):
        return None
    role = context.role
    assert role is not None
    about = str(spec.get("short_description") or "")
    fields = inherited_fields(context.folded({"tags": ("always",)}))
    return Task(
        id=f"{use.id}.spec", origin=spec.origin or use.origin, action="validate_argument_spec",
        action_written="ansible.builtin.validate_argument_spec",
        name=f"Validating arguments against arg spec '{entry}'" + (f" - {about}" if about else ""),
        args=Map({
            "argument_spec": spec.get("options") or Map(), "provided_arguments": use.params,
            "validate_args_context": {
                "type": "role", "name": role.name, "argument_spec_name": entry, "path": role.path,
            },
        }, origin=spec.origin),
        **fields,
    )


