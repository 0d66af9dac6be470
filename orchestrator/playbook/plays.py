"""One play: its keywords, roles, sections and handlers."""

from __future__ import annotations

import os
from typing import Any

from msgspec.structs import replace

from orchestrator.errors import OrchError, Origin
from orchestrator.model import Block, Play, Task
from orchestrator.playbook.compilation import Compilation
from orchestrator.playbook.context import Context, PlayState, inherited_fields
from orchestrator.playbook.faults import did_you_mean
from orchestrator.playbook.files import file_candidates
from orchestrator.playbook.keywords import BY_NAME, ORDERS, STRATEGIES
from orchestrator.playbook.prompts import read_prompts
from orchestrator.playbook.role_entries import role_use
from orchestrator.playbook.roles import compile_role
from orchestrator.playbook.tasks import compile_tasks
from orchestrator.playbook.values import kind_name, merged
from orchestrator.template.types import Map, Seq, Template

Node = Task | Block
SECTIONS = (("pre_tasks", "pre"), ("tasks", "t"), ("post_tasks", "post"))
OWN_FIELDS = (
    "gather_facts", "gather_subset", "gather_timeout", "fact_path", "strategy", "serial", "order", "any_errors_fatal",
    "max_fail_percentage", "force_handlers", "throttle", "connection", "remote_user", "port", "ignore_unreachable",
    "check_mode", "diff", "no_log",
)


def compile_play(c: Compilation, node: Map, index: int, file: str, imported: dict[str, Any] | None = None) -> Play:
    """A play from its mapping. ``imported``: ``vars``, ``tags`` and ``when`` of the import_playbook that led here."""
    imported = imported or {}
    values = _keywords(c, node)
    values["vars"] = _joined(values.get("vars"), imported.get("vars"), node)
    play_id = f"p{index}"
    state = PlayState(play_id, index, os.path.dirname(file), values["vars"])
    prompts = read_prompts(c, values.get("vars_prompt"))
    state.prompted = frozenset(prompt.name for prompt in prompts)
    base = _context(state, file, values, imported)
    _check_vars_files(c, values, base)
    play = _make(node, index, file, values, state, base)
    play.hosts, play.vars_prompt = _hosts(c, node, values, state), prompts
    play.gather_task = _gather_task(play, base)
    _fill(c, play, state, values, base)
    return play


def _keywords(c: Compilation, node: Map) -> dict[str, Any]:
    renamed = frozenset({"user"} & set(node))
    values = c.keywords(node, "play", owner="a Play", ignore=renamed)
    if renamed and "remote_user" not in values:
        values["remote_user"] = node["user"]
    for name, words in (("order", ORDERS), ("strategy", STRATEGIES)):
        word = values.get(name)
        if isinstance(word, str) and word.rpartition(".")[2] not in words:
            c.faults.add(f"unknown {name} {word}", node.value_origin(name),
                         did_you_mean(word, words, f"it is one of: {', '.join(words)}"), code="keyword")
        elif isinstance(word, str):
            values[name] = word.rpartition(".")[2]
    _check_serial(c, node, values.get("serial"))
    return values


def _check_serial(c: Compilation, node: Map, serial: Any) -> None:
    for number, one in enumerate(serial if isinstance(serial, list) else []):
        text = str(one).strip().removesuffix("%")
        if not isinstance(one, Template) and (isinstance(one, bool) or not text.replace(".", "", 1).isdigit()):
            place = serial.item_origin(number) if isinstance(serial, Seq) else None
            c.faults.add(f"serial must be a number or a percentage, not {one!r}", place or node.value_origin("serial"),
                         "for example 2, or \"30%\"", code="keyword")


def _joined(own: Map | None, imported: Map | None, node: Map) -> Map:
    """import_playbook's ``vars`` lie above the play's own, and below everything that is set later."""
    if not imported:
        return own if own is not None else Map(origin=node.origin)
    joined = Map(own or {}, origin=imported.origin)
    joined.update(imported)
    joined.key_marks, joined.value_marks = imported.key_marks, imported.value_marks
    return joined


def _context(state: PlayState, file: str, values: dict[str, Any], imported: dict[str, Any]) -> Context:
    inherited = {name: value for name, value in values.items() if BY_NAME[name].folded and name != "vars"}
    inherited["tags"] = tuple(values.get("tags") or ()) + tuple(imported.get("tags") or ())
    inherited["when"] = tuple(imported.get("when") or ())
    trail = tuple(imported.get("trail") or ())
    return Context(state, folders=(os.path.dirname(file),), files=(file,), trail=trail).folded(inherited)


def _make(node: Map, index: int, file: str, values: dict[str, Any], state: PlayState, base: Context) -> Play:
    own: dict[str, Any] = {name: values.get(name) for name in OWN_FIELDS}
    return Play(
        id=state.id, index=index, origin=node.origin or Origin(file), name=values.get("name"), hosts=None, sections=[],
        handlers=[], roles=state.roles, vars=values["vars"], vars_files=_vars_files(values), become=base.become,
        environment=base.environment, tags=base.tags, **own,
    )


