"""Fails unless every given expression is true.

Example:

    - assert:
        that:
          - ansible_memtotal_mb >= 512
        fail_msg: this host is too small

Returns: ``assertion`` and ``evaluated_to`` of the first that does not hold, ``msg``.
"""

from __future__ import annotations

from typing import Any

from modules.api import Arg
from orchestrator.content.yaml import Verbatim
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value
from orchestrator.errors import ConditionError, TaskFault
from orchestrator.template.types import Template

ARGS = {
    "that": Arg("raw", required=True, help="An expression, or a list of them, as in `when`."),
    "fail_msg": Arg("any", aliases=("msg",), help="Said when an expression is false."),
    "success_msg": Arg("any", help="Said when all hold."),
    "quiet": Arg("bool", default=False, help="Do not list what was checked."),
}
UNTRUSTED = "Encountered untrusted template or expression."


async def run(call: Call) -> Value:
    args = call.args
    if "that" not in args:
        raise TaskFault('conditional required in "that" string', code="arguments", origin=call.task.origin)
    that = _expressions(call)
    failed_text = args.get("fail_msg", args.get("msg", "Assertion failed"))
    quiet = str(args.get("quiet", False)).lower() in ("true", "yes", "1", "on")
    for expression in that:
        holds = call.run.engine.condition(expression, call.scope, call.task.origin)
        if not holds:
            value: Value = {"failed": True, "changed": False, "evaluated_to": False, "assertion": expression,
                            "msg": failed_text, "error_code": "assertion"}
            if not quiet:
                value["_ansible_verbose_always"] = True
            return value
    return {"changed": False, "msg": args.get("success_msg", "All assertions passed"),
            **({} if quiet else {"_ansible_verbose_always": True})}


def _expressions(call: Call) -> list[Any]:
    """What is to hold: expressions as the playbook has them, templates as what they render to.

    Only text from the playbook is ever evaluated. What a template gives must be a boolean already: were its text
    evaluated, a host could write the expression (CVE-2023-5764).
    """
    written = call.task.args.get("that", call.args["that"])
    if isinstance(written, Template) and _is_made(written):
        try:
            written = call.scope.written(written.source.strip("{} "))  # a list of expressions in the playbook's vars
        except KeyError:
            written = call.render(written)
            return [_settled(w) for w in (written if isinstance(written, list) else [written])]
    entries = written if isinstance(written, list) else [written]
    return [_settled(e if isinstance(e, Verbatim) else call.render(e)) if _is_made(e) else e for e in entries]


def _is_made(entry: Any) -> bool:
    """Whether a template makes the entry; an expression may hold templates in its constants and stays one."""
    if isinstance(entry, Template):
        return entry.source.lstrip().startswith(("{{", "{%"))
    return isinstance(entry, Verbatim)


def _settled(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise ConditionError(
        f"{UNTRUSTED} It is made by a template and gives {type(value).__name__}, not a boolean.",
        hint="write the expression without {{ }}")

