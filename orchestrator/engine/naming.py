"""What a task is called: its name, or what stands for one that has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.template.types import Template

if TYPE_CHECKING:
    from orchestrator.model import Task


def written_name(task: Task) -> Any:
    """The task's name as written, perhaps a template; a nameless include_role is called after its role."""
    if task.name is not None:
        return task.name
    role = task.args.get("name") or task.args.get("role")
    if task.action != "include_role" or not isinstance(role, (str, Template)) or task.no_log not in (None, False):
        return task.action_written
    if isinstance(role, Template):
        return Template(f"{task.action_written} : {role.source}", role.origin)
    return f"{task.action_written} : {role}"
