"""The failure of a task whose wrong arguments its author expects (``ignore_errors: true``), in Ansible's words.

The loader has its own, with places and hints. What a task registers is matched on by playbooks, so it says what the
module would have said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentlet import arguments
from agentlet.arguments import coerce
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
CONTROLLERS = frozenset({"fail", "group_by", "reboot", "set_stats", "wait_for_connection"})
"""Those that act on the controller alone, and know the names of their arguments only."""


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
    message = _controllers(task.action, given, _names(info))
    try:
        arguments.validate(given, info.args, info.rules, info.allow_unknown, module=task.action)
    except Failed as failure:
        return TaskFault(message or failure.message, code=failure.code, origin=fault.origin, hint=failure.hint)
    return TaskFault(message, code=fault.code, origin=fault.origin, hint=fault.hint) if message else fault


def _names(info: registry.ModuleInfo) -> set[str]:
    return {name for written, arg in info.args.items() for name in (written, *arg.aliases)}


def _controllers(action: str, given: dict[str, object], known: set[str]) -> str | None:
    """The message of a module whose controller's half looks first."""
    if action in CONTROLLERS and given.keys() - known:
        return f"Invalid options for {action}: {','.join(sorted(given.keys() - known))}"
    if action in NEEDED and not (given.get("src") and given.get("dest")):
        return NEEDED[action]
    if action == "copy" and not given.get("src") and given.get("content") is None:
        return "src (or content) is required"
    if action == "copy" and not given.get("dest"):
        return "dest is required"
    if action == "fetch" and not isinstance(given["src"], str):
        return "Invalid type supplied for source option, it must be a string"
    if action == "pause":
        wrong = [name for name in ("minutes", "seconds") if name in given and not _is_number(given[name])]
        if wrong:
            value = given[wrong[0]]
            return (f"argument '{wrong[0]}' is of type {type(value).__name__} and we were unable to convert to int: "
                    f"{value!r} is not a number")
    if action == "shell" and "expand_argument_vars" in given:
        return "Unsupported parameters for (shell) module: expand_argument_vars"
    return None


def _is_number(value: object) -> bool:
    try:
        coerce(value, "float")
    except (ValueError, TypeError):
        return False
    return True
