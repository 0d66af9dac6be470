"""What a module written for Ansible printed, as return values.

The JSON is found between other lines, and the objects of Ansible's own serialization are made plain.
"""

import json

from modules.api import Failed

NO_JSON = "Module result deserialization failed: No start of json char found"
TRUNCATED = "Module result deserialization failed: the output is too long"
SHOWN_BYTES = 64 * 1024
_TYPE = "__ansible_type"
_OWN_FLAGS = ("_ansible_", "_crashed")


def result_of(completed, host):
    """The values of a module that went well; `Failed` with all its values for one that did not."""
    values, junk = parsed(completed.stdout)
    if values is None:
        raise _without_result(completed)
    if junk:
        host.warn("Module invocation had junk after the JSON data: %s" % junk[:SHOWN_BYTES])
    crashed = bool(values.get("_crashed"))
    if _is_error(values.get("exception")) and not values.get("msg"):
        crashed, values["msg"] = True, "Task failed: Module failed: %s" % _chained(values["exception"]["event"])
    values = {name: plain(value) for name, value in values.items() if not str(name).startswith(_OWN_FLAGS)}
    for warning in _listed(values.pop("warnings", None)):
        host.warn(str(warning))
    if "diff" in values:
        values["diff"] = [part if isinstance(part, dict) else {"prepared": str(part)} for part in
                          _listed(values["diff"])]
    if not failed(values):
        return values
    values.pop("failed", None)
    fault = Failed("module_crashed" if crashed else "module_failed", _as_message(values.get("msg")))
    fault.values = values  # not as keywords: a module may return a `message` or a `hint` of its own
    raise fault


def parsed(text):
    """``(values, what stood behind)`` of the first line that begins a JSON object; ``(None, "")`` when none does."""
    decoder = json.JSONDecoder()
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end + 1
        if text[start:start + 1] == "{" or text[start:end].lstrip().startswith("{"):
            at = text.index("{", start)
            try:
                values, behind = decoder.raw_decode(text, at)
            except ValueError:
                pass
            else:
                if isinstance(values, dict):
                    return values, text[behind:].strip()
        start = end
    return None, ""


def failed(values):
    """Whether a module's values mean that it failed: it says so, or its return code does and it says nothing."""
    if "failed" in values:
        return values["failed"] not in (False, None, "", 0, "false", "False", "no")
    return values.get("rc", 0) not in (0, None, "0")


def plain(value):
    """``value`` without the marks and objects of Ansible's own serialization: messages become their texts."""
    if isinstance(value, list):
        return [plain(part) for part in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_TYPE)
    if kind is None:
        return {name: plain(part) for name, part in value.items()}
    event = value.get("event") if isinstance(value.get("event"), dict) else value
    message = event.get("msg")
    if kind == "ErrorSummary":
        return event.get("formatted_traceback") or message
    if kind == "DeprecationSummary":
        return _deprecation(value, message)
    if kind == "WarningSummary" or (kind == "Event" and message is not None):
        return message
    return plain(value["value"]) if "value" in value else {n: plain(part) for n, part in value.items() if n != _TYPE}


def _is_error(value):
    return isinstance(value, dict) and value.get(_TYPE) == "ErrorSummary" and isinstance(value.get("event"), dict)


def _chained(event):
    """The message of an error with those of its causes behind it."""
    parts = []
    while isinstance(event, dict) and len(parts) < 20:
        parts.append(str(event.get("msg")))
        chain = event.get("chain")
        event = chain.get("event") if isinstance(chain, dict) else None
    return ": ".join(parts)


def _deprecation(value, message):
    found = {"msg": message}
    for name in ("version", "date"):
        if value.get(name) is not None:
            found[name] = value[name]
    deprecator = value.get("deprecator")
    if isinstance(deprecator, dict) and deprecator.get("resolved_name"):
        found["collection_name"] = deprecator["resolved_name"]
    return found


def _without_result(completed):
    message = TRUNCATED if completed.truncated else NO_JSON
    return Failed("no_result", message, "See module_stdout and module_stderr", rc=completed.rc,
                  module_stdout=completed.stdout[:SHOWN_BYTES], module_stderr=completed.stderr[:SHOWN_BYTES])


def _as_message(message):
    if message in (None, ""):
        return "The module failed and does not say why"
    return message if isinstance(message, str) else json.dumps(message)


def _listed(value):
    return value if isinstance(value, list) else [] if value is None else [value]
