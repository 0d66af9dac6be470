"""Validates a task's arguments against a module's `ARGS` and `RULES`, and coerces them as Ansible does.

Used on both sides: the controller checks a playbook with ``expand=False`` before a host is touched; the host does the
same again with ``expand=True``, which expands ``~`` and ``$VARIABLES`` in paths with its own home and environment.
"""

import json
import os
import re

from modules.api import Failed

TRUE = frozenset(("y", "yes", "on", "1", "true", "t", 1, 1.0, True))
FALSE = frozenset(("n", "no", "off", "0", "false", "f", 0, 0.0, False))
_UNITS = {"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50, "E": 1 << 60,
          "Z": 1 << 70, "Y": 1 << 80}


def validate(args, spec, rules=(), allow_unknown=False, expand=False, module="", warn=None):
    """The arguments, complete: every name of ``spec`` is there, typed, aliases resolved, defaults put in.

    ``args`` is left as it is. An argument that is None counts as not given. ``warn`` is called with a sentence for
    what works but should be changed. Raises `Failed` with ``bad_arguments`` and a sentence that names the argument, in
    Ansible's words: playbooks match on them.
    """
    given = _resolve_aliases(args, spec, warn)
    unknown = [name for name in given if name not in spec]
    if unknown and not allow_unknown:
        raise _unknown(unknown, spec, module)
    present = set(name for name, value in given.items() if value is not None)
    _check_exclusive(rules, present)
    _check_required(spec, present)
    result = {name: given[name] for name in unknown}
    for name, arg in spec.items():
        result[name] = _value(name, arg, given.get(name), expand, warn)
    _check_rules(rules, present, result)
    return result


def no_log_values(args, spec):
    """Every value of an argument that is declared ``no_log``, as text, nested ones too: to be taken out of results."""
    found = set()
    for name, arg in spec.items():
        value = args.get(name)
        if arg.no_log:
            _collect(value, found)
        elif arg.suboptions and value:
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, dict):
                    found |= no_log_values(part, arg.suboptions)
    return found


def boolean(value):
    """True or False for what Ansible takes as one; `ValueError` for anything else."""
    key = value.strip().lower() if isinstance(value, str) else value
    try:
        if key in TRUE:
            return True
        if key in FALSE:
            return False
    except TypeError:
        pass
    raise ValueError("The value %r is not a valid boolean (yes or no)" % (value,))


def size_bytes(value):
    """``10M``, ``1.5G``, ``512`` and ``2KB`` as bytes, in steps of 1024; `ValueError` for anything else."""
    match = re.match(r"^\s*([0-9]+(?:\.[0-9]*)?)\s*([A-Za-z]?)([Bb]|[Bb]ytes)?\s*$", str(value))
    unit = match.group(2).upper() if match else None
    if unit not in _UNITS:
        raise ValueError("%r is not a size (such as 512, 10M or 1.5G)" % (value,))
    return int(float(match.group(1)) * _UNITS[unit])


def nearest(name, names):
    """The most similar of ``names``, or None. difflib is imported only here, since it is seldom needed."""
    import difflib
    found = difflib.get_close_matches(str(name), [str(n) for n in names], 1, 0.6)
    return found[0] if found else None


def _resolve_aliases(args, spec, warn):
    names = {alias: name for name, arg in spec.items() for alias in arg.aliases}
    result = {}
    for written, value in args.items():
        name = written if written in spec else names.get(written, written)
        if name != written and args.get(name) is not None:
            if warn:
                warn("Both %s and its alias %s are given; %s counts" % (name, written, name))
            continue
        result[name] = value
    return result


def _unknown(names, spec, module):
    aliases = sorted(alias for arg in spec.values() for alias in arg.aliases)
    near = nearest(names[0], list(spec) + aliases)
    known = "%s%s" % (", ".join(sorted(spec)), " (%s)" % ", ".join(aliases) if aliases else "")
    message = "Unsupported parameters for (%s) module: %s. Supported parameters include: %s." % (
        module or "this", ", ".join(sorted(names)), known)
    return _fault(message, "Did you mean %s?" % near if near else None, names[0])


def _value(name, arg, value, expand, warn):
    if value is None:
        value = arg.default
        if value is None:
            return None
    try:
        value = coerce(value, arg.type, expand)
        if arg.elements and isinstance(value, list):
            value = [coerce(item, arg.elements, expand) for item in value]
    except (ValueError, TypeError) as error:
        shown = "its value is not shown" if arg.no_log else str(error)
        raise _fault("argument '%s' is of type %s and we were unable to convert to %s: %s" % (
            name, type(value).__name__, arg.type, shown), argument=name)
    if arg.choices is not None:
        value = _choose(name, arg, value)
    return _with_suboptions(name, arg, value, expand, warn) if arg.suboptions else value


def _with_suboptions(name, arg, value, expand, warn):
    def one(part, where):
        if not isinstance(part, dict):
            raise _fault("The argument %s must be a dict" % where, argument=where)
        try:
            return validate(part, arg.suboptions, expand=expand, warn=warn)
        except Failed as fault:
            raise _fault("%s found in %s" % (fault.message, where), fault.hint, where)
    if isinstance(value, list):
        return [one(part, "%s[%d]" % (name, index)) for index, part in enumerate(value)]
    return one(value, name)


