"""Prints a message or a variable during a run.

Example:

    - debug:
        msg: "{{ inventory_hostname }} runs {{ ansible_distribution }}"

Returns: ``msg``, or the variable under its own name. Runs in check mode.
"""

from __future__ import annotations

import re
from typing import Any

from modules.api import Arg, exclusive
from orchestrator.content.yaml import Verbatim
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value
from orchestrator.errors import SyntaxFault, TaskFault, TemplateError, UndefinedVariable, VaultError
from orchestrator.template.conditions import UNTRUSTED
from orchestrator.template.omit import OMIT
from orchestrator.template.types import Template, TrustedText

ARGS = {
    "msg": Arg("any", help="What to print; the default is a greeting."),
    "var": Arg("raw", help="The name of a variable, or an expression without braces, to print."),
    "verbosity": Arg("int", default=0, help="Print only with at least this many -v."),
}
OMITTED = "<<Omit>>"
RULES = (exclusive("msg", "var"),)
CONSTANT = re.compile(r"""\{\{\s*(["'])[^"'{}]*\1\s*\}\}""")
"""A template that gives a fixed text: what comes out is data, and data is no name."""


async def run(call: Call) -> Value:
    args = call.args
    unknown = set(args) - set(ARGS)
    if unknown:
        raise TaskFault(f"Unsupported parameters for (debug) module: {', '.join(sorted(unknown))}. "
                        f"Supported parameters include: {', '.join(ARGS)}.", code="arguments", origin=call.task.origin)
    if "msg" in args and "var" in args:
        raise TaskFault("parameters are mutually exclusive: msg|var", code="arguments", origin=call.task.origin)
    if call.run.options.verbosity < int(args.get("verbosity") or 0):
        return {"changed": False, "skipped": True, "skipped_reason": "Verbosity threshold not met."}
    if "var" in args:
        return {"changed": False, **_variable(call, args["var"]), "_ansible_verbose_always": True}
    return {"changed": False, "msg": args.get("msg", "Hello world!"), "_ansible_verbose_always": True}


def _variable(call: Call, var: Any) -> dict[str, Any]:
    if not isinstance(var, str):
        raise TaskFault(f"{type(var).__name__!r} is not a string and conversion is not allowed: var takes a name",
                        code="arguments", origin=call.task.origin)
    written = call.task.args.get("var", var)
    if isinstance(written, Verbatim) or isinstance(written, Template) and CONSTANT.fullmatch(written.source.strip()):
        raise TaskFault(UNTRUSTED, code="arguments", origin=call.task.origin)
    if isinstance(written, Template) and not var.isidentifier() and type(var) is not TrustedText:
        # The name was made by a template: what a host may have put in is looked up, never evaluated.
        return {written.source.strip("{} "): var}
    try:
        value = call.run.engine.expression(var, call.scope, call.task.origin)
        if value is OMIT or str(value) == OMITTED:
            return {var: OMITTED, "warnings": [f"A template was resolved to an Omit scalar, which could not be omitted "
                                               f"(debug: var={var})"]}
        return {var: value}
    except UndefinedVariable as error:
        reason = error.message
        return {var: f"<< error 1 - {reason} >>", "warnings": [f"{reason} (debug: var={var})"]}
    except (TemplateError, SyntaxFault, VaultError) as error:
        raise error.within("Error while resolving `var` expression: ") from error.__cause__