def _fill(c: Compilation, play: Play, state: PlayState, values: dict[str, Any], base: Context) -> None:
    """Roles first, since their defaults may name the files that the other sections import."""
    roles, role_handlers = _roles(c, values.get("roles"), base)
    sections = {key: compile_tasks(c, values.get(key) or [], base, f"{play.id}.{short}") for key, short in SECTIONS}
    # The play's handlers do not hear of import_playbook's when; its tags they have.
    handlers = compile_tasks(c, values.get("handlers") or [], _for_handlers(base), f"{play.id}.h")
    play.sections = [sections["pre_tasks"], roles, sections["tasks"], sections["post_tasks"]]
    play.handlers = [*role_handlers, *handlers, *state.handlers]


def _for_handlers(base: Context) -> Context:
    return replace(base, handler=True, when=())


def _roles(c: Compilation, entries: Any, base: Context) -> tuple[list[Node], list[Node]]:
    blocks: list[Node] = []
    handlers: list[Node] = []
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        use = role_use(c, entry, entries, number, base, f"{base.play.id}.r{number}")
        compiled = compile_role(c, use) if use else None
        if compiled:
            blocks += compiled.blocks
            handlers += compiled.handlers
            base.play.roles += compiled.roles
    return blocks, handlers


def _hosts(c: Compilation, node: Map, values: dict[str, Any], state: PlayState) -> Any:
    """The host pattern, rendered when it can be; what waits for a prompt stays a template."""
    hosts = values.get("hosts")
    if "hosts" not in node:
        hint = "write “hosts: all”"
        if any(c.registry.canonical(key) for key in node if isinstance(key, str) and key not in BY_NAME):
            hint = "this looks like a task: tasks stand below tasks: of a play"
        c.faults.add("the field 'hosts' is required but was not set", node.origin, hint, code="hosts")
        return ""
    if hosts is None or hosts == "" or hosts == []:
        c.faults.add("Hosts list cannot be empty. Please check your playbook", node.origin_of("hosts"),
                     "name hosts or groups, or write all", code="hosts")
        return ""
    if isinstance(hosts, dict) or (isinstance(hosts, list) and any(isinstance(one, (dict, list)) for one in hosts)):
        c.faults.add(f"hosts must be a pattern or a list of patterns, not {kind_name(hosts)}",
                     node.value_origin("hosts"), "a value that begins with {{ must be quoted", code="hosts")
        return ""
    c.check_templates(hosts)
    if not isinstance(hosts, (list, Template)):
        return str(hosts)
    try:
        return c.render(hosts, c.static_names(Context(state)))
    except OrchError:
        return hosts  # it may need a prompt's answer; whoever matches it renders it again and says what is missing


def _vars_files(values: dict[str, Any]) -> tuple[Any, ...]:
    files = values.get("vars_files")
    return tuple(one for one in files if one is not None) if isinstance(files, list) else ()


def _check_vars_files(c: Compilation, values: dict[str, Any], context: Context) -> None:
    """Literal names must be there; of a list the first that is found counts. Templated ones wait for the host.

    What they hold may name files and roles that are imported.
    """
    files = values.get("vars_files")
    for number, entry in enumerate(files if isinstance(files, list) else []):
        place = files.item_origin(number) if isinstance(files, Seq) else None
        names = entry if isinstance(entry, list) else [entry]
        if entry is None or not all(isinstance(name, str) for name in names):
            continue
        found: list[str] = []
        for name in names:
            places = file_candidates("vars", name, role=None, asking_file=context.files[0], base_dirs=[c.top_dir])
            found += [path for path in places if os.path.isfile(path)][:1]
        if not found:
            c.faults.add(f"vars_files: {' nor '.join(names)} was not found", place,
                         f"searched {os.path.abspath(context.play.base_dir or '.')}", code="file_missing")
            continue
        try:
            variables = c.content.read_vars(found[0])
        except OrchError as error:
            c.faults.take(error)
            continue
        c.check_templates(variables)
        context.play.vars = merged(context.play.vars, variables)


def _gather_task(play: Play, base: Context) -> Task:
    """The facts task that Ansible puts first; in a play without tags it goes with any choice of tags."""
    args = Map(origin=play.origin)
    if play.gather_subset:
        args["gather_subset"] = Seq(play.gather_subset)
    for name in ("gather_timeout", "fact_path"):
        if getattr(play, name) is not None:
            args[name] = getattr(play, name)
    inherited = inherited_fields(base if base.tags else base.folded({"tags": ("always",)}))
    inherited["run_once"] = None  # each host has facts of its own
    return Task(id=f"{play.id}.gather", origin=play.origin, action="gather_facts", action_written="gather_facts",
                args=args, name="Gathering Facts", implicit=True, **inherited)