def _choose(name, arg, value):
    if isinstance(value, list):
        return [_choose(name, arg, item) for item in value]
    choices = list(arg.choices)
    if value in choices and isinstance(value, bool) == any(c is value for c in choices if isinstance(c, bool)):
        return value
    # YAML turns yes, no, on and off into booleans, also where a module means the word.
    if value in (True, False, "True", "False"):
        same = [choice for choice in choices if choice in (TRUE if value in (True, "True") else FALSE)]
        if len(same) == 1:
            return same[0]
    if value in choices:
        return value
    shown = "a value that is not shown" if arg.no_log else value
    near = None if arg.no_log else nearest(value, choices)
    hint = "Did you mean %s?" % near if near else None
    listed = ", ".join(str(choice) for choice in choices)
    raise _fault("value of %s must be one of: %s, got: %s" % (name, listed, shown), hint, name)


def coerce(value, kind, expand=False):
    """``value`` as ``kind``; `ValueError` or `TypeError` with a sentence when it cannot be."""
    return _COERCE[kind](value, expand)


def _str(value, expand):
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else str(value)


def _path(value, expand):
    if not isinstance(value, (str, int, float, dict)):  # a dict's text is a path that is nowhere, as in Ansible
        raise ValueError("%r is not a path" % (value,))
    text = str(value)
    return os.path.expanduser(os.path.expandvars(text)) if expand else text


def _int(value, expand):
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value == int(value):
        return int(value)
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
    raise ValueError("%r cannot be converted to an int: it is not a whole number" % (value,))


def _float(value, expand):
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            pass
    raise ValueError("%r is not a number" % (value,))


def _list(value, expand):
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, str):
        return value.split(",")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return [str(value)]
    raise ValueError("%r is not a list" % (value,))


def _dict(value, expand):
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("{"):
            return _dict_of_literal(text)
        if "=" in text:
            return _dict_of_pairs(text)
    raise ValueError("%r is not a dict (nor JSON, nor key=value)" % (value,))


def _dict_of_literal(text):
    try:
        result = json.loads(text)
    except ValueError:
        import ast
        try:
            result = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise ValueError("it is neither JSON nor a literal dict")
    if not isinstance(result, dict):
        raise ValueError("it is a %s" % type(result).__name__)
    return result


def _dict_of_pairs(text):
    """``a=1, b="x, y"``: pairs parted by commas or spaces outside of quotes; a backslash keeps the next character."""
    pairs, field, quote, escaped = [], "", None, False
    for char in text:
        if escaped:
            field, escaped = field + char, False
        elif char == "\\":
            escaped = True
        elif quote is None and char in "'\"":
            quote = char
        elif char == quote:
            quote = None
        elif quote is None and char in ", ":
            pairs, field = pairs + [field], ""
        else:
            field += char
    pairs = [pair for pair in pairs + [field] if pair]
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise ValueError("%r is not key=value" % wrong[0])
    return dict(pair.split("=", 1) for pair in pairs)


_COERCE = {
    "str": _str, "path": _path, "int": _int, "float": _float, "list": _list, "dict": _dict,
    "bool": lambda value, expand: boolean(value),
    "bytes": lambda value, expand: size_bytes(value),
    "raw": lambda value, expand: value, "any": lambda value, expand: value, "mode": lambda value, expand: value,
}


def _check_exclusive(rules, present):
    for kind, names in rules:
        both = [name for name in names if name in present] if kind == "exclusive" else []
        if len(both) > 1:
            raise _fault("parameters are mutually exclusive: %s" % "|".join(names), argument=both[1])


def _check_required(spec, present):
    missing = sorted(name for name, arg in spec.items() if arg.required and name not in present)
    if missing:
        raise _fault("missing required arguments: %s" % ", ".join(missing), spec[missing[0]].help or None, missing[0])


def _check_rules(rules, present, result):
    for kind, names in rules:
        if kind == "one_of" and not any(result.get(name) is not None for name in names):
            raise _fault("one of the following is required: %s" % ", ".join(names), argument=names[0])
        elif kind == "together":
            missing = [name for name in names if name not in present]
            if missing and len(missing) < len(names):
                raise _fault("parameters are required together: %s" % ", ".join(names),
                             "missing: %s" % ", ".join(missing), missing[0])
        elif kind == "required_if" and result.get(names[0]) == names[1]:
            _need(names[2:], result, "%s is %s but all of the following are missing: {}" % names[:2])
        elif kind == "required_by" and names[0] in present:
            _need(names[1:], result, "missing parameter(s) required by '%s': {}" % names[0])


def _need(names, result, why):
    missing = [name for name in names if result.get(name) is None]
    if missing:
        raise _fault(why.format(", ".join(missing)), argument=missing[0])


def _collect(value, found):
    if isinstance(value, dict):
        for part in value.values():
            _collect(part, found)
    elif isinstance(value, (list, tuple)):
        for part in value:
            _collect(part, found)
    elif value is not None and not isinstance(value, bool) and str(value):
        found.add(str(value))


def _fault(message, hint=None, argument=None):
    return Failed("bad_arguments", message, hint, **({"argument": argument} if argument else {}))
