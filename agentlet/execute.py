"""Executes one module on a host: validate, check, apply; gives a result and never raises for what a module does.

What a module's functions return:

* ``check(args, host)``: a `Change`, or `Same`/None when there is nothing to do;
* ``apply(args, change, host)``: None, or a dict of return values added to those of the change;
* ``run(args, host)``: a dict of return values, in which ``changed`` (default False), ``skipped`` and ``diff`` have
  Ansible's meaning; or `Change`, `Same`, None.

A result is ``{status, values, diff, warnings, error}``: status is ok, changed, skipped or failed; error is None or
``{code, message, hint}``. An exception that is no `Failed` becomes ``module_crashed``, with its traceback in
``values["exception"]`` unless the task has no_log.
"""

import importlib
import json

from agentlet import arguments, files
from modules.api import MAKEABLE, Change, Failed, Same

DIFF_LIMIT_BYTES = 100 * 1024
NO_LOG_TEXT = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def execute(module, args, host):
    """Runs ``module`` (its name in ``modules/``, or the module itself) with raw ``args`` on an `Act`."""
    secrets = ()
    try:
        code = load(module) if isinstance(module, str) else module
        spec = code.ARGS
        secrets = arguments.no_log_values(args, _with_aliases(spec))
        complete = arguments.validate(args, spec, getattr(code, "RULES", ()), getattr(code, "ALLOW_UNKNOWN", False),
                                      expand=True, module=code.__name__.rpartition(".")[2], warn=host.warn)
        result = _perform(code, complete, host)
    except Failed as fault:
        if host.check_mode and host.planning and fault.code in MAKEABLE:
            host.warn("cannot be looked at yet, an earlier task may be about to make it: %s" % fault.message)
            result = _result("changed", fault.values)
        else:
            result = failure(fault.code, fault.message, fault.hint, fault.values)
    except MemoryError:
        result = failure("out_of_memory", "The module needs more memory than it may use",
                         "Raise the memory limit, or split the work")
    except (Exception, SystemExit) as error:
        result = _crash(error, host.no_log)
    finally:
        host.close()
    result["warnings"] = list(host.warnings)
    return _censored(result, secrets) if secrets else result


def load(name):
    """The module of that name, imported; `Failed` with ``no_module`` or ``module_broken``."""
    try:
        return importlib.import_module("modules." + name)
    except ImportError as error:
        if getattr(error, "name", None) in ("modules." + name, "modules"):
            raise Failed("no_module", "There is no module %s" % name)
        raise Failed("module_broken", "The module %s cannot be imported: %s" % (name, error))
    except Exception as error:
        raise Failed("module_broken", "The module %s is broken: %s: %s" % (name, type(error).__name__, error),
                     exception=_trace())


def warm(tasks):
    """Imports the modules of tasks, for forks to find them. A broken one is reported by the task that needs it."""
    for name in sorted(set(task["module"] for task in tasks)):
        try:
            load(name)
        except (Failed, SystemExit):
            continue


def failure(code, message, hint=None, values=None):
    """A failed result; ``msg`` is there for whoever reads it as Ansible's."""
    values = dict(values or {})
    values.setdefault("msg", message)
    return {"status": "failed", "values": values, "diff": [], "warnings": [],
            "error": {"code": code, "message": message, "hint": hint}}


def censor(value, secrets):
    """``value`` with every secret taken out: a text that is one is replaced, within a text it becomes stars."""
    if isinstance(value, str):
        if value in secrets:
            return NO_LOG_TEXT
        for secret in sorted(secrets, key=len, reverse=True):
            value = value.replace(secret, "********")
        return value
    if isinstance(value, dict):
        return {name: censor(part, secrets) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [censor(part, secrets) for part in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and str(value) in secrets:
        return NO_LOG_TEXT
    return value


def _censored(result, secrets):
    # Status and code are our own words: a secret that happens to be "ok" must not change them.
    for part in ("values", "diff", "warnings"):
        result[part] = censor(result[part], secrets)
    if result["error"]:
        for part in ("message", "hint"):
            result["error"][part] = censor(result["error"][part], secrets)
    return result


def _with_aliases(spec):
    """The spec under every name by which an argument may come, so that a secret under an alias is one too."""
    every = dict(spec)
    for arg in spec.values():
        every.update((alias, arg) for alias in arg.aliases)
    return every


def _perform(code, args, host):
    if not hasattr(code, "check"):
        return _run(code, args, host)
    change = code.check(args, host.look)
    if change is None or isinstance(change, Same):
        return _result("ok", getattr(change, "values", {}))
    values = dict(change.values)
    if not host.check_mode:
        values.update(code.apply(args, change, host) or {})
    return _result("changed", values, _diff(change) if host.diff else [])


def _run(code, args, host):
    if host.check_mode and getattr(code, "CHECK_MODE", "skip") == "skip":
        name = code.__name__.rpartition(".")[2]
        return _result("skipped", {"skipped": True, "msg": "The module %s does nothing in check mode" % name})
    returned = code.run(args, host)
    if isinstance(returned, Change):
        return _result("changed", returned.values, _diff(returned) if host.diff else [])
    if returned is None or isinstance(returned, Same):
        return _result("ok", getattr(returned, "values", {}))
    values = dict(returned)
    changed = bool(values.pop("changed", False))
    diff = values.pop("diff", None) or []
    status = "skipped" if values.get("skipped") else "changed" if changed else "ok"
    return _result(status, values, [_entry(part) for part in _listed(diff)] if host.diff else [])


def _result(status, values, diff=()):
    return {"status": status, "values": dict(values), "diff": list(diff), "warnings": [], "error": None}


def _diff(change):
    if change.diff is not None:
        return [_entry(part) for part in change.diff]
    if change.before is None and change.after is None:
        return []
    return [_entry({"before": change.before, "after": change.after, "before_header": change.before_header,
                    "after_header": change.after_header})]


def _entry(part):
    entry = {name: value for name, value in part.items() if value is not None or name in ("before", "after")}
    for side in ("before", "after"):
        entry[side] = _limited(entry.get(side))
    return entry


def _limited(side):
    """One side of a diff as it is, or its first part with a line that says how much is missing."""
    if side is None:
        return ""
    text = side if isinstance(side, str) else json.dumps(side, sort_keys=True, default=str)
    if len(text) * 4 <= DIFF_LIMIT_BYTES:
        return side
    data = text.encode("utf-8", "surrogateescape")
    if len(data) <= DIFF_LIMIT_BYTES:
        return side
    head = data[:DIFF_LIMIT_BYTES].decode("utf-8", "surrogateescape")
    return "%s\n[... %d more bytes]\n" % (head, len(data) - DIFF_LIMIT_BYTES)


def _listed(diff):
    return diff if isinstance(diff, (list, tuple)) else [diff]


def _crash(error, no_log):
    if isinstance(error, OSError) and error.errno is not None:
        fault = files.failed(error, error.filename or "a file", "use")
        if fault.code not in ("os_error", "no_path"):
            return failure(fault.code, fault.message, fault.hint, {} if no_log else {"exception": _trace()})
    kind = type(error).__name__
    if no_log:
        return failure("module_crashed", "The module crashed with %s" % kind)
    return failure("module_crashed", "The module crashed: %s: %s" % (kind, error), None, {"exception": _trace()})


def _trace():
    import traceback  # costs 2 ms, and most tasks do not crash
    return traceback.format_exc()
