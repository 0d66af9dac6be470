"""Becoming another user without a runtime: for `raw` and `script` on hosts that have no Python."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from orchestrator.errors import TaskFault

if TYPE_CHECKING:
    from orchestrator.engine.call import Call

PROMPT = "orch-password:"


def as_user(call: Call, command: str, executable: str | None = None) -> tuple[str, bytes]:
    """The command line and its stdin, so that it runs as the task's become user, and in its environment.

    A sudo password goes in by stdin (``sudo -S``), never on the command line. ``su`` needs a terminal and is refused.
    """
    shell = executable or "/bin/sh"
    exports = "".join(f"{name}={shlex.quote(value)} " for name, value in call.environment().items())
    if exports:
        command = f"export {exports}; {command}"
    identity = call.become_identity()
    if identity is None:
        return (f"{shell} -c {shlex.quote(command)}" if executable or exports else command), b""
    if identity.method != "sudo":
        raise TaskFault(f"raw cannot become a user by '{identity.method}'", code="become_method",
                        origin=call.task.origin, hint="use become_method: sudo, or install Python on the host first")
    exe = identity.exe or "sudo"
    ask = ["-S", "-p", PROMPT] if identity.password else ["-n"]
    words = [exe, *ask, *shlex.split(identity.flags or ""), "-u", identity.user, "--", shell, "-c", command]
    stdin = (identity.password() + "\n").encode() if identity.password else b""
    return " ".join(shlex.quote(w) for w in words), stdin
