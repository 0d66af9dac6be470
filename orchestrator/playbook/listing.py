"""What ``--list-tasks``, ``--list-tags`` and ``--list-hosts`` print, in the shape of ansible-playbook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from orchestrator.model import Block, Play, Playbook, Task
from orchestrator.playbook.tags import selected, split_tags
from orchestrator.template.types import Template


def list_playbook(playbook: Playbook, *, hosts_of: Callable[[Play], Sequence[str]] | None = None, hosts: bool = False,
                  tasks: bool = False, tags: bool = False, only: Iterable[str] = ("all",),
                  skip: Iterable[str] = ()) -> str:
    """The plays as text, without the line that names the playbook."""
    chosen = (frozenset(only) or frozenset({"all"}), frozenset(skip))
    if tags and chosen == (frozenset({"all"}), frozenset()):
        chosen = (frozenset({"all", "tagged", "never"}), frozenset())  # who asks for tags wants to see all of them
    lines: list[str] = []
    for number, play in enumerate(playbook.plays, 1):
        lines += ["", f"  play #{number} ({_pattern(play)}): {_title(play)}\tTAGS: [{','.join(_texts(play.tags))}]"]
        if hosts and hosts_of is not None:
            names = hosts_of(play)
            lines += [f"    pattern: {_written(play)}", f"    hosts ({len(names)}):"]
            lines += [f"      {name}" for name in names]
        if tasks or tags:
            lines += _task_lines(play, chosen, tasks, tags)
    return "\n".join(lines)


def _task_lines(play: Play, chosen: tuple[frozenset[str], frozenset[str]], tasks: bool, tags: bool) -> list[str]:
    lines = ["    tasks:"] if tasks else []
    seen: set[str] = set()
    for task in listed_tasks(play):
        own = _texts(task.tags)
        if not selected(own, *chosen):
            continue
        seen.update(own)
        if tasks:
            lines.append(f"      {task_title(task)}\tTAGS: [{', '.join(sorted(set(own)))}]")
    if tags:
        lines.append(f"      TASK TAGS: [{', '.join(sorted(seen))}]")
    return lines


def listed_tasks(play: Play) -> Iterator[Task]:
    """The tasks of a play's sections in order, as Ansible lists them: what may be skipped over (``rescue`` and
    ``always``) and what nobody wrote is left out."""
    for section in play.sections:
        for node in section:
            yield from (task for task in _straight(node) if not task.implicit)


def _straight(node: Task | Block) -> Iterator[Task]:
    """The tasks of a node that run when nothing fails."""
    if isinstance(node, Task):
        yield node
        return
    for child in node.tasks:
        yield from _straight(child)


def walk(node: Task | Block) -> Iterator[Task]:
    """Every task below a node, in the order of the file."""
    if isinstance(node, Task):
        yield node
        return
    for child in (*node.tasks, *node.rescue, *node.always):
        yield from walk(child)


def task_title(task: Task) -> str:
    """``role : name``, the name alone outside of roles, the module's name when the task has none."""
    if task.name is None:
        return task.action_written
    name = str(_text(task.name))
    return f"{task.role.fqcn} : {name}" if task.role is not None else name


def _text(value: Any) -> Any:
    return value.source if isinstance(value, Template) else value


def _texts(values: Iterable[Any]) -> list[str]:
    return [tag for value in values for tag in split_tags(str(_text(value)))]


def _written(play: Play) -> list[str]:
    hosts = play.hosts if isinstance(play.hosts, list) else [play.hosts]
    return [str(_text(one)) for one in hosts]


def _pattern(play: Play) -> str:
    return ",".join(_written(play))


def _title(play: Play) -> str:
    return str(_text(play.name)) if play.name else _pattern(play)
