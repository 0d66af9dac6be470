"""Runs a module that orch does not have itself, as it is: one written for Ansible, or a program of the operator's own.

Example::

    - name: What the controller makes of a task whose module comes from a library/ folder or a collection
      bridged:
        module: helloworld
        style: want_json
        code: {blob: 0f4c, size: 120}
        args: {name: World}

The controller fills in everything: ``code`` is the module (a blob reference), or for ``new`` an archive of it and all
that it imports. Nobody writes this in a playbook. The module runs in a process of its own, with a folder of mode 0700
that is removed behind it; arguments go in by stdin (``new``) or by a file in that folder, never by the command line.
Returns what the module returns. Its warnings become warnings of the task.
Errors: ``module_failed`` (it said so), ``no_result`` (it printed none), ``module_crashed``, ``no_interpreter``.
"""

import json
import os
import shlex
import sys

from modules.api import Arg, Failed
from modules.support import bridged_archive
from modules.support.bridged_result import result_of

STYLES = ("new", "json_args", "want_json", "old", "binary")

ARGS = {
    "module": Arg("str", "The module's name, for messages.", required=True),
    "style": Arg("str", "How it wants its arguments, by Ansible's developer guide.", required=True, choices=STYLES),
    "code": Arg("raw", "The module, or the archive: a blob reference, or for async {inline: base64}.", required=True),
    "dotted": Arg("str", "The name of a Python module in the archive."),
    "args": Arg("raw", "The arguments that the task gives it.", default={}),
    "settings": Arg("raw", "The arguments beginning with _ansible_ that Ansible adds.", default={}),
    "nofile": Arg("int", "How many files a Python module may have open, within the host's hard limit; 0: as it is.",
                  default=0),
    "interpreter": Arg("raw", "The words that run it; none: the Python that runs this."),
}
CHECK_MODE = "own"
REPLACED = b"<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"


def run(args, host):
    folder = host.tempdir(executable=args["style"] == "binary")
    given = dict(args["args"])
    given.update(args["settings"], _ansible_tmpdir=folder + "/", _ansible_remote_tmp=os.path.dirname(folder))
    completed = _PERFORM[args["style"]](args, given, folder, host)
    values = result_of(completed, host)
    if "inline" in args["code"] and completed.stderr:
        values.setdefault("stderr", completed.stderr)  # as Ansible has it for tasks with async, and for those alone
    return values


def _new(args, given, folder, host):
    path = _placed(args, folder, "module.zip", host)
    order = json.dumps({"dotted": args["dotted"], "args": given, "nofile": args["nofile"]})
    return _execute([_python(args)[0], path], args, host, order)


def _with_file(args, given, folder, host, text):
    path = _placed(args, folder, _file_name(args["module"]), host)
    return _execute(_words(args) + [path, _written(folder, "args", text)], args, host)


def _want_json(args, given, folder, host):
    return _with_file(args, given, folder, host, json.dumps(given))


def _old(args, given, folder, host):
    """``name=value`` words on one line, quoted so that a shell may source them."""
    words = ["%s=%s" % (name, shlex.quote(_as_text(value))) for name, value in given.items()]
    return _with_file(args, given, folder, host, " ".join(words))


def _json_args(args, given, folder, host):
    code = _code(args, host).replace(REPLACED, json.dumps(given).encode("ascii"))
    return _execute(_words(args) + [_written(folder, _file_name(args["module"]), code)], args, host)


def _binary(args, given, folder, host):
    path = _placed(args, folder, _file_name(args["module"]), host)
    os.chmod(path, 0o700)
    return _execute([path, _written(folder, "args", json.dumps(given))], args, host)


_PERFORM = {"new": _new, "want_json": _want_json, "old": _old, "json_args": _json_args, "binary": _binary}


def _execute(argv, args, host, stdin=None):
    try:
        return host.run(argv, input=stdin)
    except Failed as fault:
        if fault.code == "command_not_found":
            raise Failed("no_interpreter", "The module interpreter '%s' was not found." % argv[0],
                         "Install it, or set ansible_%s_interpreter" % os.path.basename(argv[0]), rc=127)
        raise


def _words(args):
    return [str(word) for word in args["interpreter"]] if args["interpreter"] else _python(args)


def _python(args):
    if args["interpreter"]:
        return [str(word) for word in args["interpreter"]]
    if not sys.executable:
        raise Failed("no_interpreter", "This runtime does not know where its Python is",
                     "Set ansible_python_interpreter to a full path")
    return [sys.executable]


def _code(args, host):
    """The bytes of the module, kept for the next task unless they are too many."""
    ref = args["code"]
    if "inline" in ref:
        import base64
        return base64.b64decode(ref["inline"])
    data = bridged_archive.take(ref.get("blob"))
    if data is None:
        data = host.blob_bytes(ref, bridged_archive.KEPT_BYTES)
        bridged_archive.keep(ref["blob"], data)
    return data


def _placed(args, folder, name, host):
    if args["code"].get("size", 0) > bridged_archive.KEPT_BYTES:
        return host.blob_file(args["code"], folder)
    return _written(folder, name, _code(args, host))


def _written(folder, name, data):
    path = os.path.join(folder, name)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data)
    return path


def _file_name(module):
    return module.rpartition(".")[2] or "module"


def _as_text(value):
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, (dict, list)) else str(value)
