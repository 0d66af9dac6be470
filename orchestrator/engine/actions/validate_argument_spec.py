"""Checks a role's parameters against its argument_specs; put at the start of a role that has them.

Example:

    - validate_argument_spec:
        argument_spec: "{{ specs.options }}"
        provided_arguments: {port: 80}

Returns: ``argument_errors`` when something is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.api import Arg, Failed
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, failure

ARGS = {
    "argument_spec": Arg("dict", required=True, help="The options, as in meta/argument_specs.yml."),
    "provided_arguments": Arg("dict", default={}, help="Values that stand above the variables of the same names."),
    "validate_args_context": Arg("dict", default={}, help="Names the role in messages."),
}
TYPES = {"str", "bool", "int", "float", "path", "list", "dict", "raw"}


async def run(call: Call) -> Value:
    spec = call.args.get("argument_spec") or {}
    context = call.args.get("validate_args_context") or {}
    provided = call.args.get("provided_arguments") or {}
    values = {name: provided.get(name, _variable(call, name)) for name in spec}
    errors = _errors(spec, {k: v for k, v in values.items() if v is not None})
    if errors:
        return failure("Validation of arguments failed:\n" + "\n".join(errors), "arguments", argument_errors=errors,
                       argument_spec_data=spec, validate_args_context=context)
    return {"changed": False, "msg": "The arg spec validation passed", "validate_args_context": context}


def _variable(call: Call, name: str) -> Any:
    try:
        return call.render(call.scope.lookup(name))
    except KeyError:
        return None


def _errors(spec: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    from agentlet.arguments import validate

    try:
        validate(dict(values), {name: _arg(option) for name, option in spec.items()}, ())
    except Failed as error:
        return [error.message]
    return []


def _arg(option: Mapping[str, Any] | None) -> Arg:
    option = option or {}
    kind = option.get("type", "str")
    nested = option.get("options")
    return Arg(
        kind if kind in TYPES else "raw", required=bool(option.get("required")), default=option.get("default"),
        choices=option.get("choices"), elements=option.get("elements"), no_log=bool(option.get("no_log")),
        suboptions={k: _arg(v) for k, v in nested.items()} if nested else None,
    )
