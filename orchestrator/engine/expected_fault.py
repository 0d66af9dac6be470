"""The failure of a task whose wrong arguments its author expects (``ignore_errors: true``), in Ansible's words.

The loader has its own, with places and hints. What a task registers is matched on by playbooks, so it says what the
module would have said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentlet import arguments
from modules import registry
from modules.api import Failed
from orchestrator.errors import OrchError, TaskFault

if TYPE_CHECKING:
    from orchestrator.model import Task

RAW = "_raw_params"
NEEDED = {
    "assemble": "src and dest are required", "fetch": "src and dest are required",
    "template": "src and dest are required", "unarchive": "src (or content) and dest are required",
}
"""What those modules say that look at their arguments on the controller, whichever of the two is missing."""


def in_modules_words(task: Task, fault: OrchError) -> OrchError:
    """The fault as the module tells it; as it is when the module would have found nothing to object to."""
    info = registry.describe(task.action)
    no_text = info is not None and info.free_form is None and RAW in task.args
    if info is None or fault.code != "argument":
        return fault
    if no_text:
        return TaskFault(f"Task failed: Action '{task.action_written}' does not support raw params. {fault.message}",
                         code=fault.code, origin=fault.origin, hint=fault.hint)
    given = {name: value for name, value in task.args.items() if name != "_args_template"}
    if info.free_form not in (None, RAW) and RAW in given:
        given[info.free_form] = given.pop(RAW)
    message = _controllers(task.action, given)
    try:
        arguments.validate(given, info.args, info.rules, info.allow_unknown, module=task.action)
    except Failed as failure:
        return TaskFault(message or failure.message, code=failure.code, origin=fault.origin, hint=failure.hint)
    return TaskFault(message, code=fault.code, origin=fault.origin, hint=fault.hint) if message else fault


def _controllers(action: str, given: dict[str, object]) -> str | None:
    """The message of a module whose controller's half looks first."""
    if action in NEEDED and not (given.get("src") and given.get("dest")):
        return NEEDED[action]
    if action == "copy" and not given.get("src") and given.get("content") is None:
        return "src (or content) is required"
    if action == "copy" and not given.get("dest"):
        return "dest is required"
    if action == "shell" and "expand_argument_vars" in given:
        return "Unsupported parameters for (shell) module: expand_argument_vars"
    return None
