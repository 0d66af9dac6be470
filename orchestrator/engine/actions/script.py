"""Runs a script of the playbook's on the host; a shell script needs no Python there.

Example:

    - script: files/setup.sh --color blue
      args:
        creates: /etc/setup.done

Returns: what ``shell`` returns. Not retry-safe: a receipt tells whether it has run.
"""

from __future__ import annotations

import shlex
from typing import Any

from modules.api import Arg
from orchestrator.engine.actions.copy import Blobs, offer
from orchestrator.engine.call import WITHOUT_PYTHON, Call
from orchestrator.engine.outcome import Value, add_lines, failure
from orchestrator.engine.raw_become import as_user
from orchestrator.errors import OrchError

ARGS = {
    "cmd": Arg("str", help="The script, searched as copy's src is, and its arguments."),
    "chdir": Arg("path", help="Change into this directory of the host first."),
    "creates": Arg("path", help="Do nothing when this exists on the host."),
    "removes": Arg("path", help="Do nothing when this does not exist on the host."),
    "executable": Arg("str", help="The interpreter, with its own arguments."),
    "decrypt": Arg("bool", default=True, help="Open a vaulted script."),
}
FREE_FORM = "cmd"
RETRY_SAFE = False

async def run(call: Call) -> Value:
    args: dict[str, Any] = dict(call.args)
    line = args.pop("cmd", None)
    if not line:
        return failure("one of the following is required: _raw_params, cmd", "arguments")
    words = shlex.split(str(line))
    path = call.find("files", words[0])
    blobs: Blobs = {}
    await offer(call, args, path, blobs)
    del args["_original_basename"]
    args.update(script=args.pop("src"), name=path.name, arguments=" ".join(shlex.quote(w) for w in words[1:]))
    try:
        return await call.execute("script", args, blobs=blobs)
    except OrchError as error:
        if error.code not in WITHOUT_PYTHON or set(call.args) & {"creates", "removes", "chdir"}:
            raise
    return await _without_python(call, path.read_bytes(), words[1:], args.get("executable"))


async def _without_python(call: Call, text: bytes, words: list[str], executable: Any) -> Value:
    """A shell script goes in by the shell's stdin: nothing is written on the host."""
    first = text.split(b"\n", 1)[0]
    shell = str(executable or (first[2:].decode().strip() if first.startswith(b"#!") else "/bin/sh"))
    if "python" in shell:
        return failure("this script needs Python, which the host has not", "no_python")
    command, stdin = as_user(call, f"{shell} -s {' '.join(shlex.quote(w) for w in words)}".rstrip())
    return add_lines(await call.raw(command, stdin + text))
