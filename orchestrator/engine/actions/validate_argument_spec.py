"""Checks a role's parameters against its argument_specs; put at the start of a role that has them.

Example:

    - validate_argument_spec:
        argument_spec: "{{ specs.options }}"
        provided_arguments: {port: 80}

Returns: ``argument_errors`` when something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modules.api import Arg, Failed
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, failure

ARGS = {
    "argument_spec": Arg("dict", required=True, help="The options, as in meta/argument_specs.yml."),
    "provided_arguments": Arg("dict", default={}, help="Values that stand above the variables of the same names."),
    "validate_args_context": Arg("dict", default={}, help="Names the role in messages."),
}
ABSENT = object()
NO_NULLS = {kind: f"<class 'NoneType'> cannot be converted to a {kind}" for kind in ("bool", "list", "dict", "float")}
NO_NULLS["int"] = '"None" cannot be converted to an int'
"""Why a null is no value of these types, in Ansible's words."""
TYPES = {"str", "bool", "int", "float", "path", "list", "dict", "raw"}


async def run(call: Call) -> Value:
    spec = call.args.get("argument_spec") or {}
    context = call.args.get("validate_args_context") or {}
    provided = call.args.get("provided_arguments") or {}
    values = {name: value for name in spec if (value := _value(call, provided, name)) is not ABSENT}
    errors = _errors(spec, values)
    if errors:
        return failure("Validation of arguments failed:\n" + "\n".join(errors), "arguments", argument_errors=errors,
                       argument_spec_data=spec, validate_args_context=context)
    return {"changed": False, "msg": "The arg spec validation passed", "validate_args_context": context}


def _value(call: Call, provided: Mapping[str, Any], name: str) -> Any:
    try:
        return provided[name] if name in provided else call.render(call.scope.lookup(name))
    except KeyError:
        return ABSENT


def _errors(spec: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """What is wrong with the values together, then with each of them by itself. A null that is required is no value
    of most types, but it is not missing."""
    nulls = {name for name, value in values.items() if value is None}
    given = {name: _known(value, spec[name]) for name, value in values.items() if value is not None}
    args = {name: _arg(option) for name, option in spec.items() if name not in nulls}
    found = [_error(given, args), *(_error({name: given[name]}, {name: args[name]}) for name in given),
             *(_null_error(name, _arg(spec[name])) for name in values if name in nulls),
             *(error for name, value in values.items() for error in _unknown(value, spec[name], name))]
    return list(dict.fromkeys(error for error in found if error))


def _known(value: Any, option: Mapping[str, Any] | None) -> Any:
    """The value without what its suboptions do not name."""
    nested = (option or {}).get("options")
    if not nested or not isinstance(value, Mapping):
        return value
    return {name: _known(part, nested[name]) for name, part in value.items() if name in nested}


def _unknown(value: Any, option: Mapping[str, Any] | None, path: str) -> Iterator[str]:
    """A sentence for each of those names."""
    nested = (option or {}).get("options")
    if not nested or not isinstance(value, Mapping):
        return
    for name, part in value.items():
        if name in nested:
            yield from _unknown(part, nested[name], f"{path}.{name}")
        else:
            yield f"{path}.{name}. Supported parameters include: {', '.join(sorted(nested))}."


def _null_error(name: str, arg: Arg) -> str:
    why = NO_NULLS.get(arg.type) if arg.required else None
    return f"argument '{name}' is of type NoneType and we were unable to convert to {arg.type}: {why}" if why else ""


def _error(values: Mapping[str, Any], args: Mapping[str, Arg]) -> str:
    from agentlet.arguments import validate

    try:
        validate(dict(values), dict(args), ())
    except Failed as error:
        what, *where = str(error.message).split(" found in ")
        return f"{what} found in {' -> '.join(reversed(where))}" if where else what
    return ""


def _arg(option: Mapping[str, Any] | None) -> Arg:
    option = option or {}
    kind = option.get("type", "str")
    nested = option.get("options")
    return Arg(
        kind if kind in TYPES else "raw", required=bool(option.get("required")), default=option.get("default"),
        choices=option.get("choices"), elements=option.get("elements"), no_log=bool(option.get("no_log")),
        suboptions={k: _arg(v) for k, v in nested.items()} if nested else None,
    )
