"""The tree a batch goes through: facts, then each section with its handlers behind it; and what tags leave of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from orchestrator.engine.handlers import flatten
from orchestrator.errors import OrchError
from orchestrator.model import Block, Task
from orchestrator.playbook.tags import selected
from orchestrator.template.types import Map

if TYPE_CHECKING:
    from orchestrator.engine.context import RunContext
    from orchestrator.model import Play

Node = Task | Block


def nodes_of(run: RunContext, play: Play, *, force_handlers: bool) -> list[Node]:
    """The play's tasks, with handlers flushed after pre_tasks, after roles and tasks, and after post_tasks.

    Forced handlers are run whatever went wrong before.
    """
    nodes: list[Node] = []
    if play.gather_task is not None and _gathers(run, play):
        nodes.append(play.gather_task)
    pre_tasks, roles, tasks, post_tasks = play.sections
    for number, section in enumerate((pre_tasks, [*roles, *tasks], post_tasks)):
        if not section and not nodes:
            continue  # behind an empty section only what handlers themselves have notified is due
        flush = _flush(play, number)
        if force_handlers:
            nodes.append(Block(f"{play.id}.forced{number}", play.origin, tasks=list(section), always=[flush]))
        else:
            nodes += [*section, flush]
    return nodes


def _gathers(run: RunContext, play: Play) -> bool:
    if play.gather_facts is None:
        return run.options.gathering != "explicit"
    return bool(run.engine.render(play.gather_facts, run.variables.scope(None, play), play.origin))


def knows_facts(run: RunContext, host: str) -> bool:
    """``gathering = smart``: a host that has told its facts in this run is not asked again."""
    return run.options.gathering == "smart" and "_ansible_facts_gathered" in run.variables.facts.get(host, {})


def _flush(play: Play, number: int) -> Task:
    return Task(id=f"{play.id}.flush{number}", origin=play.origin, action="meta", action_written="meta",
                args=Map({"free_form": "flush_handlers"}), implicit=True)


def selector(run: RunContext, play: Play) -> Callable[[Task], bool]:
    """Whether a task takes part: by its tags, and not before ``--start-at-task`` was met. Remembered per task."""
    options = run.options
    only, skip = frozenset(options.tags or ("all",)), frozenset(options.skip_tags)
    by_tags: dict[int, bool] = {}
    kept: list[Task] = []

    def wanted(task: Task) -> bool:
        if task.implicit and task.action == "meta":
            return True
        if run.started is False and not _starts(run, play, task):
            return False
        known = by_tags.get(id(task))
        if known is None:
            kept.append(task)  # an id is only good while its object lives
            known = by_tags[id(task)] = selected(_tags(run, play, task), only, skip)
        return known

    return wanted


def _starts(run: RunContext, play: Play, task: Task) -> bool:
    """Whether the run begins with this task (``--start-at-task``). Facts are gathered in the play that has it."""
    if task is play.gather_task:
        return any(_is_start(run, other) for section in play.sections for node in section for other in flatten(node))
    if task.implicit:
        return True
    run.started = _is_start(run, task)
    return run.started


def _is_start(run: RunContext, task: Task) -> bool:
    import fnmatch

    start = run.options.start_at_task
    assert start is not None
    name = str(getattr(task.name, "source", task.name) or "")
    roles = {task.role.name, task.role.fqcn} if task.role else ()
    names = [name, task.action_written, *(f"{role} : {name}" for role in roles)]
    return any(n == start or fnmatch.fnmatchcase(n, start) for n in names)


def _tags(run: RunContext, play: Play, task: Task) -> frozenset[str]:
    found: set[str] = set()
    for value in task.tags:
        found.update(_texts(_rendered(run, play, value, task)))
    return frozenset(found)


def _rendered(run: RunContext, play: Play, value: Any, task: Task) -> Any:
    if isinstance(value, str):
        return value
    try:
        scope = run.variables.scope(None, play).with_locals({k: v for layer in task.vars for k, v in layer.items()})
        return run.engine.render(value, scope, task.origin)
    except OrchError:
        return getattr(value, "source", value)


def _texts(value: Any) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [t for v in value for t in _texts(v)]
    return [t.strip() for t in str(value).split(",") if t.strip()]
