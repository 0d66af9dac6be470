"""Fails unless every given expression is true.

Example:

    - assert:
        that:
          - ansible_memtotal_mb >= 512
        fail_msg: this host is too small

Returns: ``assertion`` and ``evaluated_to`` of the first that does not hold, ``msg``.
"""

from __future__ import annotations

import re
from typing import Any

from modules.api import Arg
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value
from orchestrator.errors import TaskFault
from orchestrator.template.conditions import DELIMITED, is_delimited, judged
from orchestrator.template.types import Template

ARGS = {
    "that": Arg("raw", required=True, help="An expression, or a list of them, as in `when`."),
    "fail_msg": Arg("any", aliases=("msg",), help="Said when an expression is false."),
    "success_msg": Arg("any", help="Said when all hold."),
    "quiet": Arg("bool", default=False, help="Do not list what was checked."),
}
NAME = re.compile(r"\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*\}\}")


async def run(call: Call) -> Value:
    args = call.args
    if "that" not in args:
        raise TaskFault("missing required arguments: that", code="arguments", origin=call.task.origin)
    failed_text = args.get("fail_msg", args.get("msg", "Assertion failed"))
    value: Value = {"changed": False, "msg": args.get("success_msg", "All assertions passed")}
    if str(args.get("quiet", False)).lower() not in ("true", "yes", "1", "on"):
        value["_ansible_verbose_always"] = True
    for expression in _expressions(call):
        holds, delimited = judged(call.run.engine, expression, call.scope, call.task.origin)
        if delimited:
            value.setdefault("deprecations", []).append({"msg": DELIMITED, "version": "2.23"})
        if not holds:
            shown = expression.source if isinstance(expression, Template) else expression
            return {**value, "failed": True, "evaluated_to": False, "assertion": shown, "msg": failed_text,
                    "error_code": "assertion"}
    return value


def _expressions(call: Call) -> list[Any]:
    """What is to hold, each as it is written; of a list in a variable, the entries as they are written there."""
    written = call.task.args.get("that", call.args["that"])
    if isinstance(written, Template):
        name = NAME.fullmatch(written.source.strip())
        raw = _raw(call, name[1]) if name else None
        written = raw if isinstance(raw, list) else written
        if isinstance(written, Template) and is_delimited(written.source):
            made = call.render(written)
            written = made if isinstance(made, list) else written
    return list(written) if isinstance(written, list) else [written]


def _raw(call: Call, name: str) -> Any:
    try:
        return call.scope.lookup(name)
    except KeyError:
        return None
